package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func (a *app) execCommand() *cobra.Command {
	var o execOptions
	c := &cobra.Command{
		Use:   "exec FILE [--group GROUP] [--nodes LIST] [--timeout D] [--at-once N] [--raw] -- COMMAND",
		Short: "Run a command on many nodes, and gather what they say",
		Long: `Run a command on all running nodes, or on those that --group and --nodes select,
many at a time, and write what they said: nodes that said the same and ended the
same are shown once, as compute-[0-61,63]: ok. Control characters are escaped
unless --raw. A COMMAND of one word is a line for the shell of the nodes; the
words of a longer one arrive as they are. It reads no input.

` + remoteHelp + `
Nothing is asked: a node whose key is not known is unreachable.

EXIT STATUS
  0    the command did well on every node
  1    failed: an API error, or a node that was named does not run
  5    refused: a rehearsal has nothing to connect to
  64   the command line or the cluster file is wrong, or there is no such node
  127  there is no ssh
  130  interrupted
  Else the highest of the nodes: the command's, 124 if its time was over, 255
  if a node could not be reached.`,
		Args: fileAndCommand,
		RunE: func(c *cobra.Command, args []string) error {
			return a.exec(c.Context(), args[0], args[1:], o)
		},
	}
	o.remoteOptions.flags(c)
	c.Flags().StringVar(&o.group, "group", "", "only the nodes of this `group`")
	c.Flags().StringVar(&o.nodes, "nodes", "", "only the nodes of this `list`, such as compute-[0-61,63],head-0")
	c.Flags().DurationVar(&o.timeout, "timeout", 0, "give a node up after this `duration`, such as 30s")
	c.Flags().IntVar(&o.atOnce, "at-once", 64, "`number` of nodes at a time")
	c.Flags().BoolVar(&o.raw, "raw", false, "write what the nodes say as it is")
	return c
}

type execOptions struct {
	remoteOptions
	group, nodes string
	timeout      time.Duration // 0: none
	atOnce       int
	raw          bool
}

// The exit codes that a node can have besides those of its command.
const (
	exitTimedOut    = 124 // as of timeout(1)
	exitUnreachable = 255 // ssh's own
)

func (a *app) exec(ctx context.Context, path string, command []string, o execOptions) error {
	if o.atOnce < 1 || o.timeout < 0 {
		return &usageError{message: "--at-once must be 1 or more, and --timeout no less than 0"}
	}
	r, err := a.reach(ctx, path, o.remoteOptions)
	if err != nil {
		return err
	}
	nodes, err := r.choose(o.group, o.nodes)
	if err != nil {
		return err
	}
	if err := r.way.check(nodes); err != nil {
		return err
	}
	a.quiet.Store(true) // there are no calls to finish
	answers := make([]answer, len(nodes))
	var g errgroup.Group
	g.SetLimit(o.atOnce)
	for i, t := range nodes {
		g.Go(func() error {
			answers[i] = a.ask(ctx, r.way, t, command, o.timeout)
			return nil
		})
	}
	g.Wait()
	if ctx.Err() != nil {
		a.err.printf("interrupted: what had been started is left to the nodes\n")
		return context.Cause(ctx)
	}
	for _, part := range gather(answers) {
		a.out.printf("%s: %s\n", foldNodes(part.nodes), part.ending)
		if o.raw {
			a.out.destination().Write([]byte(part.output))
		} else {
			a.out.Write([]byte(indent(part.output)))
		}
	}
	return worst(answers)
}

// ask runs the command on one node.
func (a *app) ask(ctx context.Context, way sshWay, t target, command []string, timeout time.Duration) answer {
	var output bytes.Buffer
	code, ending := a.remotely(ctx, way, t, timeout, &exec.Cmd{Args: command, Stdout: &output, Stderr: &output})
	return answer{node: t.node, code: code, ending: ending, output: output.String()}
}

// remotely runs a command on one node, with the streams that it has, and says with which exit code it ended, and
// how in words.
func (a *app) remotely(ctx context.Context, way sshWay, t target, timeout time.Duration, command *exec.Cmd) (code int, ended string) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, way.program, way.args(t, []string{"-o", "BatchMode=yes"}, command.Args)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = a.env, command.Stdin, command.Stdout, command.Stderr
	separate(cmd)
	cmd.Cancel = func() error { pass(cmd, os.Kill); return nil }
	cmd.WaitDelay = time.Second // for what it may have left behind that holds its output
	err := cmd.Run()
	switch failed, ok := errors.AsType[*commandError](ending(cmd, err)); {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return exitTimedOut, fmt.Sprintf("no end after %s", timeout)
	case cmd.ProcessState == nil:
		return exitNotRunnable, fmt.Sprintf("cannot start ssh: %v", err)
	case !ok:
		return 0, "ok"
	case failed.code == exitUnreachable:
		return failed.code, "unreachable"
	default:
		return failed.code, failed.why
	}
}

// choose are the nodes of a group and of a list; an empty one chooses all.
func (r *reached) choose(group, list string) (nodes []target, err error) {
	named := map[nodeKey]bool{}
	if list != "" {
		keys, err := parseNodes(list)
		if err != nil {
			return nil, &usageError{message: "--nodes: " + err.Error(), hint: "Write a list such as compute-[0-61,63],head-0."}
		}
		for _, k := range keys {
			named[k] = true
		}
	}
	if _, ok := r.want.Group(group); group != "" && !ok {
		return nil, noGroup(r.want, group)
	}
	for _, t := range r.nodes {
		if (group == "" || t.node.Group == group) && (list == "" || named[t.node]) {
			nodes = append(nodes, t)
		}
		delete(named, t.node)
	}
	var missing []string
	for k := range named {
		missing = append(missing, k.String())
	}
	if len(missing) > 0 {
		return nil, r.absent(slices.Min(missing))
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("no such node of cluster %s runs", r.want.Name)
	}
	return nodes, nil
}
