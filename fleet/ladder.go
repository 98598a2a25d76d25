package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

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
	spent := map[quota]bool{} // those that are used up
	for i, r := range c.rungs {
		if spent[quota{r.Type, r.Market}] {
			continue
		}
		if ctx.Err() != nil {
			c.err = context.Cause(ctx)
			return
		}
		if known, ok := c.a.s.memory.recall(r, len(c.slots), c.a.s.now()); ok {
			known.Remembered = true
			c.refusals = append(c.refusals, known)
			continue
		}
		c.emit(Event{
			Type: EventLaunchStart, Group: c.group.Name, Slots: c.slots, InstanceType: r.Type, Zone: zones(r),
			Market: r.Market, Reservation: r.Reservation, Block: r.Block, Asked: len(c.slots),
		})
		grants, back := c.attempt(ctx, r)
		o := c.weigh(r, grants, spent)
		if back != nil && o.stop == nil {
			o.stop = back
		}
		if ctx.Err() != nil && o.short {
			// What exists stays: the next run finds it by its tags and goes on.
			c.rung, c.err = i, context.Cause(ctx)
			return
		}
		if enough := len(c.nodes)+c.kept >= c.group.Launch.Min; o.stop == nil && (!o.short || enough) {
			c.rung = i
			if o.short {
				c.err = c.shortage()
			}
			return
		}
		left := c.release(ctx, o.unsure)
		if o.stop != nil || left != nil {
			c.err = errors.Join(o.stop, left)
			return
		}
	}
	c.err = c.shortage()
}

// attempt asks for the rung: with a reservation around it, if the file wants its room reserved first.
// A reservation that was refused is a grant of nothing. back is why it could not be given back.
func (c *climb) attempt(ctx context.Context, r planner.Rung) (grants []grant, back error) {
	if !c.reservable(r) {
		return c.ask(ctx, r), nil
	}
	id, err := c.reserve(ctx, r)
	if err != nil {
		g := grant{call: planner.Call{Group: c.group.Name, Type: r.Type, Subnet: r.Subnets[0], Slots: c.slots}}
		g.err, g.cause = split(err)
		c.emit(granted(g))
		return []grant{g}, nil
	}
	held := r
	held.Reservation = id
	grants = c.ask(ctx, held)
	return grants, c.a.s.unreserve(ctx, id)
}

// A quota is an account's limit. It goes by family and market; by type is close enough to know
// which rungs are pointless.
type quota struct {
	typ    string
	market spec.Market
}

// errEnough stops the calls of a rung that are not made yet, once one came up short that the group
// cannot do without.
var errEnough = errors.New("the rung came up short")

// ask makes a rung's calls side by side. It gives the grants in the order of their slots.
func (c *climb) ask(ctx context.Context, r planner.Rung) []grant {
	calls := planner.Calls(c.group, r, c.slots, c.plan)
	rest, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	var mu sync.Mutex // of grants, some, and emit
	var grants []grant
	some := false
	var g errgroup.Group
	var one func(call planner.Call, halvings int)
	one = func(call planner.Call, halvings int) {
		got := grant{call: call, cause: context.Cause(rest)}
		if got.cause == nil {
			got = c.a.runInstances(rest, launch{
				cluster: c.a.want.Name, group: c.group, image: c.plan.Image,
				typ: c.a.instanceType(call.Type), call: call, owner: c.a.have.Principal, generation: c.a.l.Generation,
			})
		}
		mu.Lock()
		some = some || got.got() > 0
		if got.err != nil && got.err.Class == Capacity && halvings > 0 && some && c.halvable(call) {
			mu.Unlock()
			for _, half := range halves(call) {
				one(half, halvings-1)
			}
			return
		}
		defer mu.Unlock()
		grants = append(grants, got)
		if got.err != nil && (c.group.Launch.All || got.err.Class != Capacity) {
			enough(errEnough)
		}
		if got.cause == nil || got.err != nil {
			c.emit(granted(got))
		}
	}
	for _, call := range calls {
		g.Go(func() error { one(call, 2); return nil })
	}
	g.Wait()
	slices.SortFunc(grants, func(a, b grant) int { return cmp.Compare(a.call.Slots[0], b.call.Slots[0]) })
	return grants
}

// halvable says whether two smaller calls may find room where one did not, as AWS advises. A
// cluster placement group has to be filled by one call, or what was gained is lost again.
func (c *climb) halvable(call planner.Call) bool {
	return len(call.Slots) > 1 && call.Min == len(call.Slots) && c.group.Placement != spec.PlacementCluster
}

func halves(call planner.Call) [2]planner.Call {
	a, b := call, call
	n := len(call.Slots) / 2
	a.Slots, b.Slots = call.Slots[:n], call.Slots[n:]
	a.Min, b.Min = len(a.Slots), len(b.Slots)
	return [2]planner.Call{a, b}
}

func granted(g grant) Event {
	e := Event{
		Type: EventLaunchDone, Group: g.call.Group, Slots: g.call.Slots, InstanceType: g.call.Type,
		Zone: g.call.Subnet.Zone, Market: g.call.Market, Reservation: g.call.Reservation, Block: g.call.Block,
		Asked: g.asked(), Got: g.got(), Nodes: g.instances,
	}
	if g.err != nil {
		e.Type, e.Code, e.Class, e.Message = EventLaunchFailed, g.err.Code, g.err.Class, g.err.Message
	} else if g.got() < g.asked() {
		e.Type, e.Class, e.Message = EventLaunchFailed, Capacity, "no room for more"
	}
	return e
}

// An outcome is what a rung's grants amount to.
type outcome struct {
	short  bool  // fewer nodes than slots
	stop   error // another error than a shortage: the climb is over
	unsure bool  // a call may have launched what no answer told of
}

// weigh takes the grants in, and remembers the pools that had no room.
func (c *climb) weigh(r planner.Rung, grants []grant, spent map[quota]bool) (o outcome) {
	for _, g := range grants {
		c.nodes = append(c.nodes, g.instances...)
		if g.got() == g.asked() && g.err == nil {
			continue
		}
		o.short = true
		if g.err == nil && g.got() == 0 {
			continue // not made
		}
		ref := Refusal{InstanceType: r.Type, Zone: g.call.Subnet.Zone, Subnet: g.call.Subnet.ID, Asked: g.asked(), Got: g.got()}
		if g.err != nil {
			ref.Code, ref.Class, ref.Message = g.err.Code, g.err.Class, g.err.Message
		} else {
			ref.Class = Capacity // "launches the largest possible number of instances above MinCount" (RunInstances)
		}
		c.refusals = append(c.refusals, ref)
		switch {
		case g.err == nil:
		case g.err.Class == Capacity:
			c.a.s.memory.note(r, ref, c.a.s.now())
		case g.err.Class == Quota:
			spent[quota{r.Type, r.Market}] = true
		default:
			o.unsure = true
			if o.stop == nil && g.cause == nil {
				o.stop = g.err
			}
		}
	}
	return o
}

// release gives back what the rung granted. If a call failed for another reason than shortage its
// outcome may be unknown, so EC2 is asked what there is instead of believing the answers.
func (c *climb) release(ctx context.Context, unsure bool) error {
	if unsure {
		if seen, err := c.a.s.look(ctx, c.a.want.Name); err == nil {
			c.nodes = c.a.strangers(c.a.l.seen(seen), c.group.Name, c.slots, c.nodes)
		}
	}
	if len(c.nodes) == 0 {
		return nil
	}
	gone, err := c.a.s.terminate(ctx, c.nodes)
	c.released += gone
	if gone > 0 {
		c.emit(Event{Type: EventReleased, Group: c.group.Name, Got: gone, Message: "the group came up short"})
	}
	c.nodes = nil
	return err
}

func (c *climb) shortage() error {
	return &ShortError{
		Group: c.group.Name, Want: c.plan.Want, Got: c.kept + len(c.nodes),
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
func sortNodes(nodes []planner.Instance) { slices.SortFunc(nodes, byNode) }

// byNode compares instances by group and slot.
func byNode(a, b planner.Instance) int {
	return cmp.Or(strings.Compare(a.Group, b.Group), cmp.Compare(a.Slot, b.Slot), strings.Compare(a.ID, b.ID))
}
