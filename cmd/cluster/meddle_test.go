package main

import (
	"strconv"

	"cluster/fleet/ec2sim"

	"github.com/rogpeppe/go-internal/testscript"
)

// halt stops an instance behind its owner's back: halt 2 is the second oldest that lives.
func halt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: halt N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	inRegion(ts, func(r *ec2sim.Region) {
		all := r.Instances()
		if n < 1 || n > len(all) {
			ts.Fatalf("there are %d instances", len(all))
		}
		ts.Check(r.Stop(all[n-1]))
	})
}

// calm takes every fault and every limit of capacity back.
func calm(ts *testscript.TestScript, neg bool, args []string) {
	inRegion(ts, func(r *ec2sim.Region) { r.Calm() })
}
