package main

import (
	"context"
	"fmt"
	"strings"

	"cluster/fleet"
	"cluster/planner"
)

// up brings the cluster up, and says what a job is told of it.
func (r *run) up(ctx context.Context) (j job, err error) {
	lock, err := r.readLock(r.path)
	if err != nil {
		return j, err
	}
	l, err := r.connect(ctx, r.want)
	if err != nil {
		return j, err
	}
	defer l.close()
	lock.tell(r.want, l, false)
	p, have, err := l.plan(ctx, r.want)
	if err != nil {
		return j, err
	}
	for _, i := range have.Instances {
		if !i.State.Dead() {
			r.before[i.ID] = true
		}
	}
	if len(p.Blockers) > 0 {
		r.planText(r.err, l, p, have)
		return j, &refusedError{message: blockedText(p), quiet: true, short: p.Short()}
	}
	if n := displaced(p); n > 0 {
		r.planText(r.err, l, p, have)
		return j, &refusedError{
			message: fmt.Sprintf("%s of cluster %s would have to go first", plural(n, "node"), p.Cluster),
			hint:    fmt.Sprintf("run ends no node that it did not launch. Either of these does: %s, or %s.", r.followUp("up", r.path), r.followUp("down", r.path)),
		}
	}
	r.writeLock(lock, r.want, have, l)
	r.began = true
	if settled(r.want, have, p) {
		err = r.nothingToDo(ctx, r.want, have, p, l, r.ready)
	} else {
		r.planText(r.err, l, p, have)
		err = r.apply(ctx, l, r.want, have, p, r.ready)
	}
	if err != nil && !usable(err) {
		return j, err
	}
	r.show(diagnose(err))
	now, err := l.Observe(ctx, r.want, fleet.Nodes)
	if err != nil {
		return j, err
	}
	r.watch.nodes = now.Instances
	inv, err := r.inventoryOf(ctx, l, r.want, now, "")
	return job{Status: newStatusDoc(r.want, now, l), Inventory: inv, Rehearsal: r.rehearse}, err
}

// down terminates what the run launched, or all of the cluster.
func (r *run) down(ctx context.Context, o runOptions) error {
	r.again = r.followUp("down", r.path)
	empty := r.want.Empty()
	l, err := r.connect(ctx, empty)
	if err != nil {
		return err
	}
	defer l.close()
	if err := r.unreserve(ctx, l, r.want); err != nil {
		return err
	}
	p, have, err := l.plan(ctx, empty)
	r.watch.lastLook(have.Instances)
	switch {
	case err != nil:
		return err
	case len(r.before) > 0 && !o.down:
		return r.release(ctx, l, have)
	case len(p.Blockers) > 0:
		r.show(obstacles(p))
		return &refusedError{message: blockedText(p), hint: "To try again: " + r.again}
	case p.Empty():
		r.err.printf("%s: nothing left\n", p.Cluster)
		return nil
	}
	return r.apply(ctx, l, empty, have, p, nil)
}

// release ends the instances that were not there before the run. They are not waited for: the cluster goes on.
func (r *run) release(ctx context.Context, l *link, have planner.Observed) error {
	var mine []string
	for _, i := range have.Instances {
		if !i.State.Dead() && !r.before[i.ID] {
			mine = append(mine, i.ID)
		}
	}
	if len(mine) > 0 {
		if err := l.Session.Terminate(ctx, mine...); err != nil {
			return err
		}
	}
	r.err.printf("%s: %s of this run terminated, %s from before it left. To end the cluster: %s\n",
		r.want.Name, plural(len(mine), "node"), plural(len(r.before), "node"), r.again)
	return nil
}

// followUp is the command line of another verb for the same cluster.
func (a *app) followUp(verb, path string) string {
	words := []string{"cluster", verb}
	if a.rehearse {
		words = append(words, "--rehearse")
	}
	if a.region != "" {
		words = append(words, "--region", shellWord(a.region))
	}
	for _, in := range a.inputs {
		if in.File != "" {
			words = append(words, "--var-file", shellWord(in.File))
		} else {
			words = append(words, "--var", shellWord(in.Var))
		}
	}
	return strings.Join(append(words, shellWord(path)), " ")
}
