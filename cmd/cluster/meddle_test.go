package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/rogpeppe/go-internal/testscript"
)

// halt stops an instance behind its owner's back: halt 2 is the second oldest that lives.
func halt(ts *testscript.TestScript, neg bool, args []string) {
	meddle(ts, neg, args, (*ec2sim.Region).Stop)
}

// die terminates one, as EC2 does when the hardware fails.
func die(ts *testscript.TestScript, neg bool, args []string) {
	meddle(ts, neg, args, (*ec2sim.Region).Kill)
}

func meddle(ts *testscript.TestScript, neg bool, args []string, with func(r *ec2sim.Region, id string) error) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: halt N, die N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	inRegion(ts, func(r *ec2sim.Region) {
		all := r.Instances()
		if n < 1 || n > len(all) {
			ts.Fatalf("there are %d instances", len(all))
		}
		ts.Check(with(r, all[n-1]))
	})
}

// calm takes every fault and every limit of capacity back.
func calm(ts *testscript.TestScript, neg bool, args []string) {
	inRegion(ts, func(r *ec2sim.Region) { r.Calm() })
}

// reservation buys room for instances, and keeps its id in a variable:
// reservation CR c7i.large@us-east-1a=3 [open] [block] [group=ARN] [cluster=NAME].
// With a cluster it is one that an up has made and not given back.
func reservation(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: reservation NAME TYPE@ZONE=N [open] [block] [group=ARN] [cluster=NAME]")
	}
	pool, count, _ := strings.Cut(args[1], "=")
	s := ec2sim.ReservationSpec{Open: slices.Contains(args, "open"), Block: slices.Contains(args, "block")}
	s.Type, s.Zone, _ = strings.Cut(pool, "@")
	var err error
	s.Count, err = strconv.Atoi(count)
	ts.Check(err)
	for _, arg := range args[2:] {
		if arn, ok := strings.CutPrefix(arg, "group="); ok {
			s.Group = arn
		}
		if name, ok := strings.CutPrefix(arg, "cluster="); ok {
			s.Tags = map[string]string{"cluster:name": name}
		}
	}
	inRegion(ts, func(r *ec2sim.Region) {
		if s.Block {
			s.End = r.Now().Add(24 * time.Hour)
		}
		ts.Setenv(args[0], r.AddReservation(s))
	})
}

// subnet adds one to a zone, and keeps its id in a variable: subnet SMALL us-east-1a 172.31.200.0/28.
func subnet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: subnet NAME ZONE CIDR")
	}
	inRegion(ts, func(r *ec2sim.Region) {
		ts.Setenv(args[0], r.AddSubnet(ec2sim.SubnetSpec{Zone: args[1], CIDR: args[2]}))
	})
}
