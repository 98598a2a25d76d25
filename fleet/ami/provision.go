package ami

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/fleet/attest"
	"cluster/planner"
	"cluster/spec"
)

// How long a builder may take to be heard after it has stopped: EC2 shows the console minutes later.
const consoleWithin = 10 * time.Minute

// grace is how long after its time-out a builder, which then powers itself off, may take to have stopped.
const grace = 5 * time.Minute

// provision waits until the builder has stopped, and reads on its console how its script has ended.
func (b *building) provision(ctx context.Context, m machine) error {
	start := b.Session.Now()
	deadline := m.launched.Add(b.m.Timeout + grace)
	for {
		now, err := b.machine(ctx, m.id)
		at := b.Session.Now()
		switch {
		case err != nil:
			return err
		case now.state == planner.Stopped:
			return b.outcome(ctx, m.id)
		case now.launched.IsZero() && at.Sub(start) < awaitUnseen: // too young to be seen
		case now.state.Dead():
			return b.failure(ctx, m.id, "was ended while it ran its script: "+orNoReason(now.reason))
		case at.After(deadline):
			return b.failure(ctx, m.id, fmt.Sprintf("has not come to the end of its script within %s", b.m.Timeout))
		}
		if err := b.Session.Sleep(ctx, awaitEvery(at.Sub(start))); err != nil {
			return err
		}
	}
}

// outcome is how the script of a builder that has stopped ended: nil if well.
func (b *building) outcome(ctx context.Context, id string) error {
	deadline := b.Session.Now().Add(consoleWithin)
	for {
		console, err := b.Session.Console(ctx, id, true)
		if err != nil {
			return err
		}
		if word, rest, ok := lastMark(console, b.token); ok {
			if word == spec.BuildDone {
				b.content = contentOf(console, b.token)
				b.tell(Event{Type: EventProvisioned, Instance: id, Family: b.m.Family, Version: b.m.Version})
				return nil
			}
			return &ProvisionError{Builder: id, Code: rest, Console: fleet.Tail(console)}
		}
		if b.Session.Now().After(deadline) {
			return &ProvisionError{Builder: id, Console: fleet.Tail(console), Why: fmt.Sprintf(
				"has stopped and does not say on its console how its script ended; the script may have powered it off, or taken longer than %s", b.m.Timeout)}
		}
		if err := b.Session.Sleep(ctx, 10*time.Second); err != nil {
			return err
		}
	}
}

// failure is a *ProvisionError with what the console has, if EC2 shows it.
func (b *building) failure(ctx context.Context, id, why string) error {
	console, err := b.Session.Console(ctx, id, true)
	if err != nil {
		console = ""
	}
	return &ProvisionError{Builder: id, Why: why, Console: fleet.Tail(console)}
}

// lastMark finds the last line of a console by which a builder with this token says how it ended: done, or
// failed and an exit code.
func lastMark(console, token string) (word, rest string, ok bool) {
	_, after, ok := lastCut(console, spec.BuildMark(token))
	line, _, _ := strings.Cut(after, "\n")
	word, rest, _ = strings.Cut(strings.TrimSpace(line), " ")
	return word, rest, ok && (word == spec.BuildDone || word == spec.BuildFailed)
}

// contentOf is what a builder with this token says on its console to have installed; empty if it does not.
func contentOf(console, token string) string {
	_, after, _ := lastCut(console, spec.BuildMark(token)+spec.BuildContent+" ")
	line, _, _ := strings.Cut(after, "\n")
	c, ok := attest.ParseContent(strings.TrimSpace(line))
	if !ok {
		return ""
	}
	return c.String()
}

// lastCut is strings.Cut at the last sep.
func lastCut(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func orNoReason(s string) string {
	if s == "" {
		return "EC2 gives no reason"
	}
	return s
}
