package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// mostListed is how many ranges or instances a plan lists before it says "and N more".
const mostListed = 5

// planText writes a plan for people. Its first and last line are the same and hold the counts, so
// that head and tail both show them; nothing to do is one line.
func (a *app) planText(out *printer, l *link, p planner.Plan, have planner.Observed) {
	if p.Empty() && len(p.Blockers) == 0 && len(p.Warnings) == 0 {
		out.printf("%s: nothing to do (%s)\n", p.Cluster, standing(p))
		for _, line := range lockLines(p) {
			out.printf("%s\n", line)
		}
		return
	}
	head := heading(p)
	out.printf("%s%s%s\n\n", bold, head, reset)
	region := p.Region
	if l.rehearsal != nil {
		region += " (rehearsal: nothing of this is real)"
	}
	out.printf("Region  %s\n", region)
	for _, line := range imageLines(p) {
		out.printf("%s\n", line)
	}
	for _, line := range lockLines(p) {
		out.printf("Lock    %s\n", line)
	}
	out.printf("\n")
	for _, c := range p.Placements {
		sign, verb := "+", "create"
		if c.Delete {
			sign, verb = "-", "delete"
		}
		line := fmt.Sprintf("placement group %s  to %s", c.Name, verb)
		out.printf("%s %s%s\n", sign, line, onward(columns(line)+2, "    ", because(c.Why)))
	}
	for _, g := range p.Groups {
		a.groupText(out, p, g, have)
	}
	out.printf("\n")
	if n := launches(p); n > burst {
		out.printf("%d nodes: %s on the account's bucket. EC2 grants an account %d instances\nat once and %d a second after that.\n\n", n, seconds(forecast(n)), burst, refill)
	}
	for _, q := range p.Quotas {
		if q.Need <= q.VCPUs && 2*q.Need > q.VCPUs {
			out.printf("Needs %d of the account's %d vCPUs, and what else runs there counts too:\n%s (%s).\n\n", q.Need, q.VCPUs, q.Name, q.Code)
		}
	}
	for _, d := range obstacles(p) {
		out.diagnostic(d, a.sources)
	}
	out.printf("%s%s%s\n", bold, head, reset)
}

// EC2's default bucket of launched instances, for the note about large launches.
const (
	burst  = 1000
	refill = 2
)

// forecast is how long n launches wait for the account's bucket of instances, if nobody else launches.
func forecast(n int) time.Duration {
	return time.Duration((max(0, n-burst)+refill-1)/refill) * time.Second
}

// counts are a plan's numbers that are not zero, in words.
func counts(s planner.Summary) []string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(s.Launch, "to launch")
	add(s.Terminate, "to terminate")
	add(s.Replace, "to replace")
	add(s.Start, "to start")
	add(s.Retag, "to retag")
	add(s.Unchanged, "unchanged")
	return parts
}

// heading is the cluster with the counts of its plan.
func heading(p planner.Plan) string {
	parts := counts(p.Summary())
	placements := map[bool]int{}
	for _, c := range p.Placements {
		placements[c.Delete]++
	}
	if n := placements[false]; n > 0 {
		parts = append(parts, plural(n, "placement group")+" to create")
	}
	if n := placements[true]; n > 0 {
		parts = append(parts, plural(n, "placement group")+" to delete")
	}
	head := p.Cluster + ": " + cmp.Or(strings.Join(parts, ", "), "nothing to do")
	if len(p.Blockers) > 0 {
		head += "; " + blockedText(p)
	}
	return head
}

func blockedText(p planner.Plan) string {
	return "blocked for " + plural(len(p.Blockers), "reason")
}

// standing says what there is, for a cluster that needs nothing.
func standing(p planner.Plan) string {
	n := p.Summary().Unchanged
	if n == 0 {
		return "no nodes, and none wanted"
	}
	if id := firstImage(p).ID; id != "" {
		return fmt.Sprintf("%s, image %s", plural(n, "node"), id)
	}
	return plural(n, "node")
}

// imageLines name each image of the plan once, with the groups that use it if they differ.
func imageLines(p planner.Plan) []string {
	var images []planner.Image
	users := map[string][]string{}
	for _, g := range p.Groups {
		if g.Image.ID == "" {
			continue
		}
		if users[g.Image.ID] == nil {
			images = append(images, g.Image)
		}
		users[g.Image.ID] = append(users[g.Image.ID], g.Name)
	}
	var out []string
	for _, i := range images {
		name := i.ID
		if i.Name != "" {
			name = fmt.Sprintf("%s  %s", i.ID, i.Name)
		}
		if len(images) > 1 {
			name += "  for " + strings.Join(users[i.ID], ", ")
		}
		root := "        root volume from " + cmp.Or(i.RootSnapshot, "an unknown snapshot")
		if i.RootSize > 0 { // not that of an image that is gone
			root += fmt.Sprintf(", %d GiB", i.RootSize)
		}
		out = append(out, "Image   "+name, root)
	}
	return out
}

// groupText writes one group: a line of its own, and one for each kind and reason in it.
func (a *app) groupText(out *printer, p planner.Plan, g planner.GroupPlan, have planner.Observed) {
	rows := fold(p.Actions, g.Name)
	count := fmt.Sprint(g.Want)
	if g.Have != g.Want {
		count = fmt.Sprintf("%d -> %d", g.Have, g.Want)
	}
	line := fmt.Sprintf("%s  %s", groupName(g.Name), nodes(count))
	switch {
	case len(rows) == 0 && g.Most > 0:
		out.printf("  %s of burst capacity, for Slurm to launch and end: at most %d\n", line, g.Most)
		return
	case len(rows) == 0:
		out.printf("  %s, unchanged\n", line)
		return
	}
	ladder := a.ladder(g.Rungs)
	if len(ladder) > 0 && columns(sign(rows[0].kind))+columns(line)+columns(ladder[0])+3 <= textWidth+2 {
		line += "  " + ladder[0]
		ladder = ladder[1:]
	}
	out.printf("%s%s%s %s\n", colourOf(rows[0].kind), sign(rows[0].kind), reset, line)
	for _, l := range ladder {
		out.printf("    %s\n", l)
	}
	for i, r := range rows {
		a.rowText(out, r, have)
		if r.kind == planner.Replace && (i+1 == len(rows) || rows[i+1].kind != planner.Replace) && g.Rolling.Batches > 0 {
			out.printf("        %s\n", rollingText(g.Rolling))
		}
	}
	if g.Unchanged > 0 {
		out.printf("      %d unchanged\n", g.Unchanged)
	}
}

// rollingText says how a group's nodes are replaced.
func rollingText(r planner.Rolling) string {
	return fmt.Sprintf("in %s of %d, %s", manyBatches(r.Batches), r.Most, strings.ReplaceAll(string(r.Order), "-", " "))
}

// manyBatches is a number of batches with its noun, which plural would not get right.
func manyBatches(n int) string {
	if n == 1 {
		return "1 batch"
	}
	return fmt.Sprintf("%d batches", n)
}

func nodes(count string) string {
	if count == "1" || strings.HasSuffix(count, " 1") {
		return count + " node"
	}
	return count + " nodes"
}

// limit is how many of something are listed: n, or all with --verbose.
func (a *app) limit(n int) int {
	if a.verbose {
		return 1 << 30
	}
	return n
}

// ladder is where a group is asked for, a line a type and way to buy it: the first zone, and those to
// fall back on. A subnet is named where the zone does not tell it.
func (a *app) ladder(rungs []planner.Rung) []string {
	var lines []string
	last := ""
	for _, r := range rungs {
		var places []string
		for _, s := range r.Subnets {
			place := s.Zone
			if a.verbose || shared(rungs, r.Type, s) {
				place += " (" + s.ID + ")"
			}
			places = append(places, place)
		}
		where := strings.Join(places, " + ")
		what := r.Type + bought(r, rungs[0])
		switch {
		case what == last:
			lines[len(lines)-1] += ", else " + where
		case last == "":
			lines = append(lines, what+" in "+where)
		default:
			lines = append(lines, "else "+what+" in "+where)
		}
		last = what
	}
	return lines
}

// bought is how a rung is bought, as words after its type. On demand goes without saying, unless the
// first rung is another.
func bought(r, first planner.Rung) string {
	usual := first.Market == spec.OnDemand && first.Reservation == ""
	switch {
	case r.Block:
		return " of capacity block " + r.Reservation
	case r.Reservation != "":
		return " of reservation " + r.Reservation
	case r.Market == spec.Spot:
		return " on Spot"
	case usual:
		return ""
	}
	return " on demand"
}

// shared says whether a type is asked for in another subnet of the same zone as well.
func shared(rungs []planner.Rung, kind string, in planner.Subnet) bool {
	return slices.ContainsFunc(rungs, func(r planner.Rung) bool {
		return r.Type == kind && slices.ContainsFunc(r.Subnets, func(s planner.Subnet) bool {
			return s.Zone == in.Zone && s.ID != in.ID
		})
	})
}

// because is a reason as a clause, with its place in the file.
func because(r planner.Reason) string {
	s := ""
	if r.Text != "" {
		s = " because " + r.Text
	}
	if r.At.Filename != "" {
		s += fmt.Sprintf(" (%s:%d)", slash(r.At.Filename), r.At.Start.Line)
	}
	return s
}

// onward continues a line of so many columns, on the next one if there is no room. What it returns is
// clean but for its own line break.
func onward(used int, indent, clause string) breakable {
	if clause = clean(clause); used+columns(clause) <= textWidth+2 {
		return breakable(clause)
	}
	return breakable("\n" + indent + strings.TrimLeft(clause, " "))
}

// A breakable is text of ours, cleaned already, whose line breaks a printer keeps.
type breakable string

// groupName is a group as people see it. An instance may carry the cluster's tag and no group's.
func groupName(name string) string { return cmp.Or(name, "(no group)") }

// sign is a kind's mark in ASCII.
func sign(k planner.Kind) string {
	if k == planner.Replace {
		return "+/-"
	}
	return string(k)
}

func colourOf(k planner.Kind) sgr {
	switch k {
	case planner.Terminate, planner.Replace:
		return red
	case planner.Launch:
		return green
	default:
		return yellow
	}
}

// launches is how many instances a plan launches.
func launches(p planner.Plan) int {
	s := p.Summary()
	return s.Launch + s.Replace
}

// obstacles are a plan's blockers, and its warnings, as diagnostics: with their line and a remedy.
func obstacles(p planner.Plan) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range p.Blockers {
		diags = append(diags, problem(b.At, b.Summary, b.Detail)...)
	}
	return append(diags, warnings(p.Warnings)...)
}

// warnings are what is worth knowing as diagnostics.
func warnings(all []planner.Blocker) (diags hcl.Diagnostics) {
	for _, b := range all {
		d := problem(b.At, b.Summary, b.Detail)
		d[0].Severity = hcl.DiagWarning
		diags = append(diags, d...)
	}
	return diags
}
