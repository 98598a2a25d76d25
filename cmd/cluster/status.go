package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status FILE [--json]",
		Short: "Show what there is of the cluster",
		Long: `Show the nodes that exist: a line a group, and a table of the nodes if there are
few or with --verbose. Nodes with a time to live show what is left of it.
Nothing is compared with the file but the counts and the images; the rest is
what plan and verify are for.

EXIT STATUS
  0    shown
  1    failed: an API error
  64   the command line or the cluster file is wrong; nothing was called
  130  interrupted`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error { return a.status(c.Context(), args[0]) },
	}
	a.jsonFlag(c, document, "write the status as JSON")
	return c
}

// fewNodes is up to how many nodes status shows each one unasked.
const fewNodes = 20

func (a *app) status(ctx context.Context, path string) error {
	want, err := a.load(path)
	if err != nil {
		return err
	}
	lock := a.glanceAtLock(path)
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	lock.tell(want, l, false)
	have, err := l.Observe(ctx, want, fleet.Nodes)
	if err != nil {
		return err
	}
	revoked, err := l.Revoked(ctx, have.Instances)
	if err != nil {
		return err
	}
	a.show(revokedNodes(have.Instances, revoked))
	if len(have.Instances) > 0 && mayBeOld(want, have) {
		if err := l.LookUpImages(ctx, want, &have); err != nil {
			return err
		}
	}
	doc := newStatusDoc(want, have, l)
	for _, u := range planner.RevokedNodes(have.Instances, revoked) {
		doc.Revoked = append(doc.Revoked, revokedUseDoc{u.Image.ID, u.Reason, u.Nodes})
	}
	if a.format == document {
		a.out.json(doc, true)
		return nil
	}
	a.statusText(doc, have.At)
	return nil
}

// revokedNodes are warnings of nodes whose image was revoked.
func revokedNodes(instances []planner.Instance, images []planner.Image) (diags hcl.Diagnostics) {
	for _, u := range planner.RevokedNodes(instances, images) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Nodes of a revoked image", Detail: u.Text()})
	}
	return diags
}

// A statusDoc is what there is of a cluster, in JSON.
type statusDoc struct {
	FormatVersion string        `json:"format_version"`
	Cluster       string        `json:"cluster"`
	Region        string        `json:"region"`
	Rehearsal     bool          `json:"rehearsal"`
	Groups        []statusGroup `json:"groups"` // the file's in its order, then those only EC2 knows

	Revoked []revokedUseDoc `json:"revoked,omitempty"` // nodes of revoked images; missing if there are none
}

// A revokedUseDoc is nodes of an image that was revoked.
type revokedUseDoc struct {
	Image  string   `json:"image_id"`
	Reason string   `json:"reason"`
	Nodes  []string `json:"nodes"`
}

type statusGroup struct {
	Name    string       `json:"name"`
	Want    int          `json:"want"`
	Running int          `json:"running"`
	Pending int          `json:"pending"`
	Nodes   []statusNode `json:"nodes"` // by slot; terminated instances are left out

	Most int `json:"most,omitempty"` // of burst capacity: nodes that there can be, of which want are there

	Old *oldNodes `json:"old_image,omitempty"` // missing: no node runs from an image that the file does not name
}

type statusNode struct {
	Name         string    `json:"name"`
	Slot         int       `json:"slot"`
	Instance     string    `json:"instance_id"`
	State        string    `json:"state"`
	PrivateIP    string    `json:"private_ip"`
	Zone         string    `json:"zone"`
	InstanceType string    `json:"instance_type"`
	ImageID      string    `json:"image_id"`
	Launched     time.Time `json:"launched"`
	Expires      time.Time `json:"expires,omitzero"` // when the node ends itself; missing if it does not
}

func newStatusDoc(want *spec.Cluster, have planner.Observed, l *link) statusDoc {
	doc := statusDoc{
		FormatVersion: formatVersion, Cluster: want.Name,
		Region: cmp.Or(have.Region, l.Session.Region), Rehearsal: l.rehearsal != nil,
		Groups: []statusGroup{},
	}
	for _, g := range want.Groups {
		s := statusGroup{Name: g.Name, Want: g.Count, Nodes: []statusNode{}}
		if g.Slurm.Burst {
			s.Want, s.Most = 0, g.Count
		}
		doc.Groups = append(doc.Groups, s)
	}
	images := wantedImages(want, have)
	nodes := slices.Clone(have.Instances)
	slices.SortFunc(nodes, func(x, y planner.Instance) int {
		return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Slot, y.Slot), x.Launched.Compare(y.Launched), cmp.Compare(x.ID, y.ID))
	})
	for _, n := range nodes {
		if n.State == planner.Terminated {
			continue
		}
		i := slices.IndexFunc(doc.Groups, func(g statusGroup) bool { return g.Name == n.Group })
		if i < 0 {
			i = len(doc.Groups)
			doc.Groups = append(doc.Groups, statusGroup{Name: n.Group, Nodes: []statusNode{}})
		}
		g := &doc.Groups[i]
		if g.Most > 0 && !n.State.Dead() {
			g.Want++
		}
		switch n.State {
		case planner.Running:
			g.Running++
		case planner.Pending:
			g.Pending++
		}
		g.addOld(n, images[n.Group], have)
		expires, _ := n.Expires()
		g.Nodes = append(g.Nodes, statusNode{
			Name: planner.NodeName(n.Group, n.Slot), Slot: n.Slot, Instance: n.ID, State: string(n.State),
			PrivateIP: n.PrivateIP, Zone: n.Zone, InstanceType: n.InstanceType, ImageID: n.ImageID,
			Launched: n.Launched.UTC(), Expires: expires.UTC(),
		})
	}
	return doc
}

func (a *app) statusText(doc statusDoc, now time.Time) {
	region := doc.Region
	if doc.Rehearsal {
		region += " (rehearsal)"
	}
	var want, running, total int
	for _, g := range doc.Groups {
		want, running, total = want+g.Want, running+g.Running, total+len(g.Nodes)
	}
	a.out.printf("%s%s in %s: %d of %s running%s\n", bold, doc.Cluster, region, running, plural(want, "node"), reset)
	for _, g := range doc.Groups {
		if g.Most > 0 {
			a.out.printf("  %s  %d running, %d at most%s\n", g.Name, g.Running, g.Most, particulars(g)+firstEnd(g, now))
		} else {
			a.out.printf("  %s  %d of %d running%s\n", g.Name, g.Running, g.Want, particulars(g)+firstEnd(g, now))
		}
		if o := g.Old; o != nil {
			a.out.printf("    %d of %s from %s, the file says %s\n", o.Nodes, runs(len(g.Nodes)), strings.Join(o.Names, ", "), o.Wanted)
		}
	}
	if total == 0 || (total > fewNodes && !a.verbose) {
		return
	}
	a.out.printf("\n")
	rows := [][]string{{"NODE", "STATE", "INSTANCE", "PRIVATE IP", "ZONE", "TYPE", "IMAGE", "SINCE", ""}}
	for _, g := range doc.Groups {
		for _, n := range g.Nodes {
			rows = append(rows, []string{n.Name, n.State, n.Instance, n.PrivateIP, n.Zone, n.InstanceType, n.ImageID, since(now, n.Launched), ends(now, n.Expires)})
		}
	}
	a.out.table(rows)
}

// firstEnd says when the first node of a group ends itself; empty if none does.
func firstEnd(g statusGroup, now time.Time) string {
	var first time.Time
	for _, n := range g.Nodes {
		if !n.Expires.IsZero() && (first.IsZero() || n.Expires.Before(first)) {
			first = n.Expires
		}
	}
	if first.IsZero() {
		return ""
	}
	return "  " + ends(now, first)
}

// ends is how long it is until a node ends itself, in two units at most; empty if it does not.
func ends(now, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	left := at.Sub(now)
	switch minutes := int(left.Minutes()); {
	case left <= 0:
		return "should have ended " + since(now, at) + " ago"
	case minutes < 2:
		return fmt.Sprintf("ends in %d s", int(left.Seconds()))
	case minutes < 60:
		return fmt.Sprintf("ends in %d min", minutes)
	case minutes < 48*60:
		return fmt.Sprintf("ends in %d h %d min", minutes/60, minutes%60)
	default:
		return fmt.Sprintf("ends in %d days", minutes/60/24)
	}
}

// particulars are the other states of a group's nodes, and what the nodes have in common.
func particulars(g statusGroup) string {
	states := map[string]int{}
	var types, zones, images []string
	for _, n := range g.Nodes {
		states[n.State]++
		types, zones, images = append(types, n.InstanceType), append(zones, n.Zone), append(images, n.ImageID)
	}
	var out strings.Builder
	for _, s := range []planner.State{planner.Pending, planner.Stopping, planner.Stopped, planner.ShuttingDown} {
		if n := states[string(s)]; n > 0 {
			fmt.Fprintf(&out, ", %d %s", n, s)
		}
	}
	for _, values := range [][]string{types, zones, images} {
		slices.Sort(values)
		if v := slices.Compact(values); len(v) > 0 {
			out.WriteString("  " + some(v, 3, ""))
		}
	}
	return out.String()
}

// since is how long ago t was, in the largest unit that says enough.
func since(now, t time.Time) string {
	switch d := now.Sub(t); {
	case t.IsZero():
		return ""
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// table writes rows in columns as wide as they need.
func (p *printer) table(rows [][]string) {
	var width []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], columns(clean(cell)))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			fmt.Fprintf(&line, "%-*s  ", width[i], clean(cell))
		}
		p.printf("  %s\n", strings.TrimRight(line.String(), " "))
	}
}
