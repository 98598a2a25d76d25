package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/fleet/slurm"
	"cluster/planner"
	"cluster/spec"
	"cluster/spec/hostlist"
)

// errTooLate is why a resume is given up: Slurm is about to do so.
var errTooLate = errors.New("too late for Slurm")

// A slurmUnit is nodes that are launched together.
type slurmUnit struct {
	*slurmWorker
	unit slurm.Unit
	jobs []slurm.Job

	part    *spec.Cluster
	records map[string]nodeRecord // as they were when it began
	ended   map[string]bool
}

// run brings the unit up and tells Slurm where it is, or why it is not. Of nodes that were suspended meanwhile it says
// nothing, and leaves nothing.
func (u *slurmUnit) run(ctx context.Context) error {
	release, err := u.spool.hold(u.unit.Nodes)
	if err != nil {
		return err
	}
	defer release()
	u.part = slurm.Part(u.want, u.unit)
	u.records, u.ended = map[string]nodeRecord{}, map[string]bool{}
	for _, n := range u.unit.Nodes {
		r, err := u.spool.record(n)
		if err != nil {
			return err
		}
		u.records[n] = r
		for _, id := range r.Ended {
			u.ended[id] = true
		}
	}
	l := u.launcher(u.part, u.ended)
	l.Generation = u.generation()
	l.Notify = func(e fleet.Event) {
		if e.Type == fleet.EventLaunchDone {
			u.tellPlaces(ctx, e.Nodes)
		}
	}
	failed := u.launch(ctx, l)
	if errors.Is(failed, errInterrupted) {
		return failed // it stays in the spool
	}
	return u.settle(ctx, l, failed)
}

// generation is one that no earlier launch of these nodes had.
func (u *slurmUnit) generation() string {
	var words []string
	for _, n := range slices.Sorted(slices.Values(u.unit.Nodes)) {
		if g := u.records[n].Generation; g > 0 {
			words = append(words, fmt.Sprintf("%s=%d", n, g))
		}
	}
	return strings.Join(words, " ")
}

// launch is up, for the unit: what is there already is taken for what it is.
func (u *slurmUnit) launch(ctx context.Context, l *fleet.Launcher) error {
	have, err := l.Observe(ctx, u.part, fleet.Placing)
	if err != nil {
		return err
	}
	p := planner.Diff(u.part, have)
	if len(p.Blockers) > 0 {
		return &slurmBlocked{p.Blockers[0]}
	}
	r, err := l.Apply(ctx, u.part, have, p)
	if errors.Is(err, errTooLate) {
		// What it had been waiting for says more.
		for _, g := range r.Groups {
			if len(g.Refusals) > 0 {
				return &fleet.ShortError{Group: g.Name, Want: g.Want, Got: g.Running, Refusals: g.Refusals}
			}
		}
	}
	return err
}

// slurmBlocked is a plan that may not be carried out.
type slurmBlocked struct{ planner.Blocker }

func (e *slurmBlocked) Error() string { return e.Summary + ": " + e.Detail }

// settle looks what there is after a launch, failed or not, and tells Slurm.
func (u *slurmUnit) settle(ctx context.Context, l *fleet.Launcher, failed error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	have, err := l.Observe(ctx, u.part, fleet.Nodes)
	if err != nil {
		return errors.Join(failed, err) // another process takes it over
	}
	wrong := map[string]bool{}
	if e, ok := errors.AsType[*fleet.IdentityError](failed); ok {
		for _, m := range e.Verdict.Mismatched {
			wrong[m.Node] = true
		}
	}
	running := map[string]planner.Instance{}
	for _, i := range have.Instances {
		if name := planner.NodeName(i.Group, i.Slot); i.State == planner.Running && !wrong[name] && !(u.unit.All && failed != nil) {
			running[name] = i
		}
	}
	var lacking, suspended, up []string
	for _, n := range u.unit.Nodes {
		r, err := u.spool.record(n)
		if err != nil {
			return err
		}
		_, runs := running[n]
		switch {
		case r.Generation != u.records[n].Generation:
			suspended = append(suspended, n)
		case runs:
			up = append(up, n)
		default:
			lacking = append(lacking, n)
		}
	}
	return u.conclude(ctx, have.Instances, running, up, lacking, suspended, failed)
}

func (u *slurmUnit) conclude(ctx context.Context, instances []planner.Instance, running map[string]planner.Instance, up, lacking, suspended []string, failed error) error {
	if gone := slices.Concat(lacking, suspended); len(gone) > 0 {
		if _, err := u.endInstances(ctx, instances, gone); err != nil {
			return errors.Join(failed, err)
		}
	}
	if len(suspended) > 0 {
		u.log("%s was suspended meanwhile", hostlist.Fold(suspended))
	}
	if len(up) > 0 {
		var nodes []planner.Instance
		for _, n := range up {
			nodes = append(nodes, running[n])
		}
		u.tellPlaces(ctx, nodes)
		u.log("%s runs", hostlist.Fold(up))
	}
	if len(lacking) > 0 {
		code, text := failureReason(cmp.Or(failed, errors.New("its instance is gone")))
		u.fail(ctx, u.jobs, lacking, code, text)
	}
	return nil
}

// tellPlaces tells Slurm the addresses of nodes. It has to know them before they register.
func (u *slurmUnit) tellPlaces(ctx context.Context, nodes []planner.Instance) {
	var places []slurm.Place
	for _, i := range nodes {
		if i.PrivateIP == "" {
			continue
		}
		host, _, _ := strings.Cut(i.PrivateDNS, ".")
		places = append(places, slurm.Place{Node: planner.NodeName(i.Group, i.Slot), Address: i.PrivateIP, Host: host})
	}
	u.control.run(ctx, slurm.Places(places))
}

// failureReason is why nodes could not be had: EC2's code where there is one, and a sentence.
func failureReason(err error) (code, text string) {
	if e, ok := errors.AsType[*fleet.ShortError](err); ok {
		if n := len(e.Refusals); n > 0 {
			r := e.Refusals[n-1]
			return r.Reason(), fmt.Sprintf("%d of %d %s in %s: %s", r.Got, r.Asked, r.InstanceType, r.Zone, r.Message)
		}
		return "", e.Error()
	}
	if e, ok := errors.AsType[*fleet.LostError](err); ok {
		return e.Cause.Code, e.Message
	}
	if e, ok := errors.AsType[*fleet.IdentityError](err); ok {
		return "NotIdentical", e.Error()
	}
	if e, ok := errors.AsType[*fleet.TimeoutError](err); ok {
		return "LaunchTimeout", e.Error()
	}
	if e, ok := errors.AsType[*slurmBlocked](err); ok {
		return "Blocked", e.Error()
	}
	if e, ok := errors.AsType[*fleet.CallError](err); ok {
		return e.Code, cmp.Or(e.Message, e.Error())
	}
	if errors.Is(err, errTooLate) {
		return "ResumeDeadline", "the nodes did not run in time"
	}
	return "", err.Error()
}
