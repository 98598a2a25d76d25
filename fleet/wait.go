package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/planner"
)

// LostError says that nodes of a group died before they ran or failed their checks, more of them than are made good.
type LostError struct {
	Group   string
	Lost    int    // in all, those made good included
	Node    string // the last one
	Message string // EC2's reason for it
	Cause   Cause  // what that comes down to
}

func (e *LostError) Error() string {
	return fmt.Sprintf("group %s: %d nodes were lost on the way up, the last one %s: %s", e.Group, e.Lost, e.Node, e.Message)
}

// lookAgain looks at the cluster and takes in what changed.
func (a *apply) lookAgain(ctx context.Context) error {
	seen, err := a.s.look(ctx, a.want.Name)
	if err != nil {
		return err
	}
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
		a.lookAgain, a.check, a.endImpaired, a.makeGood, a.giveUp, a.settleGangs, a.askAgain, a.endDuplicates,
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
		if g := a.group(n.Group); a.ended[n.ID] || a.old[n.ID] || n.refused || g == nil || g.over {
			continue
		}
		if !a.up(n) || n.RootVolumeID == "" && a.s.now().Sub(n.ran) < visibleWithin {
			return false
		}
	}
	return true
}

// makeGood launches nodes that died again, into the same slots and on the same rung, as long as
// the group's budget lasts.
func (a *apply) makeGood(ctx context.Context) error {
	var climbs []*climb
	for _, g := range a.groups {
		lost := a.lost(g)
		if len(lost) == 0 {
			continue
		}
		last := lost[len(lost)-1]
		if g.spec == nil || g.over {
			continue
		}
		affordable := g.report.Replaced+len(lost) <= a.l.budget(g.plan.Want)
		if affordable && len(g.rung) == 0 {
			if err := a.findRungs(ctx, g); err != nil {
				return err
			}
		}
		if !affordable || len(g.rung) == 0 {
			g.over = true
			g.err = &LostError{
				Group: g.plan.Name, Lost: g.report.Replaced + len(lost),
				Node: planner.NodeName(last.Group, last.Slot), Message: last.StateReason, Cause: CauseOf(last.StateReason),
			}
			if err := a.releaseGroup(ctx, g); err != nil {
				return err
			}
			continue
		}
		g.report.Replaced += len(lost)
		var slots planner.Slots
		for _, i := range lost {
			slots = append(slots, i.Slot)
		}
		slices.Sort(slots)
		climbs = append(climbs, a.newClimb(g, slots, g.rung))
	}
	a.climb(ctx, climbs)
	return context.Cause(ctx)
}

// findRungs finds out where a group's nodes may be launched, if the plan launched none and so did not ask.
func (a *apply) findRungs(ctx context.Context, g *groupRun) (err error) {
	if a.have.Facts == nil {
		if a.have.Facts, err = a.s.facts(ctx, a.want, nil); err != nil {
			return err
		}
		for _, t := range a.have.Facts.Types {
			a.types[t.Name] = t
		}
	}
	have := a.have
	have.Instances = a.remaining()
	for _, p := range planner.Diff(a.want, have).Groups {
		if p.Name == g.plan.Name {
			g.plan.Rungs, g.rung = p.Rungs, p.Rungs
		}
	}
	return nil
}

// lost takes the dead nodes of a group out, tells of them, and returns those to be made good in the order
// of their slots: the slot of one that was to be replaced waits for its batch.
func (a *apply) lost(g *groupRun) []planner.Instance {
	var dead []planner.Instance
	for id, n := range a.nodes {
		if n.Group == g.plan.Name && n.State.Dead() && !a.ended[id] {
			dead = append(dead, n.Instance)
			if n.launched {
				g.report.Launched--
			}
			delete(a.nodes, id)
			if n.checks.impaired != "" {
				a.ended[id], a.told[id] = true, true // ended by us, and told as lost
			}
			a.deadTokens[n.ClientToken] = a.allDead(n.ClientToken)
		}
	}
	sortNodes(dead)
	for _, i := range dead {
		why := CauseOf(i.StateReason)
		a.emit(Event{
			Type: EventNodeLost, Group: i.Group, Node: planner.NodeName(i.Group, i.Slot), Instance: i.ID, Zone: i.Zone,
			InstanceType: i.InstanceType, Code: why.Code, Class: why.Class, Message: i.StateReason,
		})
	}
	return slices.DeleteFunc(dead, func(i planner.Instance) bool { return a.old[i.ID] })
}

func (a *apply) allDead(token string) bool {
	for _, i := range a.last {
		if i.ClientToken == token && !i.State.Dead() {
			return false
		}
	}
	return token != ""
}

// releaseGroup ends what this apply launched of a group that failed, unless the group is enough
// without the rest. Nodes that were there before stay.
func (a *apply) releaseGroup(ctx context.Context, g *groupRun) error {
	if g.spec != nil && !g.spec.Launch.All && a.running(g) >= g.spec.Launch.Min {
		return a.end(ctx, g, func(n *node) bool { return !a.up(n) })
	}
	return a.end(ctx, g, func(*node) bool { return true })
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

// end terminates those nodes of a group that this apply launched and that which picks.
func (a *apply) end(ctx context.Context, g *groupRun, which func(*node) bool) error {
	var nodes []planner.Instance
	for _, n := range a.nodes {
		if n.Group == g.plan.Name && !a.before[n.ID] && !a.ended[n.ID] && which(n) {
			nodes = append(nodes, n.Instance)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	sortNodes(nodes)
	gone, err := a.s.terminate(ctx, nodes)
	for _, n := range nodes {
		a.ended[n.ID] = true
	}
	g.report.Released += gone
	g.report.Launched -= gone
	a.emit(Event{Type: EventReleased, Group: g.plan.Name, Got: gone, Message: "the group did not come up"})
	return err
}

// giveUp ends the wait for groups whose launch timeout is over.
func (a *apply) giveUp(ctx context.Context) error {
	for _, g := range a.groups {
		if g.spec == nil || g.over {
			continue
		}
		waited := a.s.now().Sub(g.begun)
		if waited < cmp.Or(g.spec.Launch.Timeout, 15*time.Minute) {
			continue
		}
		late := 0
		for _, n := range a.members(g) {
			if n.State != planner.Running && !n.refused && !a.old[n.ID] {
				late++
			}
		}
		running := a.running(g)
		if late == 0 {
			continue
		}
		g.over = true
		at := g.spec.Source.Block
		if r, ok := g.spec.Launch.Source.Attrs["timeout"]; ok {
			at = r
		}
		g.err = &TimeoutError{Group: g.plan.Name, Waited: waited.Round(time.Second), Running: running, Want: g.plan.Want, At: at}
		if !g.spec.Launch.All && running >= g.spec.Launch.Min {
			g.err = &ShortError{Group: g.plan.Name, Want: g.plan.Want, Got: running, Kept: true, Late: late, Refusals: g.report.Refusals, At: at}
		}
		if err := a.releaseGroup(ctx, g); err != nil {
			return err
		}
	}
	return nil
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

// endDuplicates ends instances that hold a slot twice. They turn up when a launch whose reply was
// lost to a crash becomes visible only now; the planner says which of the two stays.
func (a *apply) endDuplicates(ctx context.Context) error {
	if a.changed || !a.settled() {
		return nil
	}
	have := a.have
	have.Facts, have.PlacementGroupsKnown = nil, false
	// Those to be replaced are left to their batch: what is wrong with them does not show in every look.
	have.Instances = slices.DeleteFunc(a.remaining(), func(i planner.Instance) bool { return a.old[i.ID] })
	var extra []planner.Instance
	for _, x := range planner.Diff(a.want, have).Actions {
		if x.Kind != planner.Terminate {
			continue
		}
		for _, i := range a.last {
			if i.ID == x.Instance && !a.protected[i.ID] {
				extra = append(extra, i)
			}
		}
	}
	if len(extra) > 0 {
		if _, err := a.s.terminate(ctx, extra); err != nil {
			return err
		}
		for _, i := range extra {
			a.ended[i.ID] = true
			a.emit(Event{Type: EventNodeLost, Group: i.Group, Node: planner.NodeName(i.Group, i.Slot), Instance: i.ID, Message: "a second holder of the slot was terminated"})
		}
		a.changed = true
	}
	for _, i := range a.last {
		if a.nodes[i.ID] == nil && !a.ended[i.ID] && !i.State.Dead() && a.group(i.Group) != nil {
			a.nodes[i.ID] = &node{Instance: i, announced: true} // the elder of a pair, come to light
		}
	}
	return nil
}

// terminatePlanned ends what the plan ends, and waits: for all of a cluster until EC2 says that
// nothing is left, for nodes to be replaced until their room is free, and else until EC2 has begun.
func (a *apply) terminatePlanned(ctx context.Context) error {
	actions := slices.DeleteFunc(a.actions(planner.Terminate, planner.Replace), func(x planner.Action) bool { return a.retiring[x.Instance] })
	if len(actions) == 0 {
		return nil
	}
	all := len(a.want.Groups) == 0
	until := planner.ShuttingDown
	if all || len(a.actions(planner.Replace)) > 0 || slices.ContainsFunc(a.plan.Placements, func(p planner.PlacementChange) bool { return p.Delete }) {
		until = planner.Terminated
	}
	return a.endNodes(ctx, a.instances(actions), all, until)
}

// endNodes ends instances, and waits until they are in the state until; with all, until nothing of the
// cluster is left.
func (a *apply) endNodes(ctx context.Context, nodes []planner.Instance, all bool, until planner.State) error {
	for _, g := range a.groups {
		n := 0
		for _, i := range nodes {
			if i.Group == g.plan.Name {
				n++
			}
		}
		if n > 0 {
			g.report.Terminated += n
			a.emit(Event{Type: EventTerminateStart, Group: g.plan.Name, Got: n})
		}
	}
	for _, i := range nodes {
		a.ended[i.ID] = true
	}
	err := a.terminateSome(ctx, nodes)
	for _, i := range nodes {
		if a.protected[i.ID] {
			a.group(i.Group).report.Terminated--
		}
	}
	if err == nil {
		err = a.awaitEnd(ctx, all, until)
	}
	if err == nil && len(a.protected) > 0 {
		err = &ProtectedError{Instances: sortedKeys(a.protected)}
	}
	return err
}

// terminateSome notes the protected ones and goes on with the rest.
func (a *apply) terminateSome(ctx context.Context, nodes []planner.Instance) error {
	_, err := a.s.terminate(ctx, nodes)
	a.changed = true
	if p, ok := errors.AsType[*ProtectedError](err); ok {
		for _, id := range p.Instances {
			a.protected[id] = true
		}
		return nil
	}
	return err
}

// awaitEnd waits until every instance that was ended is in the state until, or gone. With all, any
// other instance of the cluster that comes to light meanwhile is ended as well.
func (a *apply) awaitEnd(ctx context.Context, all bool, until planner.State) error {
	a.until = until
	deadline := a.s.now().Add(a.l.patience())
	for n := 0; ; n++ {
		wait := a.l.endLook(n)
		if until == planner.ShuttingDown {
			wait = settleEvery
		}
		if err := a.s.Sleep(ctx, wait); err != nil {
			return err
		}
		if err := a.lookAgain(ctx); err != nil {
			return err
		}
		left, again := a.left(all, until)
		if len(left) == 0 {
			return nil
		}
		if a.s.now().After(deadline) {
			return fmt.Errorf("%d instances are not gone after %s, the first is %s", len(left), a.l.patience(), left[0].ID)
		}
		if len(again) > 0 {
			for _, i := range again {
				a.ended[i.ID] = true
				if a.nodes[i.ID] == nil {
					a.nodes[i.ID] = &node{Instance: i}
				}
			}
			if err := a.terminateSome(ctx, again); err != nil {
				return err
			}
		}
	}
}

// left are the instances that still have to go, and among them those that EC2 has not begun to end.
func (a *apply) left(all bool, until planner.State) (left, again []planner.Instance) {
	for _, i := range a.last {
		if a.protected[i.ID] || !all && !a.ended[i.ID] {
			continue
		}
		switch {
		case i.State == planner.Terminated, i.State == planner.ShuttingDown && until == planner.ShuttingDown:
		case i.State == planner.ShuttingDown:
			left = append(left, i)
		default:
			left, again = append(left, i), append(again, i)
		}
	}
	return left, again
}

// tellTerminated tells of ended instances that this look is the first to find gone, or going where
// that is all that is waited for.
func (a *apply) tellTerminated() {
	var gone []planner.Instance
	for _, i := range a.last {
		if a.ended[i.ID] && !a.told[i.ID] && (i.State == planner.Terminated || i.State == planner.ShuttingDown && a.until == planner.ShuttingDown) {
			a.told[i.ID] = true
			gone = append(gone, i)
		}
	}
	sortNodes(gone)
	for _, i := range gone {
		a.emit(Event{Type: EventNodeTerminated, Group: i.Group, Node: planner.NodeName(i.Group, i.Slot), Instance: i.ID, Zone: i.Zone})
	}
}

func sortedKeys(m map[string]bool) []string {
	var keys []string
	for k, v := range m {
		if v {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
