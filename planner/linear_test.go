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
			// Ten small plans against a large one: both are interrupted as often by what else the computer does.
			measure := func(n, times int) func() time.Duration {
				want, have := c.make(n)
				return func() time.Duration {
					start := time.Now()
					for range times {
						planner.Diff(want, have)
					}
					return time.Since(start)
				}
			}
			few, many := measure(small, large/small), measure(large, 1)
			one, ten := time.Hour, time.Hour
			for range 4 {
				one, ten = min(one, few()), min(ten, many())
			}
			t.Logf("%d times %d nodes: %s, %d nodes: %s", large/small, small, one, large, ten)
			if ten > 4*one {
				t.Errorf("%d nodes take %s and %d of them at once %s: %.1f times as long", small, one/time.Duration(large/small), large, ten, float64(ten)/float64(one))
			}
			if ten > 10*time.Second {
				t.Errorf("%d nodes take %s", large, ten)
			}
		})
	}
}
