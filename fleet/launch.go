package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// tokenAttempts bounds how many dead tokens in a row are stepped over. Each step is a
// generation of instances of these very slots that came and went within a day or so.
const tokenAttempts = 50

// A grant is what one launch call gave.
type grant struct {
	call      planner.Call
	instances []planner.Instance // live ones, with their slots
	err       *CallError         // why it gave less than asked; nil if EC2 merely had no more
	cause     error              // the context's, if the call was not made or not repeated because of it
}

func (g grant) asked() int { return len(g.call.Slots) }
func (g grant) got() int   { return len(g.instances) }

// runInstances makes one launch call. dead are client tokens known to belong to instances that
// are gone. A token turns out to be dead if all its instances are, or if EC2 says so with an
// error; then the next attempt's is used. EC2 does either, depending on how long they are gone.
func (a *apply) runInstances(ctx context.Context, l launch) (g grant) {
	g.call = l.call
	nodes := l.group.Name + "[" + l.call.Slots.String() + "]"
	r := Request{
		Action: "RunInstances", Instances: len(l.call.Slots),
		Doing: "launch " + nodes, At: l.group.Source.At("instance_type", "instance_types"),
	}
	for attempt := range tokenAttempts {
		in := l.input(attempt)
		if a.deadTokens[*in.ClientToken] {
			continue
		}
		out, err := Do(ctx, a.s, r, a.s.EC2.RunInstances, in)
		if err != nil {
			if e, ok := errors.AsType[*CallError](err); ok && e.Class == Token {
				continue
			}
			g.err, g.cause = split(err)
			return g
		}
		if len(out.Instances) == 0 {
			return g
		}
		g.instances = liveOf(out)
		if len(g.instances) == 0 {
			continue
		}
		a.ownSlots(ctx, &g, out.Instances)
		return g
	}
	g.err = &CallError{
		Doing: r.Doing, Action: r.Action, Class: Bug, At: r.At,
		Err: fmt.Errorf("the last %d client tokens all belong to instances that are gone", tokenAttempts),
	}
	return g
}

// split tells a refused call from one that was given up because the context ended.
func split(err error) (*CallError, error) {
	e, _ := errors.AsType[*CallError](err)
	if e != nil && err == error(e) {
		return e, nil
	}
	return e, err
}

func liveOf(out *ec2.RunInstancesOutput) []planner.Instance {
	var live []planner.Instance
	for _, i := range out.Instances {
		if p := toInstance(i, value(out.ReservationId)); !p.State.Dead() {
			live = append(live, p)
		}
	}
	slices.SortFunc(live, func(a, b planner.Instance) int {
		return cmp.Or(cmp.Compare(a.LaunchIndex, b.LaunchIndex), strings.Compare(a.ID, b.ID))
	})
	return live
}

// ownSlots gives every instance of a grant its slot. Normally that is the launch index's place in
// the call's slots, and no call is needed: the tags say it already. An answer to a repeated call may come
// without tags, so it is worked out here. Should EC2 have given equal indexes, as is reported of
// Spot, the instances are tagged one by one with slots of their own, in the order of their ids.
func (a *apply) ownSlots(ctx context.Context, g *grant, all []types.Instance) {
	seen := map[int32]bool{}
	for _, i := range all {
		seen[value(i.AmiLaunchIndex)] = true
	}
	if len(seen) == len(all) {
		for k := range g.instances {
			i := &g.instances[k]
			if i.LaunchIndex < len(g.call.Slots) {
				i.Slot = g.call.Slots[i.LaunchIndex]
			}
		}
		return
	}
	for k := range g.instances {
		i := &g.instances[k]
		i.Slot = g.call.Slots[k]
		err := a.tagSlot(ctx, g.call.Group, *i)
		if err != nil {
			g.err, g.cause = split(err)
			return
		}
	}
}

// tagSlot writes a node's own slot on it. The instance may be too young to be seen.
func (a *apply) tagSlot(ctx context.Context, group string, i planner.Instance) error {
	deadline := a.s.now().Add(visibleWithin)
	for {
		_, err := Do(ctx, a.s, Request{Action: "CreateTags", Doing: "tag " + planner.NodeName(group, i.Slot)},
			a.s.EC2.CreateTags, &ec2.CreateTagsInput{
				Resources: []string{i.ID},
				Tags:      ToTags(map[string]string{tagSlot: fmt.Sprint(i.Slot)}),
			})
		e, cause := split(err)
		if err == nil || cause != nil || e.Class != Stale || a.s.now().After(deadline) {
			return err
		}
		if err := a.s.Sleep(ctx, settleEvery); err != nil {
			return err
		}
	}
}
