package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cluster/fleet"
	"cluster/spec"

	"github.com/spf13/cobra"
)

// A readiness is the wait for what only a connection to the nodes can tell: that they are reachable, that they have
// booted, that they are usable.
type readiness struct {
	*app
	way    sshWay // as far as no node is needed to tell
	remote remoteOptions
	slots  chan struct{} // held while ssh runs
	fate   string        // what becomes of nodes that are not ready, as a sentence

	jump  sync.Mutex // for who looks for the host key of the node that others are reached through
	asked time.Time  // when that was last done; the region's
}

// connectionsAtOnce is how many nodes are connected to at a time.
const connectionsAtOnce = 64

// waitOptions are the flags by which up and run wait for nodes.
type waitOptions struct {
	wait   string // a condition; empty: as the file says
	remote remoteOptions
}

func (o *waitOptions) waitFlags(c *cobra.Command) {
	c.Flags().StringVar(&o.wait, "wait", "", "wait until every node is this: `running|checked|reachable|booted|same|usable`")
	o.remote.flags(c)
}

// waitHelp is the part of the help that says what they wait for.
const waitHelp = `A node is up when it is what --wait or else launch.wait says, each with what is
above it:

  running    EC2 says so (the default)
  checked    EC2's status checks have passed; later conditions do not wait for
             them, but no check may fail
  reachable  ssh logs in, and the host key is known
  booted     cloud-init, or else systemd, is done with the boot
  same       asked as by cluster verify --level node, it is the same; the exit
             status is 4 if one is not
  usable     the probes of the file, ready blocks, succeed; this is not about
             being the same

All nodes of a group must get there within its launch.timeout. Those that do not
are named with the reason, and kept; the exit status is 1.`

// waitFor takes over the condition of --wait, if there is one, for all groups of a cluster.
func (o waitOptions) waitFor(want *spec.Cluster) error {
	if o.wait == "" {
		return nil
	}
	if !slices.Contains(spec.Waits, spec.WaitFor(o.wait)) {
		return noSuchWait(o.wait)
	}
	for i := range want.Groups {
		want.Groups[i].Launch.Wait = spec.WaitFor(o.wait)
	}
	return nil
}

// prepare does what has to be before anything is launched: the flags say what nodes are waited for and what a rehearsal's
// are, and the wait has to be possible.
func (a *app) prepare(want *spec.Cluster, o waitOptions) (*readiness, error) {
	if err := o.waitFor(want); err != nil {
		return nil, err
	}
	if err := a.giveBodies(); err != nil {
		return nil, err
	}
	return a.waiting(want, o.remote)
}

// waiting says how nodes are waited for beyond what EC2 tells of them; nil if no group wants that. Nothing is launched for a
// wait that cannot be.
func (a *app) waiting(want *spec.Cluster, remote remoteOptions) (*readiness, error) {
	if !slices.ContainsFunc(want.Groups, connected) {
		return nil, nil
	}
	way, err := a.sshWay("CLUSTER_SSH")
	r := &readiness{app: a, way: way, remote: remote, slots: make(chan struct{}, connectionsAtOnce)}
	r.fate = "They are kept as they are, for a look with cluster ssh. The same command waits for them again; launch { timeout = … } allows more time."
	return r, err
}

func noSuchWait(wait string) error {
	var names []string
	for _, w := range spec.Waits {
		names = append(names, string(w))
	}
	e := &usageError{message: fmt.Sprintf("there is no condition %q to wait for", wait)}
	if near := spec.Nearest(wait, names); near != "" {
		e.hint = fmt.Sprintf("Did you mean %s? ", near)
	}
	e.hint += fmt.Sprintf("--wait takes %s.", some(names, len(names), ""))
	return e
}

// connected says that the nodes of a group have to be connected to before it is up.
func connected(g spec.Group) bool { return g.Count > 0 && g.Launch.Wait.ByConnection() }

// A pending is a node while it is waited for.
type pending struct {
	target
	group  *spec.Group
	cancel context.CancelCauseFunc // it is waited for no longer
}

// A news is that a node meets a condition, or never will.
type news struct {
	node      *pending
	condition spec.WaitFor
	err       error // why it does not
	note      string
}

// await waits for all nodes of a cluster that is up, for as long as is left of the launch.timeout of their groups, and adds
// what came of it to the report. A node that failed stays; the error, a *notReadyError, names it.
func (r *readiness) await(ctx context.Context, l *link, want *spec.Cluster, report *fleet.Report, tell func(fleet.Event)) error {
	if r == nil {
		return nil
	}
	reached, err := r.reachNodes(ctx, l, want, r.way, r.remote)
	if err != nil {
		return err
	}
	c := &collector{r: r, l: l, report: report, tell: tell, heard: make(chan news)}
	ended := make(chan struct{})
	running := 0
	for _, t := range reached.nodes {
		g, ok := want.Group(t.node.Group)
		if !ok || !connected(*g) {
			continue
		}
		n := &pending{target: t, group: g}
		c.nodes = append(c.nodes, n)
		var nodeCtx context.Context
		nodeCtx, n.cancel = context.WithCancelCause(ctx)
		defer n.cancel(nil)
		w := &waiter{r: r, reached: reached, way: reached.way.clone(), node: n, heard: c.heard, until: c.deadline(g)}
		running++
		go func() {
			w.run(nodeCtx)
			ended <- struct{}{}
		}()
	}
	for _, g := range want.Groups {
		if connected(g) {
			c.groupReport(g.Name).Wait = g.Launch.Wait
		}
	}
	watch, stop := context.WithCancel(ctx)
	troubles := make(chan map[string]string)
	go c.watch(watch, troubles)
	c.collect(running, ended, troubles)
	stop()
	for range troubles { // until the watch is over
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	unlike, err := c.same(ctx, want)
	if err != nil {
		return err
	}
	return errors.Join(c.finish(ctx, want), unlike)
}

// rest waits for d of the region's time, and at least for some of ours: the nodes of a rehearsal are not faster than
// this computer.
func (r *readiness) rest(ctx context.Context, l *link, d, least time.Duration) error {
	if r.rehearse {
		d = max(d, time.Duration(float64(least)*r.speed))
	}
	return l.Session.Sleep(ctx, d)
}

// A notReadyError says that nodes did not become what their groups wait for.
type notReadyError struct {
	want   *spec.Cluster
	failed []fleet.FailedNode
	of     int    // nodes that were waited for
	fate   string // what becomes of them, as a sentence
}

func (e *notReadyError) Error() string {
	return fmt.Sprintf("%d of %s of cluster %s are not ready", len(e.failed), plural(e.of, "node"), e.want.Name)
}
