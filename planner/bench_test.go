package planner_test

import (
	"fmt"
	"testing"

	"cluster/planner"
	"cluster/spec"
)

// BenchmarkDiff plans clusters that are as they should be, that grow from nothing, and that
// get another image, at two sizes: ten times the nodes should cost ten times the time.
func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		want := clusterOf(computeGroup(n))
		finished := running(want)
		renewed := clusterOf(computeGroup(n))
		renewed.Groups[0].Image = spec.Image{ID: "ami-b"}
		for _, c := range []struct {
			name string
			want *spec.Cluster
			have planner.Observed
		}{
			{"finished", want, finished}, {"fresh", want, region()}, {"renewed", renewed, finished},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				for b.Loop() {
					planner.Diff(c.want, c.have)
				}
			})
		}
	}
}
