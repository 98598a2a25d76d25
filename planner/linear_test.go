package planner_test

import (
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"
)

// Ten times the nodes cost ten times the time, and a hundred thousand of them no more than a
// moment. The limits are wide, for computers that do other things meanwhile: what is quadratic
// costs a hundred times as much.
func TestDiffIsLinear(t *testing.T) {
	const small, large = 10_000, 100_000
	renew := func(n int) (*spec.Cluster, planner.Observed) {
		want := clusterOf(computeGroup(n))
		have := running(want)
		want.Groups[0].Image = spec.Image{ID: "ami-b"}
		return want, have
	}
	for _, c := range []struct {
		name string
		make func(n int) (*spec.Cluster, planner.Observed)
	}{
		{"finished", func(n int) (*spec.Cluster, planner.Observed) {
			want := clusterOf(computeGroup(n))
			return want, running(want)
		}},
		{"fresh", func(n int) (*spec.Cluster, planner.Observed) { return clusterOf(computeGroup(n)), region() }},
		{"renewed", renew},
	} {
		t.Run(c.name, func(t *testing.T) {
			least := func(n int) time.Duration {
				want, have := c.make(n)
				best := time.Hour
				for range 3 {
					start := time.Now()
					planner.Diff(want, have)
					best = min(best, time.Since(start))
				}
				return best
			}
			one, ten := least(small), least(large)
			t.Logf("%d nodes: %s, %d nodes: %s", small, one, large, ten)
			if ten > 40*one {
				t.Errorf("%d nodes take %s and %d take %s: %.0f times as long", small, one, large, ten, float64(ten)/float64(one))
			}
			if ten > 10*time.Second {
				t.Errorf("%d nodes take %s", large, ten)
			}
		})
	}
}
