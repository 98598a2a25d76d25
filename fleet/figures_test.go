package fleet_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"cluster/fleet/ec2sim"
)

// The table of API calls in the README is what this test measures, on the embedded region with
// EC2's default limits.
func TestReadmeFigures(t *testing.T) {
	large(t)
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 100, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := cluster(n)
				up := w.mustUp(want)
				again := w.mustUp(want)
				down, err := w.up(want.Empty())
				if err != nil {
					w.Fatal(err)
				}
				row := fmt.Sprintf("| %d | %d | %.0f s | %d | %d | %.0f s |",
					n, up.Calls, up.Elapsed.Seconds(), again.Calls, down.Calls, down.Elapsed.Seconds())
				if !strings.Contains(string(readme), row+"\n") {
					w.Errorf("the README does not have the row as measured:\n%s", row)
				}
			})
		})
	}
}
