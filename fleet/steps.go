package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// start starts the stopped nodes of the plan, a call a group. One that is still stopping must
// have stopped first.
func (a *apply) start(ctx context.Context) error {
	byGroup := map[string][]planner.Instance{}
	for _, i := range a.instances(a.actions(planner.Start)) {
		byGroup[i.Group] = append(byGroup[i.Group], i)
	}
	for _, g := range a.groups {
		nodes := byGroup[g.plan.Name]
		if len(nodes) == 0 {
			continue
		}
		if err := a.awaitStopped(ctx, nodes); err != nil {
			return err
		}
		g.begun = a.s.now()
		for batch := range slices.Chunk(nodes, terminateAtOnce) {
			r := Request{Action: "StartInstances", Instances: len(batch), Doing: fmt.Sprintf("start %d nodes of %s", len(batch), g.plan.Name)}
			if g.spec != nil {
				r.At = g.spec.Source.Block
			}
			_, err := Do(ctx, a.s, r, a.s.EC2.StartInstances, &ec2.StartInstancesInput{InstanceIds: idsOf(batch)})
			if e, cause := split(err); err != nil {
				if cause == nil && (e.Class == Capacity || e.Class == Quota) {
					rest := nodes[g.report.Started:]
					for _, i := range rest {
						a.nodes[i.ID].refused = true
					}
					g.err = errors.Join(g.err, a.startShort(g, e, len(rest)))
					break
				}
				return err
			}
			a.changed = true
			g.report.Started += len(batch)
			for _, i := range batch {
				a.nodes[i.ID].State = planner.Pending
			}
			a.emit(Event{Type: EventStarted, Group: g.plan.Name, Got: len(batch)})
		}
	}
	return nil
}

func (a *apply) startShort(g *groupRun, e *CallError, asked int) error {
	g.report.Refusals = append(g.report.Refusals, Refusal{Asked: asked, Code: e.Code, Class: e.Class, Message: e.Message})
	got := g.plan.Have - asked
	return &ShortError{
		Group: g.plan.Name, Want: g.plan.Want, Got: got, Kept: g.spec != nil && got >= g.spec.Launch.Min,
		Refusals: g.report.Refusals, At: e.At,
	}
}

func (a *apply) awaitStopped(ctx context.Context, nodes []planner.Instance) error {
	deadline := a.s.now().Add(a.l.patience())
	for n := 0; slices.ContainsFunc(nodes, func(i planner.Instance) bool { return a.nodes[i.ID].State == planner.Stopping }); n++ {
		if a.s.now().After(deadline) {
			return fmt.Errorf("%s does not finish stopping", nodes[0].ID)
		}
		if err := a.s.Sleep(ctx, a.l.look(n)); err != nil {
			return err
		}
		if err := a.lookAgain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// retag writes tags, a call for a thousand resources that get the same ones. The root volumes get
// them too, as they did at launch.
func (a *apply) retag(ctx context.Context) error {
	actions := a.actions(planner.Retag)
	key := func(x planner.Action) string { return x.Group + "\x00" + fmt.Sprintf("%q", toPairs(x.Tags)) }
	slices.SortStableFunc(actions, func(x, y planner.Action) int { return cmp.Compare(key(x), key(y)) })
	for len(actions) > 0 {
		n := 1
		for n < len(actions) && key(actions[n]) == key(actions[0]) {
			n++
		}
		if err := a.retagAlike(ctx, actions[:n]); err != nil {
			return err
		}
		actions = actions[n:]
	}
	return nil
}

func toPairs(m map[string]string) []string {
	var pairs []string
	for _, t := range ToTags(m) {
		pairs = append(pairs, *t.Key, *t.Value)
	}
	return pairs
}

func (a *apply) retagAlike(ctx context.Context, actions []planner.Action) error {
	var resources []string
	for _, x := range actions {
		resources = append(resources, x.Instance)
		if x.Volume != "" {
			resources = append(resources, x.Volume)
		}
	}
	group := actions[0].Group
	for batch := range slices.Chunk(resources, 1000) {
		_, err := Do(ctx, a.s, Request{Action: "CreateTags", Doing: "retag nodes of " + group, At: actions[0].Why.At},
			a.s.EC2.CreateTags, &ec2.CreateTagsInput{Resources: batch, Tags: ToTags(actions[0].Tags)})
		if err != nil {
			return err
		}
	}
	a.changed = true
	a.group(group).report.Retagged += len(actions)
	a.emit(Event{Type: EventRetagged, Group: group, Got: len(actions)})
	return nil
}

// launch climbs every group's ladder side by side. One group's failure never cancels another's.
func (a *apply) launch(ctx context.Context) error {
	var climbs []*climb
	for _, g := range a.groups {
		var slots planner.Slots
		held := map[int]bool{} // since the plan was made
		if a.batch > 0 {
			for _, n := range a.members(g) {
				held[n.Slot] = held[n.Slot] || !a.old[n.ID]
			}
		}
		for _, x := range a.actions(planner.Launch, planner.Replace) {
			if x.Group == g.plan.Name {
				slots = append(slots, x.Slots...)
			}
		}
		slots = slices.DeleteFunc(slots, func(slot int) bool { return held[slot] })
		if len(slots) > 0 {
			slices.Sort(slots)
			g.begun = a.s.now()
			g.until = g.begun.Add(g.spec.Launch.Retry)
			climbs = append(climbs, a.newClimb(g, slots, g.plan.Rungs))
		}
	}
	a.climb(ctx, climbs)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return a.settleGangs(ctx)
}

func (a *apply) newClimb(g *groupRun, slots planner.Slots, rungs []planner.Rung) *climb {
	kept := map[int]bool{}
	for _, n := range a.members(g) {
		if g.spec.Requires(n.Slot) {
			kept[n.Slot] = true
		}
	}
	for _, slot := range slots {
		delete(kept, slot) // its old node may still be there
	}
	return &climb{a: a, group: g.spec, plan: g.plan, slots: slots, kept: len(kept), rungs: rungs}
}

// climb runs climbs side by side, tells their events as they come, and takes in the results.
func (a *apply) climb(ctx context.Context, climbs []*climb) {
	if len(climbs) == 0 {
		return
	}
	a.changed = true
	events := make(chan Event)
	done := make(chan struct{})
	for _, c := range climbs {
		c.emit = func(e Event) { events <- e }
		go func() {
			c.run(ctx)
			done <- struct{}{}
		}()
	}
	for running := len(climbs); running > 0; {
		select {
		case e := <-events:
			a.emit(e)
		case <-done:
			running--
		}
	}
	for _, c := range climbs {
		g := a.group(c.group.Name)
		g.report.Launched += len(c.nodes)
		g.report.Released += c.released
		g.begun = a.s.now() // waiting for tokens of the account's buckets is no part of the timeout
		g.report.Refusals = append(g.report.Refusals, c.refusals...)
		if c.rung >= 0 && c.rung < len(c.rungs) {
			g.rung = c.rungs[c.rung : c.rung+1]
		}
		switch short, ok := errors.AsType[*ShortError](c.err); {
		case ok && !short.Kept:
			g.short = short
		case ok:
			g.err = errors.Join(g.err, c.err)
		case c.err != nil:
			g.err, g.over = errors.Join(g.err, c.err), true
		}
		for _, i := range c.nodes {
			i.Group = g.plan.Name // an answer to a repeat may come without tags
			a.nodes[i.ID] = &node{Instance: i, launched: true}
		}
	}
}
