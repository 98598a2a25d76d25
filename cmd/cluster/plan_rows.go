package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/planner"
)

// A row is what a plan says in one line: actions of one kind, in one group, for one reason.
type row struct {
	kind      planner.Kind
	group     string
	slots     planner.Slots
	count     int
	instances []string
	why       planner.Reason
}

// fold makes rows of a group's actions, in their order.
func fold(actions []planner.Action, group string) []row {
	var rows []row
	for _, x := range actions {
		if x.Group != group {
			continue
		}
		i := slices.IndexFunc(rows, func(r row) bool {
			return r.kind == x.Kind && r.why.Text == x.Why.Text && r.why.At == x.Why.At
		})
		if i < 0 {
			i = len(rows)
			rows = append(rows, row{kind: x.Kind, group: group, why: x.Why})
		}
		rows[i].slots = append(rows[i].slots, x.Slots...)
		rows[i].count += x.Count()
		if x.Instance != "" {
			rows[i].instances = append(rows[i].instances, x.Instance)
		}
	}
	for i := range rows {
		slices.Sort(rows[i].slots)
		rows[i].slots = slices.Compact(rows[i].slots)
	}
	return rows
}

func (a *app) rowText(out *printer, r row, have planner.Observed) {
	who := nodeNames(r.group, r.slots, a.limit(mostListed))
	lead := fmt.Sprintf("%s  %d to %s", who, r.count, r.kind)
	out.printf("    %s%-3s%s %s%s\n", colourOf(r.kind), sign(r.kind), reset, lead, onward(columns(lead)+8, "        ", because(r.why)))
	if a.verbose {
		a.eachNode(out, r, have)
		return
	}
	// What is terminated does not come back, so its id is shown.
	if r.kind == planner.Terminate || r.kind == planner.Replace {
		for _, l := range wrap(some(r.instances, mostListed, "--verbose"), textWidth-8) {
			out.printf("        %s\n", l)
		}
	}
}

// eachNode lists the nodes of a row one by one.
func (a *app) eachNode(out *printer, r row, have planner.Observed) {
	if len(r.instances) == 0 {
		for _, s := range r.slots {
			out.printf("        %s\n", planner.NodeName(r.group, s))
		}
		return
	}
	for _, id := range r.instances {
		i := slices.IndexFunc(have.Instances, func(i planner.Instance) bool { return i.ID == id })
		if i < 0 {
			out.printf("        %s\n", id)
			continue
		}
		n := have.Instances[i]
		out.printf("        %s %s %s %s in %s, image %s, launched %s\n", planner.NodeName(n.Group, n.Slot), id,
			string(n.State), n.InstanceType, n.Zone, n.ImageID, n.Launched.UTC().Format(time.RFC3339))
	}
}

// nodeNames is a group's nodes as Slurm writes host lists: compute-7, compute-[0-99,120].
func nodeNames(group string, slots planner.Slots, most int) string {
	if len(slots) == 0 {
		return groupName(group) + "-?"
	}
	if len(slots) == 1 {
		return planner.NodeName(group, slots[0])
	}
	ranges := strings.Split(slots.String(), ",")
	if len(ranges) > most {
		return fmt.Sprintf("%s-[%s] and %d more ranges (--verbose)", group, strings.Join(ranges[:most], ","), len(ranges)-most)
	}
	return fmt.Sprintf("%s-[%s]", group, slots)
}
