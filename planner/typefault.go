package planner

import (
	"fmt"
	"slices"

	"cluster/spec"
)

// typeFaults are summary and detail of everything that keeps the group from being launched on
// a type, wherever that is.
func (l *ladder) typeFaults(typ string) [][2]string {
	t, ok := l.around.types[typ]
	if !ok {
		return [][2]string{{"No such instance type", fmt.Sprintf(
			"EC2 has no instance type %s in this region. Check the spelling and the region.", typ)}}
	}
	var faults [][2]string
	fault := func(summary, format string, args ...any) {
		faults = append(faults, [2]string{summary, fmt.Sprintf(format, args...)})
	}
	g := l.g.spec
	if arch := l.g.image.Architecture; arch != "" && len(t.Architectures) > 0 && !slices.Contains(t.Architectures, arch) {
		fault("Architecture does not fit", "The image is %s, %s is %s. Use an image or a type of the other's architecture.",
			arch, typ, series(slices.Sorted(slices.Values(t.Architectures)), "and"))
	}
	if g.EFA && !t.EFA {
		fault("No EFA", "%s has no EFA. Remove efa, or use a type that has it.", typ)
	}
	if m := string(market(g)); len(t.Markets) > 0 && !slices.Contains(t.Markets, m) {
		fault("Type not in the market", "%s cannot be had in the market %s. Use another market or another type.", typ, m)
	}
	switch p := string(strategy(g)); {
	case p == string(spec.PlacementCluster) && t.Burstable:
		fault("Type not in a placement group", "%s is burstable, and EC2 takes no burstable types into a cluster "+
			"placement group. Remove placement, or use another type.", typ)
	case g.Placement != "" && g.Placement != spec.PlacementNone && len(t.Placements) > 0 && !slices.Contains(t.Placements, p):
		fault("Type not in a placement group", "%s cannot be in a placement group of the strategy %s. Use another "+
			"placement or another type.", typ, p)
	}
	return faults
}
