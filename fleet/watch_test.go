package fleet_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"
)

// watched is a cluster that is up, and a watch of it.
func watched(w *world, want *spec.Cluster) (*fleet.Launcher, *fleet.Watch) {
	w.Helper()
	w.mustUp(want)
	l := w.launcher()
	have, err := l.Observe(w.Context(), want, fleet.Nodes)
	if err != nil {
		w.Fatal(err)
	}
	return l, l.Session.Watch(want.Name, have.Instances)
}

// TestWatchTellsEachLossOnce holds that whoever stops running is told with EC2's reason, once, and what a watch costs: a look
// each half minute, of a call a thousand nodes.
func TestWatchTellsEachLossOnce(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(5)
		l, watch := watched(w, want)
		before, _ := l.Session.Calls()
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Minute+5*time.Second)
		defer cancel()
		all := w.region.Instances()
		time.AfterFunc(95*time.Second, func() { w.region.Kill(all[2]) })
		time.AfterFunc(200*time.Second, func() { w.region.Stop(all[4]); w.region.Kill(all[0]) })
		begun := time.Now()
		var told []string
		var when []time.Duration
		watch.Until(ctx, func(gone []fleet.Loss) {
			for _, g := range gone {
				told = append(told, g.Instance+" "+g.Message)
				when = append(when, g.Seen.Sub(begun).Round(time.Second))
			}
		}, func(err error) { t.Errorf("blind: %v", err) })
		if len(told) != 3 || !strings.HasPrefix(told[0], all[2]+" Server.InternalError") {
			t.Fatalf("told: %q", told)
		}
		for i, least := range []time.Duration{95, 200, 200} {
			if d := when[i] - least*time.Second; d < 0 || d > 31*time.Second {
				t.Errorf("%s was told after %v", told[i], when[i])
			}
		}
		if after, _ := l.Session.Calls(); after-before != 20 {
			t.Errorf("%d calls in ten minutes, want 20", after-before)
		}
	})
}

// TestWatchIsNotFooledByALook holds that a node is not lost because one look fails or does not show it, and that an end
// of all nodes ends the watch.
func TestWatchIsNotFooledByALook(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(2)
		_, watch := watched(w, want)
		w.region.Inject(ec2sim.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation", From: time.Minute, To: 3 * time.Minute})
		all := w.region.Instances()
		time.AfterFunc(5*time.Minute, func() { w.region.Kill(all[0]); w.region.Kill(all[1]) })
		var blind []error
		var lost []fleet.Loss
		watch.Until(w.Context(), func(gone []fleet.Loss) { lost = append(lost, gone...) }, func(err error) { blind = append(blind, err) })
		if len(lost) != 2 {
			t.Errorf("lost: %+v", lost)
		}
		refused := &fleet.CallError{}
		if len(blind) != 1 || !errors.As(blind[0], &refused) || refused.Code != "UnauthorizedOperation" {
			t.Errorf("looks that fail in a row are told %d times: %v", len(blind), blind)
		}
	})

	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(3)
		l, watch := watched(w, want)
		have, err := l.Observe(w.Context(), want, fleet.Nodes)
		if err != nil {
			t.Fatal(err)
		}
		without := slices.DeleteFunc(slices.Clone(have.Instances), func(i planner.Instance) bool { return i.Slot == 1 })
		for n, seen := range [][]planner.Instance{without, have.Instances, without} {
			if gone := watch.Missing(seen); len(gone) > 0 {
				t.Errorf("look %d: %+v", n, gone)
			}
		}
		gone := watch.Missing(without)
		if len(gone) != 1 || gone[0].Node != "compute-1" || gone[0].Message != "EC2 does not show it any more" {
			t.Errorf("not shown twice in a row: %+v", gone)
		}
		if gone := watch.Missing(without); len(gone) > 0 {
			t.Errorf("told again: %+v", gone)
		}
	})
}
