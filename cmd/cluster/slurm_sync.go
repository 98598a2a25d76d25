package main

import (
	"context"
	"slices"

	"cluster/fleet"
	"cluster/fleet/slurm"
	"cluster/planner"
	"cluster/spec/hostlist"

	"github.com/spf13/cobra"
)

func (a *app) slurmSyncCommand() *cobra.Command {
	var settings string
	var dry bool
	c := &cobra.Command{
		Use:   "sync [--dry-run] [--settings FILE]",
		Short: "Repair what Slurm and EC2 do not agree about",
		Long: `Compare what Slurm says of its nodes with what there is, and repair what a
crash of either has left; say what was done, a line each. Run it once a minute:
a second run finds nothing to do.

  an instance whose node is off for Slurm         is ended
  a node that is up for Slurm, without instance   is set down, and powered down
  a node that is off and would not be used again  is powered down once more
  a static node that is off for Slurm             is powered up
  a request that nobody works on                  is taken over

Instances younger than two minutes are left alone, and so are nodes that a
resume or a suspend is at work on.

EXIT STATUS
  0    both agree, or do now
  1    failed: an API error, or Slurm does not answer
  64   the command line or cluster-slurm.hcl is wrong`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := a.readSlurmSettings(settings)
			if err != nil {
				return err
			}
			if err := a.take(s, c.Root()); err != nil {
				return err
			}
			return a.slurmSync(c.Context(), s, dry)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	settingsFlag(c, &settings)
	return c
}

func (a *app) slurmSync(ctx context.Context, s *slurmSettings, dry bool) error {
	w := &slurmWorker{app: a, s: s, spool: spool{s.Spool}, control: control{s: s, log: a.err}}
	busy, err := w.takeOver(dry)
	if err != nil {
		return err
	}
	text, err := w.control.ask(ctx, "show", "nodes", "--all", "--oneliner")
	if err != nil {
		return err
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	defer w.link.close()
	have, err := w.link.Observe(ctx, w.want, fleet.Nodes)
	if err != nil {
		return err
	}
	repairs := slurm.Repairs(w.want, slurm.ParseNodes(text), have, busy)
	for _, r := range repairs {
		a.out.printf("%s\n", r.What)
		if dry {
			continue
		}
		if len(r.End) > 0 {
			orphans := slices.DeleteFunc(slices.Clone(have.Instances), func(i planner.Instance) bool { return !slices.Contains(r.End, i.ID) })
			if _, err := w.endInstances(ctx, orphans, nil); err != nil {
				return err
			}
		}
		w.control.run(ctx, r.Commands)
	}
	if len(repairs) == 0 && len(busy) == 0 {
		a.out.printf("%s: Slurm and EC2 agree\n", w.want.Name)
	}
	return nil
}

// takeOver has somebody work on each request that nobody works on, and gives the nodes that are being worked on.
func (w *slurmWorker) takeOver(dry bool) (busy []string, err error) {
	paths, err := w.spool.requests()
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		r, err := readRequest(path)
		if err != nil {
			if !exists(path) {
				continue // done meanwhile
			}
			return nil, err
		}
		busy = append(busy, r.Nodes...)
		release, err := claim(path)
		if release == nil || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		release()
		w.out.printf("%s %s: asked for at %s, and nobody works on it: taken over\n", r.Verb, hostlist.Fold(r.Nodes), r.At.UTC().Format("15:04:05"))
		if dry {
			continue
		}
		if err := startWorker("slurm", "work", "--settings", w.s.path, path); err != nil {
			return nil, err
		}
	}
	return busy, nil
}
