package planner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cluster/planner"
	"cluster/spec"
)

func TestReservedCapacityComesFirst(t *testing.T) {
	facts := &planner.Facts{
		Types:     []planner.InstanceType{{Name: "c7i.large", Architectures: []string{"x86_64"}}, {Name: "m7i.large", Architectures: []string{"x86_64"}}},
		Offerings: []planner.Offering{{Type: "c7i.large", Zone: "a"}, {Type: "m7i.large", Zone: "a"}, {Type: "c7i.large", Zone: "b"}},
		Subnets:   []planner.Subnet{{ID: "subnet-a", Zone: "a", Free: 100}, {ID: "subnet-b", Zone: "b", Free: 100}},
		Reservations: []planner.Reservation{
			{ID: "cr-b", Type: "c7i.large", Zone: "b", State: "active", Total: 8, Available: 8},
			{ID: "cr-small", Type: "c7i.large", Zone: "a", State: "active", Total: 8, Available: 1},
			{ID: "cr-later", Type: "c7i.large", Zone: "a", State: "scheduled"},
			{ID: "cb-a", Type: "m7i.large", Zone: "a", State: "active", Block: true, Total: 4, Available: 4},
		},
	}
	group := spec.Group{
		Name: "compute", Count: 4, InstanceTypes: []string{"c7i.large", "m7i.large"}, Subnets: []string{"subnet-a", "subnet-b"},
		Image: spec.Image{ID: "ami-1"}, Launch: spec.Launch{All: true, Min: 4},
	}
	for _, c := range []struct {
		name               string
		edit               func(*spec.Group)
		want               string // type@subnet/market/reservation
		warnings, blockers string
	}{
		{"open market", func(g *spec.Group) {},
			"c7i.large@subnet-a/on-demand/ c7i.large@subnet-b/on-demand/ m7i.large@subnet-a/on-demand/", "", ""},
		{"spot with fall-back", func(g *spec.Group) {
			g.Market, g.Fallback, g.InstanceTypes = spec.Spot, spec.OnDemand, []string{"m7i.large"}
		},
			"m7i.large@subnet-a/spot/ m7i.large@subnet-a/on-demand/", "", ""},
		{"reservation, block, open", func(g *spec.Group) { g.Capacity.Reservations, g.Capacity.Blocks = []string{"cr-b"}, []string{"cb-a"} },
			"c7i.large@subnet-b/on-demand/cr-b m7i.large@subnet-a/on-demand/cb-a c7i.large@subnet-a/on-demand/ c7i.large@subnet-b/on-demand/ m7i.large@subnet-a/on-demand/", "", ""},
		{"only", func(g *spec.Group) {
			g.Capacity.Reservations, g.Capacity.Only = []string{"cr-small", "cr-later", "cr-b"}, true
		},
			"c7i.large@subnet-b/on-demand/cr-b", "cr-small has 1 of 8 instances free|cr-later is scheduled", ""},
		{"none fits", func(g *spec.Group) { g.Capacity.Reservations, g.Capacity.Only = []string{"cr-small"}, true },
			"", "cr-small", "may only use reserved capacity"},
		{"unknown", func(g *spec.Group) { g.Capacity.Reservations = []string{"cr-none"} },
			"c7i.large@subnet-a/on-demand/ c7i.large@subnet-b/on-demand/ m7i.large@subnet-a/on-demand/", "", "cr-none does not exist"},
		{"group of reservations", func(g *spec.Group) {
			g.Capacity.ReservationGroup, g.Capacity.Only, g.InstanceTypes = "arn:aws:resource-groups:x", true, []string{"m7i.large"}
		},
			"m7i.large@subnet-a/on-demand/arn:aws:resource-groups:x", "", ""},
		{"block named as a reservation", func(g *spec.Group) {
			g.Capacity.Reservations, g.InstanceTypes = []string{"cb-a"}, []string{"m7i.large"}
		},
			"m7i.large@subnet-a/on-demand/", "", "cb-a is a capacity block"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := group
			c.edit(&g)
			p := planner.Diff(&spec.Cluster{Name: "cfd", Groups: []spec.Group{g}}, planner.Observed{
				Images: []planner.Image{{ID: "ami-1", State: "available", Architecture: "x86_64", RootDevice: "/dev/xvda", RootSnapshot: "snap-1"}},
				Facts:  facts,
			})
			var got []string
			for _, r := range p.Groups[0].Rungs {
				got = append(got, fmt.Sprintf("%s@%s/%s/%s", r.Type, r.Subnets[0].ID, r.Market, r.Reservation))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("rungs\n got %s\nwant %s", s, c.want)
			}
			mention(t, "warning", p.Warnings, c.warnings)
			mention(t, "blocker", p.Blockers, c.blockers)
		})
	}
}

// mention holds that there is one finding for each of the texts, and no other.
func mention(t *testing.T, kind string, found []planner.Blocker, texts string) {
	t.Helper()
	want := slices.DeleteFunc(strings.Split(texts, "|"), func(s string) bool { return s == "" })
	if len(found) != len(want) {
		t.Errorf("%d %ss, want %d: %+v", len(found), kind, len(want), found)
		return
	}
	for _, w := range want {
		if !slices.ContainsFunc(found, func(b planner.Blocker) bool { return strings.Contains(b.Detail, w) }) {
			t.Errorf("no %s says %q: %+v", kind, w, found)
		}
	}
}
