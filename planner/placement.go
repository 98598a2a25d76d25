package planner

import "cluster/spec"

// PlacementName is the name of a group's placement group; empty if the strategy is none.
func PlacementName(cluster, group string, strategy spec.Placement) string {
	return "cluster." + cluster + "." + group + "." + string(strategy)
}
