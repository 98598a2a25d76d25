package main

import (
	"cmp"
	"fmt"
	"time"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"
)

// A lineView writes a line per change of a group, for logs and pipes: what happens to single nodes
// and calls is added up until a look at the region is over.
type lineView struct {
	out   *printer
	now   func() time.Time
	start time.Time

	order []string
	sums  map[string]*changes         // since the last look, by group
	seen  map[string]fleet.GroupCount // as last written
}

// changes are what happened to a group since its last line.
type changes struct {
	asked, granted, lost, terminated int
	cause                            string // of the last one lost
}

func newLineView(out *printer, p planner.Plan, now func() time.Time) *lineView {
	v := &lineView{out: out, now: now, start: now(), sums: map[string]*changes{}, seen: map[string]fleet.GroupCount{}}
	for _, g := range p.Groups {
		v.group(g.Name)
	}
	return v
}

func (v *lineView) group(name string) *changes {
	c := v.sums[name]
	if c == nil {
		c = &changes{}
		v.sums[name] = c
		v.order = append(v.order, name)
	}
	return c
}

func (v *lineView) event(e fleet.Event) {
	switch g := v.group(e.Group); e.Type {
	case fleet.EventLaunchDone:
		if g.granted += e.Got; g.granted >= g.asked {
			v.flush()
		}
	case fleet.EventLaunchStart:
		v.flush()
		g.asked = e.Asked
		v.line("%s", eventText(e))
	case fleet.EventNodeLost:
		g.lost++
		g.cause = cmp.Or(e.Code, e.Message)
	case fleet.EventNodeTerminated:
		g.terminated++
	case fleet.EventNodeRunning, fleet.EventCondition:
		// The look that saw it says how many run.
	case fleet.EventWaiting:
		v.flush()
		for _, c := range e.Counts {
			v.counts(c)
		}
	default:
		v.flush()
		v.line("%s", eventText(e))
	}
}

// flush writes what was added up since the last line.
func (v *lineView) flush() {
	for _, name := range v.order {
		c := v.sums[name]
		if c.granted > 0 {
			v.line("%s: %d granted", name, c.granted)
		}
		if c.lost > 0 {
			v.line("%s: %s", name, withReason(plural(c.lost, "node")+" lost on the way up", c.cause))
		}
		if c.terminated > 0 {
			v.line("%s: %d terminated", name, c.terminated)
		}
		*c = changes{}
	}
}

// counts writes where a group stands, if it stands elsewhere than in its last line.
func (v *lineView) counts(c fleet.GroupCount) {
	if v.seen[c.Group] == c {
		return
	}
	v.seen[c.Group] = c
	switch {
	case c.Want == 0: // what is terminated is counted as it goes
	case c.Wait != "":
		v.line("%s: %d of %d running%s", c.Group, c.Running, c.Want, metText(c))
	case c.Leaving > 0:
		v.line("%s: %d of %d running, %d shutting down", c.Group, c.Running, c.Want, c.Leaving)
	case c.Unchecked > 0 && c.Running == c.Want:
		v.line("%s: %d of %d running, %d without their status checks", c.Group, c.Running, c.Want, c.Unchecked)
	default:
		v.line("%s: %d of %d running", c.Group, c.Running, c.Want)
	}
}

func (v *lineView) line(format string, args ...any) {
	v.out.printf("%s%5s%s  %s\n", dim, seconds(v.now().Sub(v.start)), reset, fmt.Sprintf(format, args...))
}

func (v *lineView) close() { v.flush() }

// boughtFrom is how what an event is about is bought, as words after its type. On demand goes without saying.
func boughtFrom(e fleet.Event) string {
	r := planner.Rung{Market: e.Market, Reservation: e.Reservation, Block: e.Block}
	return bought(r, planner.Rung{Market: spec.OnDemand})
}

// eventText is an event as a sentence for people.
func eventText(e fleet.Event) string {
	at := ""
	if e.InstanceType != "" {
		at = " " + e.InstanceType + boughtFrom(e)
	}
	if e.Zone != "" {
		at += " in " + e.Zone
	}
	switch e.Type {
	case fleet.EventLaunchStart:
		return fmt.Sprintf("%s: asking for %d%s%s", e.Group, e.Asked, at, batchText(e))
	case fleet.EventLaunchDone:
		return fmt.Sprintf("%s: %d of %d%s granted", e.Group, e.Got, e.Asked, at)
	case fleet.EventLaunchFailed:
		return fmt.Sprintf("%s: %d of %d%s granted: %s", e.Group, e.Got, e.Asked, at, cmp.Or(e.Code, e.Message, "no answer"))
	case fleet.EventNodeRunning:
		return fmt.Sprintf("%s runs: %s%s", e.Node, e.Instance, at)
	case fleet.EventNodeLost:
		return fmt.Sprintf("%s is lost: %s %s", e.Node, e.Instance, e.Message)
	case fleet.EventRetry:
		return fmt.Sprintf("%s: %s", e.Group, cmp.Or(e.Message, "asked for again later"))
	case fleet.EventReleased:
		return fmt.Sprintf("%s: %s", e.Group, withReason(fmt.Sprintf("%d given back", e.Got), e.Message))
	case fleet.EventTerminateStart:
		return fmt.Sprintf("%s: terminating %d%s", e.Group, e.Got, batchText(e))
	case fleet.EventNodeTerminated:
		return fmt.Sprintf("%s is terminated: %s", e.Node, e.Instance)
	case fleet.EventStarted:
		return fmt.Sprintf("%s: starting %d", e.Group, e.Got)
	case fleet.EventRetagged:
		return fmt.Sprintf("%s: %d retagged", e.Group, e.Got)
	case fleet.EventPlacement:
		return fmt.Sprintf("%s: %s", e.Group, e.Message)
	case fleet.EventWaiting:
		text := "waiting"
		for _, c := range e.Counts {
			text += fmt.Sprintf(", %s %d of %d running%s", c.Group, c.Running, c.Want, metText(c))
		}
		return text
	case fleet.EventCondition:
		return withReason(conditionText(e.Node, e.Condition, e.Met), e.Message)
	case fleet.EventVerify:
		if e.Verdict != nil && e.Verdict.Identical && e.Batch > 0 {
			return fmt.Sprintf("verified: %s%s", plural(e.Verdict.Nodes, "node"), batchText(e))
		}
		if e.Verdict != nil {
			return fmt.Sprintf("verified: %s, %s%s", plural(e.Verdict.Nodes, "node"), identical(*e.Verdict), batchText(e))
		}
	}
	return withReason(string(e.Type)+" "+e.Group, e.Message)
}

// batchText is the batch of a rolling replacement that an event happens in, as a clause.
func batchText(e fleet.Event) string {
	if e.Batch == 0 {
		return ""
	}
	return fmt.Sprintf(", batch %d of %d", e.Batch, e.Batches)
}

func withReason(s, reason string) string {
	if reason == "" {
		return s
	}
	return s + ": " + reason
}
