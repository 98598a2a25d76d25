package fleet_test

import (
	"maps"
	"slices"
	"sync"
	"testing"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"
)

// lend makes a group burst capacity.
func lend(g *spec.Group) { g.Slurm.Burst = true }

// part is a cluster of burst capacity of which some slots are asked for, and a launcher that sees only these.
func (w *world) part(count int, slots ...int) (*spec.Cluster, *fleet.Launcher) {
	want := cluster(count, lend)
	g := want.Groups[0].Asking(slots...)
	g.Launch.Min = len(slots)
	want.Groups[0] = g
	l := w.launcher()
	l.Notify = nil
	l.Only = func(i planner.Instance) bool { return i.Group == g.Name && g.Requires(i.Slot) }
	return want, l
}

// bring brings the part up, and gives its instances by slot.
func (w *world) bring(want *spec.Cluster, l *fleet.Launcher) map[int]string {
	w.Helper()
	have, p := w.plan(l, want)
	if _, err := l.Apply(w.Context(), want, have, p); err != nil {
		w.Fatal(err)
	}
	have, err := l.Observe(w.Context(), want, fleet.Nodes)
	if err != nil {
		w.Fatal(err)
	}
	ids := map[int]string{}
	for _, i := range have.Instances {
		if i.State == planner.Running {
			ids[i.Slot] = i.ID
		}
	}
	return ids
}

// TestPartsSideBySide brings parts of one group up at the same time, while up looks at all of it.
func TestPartsSideBySide(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		var all sync.WaitGroup
		var mu sync.Mutex
		ids := map[string]bool{}
		for k := range 4 {
			want, l := w.part(20, 3*k, 3*k+1, 3*k+2)
			all.Go(func() {
				got := w.bring(want, l)
				mu.Lock()
				defer mu.Unlock()
				if len(got) != 3 {
					w.Errorf("part %d has %v", k, got)
				}
				for id := range maps.Values(got) {
					ids[id] = true
				}
			})
		}
		all.Go(func() {
			if _, err := w.up(cluster(20, lend)); err != nil {
				w.Errorf("up: %v", err)
			}
		})
		all.Wait()
		if n := len(w.living()); n != 12 || len(ids) != 12 {
			w.Errorf("%d instances live, and %d are known, want 12", n, len(ids))
		}
		r := w.mustUp(cluster(20, lend))
		if g := r.Groups[0]; g.Launched+g.Terminated > 0 || g.Running != 12 || g.Short() > 0 {
			w.Errorf("up, which leaves burst capacity alone, did %+v", g)
		}
	})
}

// TestGenerations holds that asking again gives the same instances, and that another generation never does, even if EC2
// does not show yet that they have ended.
func TestGenerations(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want, l := w.part(4, 0, 1)
		first := w.bring(want, l)
		want, l = w.part(4, 0, 1)
		if again := w.bring(want, l); !maps.Equal(first, again) {
			w.Fatalf("asked again it is %v, and was %v", again, first)
		}
		want, l = w.part(4, 0, 1)
		l.Only = func(i planner.Instance) bool { return !slices.Contains(slices.Collect(maps.Values(first)), i.ID) }
		l.Generation = "1"
		second := w.bring(want, l)
		if len(second) != 2 || second[0] == first[0] || second[1] == first[1] {
			w.Errorf("the second generation is %v, and the first was %v", second, first)
		}
	})
}

// TestOwnerOfAPart holds that nodes launched for somebody's cluster are theirs.
func TestOwnerOfAPart(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want, l := w.part(4, 2)
		l.Owner = "arn:aws:iam::123456789012:user/somebody"
		w.bring(want, l)
		for _, i := range w.living() {
			if got := fleet.FromTags(i.Tags)[planner.TagOwner]; got != l.Owner {
				w.Errorf("the node belongs to %s", got)
			}
		}
	})
}
