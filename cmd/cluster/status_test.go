package main

import (
	"path/filepath"
	"testing"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/rogpeppe/go-internal/testscript"
)

// later lets time pass in the rehearsal of a script, and a little more than asked for: later 8h.
func later(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: later DURATION")
	}
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	keep := func(r *ec2sim.Region) { r.SetCapacity(ec2sim.Pool{Type: "none"}, 0) } // only what changes a region is kept, its time included
	inRegion(ts, keep)
	r, err := ec2sim.Open(ec2sim.Options{Path: filepath.Join(ts.Getenv("CLUSTER_REHEARSAL_DIR"), stateFile), Speed: 100_000})
	ts.Check(err)
	for end := r.Now().Add(d); r.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	keep(r)
	ts.Check(r.Close())
}

// TestEnds holds how what is left of a time to live is told.
func TestEnds(t *testing.T) {
	now := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{
		3*time.Hour + 20*time.Minute + 59*time.Second: "ends in 3 h 20 min",
		time.Hour:        "ends in 1 h 0 min",
		59 * time.Minute: "ends in 59 min",
		90 * time.Second: "ends in 90 s",
		72 * time.Hour:   "ends in 3 days",
		-5 * time.Minute: "should have ended 5 min ago",
	} {
		if got := ends(now, now.Add(left)); got != want {
			t.Errorf("%s: %q, want %q", left, got, want)
		}
	}
	if got := ends(now, time.Time{}); got != "" {
		t.Errorf("without an end: %q", got)
	}
}
