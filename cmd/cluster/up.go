package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) upCommand() *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use:   "up FILE [--wait CONDITION] [--plan PLAN] [--export DIR] [--body PROGRAM] [--yes] [--json]",
		Short: "Launch the cluster, wait for it and prove it identical",
		Long: `Make the cluster what the file says: show the plan, ask, launch, wait until
every node runs, and verify that each comes from the image. Interrupted or
killed, the same command goes on where it stopped: nothing is launched twice.

A group that gets fewer nodes than its count, but at least its launch.min, keeps
them: the cluster is usable, and the exit status is 3 all the same.

` + waitHelp + `

With --plan, the saved plan is carried out without a question, and only if the
plan made now is the same to the byte.

With --export, a cluster that is up and proven is written into a folder in every
format of cluster export, also if there was nothing to do.

` + bodyHelp + `

` + exitStatus,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return a.up(c.Context(), args[0], o)
		},
	}
	o.waitFlags(c)
	c.Flags().StringVar(&o.plan, "plan", "", "carry out the plan in this `file`, exactly or not at all")
	c.Flags().StringVar(&o.export, "export", "", "write the nodes into this `folder` in every format of cluster export")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	a.jsonFlag(c, events, "write one JSON event a line")
	a.adoptFlag(c)
	a.bodyFlag(c)
	a.upgradeFlag(c)
	return c
}

// upOptions are the flags of up.
type upOptions struct {
	waitOptions
	plan   string // path of a saved plan; empty: none
	export string // path of a folder; empty: nowhere
	yes    bool
}

func (a *app) up(ctx context.Context, path string, o upOptions) error {
	a.startStream()
	want, err := a.load(path)
	if err != nil {
		return err
	}
	ready, err := a.prepare(want, o.waitOptions)
	if err != nil {
		return err
	}
	lock, err := a.readLock(path)
	if err != nil {
		return err
	}
	if err := exportDir(o.export); err != nil {
		return err
	}
	var saved *savedPlan
	if o.plan != "" {
		if saved, err = readPlan(o.plan); err != nil {
			return err
		}
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	lock.tell(want, l, a.upgrade)
	p, have, err := l.plan(ctx, want)
	if err != nil {
		return err
	}
	if saved != nil {
		if err := saved.unmoved(newSavedPlan(path, want, have, p, a.rehearse)); err != nil {
			return err
		}
	}
	a.stream.planned(p, l)
	if len(p.Blockers) == 0 {
		a.writeLock(lock, want, have, l)
	}
	if settled(want, have, p) {
		if err := a.unreserve(ctx, l, want); err != nil {
			return err
		}
		if err := a.nothingToDo(ctx, want, have, p, l, ready); err != nil || o.export == "" {
			return err
		}
		return a.exportAll(ctx, l, want, o.export)
	}
	ask := !o.yes && saved == nil && !p.Empty()
	if a.stream == nil && (!p.Empty() || len(p.Blockers) > 0) || ask {
		a.planText(a.err, l, p, have)
	}
	if a.stream != nil {
		a.show(obstacles(p))
	}
	if len(p.Blockers) > 0 {
		return &refusedError{message: blockedText(p), quiet: true, short: p.Short()}
	}
	if ask {
		if err := a.confirm(ctx, fmt.Sprintf("Do this for cluster %s?", p.Cluster), "yes"); err != nil {
			return err
		}
	}
	if err := a.apply(ctx, l, want, have, p, ready); err != nil || o.export == "" {
		return err
	}
	return a.exportAll(ctx, l, want, o.export)
}

// unreserve gives back what an earlier run had reserved for a cluster and did not live to give back. EC2 bills
// that, and Apply, which does the same, has nothing else to do.
func (a *app) unreserve(ctx context.Context, l *link, file *spec.Cluster) error {
	if !slices.ContainsFunc(file.Groups, func(g spec.Group) bool { return g.Launch.Reserve }) {
		return nil
	}
	n, err := l.Unreserve(ctx, file.Name)
	if n > 0 && a.stream == nil {
		a.err.printf("%s: %s of an earlier run given back\n", file.Name, plural(n, "capacity reservation"))
	}
	return err
}

// settled says that a cluster needs neither an action nor a wait.
func settled(want *spec.Cluster, have planner.Observed, p planner.Plan) bool {
	waiting := slices.ContainsFunc(have.Instances, func(i planner.Instance) bool {
		return !i.State.Dead() && i.State != planner.Running
	})
	// Whether status checks have passed, only a wait tells.
	waiting = waiting || slices.ContainsFunc(want.Groups, func(g spec.Group) bool { return g.Count > 0 && g.Launch.Wait == spec.WaitChecked })
	return p.Empty() && len(p.Blockers) == 0 && !waiting && planner.Verify(want, have, planner.LevelRoot).Identical
}

// nothingToDo ends an up that found everything as it should be; the look that said so is also the proof.
func (a *app) nothingToDo(ctx context.Context, want *spec.Cluster, have planner.Observed, p planner.Plan, l *link, ready *readiness) error {
	v := planner.Verify(want, have, planner.LevelRoot)
	r := fleet.Report{Cluster: p.Cluster, Verdict: &v}
	r.Calls, r.ByAction = l.Session.Calls()
	r.Elapsed = l.Session.Elapsed()
	for _, g := range p.Groups {
		r.Groups = append(r.Groups, fleet.GroupReport{Name: g.Name, Want: g.Want, Running: g.Unchanged, Begun: l.Session.Now()})
	}
	if a.stream != nil {
		a.stream.verify(v, fleet.Event{})
	}
	var err error
	if ready != nil {
		view := a.newView(p, l)
		err = ready.await(ctx, l, want, &r, view.event)
		view.close()
	}
	if a.stream != nil {
		a.stream.finish(r, l)
	}
	a.show(obstacles(p))
	if errors.Is(context.Cause(ctx), errInterrupted) {
		a.interrupted(r)
	}
	if a.stream != nil {
		return err
	}
	for _, line := range lockLines(p) {
		a.err.printf("%s\n", line)
	}
	if v.Nodes == 0 {
		a.out.printf("%s: nothing to do (no nodes, and none wanted)\n", p.Cluster)
		return err
	}
	a.out.printf("%s: nothing to do (%s running, %s%s)  %s\n", p.Cluster, plural(v.Nodes, "node"), identical(v), readyText(r), effort(r, l))
	a.consoles(r)
	return err
}

// apply carries out a plan under a view, waits for what else the nodes are to be, and ends with what there is.
func (a *app) apply(ctx context.Context, l *link, want *spec.Cluster, have planner.Observed, p planner.Plan, ready *readiness) error {
	v := a.newView(p, l)
	l.Notify = v.event
	r, err := l.Apply(ctx, want, have, p)
	if err == nil || usable(err) {
		err = errors.Join(err, ready.await(ctx, l, want, &r, v.event))
	}
	v.close()
	if a.stream != nil {
		a.stream.finish(r, l)
	}
	if a.stream == nil {
		a.reportText(r, err, l)
		a.consoles(r)
	}
	if is[*fleet.RollError](err) {
		err = errors.Join(err, &stoppedRoll{a.rollStopped(*r.Roll, want, have, p)})
	}
	if errors.Is(err, errInterrupted) || errors.Is(context.Cause(ctx), errInterrupted) {
		a.interrupted(r)
		return errors.Join(err, errInterrupted)
	}
	if len(want.Groups) == 0 && len(r.Left) == 0 && err == nil {
		a.keyring(l, want.Name).clear()
	}
	if len(want.Groups) == 0 && len(r.Left) > 0 && err == nil {
		return fmt.Errorf("%s of cluster %s still exist", plural(len(r.Left), "instance"), r.Cluster)
	}
	return err
}
