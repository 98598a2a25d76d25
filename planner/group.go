package planner

import (
	"cmp"
	"slices"

	"cluster/spec"
)

// A group is one group's share of a Diff or a Verify: what the file says of it, what was seen
// of it, and what becomes of it.
type group struct {
	name  string
	order int         // its place in Plan.Groups
	spec  *spec.Group // nil: the file has no such group

	live []*Instance       // by slot (unknown slots first), then older first
	dead map[int]*Instance // by slot, the last to have been launched

	image     Image
	placement string      // name of the placement group; empty: none
	kept      []*Instance // hold a slot and stay, started and retagged ones included
	leaving   []*Instance // to be terminated, for a replacement or not
	fill      Slots       // to launch into: holes, and slots of nodes to be replaced
	actions   []Action
	plan      GroupPlan
}

// want is how many nodes there are to be: as many as the file asks for, or of burst capacity those that are there
// and those that are asked for.
func (g *group) want() int {
	switch {
	case g.spec == nil:
		return 0
	case !g.spec.Slurm.Burst:
		return g.spec.Count
	}
	n := len(g.spec.Asked)
	for slot := range g.slotRuns {
		if g.allows(slot) && !g.spec.Requires(slot) {
			n++
		}
	}
	return n
}

// none says that the file wants no node of the group, whatever happens.
func (g *group) none() bool { return g.spec == nil || g.spec.Count == 0 }

// allows says that the file has a node for a slot.
func (g *group) allows(slot int) bool { return g.spec != nil && slot >= 0 && slot < g.spec.Count }

// aside says that a slot is burst capacity that nobody asks for now: whether it has a node is for Slurm to say.
func (g *group) aside(slot int) bool {
	return g.allows(slot) && g.spec.Slurm.Burst && !g.spec.Requires(slot)
}

func (g *group) launches() bool { return len(g.fill) > 0 }

// top is the highest slot that a live instance holds; -1 if none does.
func (g *group) top() int {
	if n := len(g.live); n > 0 {
		return max(-1, g.live[n-1].Slot)
	}
	return -1
}

// gather sorts the cluster's instances into groups: the file's in its order, then those only
// EC2 knows, by name. Instances without this cluster's name tag are left out here and so
// cannot come up anywhere after.
func gather(want *spec.Cluster, instances []Instance) []*group {
	groups := make([]*group, 0, len(want.Groups))
	byName := map[string]*group{}
	add := func(name string, g *spec.Group) *group {
		e := &group{name: name, spec: g, dead: map[int]*Instance{}}
		groups = append(groups, e)
		byName[name] = e
		return e
	}
	for i := range want.Groups {
		add(want.Groups[i].Name, &want.Groups[i])
	}
	for _, inst := range members(want.Name, instances) {
		g := byName[inst.Group]
		if g == nil && inst.State.Dead() {
			continue
		}
		if g == nil {
			g = add(inst.Group, nil)
		}
		if !inst.State.Dead() {
			g.live = append(g.live, inst)
		} else if inst.Slot >= 0 {
			g.dead[inst.Slot] = inst
		}
	}
	slices.SortFunc(groups[len(want.Groups):], func(a, b *group) int { return cmp.Compare(a.name, b.name) })
	for i, g := range groups {
		g.order = i
	}
	return groups
}

// members are the instances with the cluster's name tag, each once, by slot and then the older
// first. The paging of a busy region can show an instance twice; it is no duplicate of itself.
func members(cluster string, instances []Instance) []*Instance {
	ours := make([]*Instance, 0, len(instances))
	for i := range instances {
		if name, ok := instances[i].Tags[TagName]; ok && name == cluster {
			ours = append(ours, &instances[i])
		}
	}
	slices.SortFunc(ours, func(a, b *Instance) int {
		return cmp.Or(
			cmp.Compare(max(-1, a.Slot), max(-1, b.Slot)),
			a.Launched.Compare(b.Launched),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.State, b.State),
		)
	})
	return slices.CompactFunc(ours, func(a, b *Instance) bool { return a.ID == b.ID })
}

// slotRuns yields the live instances of each slot, lowest slot first; those whose slot cannot
// be told come first, together, as slot -1.
func (g *group) slotRuns(yield func(slot int, holders []*Instance) bool) {
	for i := 0; i < len(g.live); {
		slot := max(-1, g.live[i].Slot)
		j := i + 1
		for j < len(g.live) && max(-1, g.live[j].Slot) == slot {
			j++
		}
		if !yield(slot, g.live[i:j]) {
			return
		}
		i = j
	}
}
