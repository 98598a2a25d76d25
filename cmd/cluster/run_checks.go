package main

import (
	"slices"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// mortality warns of nodes that nobody ends if this program and its computer are gone.
func mortality(want *spec.Cluster) hcl.Diagnostics {
	if !slices.ContainsFunc(want.Groups, func(g spec.Group) bool { return g.Count > 0 && g.TTL == 0 }) {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning,
		Summary:  "Nodes without a time to live",
		Detail: "If this computer dies during the job, they stay until somebody runs cluster down. " +
			"With ttl = \"8h\" in the cluster block they end by themselves.",
	}}
}

// displaced is how many nodes a plan ends.
func displaced(p planner.Plan) (n int) {
	for _, x := range p.Actions {
		if x.Kind == planner.Terminate || x.Kind == planner.Replace {
			n += x.Count()
		}
	}
	return n
}

// usable says that all that is wrong with a cluster is that groups have fewer nodes than their count, and as many
// as their launch.min.
func usable(err error) bool {
	switch e := err.(type) {
	case *fleet.ShortError:
		return e.Kept
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(one error) bool { return !usable(one) })
	default:
		return false
	}
}
