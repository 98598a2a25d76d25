package planner_test

import (
	"fmt"
	"slices"
	"testing"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCallsCoverEachSlotOnceAndStayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := computeGroup(3000)
		g.Placement = rapid.SampledFrom([]spec.Placement{spec.PlacementNone, spec.PlacementCluster}).Draw(t, "placement")
		g.Launch.All = rapid.Bool().Draw(t, "all")
		g.Launch.Min = rapid.SampledFrom([]int{1, 3000}).Draw(t, "min")
		rung := planner.Rung{Type: "c7i.large"}
		for i := range rapid.IntRange(1, 3).Draw(t, "subnets") {
			rung.Subnets = append(rung.Subnets, planner.Subnet{ID: fmt.Sprintf("subnet-%d", i)})
		}
		slots := drawSlots(t)
		group := planner.GroupPlan{Name: g.Name, Image: planner.Image{ID: "ami-a"}, PlacementGroup: "pg"}
		calls := planner.Calls(&g, rung, slots, group)

		var covered planner.Slots
		for _, c := range calls {
			_ = append(c.Slots, -1) // must not reach into the next call's
		}
		for _, c := range calls {
			covered = append(covered, c.Slots...)
			checkCall(t, &g, rung, c)
		}
		slices.Sort(covered)
		if !slices.Equal(covered, slots) {
			t.Fatalf("slots %s are covered as %s", slots, covered)
		}

		// Some calls are granted, the program dies, and the rest is split anew.
		var rest []planner.Call
		var missing planner.Slots
		for _, c := range calls {
			if rapid.Bool().Draw(t, "granted") {
				continue
			}
			rest = append(rest, c)
			missing = append(missing, c.Slots...)
		}
		slices.Sort(missing)
		if diff := cmp.Diff(rest, planner.Calls(&g, rung, missing, group)); diff != "" {
			t.Fatalf("the calls that are left are not the same:\n%s", diff)
		}
	})
}

// drawSlots draws a thousand slots or so: long runs, with holes, with strides.
func drawSlots(t *rapid.T) planner.Slots {
	var slots planner.Slots
	next := 0
	for range rapid.IntRange(0, 6).Draw(t, "stretches") {
		next += rapid.IntRange(0, 400).Draw(t, "gap")
		stride := rapid.IntRange(1, 4).Draw(t, "stride")
		for range rapid.IntRange(1, 300).Draw(t, "length") {
			slots = append(slots, next)
			next += stride
		}
	}
	return slots
}

func checkCall(t *rapid.T, g *spec.Group, rung planner.Rung, c planner.Call) {
	size, n := 100, len(rung.Subnets)
	if g.Placement == spec.PlacementCluster {
		size = 1000
	}
	if len(c.Slots) == 0 || len(c.Slots) > size || len(c.Slots.String()) > 256 {
		t.Fatalf("a call for %d slots, %q", len(c.Slots), c.Slots)
	}
	for _, slot := range c.Slots {
		if rung.Subnets[slot%n].ID != c.Subnet.ID {
			t.Fatalf("slot %d in %s", slot, c.Subnet.ID)
		}
		if slot/n/size != c.Slots[0]/n/size {
			t.Fatalf("slots %d and %d share a call", c.Slots[0], slot)
		}
	}
	want := len(c.Slots)
	if !g.Launch.All && g.Launch.Min < g.Count {
		want = 1
	}
	if c.Min != want {
		t.Fatalf("min is %d of %d", c.Min, len(c.Slots))
	}
}

func TestCallsAreFew(t *testing.T) {
	all := make(planner.Slots, 1000)
	for i := range all {
		all[i] = i
	}
	subnets := []planner.Subnet{{ID: "subnet-a"}, {ID: "subnet-b"}, {ID: "subnet-c"}}
	for _, tt := range []struct {
		name      string
		placement spec.Placement
		subnets   int
		slots     planner.Slots
		want      int
	}{
		{"a thousand", spec.PlacementNone, 1, all, 10},
		{"a thousand in one cluster placement group", spec.PlacementCluster, 1, all, 1},
		{"one hole", spec.PlacementNone, 1, planner.Slots{517}, 1},
		{"holes in two blocks", spec.PlacementNone, 1, planner.Slots{99, 100}, 2},
		{"a stride makes long lists", spec.PlacementNone, 3, all[:300], 6},
		{"nothing", spec.PlacementNone, 1, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := computeGroup(1000)
			g.Placement = tt.placement
			calls := planner.Calls(&g, planner.Rung{Type: "c7i.large", Subnets: subnets[:tt.subnets]}, tt.slots, planner.GroupPlan{})
			if len(calls) != tt.want {
				t.Errorf("%d calls, want %d: %v", len(calls), tt.want, calls)
			}
		})
	}
}
