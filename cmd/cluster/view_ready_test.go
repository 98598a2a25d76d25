package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"
)

// readyCounts is a cluster of which the head is up and the rest is waited for.
func readyCounts(reachable, booted int) fleet.Event {
	return fleet.Event{Type: fleet.EventWaiting, Counts: []fleet.GroupCount{
		{Group: "head", Want: 1, Running: 1, Wait: spec.WaitReachable, Met: fleet.Conditions{Reachable: 1}},
		{Group: "compute", Want: 100, Running: 100, Wait: spec.WaitBooted, Met: fleet.Conditions{Reachable: reachable, Booted: booted}},
	}}
}

// TestViewsShowConditions holds that a view counts the nodes that meet each condition, and names none of them.
func TestViewsShowConditions(t *testing.T) {
	plan := planner.Plan{Groups: []planner.GroupPlan{{Name: "head", Want: 1}, {Name: "compute", Want: 100}}}
	met := fleet.Event{Type: fleet.EventCondition, Group: "compute", Node: "compute-7", Condition: spec.WaitReachable, Met: true}
	synctest.Test(t, func(t *testing.T) {
		term := &screen{t: t, width: 80}
		v := newLiveView(&printer{w: term}, plan, time.Now, term.columns)
		v.event(met)
		v.event(readyCounts(60, 20))
		time.Sleep(time.Second)
		if got := term.text(); !strings.HasSuffix(got, "\ncompute: 100 of 100 running, 60 reachable, 20 booted") {
			t.Errorf("the terminal has\n%s", got)
		}
		v.close()
	})
	var b bytes.Buffer
	start := time.Now()
	v := newLineView(&printer{w: &b}, plan, func() time.Time { return start })
	for _, e := range []fleet.Event{met, readyCounts(60, 20), readyCounts(60, 20), readyCounts(100, 20)} {
		v.event(e)
	}
	v.close()
	want := `  0 s  head: 1 of 1 running, 1 reachable
  0 s  compute: 100 of 100 running, 60 reachable, 20 booted
  0 s  compute: 100 of 100 running, 100 reachable, 20 booted
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
