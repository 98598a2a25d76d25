package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"cluster/planner"
	"cluster/spec"

	"golang.org/x/sync/errgroup"
)

// A climb is one group's way up its ladder of types and subnets. It runs in a goroutine of its
// own and shares nothing but the session; events go through emit.
type climb struct {
	a     *apply
	group *spec.Group
	plan  planner.GroupPlan
	slots planner.Slots // to fill
	kept  int           // nodes that hold other slots already
	rungs []planner.Rung
	emit  func(Event)

	// The result.
	rung     int // that served, or -1
	nodes    []planner.Instance
	released int
	refusals []Refusal
	err      error // a *ShortError, a *CallError, or the context's cause
}

// run asks rung by rung for the whole group, so that it is never mixed. A rung serves if it
// grants what the file calls enough; what another rung granted in part is given back first.
func (c *climb) run(ctx context.Context) {
	c.rung = -1
	skip := map[string]bool{} // types whose quota is used up
	for i, r := range c.rungs {
		if skip[r.Type] {
			continue
		}
		if ctx.Err() != nil {
			c.err = context.Cause(ctx)
			return
		}
		c.emit(Event{Type: EventLaunchStart, Group: c.group.Name, Slots: c.slots, InstanceType: r.Type, Zone: zones(r), Asked: len(c.slots)})
		grants := c.ask(ctx, r)
		stop, short := c.weigh(r, grants, skip)
		if ctx.Err() != nil && short {
			// What exists stays: the next run finds it by its tags and goes on.
			c.rung, c.err = i, context.Cause(ctx)
			return
		}
		if enough := len(c.nodes)+c.kept >= c.group.Launch.Min; stop == nil && (!short || enough) {
			c.rung = i
			if short {
				c.err = c.shortage()
			}
			return
		}
		left := c.release(ctx, stop != nil)
		if stop != nil || left != nil {
			c.err = errors.Join(stop, left)
			return
		}
	}
	c.err = c.shortage()
}

// ask makes a rung's calls side by side, and stops making new ones once one came up short that
// the group cannot do without.
func (c *climb) ask(ctx context.Context, r planner.Rung) []grant {
	calls := planner.Calls(c.group, r, c.slots, c.plan)
	grants := make([]grant, len(calls))
	var failed atomic.Bool
	var mu sync.Mutex // emit is called by one goroutine at a time
	var g errgroup.Group
	for i, call := range calls {
		g.Go(func() error {
			grants[i] = grant{call: call}
			if failed.Load() || ctx.Err() != nil {
				return nil
			}
			grants[i] = c.a.runInstances(ctx, launch{
				cluster: c.a.want.Name, group: c.group, image: c.plan.Image,
				typ: c.a.instanceType(call.Type), call: call,
			})
			if got := grants[i]; got.err != nil && c.group.Launch.All || got.err != nil && got.err.Class != Capacity {
				failed.Store(true)
			}
			mu.Lock()
			defer mu.Unlock()
			c.emit(granted(grants[i]))
			return nil
		})
	}
	g.Wait()
	return grants
}

func granted(g grant) Event {
	e := Event{
		Type: EventLaunchDone, Group: g.call.Group, Slots: g.call.Slots, InstanceType: g.call.Type,
		Zone: g.call.Subnet.Zone, Asked: g.asked(), Got: g.got(),
	}
	if g.err != nil {
		e.Type, e.Code, e.Class, e.Message = EventLaunchFailed, g.err.Code, g.err.Class, g.err.Message
	} else if g.got() < g.asked() {
		e.Type = EventLaunchFailed
	}
	return e
}

// weigh takes the grants in, and says whether an error among them ends the climb, and whether the
// rung came up short.
func (c *climb) weigh(r planner.Rung, grants []grant, skip map[string]bool) (stop error, short bool) {
	for _, g := range grants {
		c.nodes = append(c.nodes, g.instances...)
		if g.got() < g.asked() {
			short = true
		}
		if g.err == nil && g.got() == g.asked() {
			continue
		}
		if g.err != nil || g.got() > 0 {
			ref := Refusal{InstanceType: r.Type, Zone: g.call.Subnet.Zone, Subnet: g.call.Subnet.ID, Asked: g.asked(), Got: g.got()}
			if g.err != nil {
				ref.Code, ref.Class, ref.Message = g.err.Code, g.err.Class, g.err.Message
			}
			c.refusals = append(c.refusals, ref)
		}
		switch {
		case g.err == nil:
		case g.err.Class == Quota:
			skip[r.Type] = true
		case g.err.Class != Capacity && stop == nil && g.cause == nil:
			stop = g.err
		}
	}
	return stop, short
}

// release gives back what the rung granted. If a call failed for another reason than shortage its
// outcome may be unknown, so EC2 is asked what there is instead of believing the answers.
func (c *climb) release(ctx context.Context, unsure bool) error {
	if unsure {
		if seen, err := c.a.s.look(ctx, c.a.want.Name); err == nil {
			c.nodes = c.a.strangers(seen, c.group.Name, c.slots, c.nodes)
		}
	}
	if len(c.nodes) == 0 {
		return nil
	}
	gone, err := c.a.s.terminate(ctx, c.nodes)
	c.released += gone
	c.emit(Event{Type: EventReleased, Group: c.group.Name, Got: gone, Message: "the group came up short"})
	c.nodes = nil
	return err
}

func (c *climb) shortage() error {
	return &ShortError{
		Group: c.group.Name, Want: c.group.Count, Got: c.kept + len(c.nodes),
		Kept:     c.kept+len(c.nodes) >= c.group.Launch.Min,
		Refusals: c.refusals, At: c.group.Source.At("instance_type", "instance_types"),
	}
}

// zones names a rung's zones, each once, in its order.
func zones(r planner.Rung) string {
	var names []string
	for _, s := range r.Subnets {
		if !slices.Contains(names, s.Zone) {
			names = append(names, s.Zone)
		}
	}
	return strings.Join(names, ", ")
}

// sortNodes orders instances by group, slot and id.
func sortNodes(nodes []planner.Instance) {
	slices.SortFunc(nodes, func(a, b planner.Instance) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), cmp.Compare(a.Slot, b.Slot), strings.Compare(a.ID, b.ID))
	})
}
