package planner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"cluster/spec"
)

// maxPlacementName is EC2's limit for the name of a placement group.
const maxPlacementName = 255

// PlacementName is the name of a group's placement group; empty if the strategy is none. EC2
// cannot change the strategy of a placement group, so it is part of the name: another strategy
// is another placement group, and the old one can go once its instances have.
func PlacementName(cluster, group string, strategy spec.Placement) string {
	if strategy == "" || strategy == spec.PlacementNone {
		return ""
	}
	name := fmt.Sprintf("cluster.%s.%s.%s", cluster, group, strategy)
	if len(name) > maxPlacementName {
		sum := sha256.Sum256([]byte(name))
		name = name[:maxPlacementName-9] + "." + hex.EncodeToString(sum[:4])
	}
	return name
}

// strategy is the group's placement, with the zero value spelled out.
func strategy(g *spec.Group) spec.Placement { return cmp.Or(g.Placement, spec.PlacementNone) }

// placements plans which placement groups to create and to delete.
func (d *differ) placements(groups []*group) []PlacementChange {
	if !d.have.PlacementGroupsKnown {
		return nil
	}
	existing := map[string]PlacementGroup{}
	for _, pg := range d.have.PlacementGroups {
		if pg.State != "deleting" && pg.State != "deleted" {
			existing[pg.Name] = pg
		}
	}
	var changes []PlacementChange
	for _, g := range groups {
		if g.placement == "" {
			continue
		}
		pg, exists := existing[g.placement]
		delete(existing, g.placement)
		at := g.spec.Source.At("placement")
		switch {
		case exists && pg.Strategy != string(g.spec.Placement):
			d.block(g.name, at, "Placement group of another strategy", fmt.Sprintf(
				"The placement group %s has the strategy %s, and the file asks for %s. Delete it, or rename the group.",
				pg.Name, pg.Strategy, g.spec.Placement))
		case !exists && g.launches():
			changes = append(changes, PlacementChange{
				Name: g.placement, Strategy: g.spec.Placement, Group: g.name,
				Why: Reason{
					What: "placement", New: string(g.spec.Placement), At: at,
					Text: fmt.Sprintf("placement = %q", g.spec.Placement),
				},
			})
		}
	}
	var gone []PlacementChange
	for _, pg := range existing {
		gone = append(gone, PlacementChange{
			Delete: true, Name: pg.Name, Strategy: spec.Placement(pg.Strategy), Group: pg.Group,
			Why: Reason{
				What: "placement", Old: pg.Strategy, At: d.want.Source.Block,
				Text: "no group uses it any more",
			},
		})
	}
	slices.SortFunc(gone, func(a, b PlacementChange) int { return cmp.Compare(a.Name, b.Name) })
	return append(changes, gone...)
}
