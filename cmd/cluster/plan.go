package main

import (
	"context"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) planCommand() *cobra.Command {
	var out string
	var detailed bool
	c := &cobra.Command{
		Use:   "plan FILE [--out PLAN] [--detailed-exitcode] [--json]",
		Short: "Show what up would do, and why",
		Long: `Look at EC2, compare with the file, and show what cluster up would do: how many
nodes, of which type and where, each with the reason and the line it comes
from. Nothing is changed. What stands in the way (a blocker) is part of the
plan; up will not run until it is gone.

The image that each id, name or channel stands for is kept in a lock file next
to the file: NAME.cluster.lock.hcl for NAME.hcl. As long as it is there, the
same file launches the same image. It belongs into version control.

EXIT STATUS
  0    there is a plan, or nothing to do
  1    failed: an API error
  2    there are changes (only with --detailed-exitcode)
  5    a blocker stands in the way
  64   the command line or the cluster file is wrong; nothing was called
  130  interrupted`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return a.plan(c.Context(), args[0], out, detailed)
		},
	}
	c.Flags().StringVar(&out, "out", "", "save the plan to a `file`, for cluster up --plan")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit 2 if there are changes")
	a.jsonFlag(c, document, "write the plan as JSON")
	a.adoptFlag(c)
	a.upgradeFlag(c)
	return c
}

func (a *app) plan(ctx context.Context, path, out string, detailed bool) error {
	want, err := a.load(path)
	if err != nil {
		return err
	}
	lock, err := a.readLock(path)
	if err != nil {
		return err
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	l.DryRun = true
	lock.tell(want, l, a.upgrade)
	p, have, err := l.plan(ctx, want)
	if err != nil {
		return err
	}
	blocked := len(p.Blockers) > 0
	if !blocked {
		a.writeLock(lock, want, have, l)
	}
	if out != "" && !blocked {
		if err := a.savePlan(out, path, want, have, p); err != nil {
			return err
		}
	}
	if a.format == document {
		a.out.json(newPlanDoc(p, l.rehearsal != nil), true)
	} else {
		a.planText(a.out, l, p, have)
		if out != "" && !blocked {
			a.err.printf("Saved. To do exactly this: cluster up %s --plan %s\n", shellWord(path), shellWord(out))
		}
	}
	switch {
	case blocked:
		return &refusedError{message: blockedText(p), quiet: true, short: p.Short()}
	case detailed && !p.Empty():
		return errChanges
	}
	return nil
}

// plan looks at the cluster and says what has to be done.
func (l *link) plan(ctx context.Context, want *spec.Cluster) (planner.Plan, planner.Observed, error) {
	have, err := l.Observe(ctx, want, fleet.Placing)
	if err != nil {
		return planner.Plan{}, have, err
	}
	return planner.Diff(want, have), have, nil
}
