package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cluster/planner"
)

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
