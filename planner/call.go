package planner

import (
	"cmp"
	"slices"

	"cluster/spec"
)

const (
	callNodes    = 100  // nodes a call, as AWS advises
	clusterNodes = 1000 // nodes a call into a cluster placement group, which wants to be filled at once
	tagValue     = 256  // characters of a tag's value
)

// A Call is one launch call to EC2: some slots of a group, of one type, in one subnet.
type Call struct {
	Group          string
	Type           string
	Market         spec.Market // never empty
	Reservation    string      // as in Rung
	Block          bool
	Subnet         Subnet
	Slots          Slots // at least one; the instance with launch index i gets Slots[i]
	Min            int   // fewest instances that EC2 may grant: all, or 1 if the group allows fewer
	ImageID        string
	PlacementGroup string // name; empty: none
}

// Calls splits the launch of slots on one rung into EC2 calls, in the order of subnets, then
// slots. The cuts are at fixed slots, not every so many missing nodes: after a crash in which
// some calls were granted, the rest is split into exactly the calls that are left, so that
// their client tokens are the same. slots are ascending and unique; the rung has a subnet.
func Calls(g *spec.Group, r Rung, slots Slots, group GroupPlan) []Call {
	size := callNodes
	if g.Placement == spec.PlacementCluster {
		size = clusterNodes
	}
	n := len(r.Subnets)
	var calls []Call
	for i, subnet := range r.Subnets {
		var share Slots
		for _, slot := range slots {
			if slot%n == i {
				share = append(share, slot)
			}
		}
		// The subnet's own slots are i, i+n, i+2n, …; the blocks count those.
		for _, batch := range batches(share, func(slot int) int { return slot / n / size }) {
			c := Call{
				Group: g.Name, Type: r.Type, Market: cmp.Or(r.Market, market(g)),
				Reservation: r.Reservation, Block: r.Block, Subnet: subnet, Slots: batch, Min: len(batch),
				ImageID: group.Image.ID, PlacementGroup: group.PlacementGroup,
			}
			if !g.Launch.All && g.Launch.Min < g.Count {
				c.Min = 1
			}
			calls = append(calls, c)
		}
	}
	return calls
}

// batches cuts slots where their block changes, and where the folded list would be too long
// for a tag. The latter cut is stable as well: within a block, a slot that did not fit onto a
// full batch leaves no room for any later one, so a batch does not grow when the next is gone.
func batches(slots Slots, block func(int) int) []Slots {
	var all []Slots
	start := 0
	for i := range slots {
		if i == start || block(slots[i]) == block(slots[start]) && len(slots[start:i+1].String()) <= tagValue {
			continue
		}
		all = append(all, slices.Clip(slots[start:i]))
		start = i
	}
	if start < len(slots) {
		all = append(all, slices.Clip(slots[start:]))
	}
	return all
}
