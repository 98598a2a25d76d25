package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cluster/planner"
)

// GangError says that a group was given back because another one of its gang did not come up.
type GangError struct {
	Group    string
	Together string // the gang's word
	Because  string // the group that failed
}

func (e *GangError) Error() string {
	return fmt.Sprintf("group %s is given back: %s, launched together with it (%q), did not come up", e.Group, e.Because, e.Together)
}

// gangs are the groups that stand or fall together, in the plan's order. A group that names no
// gang is one by itself.
func (a *apply) gangs() [][]*groupRun {
	var gangs [][]*groupRun
	at := map[string]int{}
	for _, g := range a.groups {
		if g.spec == nil {
			continue
		}
		word := g.spec.Launch.Together
		if k, ok := at[word]; ok && word != "" {
			gangs[k] = append(gangs[k], g)
			continue
		}
		at[word] = len(gangs)
		gangs = append(gangs, []*groupRun{g})
	}
	return gangs
}

// settleGangs deals with gangs of which a group did not come up: what this apply launched of them
// is given back at once, and they are asked for again later if all that failed is room, and the file
// allows the time; else they are over.
func (a *apply) settleGangs(ctx context.Context) error {
	for _, gang := range a.gangs() {
		failed := failedOf(gang)
		if failed == nil {
			continue
		}
		for _, g := range gang {
			if err := a.end(ctx, g, func(*node) bool { return len(gang) > 1 || g.short != nil }); err != nil {
				return err
			}
		}
		if at, ok := a.later(gang); ok {
			for _, g := range gang {
				g.short, g.again = nil, at
				a.emit(Event{Type: EventRetry, Group: g.plan.Name, Message: fmt.Sprintf("no room; asked for again in %s", at.Sub(a.s.now()).Round(time.Second))})
			}
			continue
		}
		for _, g := range gang {
			switch {
			case g.short != nil:
				g.short.Refusals = g.report.Refusals
				g.err = errors.Join(g.err, g.short)
			case !g.over:
				g.err = errors.Join(g.err, &GangError{Group: g.plan.Name, Together: g.spec.Launch.Together, Because: failed.plan.Name})
			}
			g.short, g.over = nil, true
		}
	}
	return nil
}

// failedOf is the first group of a gang that failed and is not dealt with; nil if none has.
func failedOf(gang []*groupRun) *groupRun {
	over := true
	for _, g := range gang {
		over = over && g.over
	}
	for _, g := range gang {
		if g.short != nil || g.over && !over {
			return g
		}
	}
	return nil
}

// later is when a gang can be asked for again: when the pools that had no room are worth it, and
// never after the time that the file allows.
func (a *apply) later(gang []*groupRun) (at time.Time, ok bool) {
	now := a.s.now()
	for _, g := range gang {
		if g.over {
			return at, false
		}
		if g.short == nil {
			continue
		}
		free := a.s.memory.free(g.plan.Rungs, len(a.missing(g)), now)
		if free.Before(now.Add(time.Second)) {
			free = now.Add(30 * time.Second) // quota frees up when somebody's instances end
		}
		if free.After(g.until) {
			return at, false
		}
		if free.After(at) {
			at = free
		}
	}
	return at, true
}

// waiting says that some group is to be asked for again.
func (a *apply) waiting() bool {
	for _, g := range a.groups {
		if !g.again.IsZero() {
			return true
		}
	}
	return false
}

// askAgain climbs the ladders of the groups whose time has come.
func (a *apply) askAgain(ctx context.Context) error {
	var climbs []*climb
	now := a.s.now()
	for _, g := range a.groups {
		if g.again.IsZero() || g.again.After(now) {
			continue
		}
		g.again, g.begun = time.Time{}, now
		if slots := a.missing(g); len(slots) > 0 {
			climbs = append(climbs, a.newClimb(g, slots, g.plan.Rungs))
		}
	}
	if len(climbs) == 0 {
		return nil
	}
	a.climb(ctx, climbs)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return a.settleGangs(ctx)
}

// missing are the wanted slots of a group that no node holds.
func (a *apply) missing(g *groupRun) planner.Slots {
	held := map[int]bool{}
	for _, n := range a.members(g) {
		held[n.Slot] = held[n.Slot] || !a.retiring[n.ID]
	}
	var slots planner.Slots
	for slot := range g.required() {
		if !held[slot] {
			slots = append(slots, slot)
		}
	}
	return slots
}
