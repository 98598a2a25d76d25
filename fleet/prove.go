package fleet

import (
	"context"
	"errors"
	"slices"

	"cluster/planner"
)

// verify proves that the cluster is what the plan named, by what EC2 says now. A group that was
// allowed to come up short is not wrong for the nodes it lacks.
func (a *apply) verify(ctx context.Context) error {
	if len(a.want.Groups) == 0 || !a.worthVerifying() {
		return nil
	}
	have, err := a.rootedLook(ctx, func(i planner.Instance) bool { return a.nodes[i.ID] == nil || !a.nodes[i.ID].refused })
	if err != nil {
		return err
	}
	v := planner.Verify(a.want, have, planner.LevelRoot)
	v.Mismatched = slices.DeleteFunc(v.Mismatched, func(m planner.Mismatch) bool { return m.Instance == "" && a.shortAllowed(m.Node) })
	v.Identical = len(v.Mismatched) == 0
	a.verdict = &v
	a.emit(Event{Type: EventVerify, Verdict: &v, Counts: a.counts()})
	if !v.Identical {
		return errors.Join(&IdentityError{Verdict: v}, a.failures())
	}
	return nil
}

// rootedLook is the last look at those instances that are of interest, with their root volumes. It looks
// again if something has changed since.
func (a *apply) rootedLook(ctx context.Context, of func(planner.Instance) bool) (planner.Observed, error) {
	have := a.have
	for try := 0; ; try++ {
		if a.changed {
			if err := a.lookAgain(ctx); err != nil {
				return have, err
			}
		}
		have.Volumes, have.At = true, a.s.now()
		have.Instances = slices.DeleteFunc(a.remaining(), func(i planner.Instance) bool { return !of(i) })
		if !a.rooted {
			if err := a.s.roots(ctx, a.want.Name, have.Instances); err != nil {
				return have, err
			}
		}
		if try == 4 || !slices.ContainsFunc(have.Instances, func(i planner.Instance) bool { return i.RootSnapshot == "" && !i.State.Dead() }) {
			return have, nil
		}
		// Volumes are shown later than their instances.
		if err := a.s.Sleep(ctx, a.l.look(1)); err != nil {
			return have, err
		}
		a.changed = true
	}
}

// worthVerifying says that every group has what it needs.
func (a *apply) worthVerifying() bool {
	for _, g := range a.groups {
		if g.err != nil && !keptShort(g.err) {
			return false
		}
	}
	return true
}

// shortAllowed says that a node is missing from a group that may be short.
func (a *apply) shortAllowed(node string) bool {
	for _, g := range a.groups {
		if keptShort(g.err) {
			for slot := range g.required() {
				if planner.NodeName(g.plan.Name, slot) == node {
					return true
				}
			}
		}
	}
	return false
}

// keptShort says that a group came up short and was allowed to.
func keptShort(err error) bool {
	short, ok := errors.AsType[*ShortError](err)
	return ok && short.Kept
}

// remaining is the last look without what this apply has ended.
func (a *apply) remaining() []planner.Instance {
	return slices.DeleteFunc(slices.Clone(a.last), func(i planner.Instance) bool { return a.ended[i.ID] })
}
