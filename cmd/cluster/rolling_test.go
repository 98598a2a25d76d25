package main

import (
	"testing"
	"testing/synctest"
	"time"

	"cluster/fleet"
	"cluster/planner"
)

func TestRolledSaysHowFarItGot(t *testing.T) {
	group := func(replaced, unproven, old, down planner.Slots) []fleet.RolledGroup {
		return []fleet.RolledGroup{{Name: "compute", Replaced: replaced, Unproven: unproven, Old: old, Down: down}}
	}
	for _, c := range []struct {
		r    fleet.RollReport
		want string
	}{
		{fleet.RollReport{Batch: 1, Batches: 1, Groups: group(planner.Slots{0, 1}, nil, nil, nil)}, "2 replaced in 1 batch"},
		{fleet.RollReport{Batch: 2, Batches: 2, Groups: group(planner.Slots{0, 1}, nil, nil, nil)}, "2 replaced in 2 batches"},
		{fleet.RollReport{Batch: 2, Batches: 3, Groups: group(planner.Slots{0}, planner.Slots{1}, planner.Slots{2}, planner.Slots{3})}, "1 of 4 replaced, stopped in batch 2 of 3"},
		{fleet.RollReport{Batches: 3, Groups: group(nil, nil, planner.Slots{0, 1, 2}, nil)}, "0 of 3 replaced, stopped before the first batch"},
	} {
		if got := rolled(c.r); got != c.want {
			t.Errorf("%+v: %s, want %s", c.r, got, c.want)
		}
	}
}

// The live view tells which batch is at work, and calls nodes verified only once all are.
func TestLiveViewTellsBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term := &screen{t: t, width: 80}
		v := newLiveView(&printer{w: term}, planner.Plan{Groups: []planner.GroupPlan{{Name: "compute", Want: 20}}}, time.Now, term.columns)
		counts := []fleet.GroupCount{{Group: "compute", Want: 20, Running: 20}}
		v.event(fleet.Event{Type: fleet.EventWaiting, Counts: counts, Batch: 2, Batches: 4})
		v.event(fleet.Event{Type: fleet.EventVerify, Verdict: &planner.Verdict{Identical: true, Nodes: 5}, Batch: 2, Batches: 4})
		time.Sleep(time.Second)
		want := "compute  [################]  asked 20  pending  0  running 20  verified  0  1 s\nbatch 2 of 4"
		if got := term.text(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
		v.event(fleet.Event{Type: fleet.EventVerify, Verdict: &planner.Verdict{Identical: true, Nodes: 20}})
		time.Sleep(time.Second)
		want = "compute  [################]  asked 20  pending  0  running 20  verified 20  2 s\nbatch 2 of 4"
		if got := term.text(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
		v.close()
	})
}
