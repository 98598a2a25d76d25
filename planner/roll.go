package planner

import (
	"cmp"
	"slices"

	"cluster/spec"
)

// A Rolling says how a group's replacements are dealt out into batches. The zero Rolling is a group
// without an update block: all that it replaces is replaced at once.
type Rolling struct {
	Most    int // nodes at a time
	Order   spec.UpdateOrder
	Batches int // of nodes to be replaced; 0: there are none
}

// rolling is the group's, once its actions are known.
func (g *group) rolling() Rolling {
	u := g.spec.Update
	if u.MaxUnavailable <= 0 {
		return Rolling{}
	}
	return Rolling{Most: u.MaxUnavailable, Order: u.Order, Batches: (g.replaced() + u.MaxUnavailable - 1) / u.MaxUnavailable}
}

// replaced is how many nodes are replaced.
func (g *group) replaced() (n int) {
	for _, a := range g.actions {
		if a.Kind == Replace {
			n++
		}
	}
	return n
}

// Roll cuts a plan into the steps that it is carried out in. first is everything but what is rolled:
// terminations, starts, tags, launches into empty slots, and the replacements of groups without an update
// block. Each batch replaces, of every group that is rolled, as many nodes as the group allows to be gone
// at a time; the n-th batches of all groups are one step. Nodes that do not run are replaced before those
// that do, and low slots before high ones.
//
// In a group that launches first, a running instance that goes because another one has its slot, which does not
// run yet, is no part of first: it serves until the other is proven. Such instances are a batch by
// themselves, before the others.
//
// down is how many nodes of each group are missing that neither first nor a batch brings up. A group that
// terminates first gets batches smaller by as many; if it has none to spare, only those of its nodes are
// replaced that do not run anyway, and the rest is in no batch. With nil nothing is missing, and every
// action of the plan is in exactly one step. Placement groups are in no step.
func Roll(p Plan, have Observed, down map[string]int) (first Plan, batches []Plan) {
	step := Plan{Cluster: p.Cluster, Region: p.Region, Groups: p.Groups}
	first = step
	groups := map[string]GroupPlan{}
	for _, g := range p.Groups {
		groups[g.Name] = g
	}
	serving := p.serving(have, groups)
	rolled := map[string][]Action{}
	for _, a := range p.Actions {
		if serving[a.Instance] || a.Kind == Replace && groups[a.Group].Rolling.Most > 0 {
			rolled[a.Group] = append(rolled[a.Group], a)
		} else {
			first.Actions = append(first.Actions, a)
		}
	}
	runs := map[string]bool{}
	for _, i := range have.Instances {
		runs[i.ID] = i.State == Running
	}
	for _, g := range p.Groups {
		for n, actions := range g.Rolling.deal(rolled[g.Name], runs, down[g.Name]) {
			if n == len(batches) {
				batches = append(batches, step)
			}
			batches[n].Actions = append(batches[n].Actions, actions...)
		}
	}
	return first, batches
}

// serving are the running instances that the plan ends because another one has their slot, which stays and
// does not run yet, in groups that launch first.
func (p Plan) serving(have Observed, groups map[string]GroupPlan) map[string]bool {
	leaves := map[string]bool{}
	for _, a := range p.Actions {
		if a.Kind == Terminate || a.Kind == Replace {
			leaves[a.Instance] = true
		}
	}
	type place struct {
		group string
		slot  int
	}
	coming, runs := map[place]bool{}, map[string]bool{}
	for _, i := range have.Instances {
		runs[i.ID] = i.State == Running
		if i.Tags[TagName] == p.Cluster && i.State != Running && !i.State.Dead() && i.Slot >= 0 && !leaves[i.ID] {
			coming[place{i.Group, i.Slot}] = true
		}
	}
	serving := map[string]bool{}
	for _, a := range p.Actions {
		if a.Kind == Terminate && len(a.Slots) == 1 && groups[a.Group].Rolling.Order == spec.LaunchFirst {
			serving[a.Instance] = runs[a.Instance] && coming[place{a.Group, a.Slots[0]}]
		}
	}
	return serving
}

// deal deals a group's rolled actions out into batches.
func (r Rolling) deal(actions []Action, runs map[string]bool, down int) (batches [][]Action) {
	rank := func(a Action) int {
		switch {
		case a.Kind == Terminate:
			return 0 // its successor is there
		case !runs[a.Instance]:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(actions, func(a, b Action) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), slices.Compare(a.Slots, b.Slots))
	})
	most := r.Most
	if r.Order != spec.LaunchFirst && down > 0 {
		most -= down
	}
	if most <= 0 {
		most = r.Most
		actions = slices.DeleteFunc(actions, func(a Action) bool { return rank(a) == 2 })
	}
	n := 0
	for n < len(actions) && actions[n].Kind == Terminate {
		n++
	}
	if n > 0 {
		batches = append(batches, slices.Clip(actions[:n]))
	}
	for batch := range slices.Chunk(actions[n:], max(1, most)) {
		batches = append(batches, batch)
	}
	return batches
}
