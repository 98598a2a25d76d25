package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"
)

// A collector hears of all nodes. It belongs to one goroutine, which tells the view.
type collector struct {
	r      *readiness
	l      *link
	report *fleet.Report
	tell   func(fleet.Event)
	nodes  []*pending
	heard  chan news

	failed   []fleet.FailedNode
	troubled map[string]int // looks in a row that found a node in trouble
}

// countsEvery is how often the counts are told while they change.
const countsEvery = time.Second

// collect hears of the nodes until none of those that are running is waited for any more.
func (c *collector) collect(running int, ended <-chan struct{}, troubles <-chan map[string]string) {
	tick := time.NewTicker(countsEvery)
	defer tick.Stop()
	c.troubled = map[string]int{}
	changed := true
	for running > 0 {
		select {
		case n := <-c.heard:
			changed = true
			c.hear(n)
		case <-ended:
			running--
		case found := <-troubles:
			c.trouble(found)
		case <-tick.C:
			if changed {
				c.counts()
			}
			changed = false
		}
	}
	c.counts()
}

// hear takes in what became of a node.
func (c *collector) hear(n news) {
	e := fleet.Event{
		Type: fleet.EventCondition, At: c.l.Session.Now(), Group: n.node.group.Name, Node: n.node.node.String(), Instance: n.node.instance,
		Condition: n.condition, Met: n.err == nil, Message: n.note,
	}
	if n.err == nil {
		c.groupReport(e.Group).Met.Add(n.condition)
	} else {
		e.Message = n.err.Error()
		c.failed = append(c.failed, fleet.FailedNode{Group: e.Group, Node: e.Node, Instance: e.Instance, Condition: n.condition, Reason: e.Message})
	}
	c.tell(e)
}

func (c *collector) counts() {
	var counts []fleet.GroupCount
	for _, g := range c.report.Groups {
		counts = append(counts, fleet.GroupCount{Group: g.Name, Want: g.Want, Running: g.Running, Verified: g.Running, Wait: g.Wait, Met: g.Met})
	}
	c.tell(fleet.Event{Type: fleet.EventWaiting, At: c.l.Session.Now(), Counts: counts})
}

func (c *collector) groupReport(name string) *fleet.GroupReport {
	i := slices.IndexFunc(c.report.Groups, func(g fleet.GroupReport) bool { return g.Name == name })
	return &c.report.Groups[i]
}

// deadline is until when a group is waited for, in the region's time.
func (c *collector) deadline(g *spec.Group) time.Time {
	begun := c.groupReport(g.Name).Begun
	if begun.IsZero() {
		begun = c.l.Session.Now()
	}
	return begun.Add(g.Launch.Timeout)
}

// watchEvery is how often EC2 is asked about nodes that are waited for: whether they still run, and their checks.
const watchEvery = 30 * time.Second

// watch finds out which nodes are in trouble of which EC2 can tell, by instance, with what it is. Two calls a
// thousand nodes each time.
func (c *collector) watch(ctx context.Context, troubles chan<- map[string]string) {
	defer close(troubles)
	cluster := c.report.Cluster
	for c.r.rest(ctx, c.l, watchEvery, time.Second) == nil {
		found, err := c.l.Session.Impaired(ctx, cluster)
		if err != nil {
			continue // what the nodes say themselves still counts
		}
		have, err := c.l.Observe(ctx, &spec.Cluster{Name: cluster}, fleet.Nodes)
		if err != nil {
			continue
		}
		for _, i := range have.Instances {
			if i.State != planner.Running {
				found[i.ID] = fmt.Sprintf("it is %s: %s", i.State, cmp.Or(i.StateReason, "EC2 gives no reason"))
			}
		}
		select {
		case troubles <- found:
		case <-ctx.Done():
		}
	}
}

// trouble gives up nodes that were in trouble in two looks in a row.
func (c *collector) trouble(found map[string]string) {
	for _, n := range c.nodes {
		if found[n.instance] == "" {
			c.troubled[n.instance] = 0
			continue
		}
		if c.troubled[n.instance]++; c.troubled[n.instance] > 1 {
			n.cancel(&troubleError{found[n.instance]})
		}
	}
}

// A troubleError is what EC2 says of a node that will not be ready.
type troubleError struct{ what string }

func (e *troubleError) Error() string { return e.what }

// finish sorts out what the nodes failed at.
func (c *collector) finish(ctx context.Context, want *spec.Cluster) error {
	c.report.Calls, c.report.ByAction = c.l.Session.Calls()
	c.report.Elapsed = c.l.Session.Elapsed()
	failed := slices.DeleteFunc(slices.Clone(c.failed), func(f fleet.FailedNode) bool { return f.Condition == spec.WaitSame })
	if len(c.failed) == 0 {
		return nil
	}
	at := func(f fleet.FailedNode) int {
		return slices.IndexFunc(c.nodes, func(n *pending) bool { return n.node.String() == f.Node })
	}
	slices.SortFunc(c.failed, func(a, b fleet.FailedNode) int { return cmp.Compare(at(a), at(b)) })
	c.l.Session.ReadConsoles(ctx, c.failed)
	c.report.Failed = append(c.report.Failed, c.failed...)
	if len(failed) == 0 {
		return nil
	}
	return &notReadyError{want: want, failed: failed, of: len(c.nodes), fate: c.r.fate}
}
