package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// A fanOut says on which nodes something is done, and how many at a time.
type fanOut struct {
	group, nodes string        // empty: all
	timeout      time.Duration // 0: none
	atOnce       int
}

func (f *fanOut) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.group, "group", "", "only the nodes of this `group`")
	c.Flags().StringVar(&f.nodes, "nodes", "", "only the nodes of this `list`, such as compute-[0-61,63],head-0")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "give a node up after this `duration`, such as 30s")
	c.Flags().IntVar(&f.atOnce, "at-once", 64, "`number` of nodes at a time")
}

func (f *fanOut) check() error {
	if f.atOnce < 1 || f.timeout < 0 {
		return &usageError{message: "--at-once must be 1 or more, and --timeout no less than 0"}
	}
	return nil
}

// The exit codes that a node can have besides those of its command.
const (
	exitTimedOut    = 124 // as of timeout(1)
	exitUnreachable = 255 // ssh's own
)

// batch are the options of ssh where nobody is there to be asked.
var batch = []string{"-o", "BatchMode=yes"}

// askAll runs a command for each of the nodes, and gives what came of it in their order. An error is an interrupt.
func (a *app) askAll(ctx context.Context, r *reached, nodes []target, f fanOut, command func(context.Context, target) *exec.Cmd) ([]answer, error) {
	a.quiet.Store(true) // there are no calls to finish
	answers := make([]answer, len(nodes))
	var g errgroup.Group
	g.SetLimit(f.atOnce)
	for i, t := range nodes {
		g.Go(func() error {
			answers[i] = a.ask(ctx, t, f.timeout, command)
			return nil
		})
	}
	g.Wait()
	if ctx.Err() != nil {
		a.err.printf("interrupted: what had been started is left to the nodes\n")
		return nil, context.Cause(ctx)
	}
	var unreachable []target
	for i, t := range nodes {
		if answers[i].code == exitUnreachable {
			unreachable = append(unreachable, t)
		}
	}
	a.keylessHint(r, unreachable)
	return answers, nil
}

// reportAnswers writes what came of the nodes, those that said the same together.
func (a *app) reportAnswers(answers []answer, raw bool) {
	for _, part := range gather(answers) {
		a.out.printf("%s: %s\n", foldNodes(part.nodes), part.ending)
		if raw {
			a.out.destination().Write([]byte(part.output))
		} else {
			a.out.Write([]byte(indent(part.output)))
		}
	}
}

// ask runs the command for one node.
func (a *app) ask(ctx context.Context, t target, timeout time.Duration, command func(context.Context, target) *exec.Cmd) answer {
	var output bytes.Buffer
	code, ended := a.remotely(ctx, t, timeout, func(ctx context.Context, t target) *exec.Cmd {
		cmd := command(ctx, t)
		cmd.Stdout, cmd.Stderr = &output, &output
		return cmd
	})
	return answer{node: t.node, code: code, ending: ended, output: output.String()}
}

// remotely runs the command for one node, with the streams that it has, and says with which exit code it ended, and
// how in words.
func (a *app) remotely(ctx context.Context, t target, timeout time.Duration, command func(context.Context, target) *exec.Cmd) (code int, ended string) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	cmd := command(ctx, t)
	cmd.Env = a.env
	separate(cmd)
	cmd.Cancel = func() error { pass(cmd, os.Kill); return nil }
	cmd.WaitDelay = time.Second // for what it may have left behind that holds its output
	err := cmd.Run()
	switch failed, ok := errors.AsType[*commandError](ending(cmd, err)); {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return exitTimedOut, fmt.Sprintf("no end after %s", timeout)
	case cmd.ProcessState == nil:
		return exitNotRunnable, fmt.Sprintf("cannot start %s: %v", cmd.Path, err)
	case !ok:
		return 0, "ok"
	case failed.code == exitUnreachable && t.keys == "":
		return failed.code, "unreachable, and its host key is not known"
	case failed.code == exitUnreachable:
		return failed.code, "unreachable"
	default:
		return failed.code, failed.why
	}
}
