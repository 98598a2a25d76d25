package fleet

import (
	"context"
	"time"

	"cluster/planner"
)

// lookAgain looks at the cluster and takes in what changed.
func (a *apply) lookAgain(ctx context.Context) error {
	seen, err := a.s.look(ctx, a.want.Name)
	if err != nil {
		return err
	}
	seen = a.l.seen(seen)
	a.changed, a.rooted = false, false
	a.last = seen
	for k := range seen {
		i := &seen[k]
		n := a.nodes[i.ID]
		if n == nil {
			continue
		}
		if n.Slot >= 0 {
			i.Slot = n.Slot // a slot of its own may be tagged, and the tag not be visible yet
		}
		if n.State == planner.Pending && i.State == planner.Stopped && a.before[i.ID] {
			continue // started a moment ago, and this look is older
		}
		n.Instance = *i
		if i.State == planner.Running && !n.announced && !a.ended[i.ID] {
			n.announced, n.ran = true, a.s.now()
			a.emit(Event{Type: EventNodeRunning, Group: i.Group, Node: planner.NodeName(i.Group, i.Slot), Instance: i.ID, Zone: i.Zone, InstanceType: i.InstanceType})
		}
	}
	a.tellTerminated()
	a.emit(Event{Type: EventWaiting, Counts: a.counts()})
	return nil
}

// counts says where each group stands, in the plan's order.
func (a *apply) counts() []GroupCount {
	counts := make([]GroupCount, len(a.groups))
	for k, g := range a.groups {
		c := &counts[k]
		c.Group, c.Want = g.plan.Name, g.plan.Want
		c.Running = a.held(g, func(n *node) bool { return n.State == planner.Running && !a.ended[n.ID] })
		for _, n := range a.nodes {
			switch {
			case n.Group != g.plan.Name:
			case a.ended[n.ID]:
				if n.State != planner.Terminated {
					c.Leaving++
				}
			case n.State == planner.Running:
				if !a.up(n) {
					c.Unchecked++
				}
			case !n.State.Dead():
				c.Pending++
			}
		}
		if a.verdict != nil && a.verdict.Identical {
			c.Verified = c.Running
		}
	}
	return counts
}

// wait watches until every node that should run does, makes good those that die young, gives up
// groups whose time is over, asks again for groups that found no room, and ends duplicates that
// turn up late.
func (a *apply) wait(ctx context.Context) error {
	if len(a.want.Groups) == 0 {
		return nil
	}
	steps := []func(context.Context) error{
		a.lookAgain, a.tellServer, a.check, a.endImpaired, a.makeGood, a.giveUp, a.settleGangs, a.askAgain, a.endDuplicates,
	}
	for n := 0; a.changed || !a.settled() || a.waiting(); n++ {
		if n > 0 || a.changed && !a.settled() {
			if err := a.s.Sleep(ctx, a.pause(n)); err != nil {
				return err
			}
		}
		for _, step := range steps {
			if err := step(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause is how long to wait before the n-th look: as long as nothing can happen, if all that is
// left is to ask again later.
func (a *apply) pause(n int) time.Duration {
	if !a.changed && a.settled() {
		var first time.Time
		for _, g := range a.groups {
			if !g.again.IsZero() && (first.IsZero() || g.again.Before(first)) {
				first = g.again
			}
		}
		return max(time.Second, first.Sub(a.s.now()))
	}
	if a.onlyChecks() {
		return checksEvery
	}
	return a.l.look(n)
}

// settled says that every node runs and shows its root volume. One that runs and still shows none after
// a minute is waited for no longer: the verification will call it unproven. Nor is one that is to be replaced.
func (a *apply) settled() bool {
	for _, n := range a.nodes {
		if g := a.group(n.Group); a.ended[n.ID] || a.old[n.ID] || n.refused || g == nil || g.over || g.aside(n) {
			continue
		}
		if !a.up(n) || n.RootVolumeID == "" && a.s.now().Sub(n.ran) < visibleWithin {
			return false
		}
	}
	return true
}

// running is how many slots of a group have a node that is up.
func (a *apply) running(g *groupRun) int { return a.held(g, a.up) }

// held is how many slots of a group have a node that which picks. An instance whose slot cannot be told counts.
func (a *apply) held(g *groupRun, which func(*node) bool) (n int) {
	slots := map[int]bool{}
	for _, i := range a.nodes {
		if i.Group != g.plan.Name || !which(i) || i.Slot >= 0 && slots[i.Slot] {
			continue
		}
		slots[i.Slot] = true
		n++
	}
	return n
}

func (a *apply) members(g *groupRun) []*node {
	var some []*node
	for _, n := range a.nodes {
		if n.Group == g.plan.Name && !a.ended[n.ID] {
			some = append(some, n)
		}
	}
	return some
}
