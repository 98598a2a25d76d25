package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"cluster/fleet"
	"cluster/planner"
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
	c.Flags().StringVar(&o.wait, "wait", "", "wait until every node is this: `running|checked|reachable|booted|usable`")
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
  usable     the probes of the file, ready blocks, succeed

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

// waiting says how nodes are waited for beyond what EC2 tells of them; nil if no group wants that. Nothing is launched for a
// wait that cannot be.
func (a *app) waiting(want *spec.Cluster, remote remoteOptions) (*readiness, error) {
	if !slices.ContainsFunc(want.Groups, connected) {
		return nil, nil
	}
	way, err := a.sshWay()
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
	return c.finish(ctx, want)
}

// A collector hears of all nodes. It belongs to one goroutine, which tells the view.
type collector struct {
	r      *readiness
	l      *link
	report *fleet.Report
	tell   func(fleet.Event)
	nodes  []*pending
	heard  chan news

	failed   []fleet.FailedNode
	troubled map[string]int // looks in a row that found a node in trouble
}

// countsEvery is how often the counts are told while they change.
const countsEvery = time.Second

// collect hears of the nodes until none of those that are running is waited for any more.
func (c *collector) collect(running int, ended <-chan struct{}, troubles <-chan map[string]string) {
	tick := time.NewTicker(countsEvery)
	defer tick.Stop()
	c.troubled = map[string]int{}
	changed := true
	for running > 0 {
		select {
		case n := <-c.heard:
			changed = true
			c.hear(n)
		case <-ended:
			running--
		case found := <-troubles:
			c.trouble(found)
		case <-tick.C:
			if changed {
				c.counts()
			}
			changed = false
		}
	}
	c.counts()
}

// hear takes in what became of a node.
func (c *collector) hear(n news) {
	e := fleet.Event{
		Type: fleet.EventCondition, At: c.l.Session.Now(), Group: n.node.group.Name, Node: n.node.node.String(), Instance: n.node.instance,
		Condition: n.condition, Met: n.err == nil, Message: n.note,
	}
	if n.err == nil {
		c.groupReport(e.Group).Met.Add(n.condition)
	} else {
		e.Message = n.err.Error()
		c.failed = append(c.failed, fleet.FailedNode{Group: e.Group, Node: e.Node, Instance: e.Instance, Condition: n.condition, Reason: e.Message})
	}
	c.tell(e)
}

func (c *collector) counts() {
	var counts []fleet.GroupCount
	for _, g := range c.report.Groups {
		counts = append(counts, fleet.GroupCount{Group: g.Name, Want: g.Want, Running: g.Running, Verified: g.Running, Wait: g.Wait, Met: g.Met})
	}
	c.tell(fleet.Event{Type: fleet.EventWaiting, At: c.l.Session.Now(), Counts: counts})
}

func (c *collector) groupReport(name string) *fleet.GroupReport {
	i := slices.IndexFunc(c.report.Groups, func(g fleet.GroupReport) bool { return g.Name == name })
	return &c.report.Groups[i]
}

// deadline is until when a group is waited for, in the region's time.
func (c *collector) deadline(g *spec.Group) time.Time {
	begun := c.groupReport(g.Name).Begun
	if begun.IsZero() {
		begun = c.l.Session.Now()
	}
	return begun.Add(g.Launch.Timeout)
}

// watchEvery is how often EC2 is asked about nodes that are waited for: whether they still run, and their checks.
const watchEvery = 30 * time.Second

// watch finds out which nodes are in trouble of which EC2 can tell, by instance, with what it is. Two calls a
// thousand nodes each time.
func (c *collector) watch(ctx context.Context, troubles chan<- map[string]string) {
	defer close(troubles)
	cluster := c.report.Cluster
	for c.r.rest(ctx, c.l, watchEvery, time.Second) == nil {
		found, err := c.l.Session.Impaired(ctx, cluster)
		if err != nil {
			continue // what the nodes say themselves still counts
		}
		have, err := c.l.Observe(ctx, &spec.Cluster{Name: cluster}, fleet.Nodes)
		if err != nil {
			continue
		}
		for _, i := range have.Instances {
			if i.State != planner.Running {
				found[i.ID] = fmt.Sprintf("it is %s: %s", i.State, cmp.Or(i.StateReason, "EC2 gives no reason"))
			}
		}
		select {
		case troubles <- found:
		case <-ctx.Done():
		}
	}
}

// trouble gives up nodes that were in trouble in two looks in a row.
func (c *collector) trouble(found map[string]string) {
	for _, n := range c.nodes {
		if found[n.instance] == "" {
			c.troubled[n.instance] = 0
			continue
		}
		if c.troubled[n.instance]++; c.troubled[n.instance] > 1 {
			n.cancel(&troubleError{found[n.instance]})
		}
	}
}

// A troubleError is what EC2 says of a node that will not be ready.
type troubleError struct{ what string }

func (e *troubleError) Error() string { return e.what }

// finish sorts out what the nodes failed at.
func (c *collector) finish(ctx context.Context, want *spec.Cluster) error {
	c.report.Calls, c.report.ByAction = c.l.Session.Calls()
	c.report.Elapsed = c.l.Session.Elapsed()
	if len(c.failed) == 0 {
		return nil
	}
	at := func(f fleet.FailedNode) int {
		return slices.IndexFunc(c.nodes, func(n *pending) bool { return n.node.String() == f.Node })
	}
	slices.SortFunc(c.failed, func(a, b fleet.FailedNode) int { return cmp.Compare(at(a), at(b)) })
	c.l.Session.ReadConsoles(ctx, c.failed)
	c.report.Failed = append(c.report.Failed, c.failed...)
	return &notReadyError{want: want, failed: c.failed, of: len(c.nodes), fate: c.r.fate}
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
