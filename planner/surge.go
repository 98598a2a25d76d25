package planner

import (
	"fmt"

	"cluster/spec"
)

// surge is how many new nodes of a group that launches first live beside the old ones, at most, by
// subnet.
func (l *ladder) surge(subnets []Subnet) map[string]int {
	surge := map[string]int{}
	if l.g.plan.Rolling.Order != spec.LaunchFirst {
		return surge
	}
	for _, a := range l.g.actions {
		if a.Kind == Replace {
			id := subnets[a.Slots[0]%len(subnets)].ID
			surge[id] = min(surge[id]+1, l.g.plan.Rolling.Most)
		}
	}
	return surge
}

// beside is how many new nodes of a group that launches first live beside the old ones, at most.
func (g *group) beside() int {
	if g.plan.Rolling.Order != spec.LaunchFirst {
		return 0
	}
	return min(g.replaced(), g.plan.Rolling.Most)
}

// other is the way out for a group that has no room for old and new nodes side by side; empty for groups
// that do not need it.
func (l *ladder) other() string {
	if l.g.beside() > 0 {
		return ` Old and new nodes live side by side here; order = "terminate-first" in the update block needs less room.`
	}
	return ""
}

// rolledInPlace are the nodes that are replaced batch by batch within the group's placement group.
func (g *group) rolledInPlace() (nodes []*Instance) {
	if g.placement == "" || g.plan.Rolling.Most == 0 {
		return nil
	}
	ids := map[string]bool{}
	for _, a := range g.actions {
		ids[a.Instance] = a.Kind == Replace
	}
	for _, inst := range g.leaving {
		if ids[inst.ID] && inst.PlacementGroup == g.placement {
			nodes = append(nodes, inst)
		}
	}
	return nodes
}

// atOnce is how many nodes the group launches in its largest step.
func (g *group) atOnce() int {
	replaced := g.replaced()
	if g.plan.Rolling.Most == 0 {
		return len(g.fill)
	}
	return max(len(g.fill)-replaced, min(replaced, g.plan.Rolling.Most))
}

// givesBack is how many instances of a reservation the group may give back before it launches into it: EC2
// does not say here who uses it, and nodes of the group that go are taken to be in it as far as they can.
func (g *group) givesBack(r Reservation) (n int) {
	if g.plan.Rolling.Order == spec.LaunchFirst {
		return 0
	}
	for _, inst := range g.leaving {
		if inst.InstanceType == r.Type && inst.Zone == r.Zone {
			n++
		}
	}
	return min(n, max(0, r.Total-r.Available))
}

// warnRolling says where launching first may well fail.
func (d *differ) warnRolling(g *group) {
	if g.plan.Rolling.Order != spec.LaunchFirst || g.spec.Placement != spec.PlacementCluster || len(g.rolledInPlace()) == 0 {
		return
	}
	at := g.spec.Update.Source.At("order")
	if at.Filename == "" {
		at = g.plan.Source
	}
	d.warn(g.name, at, "Launch first in a cluster placement group", fmt.Sprintf(
		"EC2 must find room for %s more close to the others, and may have none: then nothing is replaced. "+
			`order = "terminate-first" uses the room of the old ones.`,
		plural(g.beside(), "node", "nodes")))
}
