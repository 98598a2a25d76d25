package planner

import "cluster/spec"

// A Call is one launch call to EC2: some slots of a group, of one type, in one subnet.
type Call struct {
	Group          string
	Type           string
	Subnet         Subnet
	Slots          Slots // at least one; the instance with launch index i gets Slots[i]
	Min            int   // fewest instances that EC2 may grant
	ImageID        string
	PlacementGroup string // name; empty: none
}

// Calls splits the launch of slots on one rung into EC2 calls.
func Calls(g *spec.Group, r Rung, slots Slots, group GroupPlan) []Call {
	return nil
}
