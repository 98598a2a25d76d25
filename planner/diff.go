package planner

import "cluster/spec"

// Diff is what has to be done so that what is wanted is there.
func Diff(want *spec.Cluster, have Observed) Plan {
	return Plan{Cluster: want.Name}
}
