package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cluster/fleet"
	"cluster/fleet/slurm"
	"cluster/planner"
	"cluster/spec"
	"cluster/spec/hostlist"
)

// A slurmWorker does what one request asks for.
type slurmWorker struct {
	*app
	s       *slurmSettings
	spool   spool
	control control
	request slurmRequest

	want  *spec.Cluster
	link  *link
	owner string // whose the cluster is; empty: nobody has said
}

// open reads the cluster file, with its lock, and opens the way to the region.
func (w *slurmWorker) open(ctx context.Context) (err error) {
	if w.want, err = w.load(w.s.ClusterFile); err != nil {
		return err
	}
	lock := w.glanceAtLock(w.s.ClusterFile)
	if w.link, err = w.connect(ctx, w.want); err != nil {
		return err
	}
	lock.tell(w.want, w.link, false)
	return nil
}

// log is a line about what becomes of the request.
func (w *slurmWorker) log(format string, args ...any) {
	w.err.printf("%s %s: "+format+"\n", append([]any{w.request.Verb, hostlist.Fold(w.request.Nodes)}, args...)...)
}

// ours are the nodes of the request that are burst capacity of the cluster; the others are left alone.
func (w *slurmWorker) ours() (nodes []string) {
	var others []string
	for _, n := range w.request.Nodes {
		if _, _, ok := slurm.Locate(w.want, n); ok {
			nodes = append(nodes, n)
		} else {
			others = append(others, n)
		}
	}
	if len(others) > 0 {
		w.log("%s left alone: not burst capacity of cluster %s", hostlist.Fold(others), w.want.Name)
	}
	return nodes
}

// launcher sees the part of the cluster that some nodes are, without what was ended there before.
func (w *slurmWorker) launcher(part *spec.Cluster, ended map[string]bool) *fleet.Launcher {
	return &fleet.Launcher{
		Session: w.link.Session, Owner: w.owner,
		Only: func(i planner.Instance) bool { return slurm.Within(part, i) && !ended[i.ID] },
	}
}

// suspend ends the instances of nodes. From before it looks for them, a launch that is on its way is one of an earlier
// generation, and whoever makes it ends it.
func (w *slurmWorker) suspend(ctx context.Context) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	defer w.link.close()
	nodes := w.ours()
	if len(nodes) == 0 {
		return nil
	}
	for _, n := range nodes {
		if err := w.spool.change(n, func(r *nodeRecord) { r.Generation++ }); err != nil {
			return err
		}
	}
	part := slurm.Part(w.want, slurm.Unit{Nodes: nodes})
	have, err := w.launcher(part, nil).Observe(ctx, part, fleet.Nodes)
	if err != nil {
		return err
	}
	ids, err := w.endInstances(ctx, have.Instances, nil)
	if err == nil {
		w.log("%s ended", plural(len(ids), "instance"))
	}
	return err
}

// endInstances ends those that live and that are of some nodes, or of any if these are nil, and has them known for ended.
func (w *slurmWorker) endInstances(ctx context.Context, instances []planner.Instance, nodes []string) (ids []string, err error) {
	seen := map[string][]string{}
	byNode := map[string][]string{}
	for _, i := range instances {
		name := planner.NodeName(i.Group, i.Slot)
		if nodes != nil && !slices.Contains(nodes, name) {
			continue
		}
		seen[name] = append(seen[name], i.ID)
		if !i.State.Dead() {
			ids, byNode[name] = append(ids, i.ID), append(byNode[name], i.ID)
		}
	}
	for name, ended := range byNode {
		err := w.spool.change(name, func(r *nodeRecord) {
			r.Ended = slices.DeleteFunc(r.Ended, func(id string) bool { return !slices.Contains(seen[name], id) })
			r.Ended = append(r.Ended, ended...)
		})
		if err != nil {
			return nil, err
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return ids, w.link.Session.Terminate(ctx, ids...)
}

// ownerOf is whose the cluster is: of who launched its static nodes. Burst capacity is theirs too, though it is launched
// with the credentials of the controller.
func ownerOf(want *spec.Cluster, have planner.Observed) string {
	for _, i := range have.Instances {
		if g, ok := want.Group(i.Group); ok && !g.Slurm.Burst && !i.State.Dead() && i.Tags[planner.TagOwner] != "" {
			return i.Tags[planner.TagOwner]
		}
	}
	return ""
}

// resumeShare is how much of Slurm's ResumeTimeout a launch may take, in percent: afterwards there is time to tell
// Slurm, before it gives the nodes up for a reason of its own.
const resumeShare = 80

// resume launches nodes, each unit on its own. Whatever becomes of them, Slurm is told, so it fails only where nothing
// could be told at all.
func (w *slurmWorker) resume(ctx context.Context) error {
	if age := time.Since(w.request.At); age > w.s.resume {
		w.log("given up: it was asked for %s ago, and Slurm waits %s", age.Round(time.Second), w.s.resume)
		return nil
	}
	ctx, cancel := context.WithDeadlineCause(ctx, w.request.At.Add(w.s.resume*resumeShare/100), errTooLate)
	defer cancel()
	var jobs []slurm.Job
	if len(w.request.Jobs) > 0 {
		var err error
		if jobs, err = slurm.ParseJobs(w.request.Jobs); err != nil {
			w.log("%v", err)
		}
	}
	if err := w.open(ctx); err != nil {
		w.fail(ctx, jobs, w.request.Nodes, "", err.Error())
		return nil
	}
	defer w.link.close()
	nodes := w.ours()
	have, err := (&fleet.Launcher{Session: w.link.Session}).Observe(ctx, w.want, fleet.Nodes)
	if err != nil {
		code, text := failureReason(err)
		w.fail(ctx, jobs, nodes, code, text)
		return nil
	}
	w.owner = ownerOf(w.want, have)
	units := slurm.Units(nodes, jobs)
	done := make(chan error)
	for _, u := range units {
		go func() { done <- (&slurmUnit{slurmWorker: w, unit: u, jobs: jobs}).run(ctx) }()
	}
	var failed error
	for range units {
		if err := <-done; err != nil {
			failed = err
		}
	}
	return failed
}

// fail tells Slurm that nodes cannot be had, and the jobs that wait for them why.
func (w *slurmWorker) fail(ctx context.Context, jobs []slurm.Job, nodes []string, code, text string) {
	if len(nodes) == 0 {
		return
	}
	reason := slurm.Reason(code, text)
	w.log("%s cannot be had: %s", hostlist.Fold(nodes), reason)
	for _, id := range slurm.Waiting(jobs, nodes) {
		// Before its nodes are down: a job that was started with srun ends with them.
		w.control.run(ctx, slurm.Tell(id, fmt.Sprintf("%s of cluster %s cannot be had: %s", hostlist.Fold(nodes), w.s.name(w.want), reason)))
	}
	w.control.run(ctx, slurm.Fail(nodes, reason))
}

// name is the cluster's; its file may not be readable.
func (s *slurmSettings) name(want *spec.Cluster) string {
	if want == nil {
		return slash(s.ClusterFile)
	}
	return want.Name
}
