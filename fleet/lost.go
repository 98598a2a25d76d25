package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"cluster/planner"
	"cluster/spec"
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
	impaired := map[string]bool{}
	for id, n := range a.nodes {
		if n.Group == g.plan.Name && n.State.Dead() && !a.ended[id] && g.aside(n) {
			delete(a.nodes, id) // Slurm has ended it
			continue
		}
		if n.Group == g.plan.Name && n.State.Dead() && !a.ended[id] {
			dead = append(dead, n.Instance)
			if n.launched {
				g.report.Launched--
			}
			delete(a.nodes, id)
			if n.checks.impaired != "" {
				a.ended[id], a.told[id] = true, true // ended by us, and told as lost
				impaired[id] = true
			}
			a.deadTokens[n.ClientToken] = a.allDead(n.ClientToken)
		}
	}
	sortNodes(dead)
	for _, i := range dead {
		why := CauseOf(i.StateReason)
		if why.Class != Capacity && why.Class != Quota { // else it was never switched on
			f := FailedNode{Group: i.Group, Node: planner.NodeName(i.Group, i.Slot), Instance: i.ID, Reason: i.StateReason}
			if impaired[i.ID] {
				f.Condition = spec.WaitChecked
			}
			a.failed = append(a.failed, f)
		}
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
			if n.State != planner.Running && !n.refused && !a.old[n.ID] && !g.aside(n) {
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

// releaseGroup ends what this apply launched of a group that failed, unless the group is enough
// without the rest. Nodes that were there before stay.
func (a *apply) releaseGroup(ctx context.Context, g *groupRun) error {
	if g.spec != nil && !g.spec.Launch.All && a.running(g) >= g.spec.Launch.Min {
		return a.end(ctx, g, func(n *node) bool { return !a.up(n) })
	}
	return a.end(ctx, g, func(*node) bool { return true })
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
