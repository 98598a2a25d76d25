package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cluster/planner"
	"cluster/spec"
)

// carryOut does the plan's actions: first all that is not rolled, then batch by batch. Each batch runs and is
// proven before the next begins, and the first that fails is the last.
func (a *apply) carryOut(ctx context.Context) error {
	first, batches := planner.Roll(a.plan, a.have, nil)
	for _, b := range batches {
		a.rest = append(a.rest, b.Actions...)
	}
	for _, x := range a.rest {
		a.old[x.Instance] = true
	}
	a.batches = len(batches)
	err := a.do(ctx, first)
	for _, g := range a.groups {
		if keptShort(g.err) {
			g.tolerated = g.err
		}
	}
	for err == nil && len(a.rest) > 0 {
		if err = a.halted(); err == nil {
			err = a.nextBatch(ctx)
		}
	}
	if err == nil && a.batch > 0 {
		err = a.halted()
	}
	a.rolling = false
	if err == nil || a.batches == 0 || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, &RollError{*a.rolled()})
}

// do carries out one step of the plan, in the order that never leaves more than was asked for: end what
// has to go, start and retag what stays, launch, wait, and end what serves until then.
func (a *apply) do(ctx context.Context, step planner.Plan) error {
	a.step, a.kept = step, false
	for _, f := range []func(context.Context) error{
		a.terminatePlanned, a.start, a.retag, a.launch, a.wait, a.giveBatchBack, a.proveStep, a.retire,
	} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := f(ctx); err != nil {
			return err
		}
	}
	a.keep()
	return nil
}

// halted is why no further batch may begin; nil if one may.
func (a *apply) halted() error {
	for _, g := range a.groups {
		if g.err != g.tolerated {
			return a.failures()
		}
	}
	return nil
}

// nextBatch does the next batch of what is left, as large as the nodes allow that run now.
func (a *apply) nextBatch(ctx context.Context) error {
	rest, now := a.plan, a.have
	rest.Actions, now.Instances = a.rest, a.remaining()
	down := a.down()
	batch, more := planner.Roll(rest, now, down)
	if len(batch.Actions) == 0 {
		if len(more) == 0 {
			return errors.Join(a.failures(), a.noneToSpare(down))
		}
		batch, more = more[0], more[1:]
	}
	a.batch++
	a.rolling = true
	a.batches = a.batch + len(more)
	for _, x := range batch.Actions {
		a.rest = slices.DeleteFunc(a.rest, func(r planner.Action) bool { return r.Instance == x.Instance })
		if n := a.nodes[x.Instance]; n != nil && a.group(x.Group).launchesFirst() {
			a.retiring[x.Instance] = true
			// Should the launch be the same as the old node's, its token would give that one back.
			a.deadTokens[n.ClientToken] = n.ClientToken != ""
		}
	}
	for _, g := range a.groups {
		g.over = false // of a group that was allowed to be short
	}
	return a.do(ctx, batch)
}

// noneToSpare says why no further node may be taken down.
func (a *apply) noneToSpare(down map[string]int) error {
	var errs []error
	for _, g := range a.groups {
		if n := down[g.plan.Name]; n >= g.plan.Rolling.Most && n > 0 && g.plan.Rolling.Most > 0 {
			errs = append(errs, fmt.Errorf("%d nodes of group %s do not run, and max_unavailable allows for %d: no other is taken down",
				n, g.plan.Name, g.plan.Rolling.Most))
		}
	}
	return errors.Join(errs...)
}

func (g *groupRun) launchesFirst() bool { return g.plan.Rolling.Order == spec.LaunchFirst }

// down is how many nodes of each group do not run and are not among those that are still to be replaced.
func (a *apply) down() map[string]int {
	up := map[string]bool{}
	for _, n := range a.nodes {
		if n.State == planner.Running && !a.ended[n.ID] {
			up[planner.NodeName(n.Group, n.Slot)] = true
		}
	}
	for _, x := range a.rest {
		up[planner.NodeName(x.Group, x.Slots[0])] = true
	}
	down := map[string]int{}
	for _, g := range a.groups {
		for slot := range g.required() {
			if !up[planner.NodeName(g.plan.Name, slot)] {
				down[g.plan.Name]++
			}
		}
	}
	return down
}

// launchingFirst are the groups of the batch at hand that launch first.
func (a *apply) launchingFirst() (groups []*groupRun) {
	for _, g := range a.groups {
		if a.batch > 0 && g.launchesFirst() && slices.ContainsFunc(a.step.Actions, func(x planner.Action) bool { return x.Group == g.plan.Name }) {
			groups = append(groups, g)
		}
	}
	return groups
}

// giveBatchBack ends what a batch has launched of groups that failed in it and whose old nodes still serve.
func (a *apply) giveBatchBack(ctx context.Context) error {
	for _, g := range a.launchingFirst() {
		if g.err != nil && !keptShort(g.err) {
			if err := a.end(ctx, g, func(*node) bool { return true }); err != nil {
				return err
			}
		}
	}
	return nil
}

// proveStep proves the nodes that a step of a rolling replacement has brought up. New nodes that are wrong and
// whose old ones still serve are ended again.
func (a *apply) proveStep(ctx context.Context) error {
	names := map[string]bool{}
	for _, x := range a.step.Actions {
		if g := a.group(x.Group); g.err != nil && !keptShort(g.err) || x.Kind != planner.Launch && x.Kind != planner.Replace && a.batch == 0 {
			continue
		}
		for _, slot := range x.Slots {
			names[planner.NodeName(x.Group, slot)] = true
		}
	}
	if a.batches == 0 || len(names) == 0 {
		return nil
	}
	of := func(i planner.Instance) bool { return names[planner.NodeName(i.Group, i.Slot)] && !a.old[i.ID] }
	have, err := a.rootedLook(ctx, of)
	if err != nil {
		return err
	}
	v := planner.Verify(a.want, have, planner.LevelRoot)
	v.Mismatched = slices.DeleteFunc(v.Mismatched, func(m planner.Mismatch) bool {
		return !names[m.Node] || m.Instance == "" && a.shortAllowed(m.Node)
	})
	v.Identical = len(v.Mismatched) == 0
	if a.batch > 0 || !v.Identical {
		a.emit(Event{Type: EventVerify, Verdict: &v, Counts: a.counts()})
	}
	if v.Identical {
		return nil
	}
	a.verdict = &v
	e := &IdentityError{Verdict: v}
	for _, g := range a.launchingFirst() {
		e.Ended = true
		err = errors.Join(err, a.end(ctx, g, func(*node) bool { return true }))
	}
	return errors.Join(e, err, a.failures())
}

// retire ends the old nodes of a batch that launched first, where the new one runs and is proven.
func (a *apply) retire(ctx context.Context) error {
	up := map[string]bool{}
	for _, n := range a.nodes {
		if n.State == planner.Running && !a.ended[n.ID] && !a.old[n.ID] {
			up[planner.NodeName(n.Group, n.Slot)] = true
		}
	}
	var nodes []planner.Instance
	for id := range a.retiring {
		n := a.nodes[id]
		if n != nil && !a.ended[id] && up[planner.NodeName(n.Group, n.Slot)] {
			nodes = append(nodes, n.Instance)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	sortNodes(nodes)
	return a.endNodes(ctx, nodes, false, planner.Terminated)
}

// keep makes what a step brought up something that a later batch neither gives back nor mixes with nodes of
// another type.
func (a *apply) keep() {
	a.kept = true
	if len(a.rest) == 0 {
		return
	}
	clear(a.retiring)
	for id := range a.nodes {
		a.before[id] = true
	}
	for _, g := range a.groups {
		if len(g.rung) == 0 || g.spec == nil {
			continue
		}
		served := g.rung[0]
		close := g.spec.EFA || g.spec.Placement == spec.PlacementCluster
		g.plan.Rungs = slices.DeleteFunc(slices.Clone(g.plan.Rungs), func(r planner.Rung) bool {
			return r.Type != served.Type || close && zones(r) != zones(served)
		})
	}
}
