package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"cluster/spec"
)

// A waiter waits for one node, in a goroutine of its own.
type waiter struct {
	r       *readiness
	reached *reached
	way     sshWay // of its own: the key of the jump is found while others connect
	node    *pending
	heard   chan<- news
	until   time.Time // the region's

	asked time.Time // when its host key was last asked for; the region's
}

// Between two tries to connect to a node, and between two looks for its host key; and the least of the first in our
// own time.
const (
	triesEvery = 5 * time.Second
	triesLeast = 250 * time.Millisecond
	keysEvery  = 15 * time.Second
)

// run waits for one condition after the other, and tells of each.
func (w *waiter) run(ctx context.Context) {
	for _, c := range []struct {
		condition spec.WaitFor
		wait      func(context.Context) (note string, err error)
	}{
		{spec.WaitReachable, w.reachable}, {spec.WaitBooted, w.booted}, {spec.WaitUsable, w.usable},
	} {
		if !w.node.group.Launch.Wait.Needs(c.condition) {
			return
		}
		note, err := c.wait(ctx)
		n := news{node: w.node, condition: c.condition, err: err, note: note}
		if trouble, ok := errors.AsType[*troubleError](context.Cause(ctx)); ok && err != nil {
			n.condition, n.err = spec.WaitChecked, trouble
			if strings.HasPrefix(trouble.what, "it is ") {
				n.condition = spec.WaitRunning
			}
		} else if ctx.Err() != nil {
			return // interrupted: nobody waits any more
		}
		w.heard <- n
		if err != nil {
			return
		}
	}
}

func (w *waiter) reachable(ctx context.Context) (string, error) {
	return "", w.try(ctx, w.until, func(ctx context.Context) error { return w.ssh(ctx, "true") })
}

// bootScript ends when a node has booted: 0 if well, 2 if with errors that it got over, 1 if not, and 75 if it has
// not come to an end yet. Without cloud-init, systemd knows; without either, whoever could log in has to do.
const bootScript = `if command -v cloud-init >/dev/null 2>&1; then
  out=$(timeout 20 cloud-init status --wait --long 2>&1); code=$?
  case $code in
  124) echo "cloud-init is at work"; exit 75 ;;
  0|2) [ $code = 0 ] || echo "cloud-init had errors"; printf '%s\n' "$out" | sed -n 's/^[ \t]*- //p'; exit $code ;;
  *) echo "cloud-init has failed"; printf '%s\n' "$out" | sed -n 's/^[ \t]*- //p'; exit 1 ;;
  esac
fi
state=$(timeout 20 systemctl is-system-running --wait 2>/dev/null)
case "$?,$state" in
124,*|*,starting|*,initializing) echo "systemd is at work"; exit 75 ;;
*,running) exit 0 ;;
*,degraded) echo "units have failed"; systemctl --failed --no-legend --plain 2>/dev/null | cut -d ' ' -f 1; exit 2 ;;
*,maintenance|*,stopping) echo "systemd is in state $state"; exit 1 ;;
esac
echo "without cloud-init and systemd, to log in is all there is"`

// The exit codes of bootScript.
const (
	bootFailed    = 1
	bootRecovered = 2
)

func (w *waiter) booted(ctx context.Context) (note string, err error) {
	var failed error
	err = w.try(ctx, w.until, func(ctx context.Context) error {
		out, code := w.answer(ctx, bootScript)
		note = strings.Join(strings.Split(strings.TrimSpace(out), "\n"), "; ")
		switch code {
		case 0, bootRecovered:
			return nil
		case bootFailed:
			failed = errors.New(note)
			return nil
		}
		return errors.New(note)
	})
	if err == nil {
		err = failed
	}
	return note, err
}

// usable tries the probes one after the other, each until it succeeds.
func (w *waiter) usable(ctx context.Context) (string, error) {
	for _, p := range w.node.group.Ready {
		until := w.until
		if own := w.reached.Session.Now().Add(p.Timeout); p.Timeout > 0 && own.Before(until) {
			until = own
		}
		if err := w.try(ctx, until, func(ctx context.Context) error { return w.ssh(ctx, p.Command) }); err != nil {
			return "", fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return "", nil
}

// try does something until it succeeds or its time is over. The error is the last one.
func (w *waiter) try(ctx context.Context, until time.Time, do func(context.Context) error) error {
	session := w.reached.Session
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		session.Sleep(ctx, until.Sub(session.Now()))
		cancel()
	}()
	var last error
	for {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		} else if last == nil {
			last = errors.New("no answer in time")
		}
		if ctx.Err() != nil || w.r.rest(ctx, w.reached.link, triesEvery, triesLeast) != nil {
			return last
		}
	}
}

// ssh runs a command on the node; what it wrote last is the reason if it fails.
func (w *waiter) ssh(ctx context.Context, command string) error {
	out, code := w.answer(ctx, command)
	if code == 0 {
		return nil
	}
	why := lastLine(out)
	if code != exitUnreachable {
		why = strings.TrimSuffix(fmt.Sprintf("exited with %d: %s", code, why), ": ")
	} else if w.node.keys == "" {
		why = strings.TrimSuffix(fmt.Sprintf("its host key is not known: %s: %s", w.node.keyless, why), ": ")
	}
	return errors.New(why)
}

// answer is the end of what a command on the node writes, and its exit code. A host key that is not known is looked for
// first, and is never accepted for want of a better one.
func (w *waiter) answer(ctx context.Context, command string) (string, int) {
	w.learn(ctx, &w.node.target, &w.asked)
	if w.way.jump != nil {
		w.r.jump.Lock()
		w.learn(ctx, w.way.jump, &w.r.asked)
		w.r.jump.Unlock()
	}
	options := []string{"-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "StrictHostKeyChecking=yes"}
	select {
	case w.r.slots <- struct{}{}:
	case <-ctx.Done():
		return "", exitUnreachable
	}
	defer func() { <-w.r.slots }()
	said := &tail{most: 2 << 10} // a node may write without an end
	code, _ := w.r.remotely(ctx, w.node.target, 0, func(ctx context.Context, t target) *exec.Cmd {
		cmd := exec.CommandContext(ctx, w.way.program, w.way.args(t, options, []string{command})...)
		cmd.Stdout, cmd.Stderr = said, said
		return cmd
	})
	return string(said.kept), code
}

// learn looks for the host key of a node that is not known yet, every now and then.
func (w *waiter) learn(ctx context.Context, t *target, asked *time.Time) {
	if t.keys != "" || w.reached.keys.known(t) {
		return
	}
	if now := w.reached.Session.Now(); asked.IsZero() || now.Sub(*asked) >= keysEvery {
		*asked = now
		w.reached.keys.ask(ctx, t)
	}
}

// lastLine is the last line of a text that is not empty.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
