package main

import (
	"context"
	"fmt"

	"cluster/fleet"
	"cluster/planner"

	"github.com/spf13/cobra"
)

func (a *app) downCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "down FILE [--yes] [--json]",
		Short: "Terminate the cluster and wait until nothing is left",
		Long: `Terminate all instances that carry the tags of the file's cluster, and remove
its placement groups. Other instances are never touched. It ends when EC2 says
that nothing is left.

EXIT STATUS
  0    nothing is left
  1    failed: an API error, a time-out, an instance protected from termination
  5    refused: a missing confirmation
  64   the command line or the cluster file is wrong; nothing was called
  130  interrupted`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return a.down(c.Context(), args[0], yes)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	a.jsonFlag(c, events, "write one JSON event a line")
	a.adoptFlag(c)
	return c
}

func (a *app) down(ctx context.Context, path string, yes bool) error {
	a.startStream()
	file, err := a.load(path)
	if err != nil {
		return err
	}
	a.glanceAtLock(path)
	want := file.Empty()
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	p, have, err := l.plan(ctx, want)
	if err != nil {
		return err
	}
	a.stream.planned(p, l)
	if p.Empty() {
		if err := a.unreserve(ctx, l, file); err != nil {
			return err
		}
		r := fleet.Report{Cluster: p.Cluster}
		r.Calls, r.ByAction = l.Session.Calls()
		r.Elapsed = l.Session.Elapsed()
		if a.stream != nil {
			a.stream.finish(r, l)
		} else {
			a.out.printf("%s: nothing to do (no nodes)  %s\n", p.Cluster, effort(r, l))
		}
		return nil
	}
	if a.stream == nil || !yes {
		a.planText(a.err, l, p, have)
	}
	if len(p.Blockers) > 0 {
		return &refusedError{message: blockedText(p), quiet: a.stream == nil}
	}
	if !yes {
		if err := a.confirm(ctx, farewell(p), p.Cluster); err != nil {
			return err
		}
	}
	if err := a.unreserve(ctx, l, file); err != nil {
		return err
	}
	return a.apply(ctx, l, want, have, p, nil)
}

// farewell is the question before a cluster is terminated.
func farewell(p planner.Plan) string {
	if n := p.Summary().Terminate; n > 0 {
		return fmt.Sprintf("Terminate %s of cluster %s in %s? They cannot be brought back.", plural(n, "node"), p.Cluster, p.Region)
	}
	return fmt.Sprintf("Remove what is left of cluster %s in %s?", p.Cluster, p.Region)
}
