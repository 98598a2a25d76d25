package fleet

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"cluster/planner"
	"cluster/spec"
)

// An apply is one run of Apply. All of it belongs to the goroutine that called Apply; climbs and
// calls run beside it and hand back what they found.
type apply struct {
	l    *Launcher
	s    *Session
	want *spec.Cluster
	have planner.Observed
	plan planner.Plan

	types      map[string]planner.InstanceType
	deadTokens map[string]bool // client tokens whose instances are all gone
	before     map[string]bool // ids of live instances that this apply did not launch

	nodes     map[string]*node   // by instance id: what is to run in the end
	groups    []*groupRun        // the plan's order
	ended     map[string]bool    // ids of instances that this apply terminates
	until     planner.State      // what those are waited for: terminated, or shutting-down
	told      map[string]bool    // ids of those whose end has been told
	protected map[string]bool    // ids of those that EC2 would not terminate
	last      []planner.Instance // the last look
	changed   bool               // since the last look
	rooted    bool               // the last look has the root volumes
	checked   time.Time          // when status checks were last asked for
	verdict   *planner.Verdict
	failed    []FailedNode // died young, or failed their checks

	step     planner.Plan     // the part of the plan that is being carried out
	rest     []planner.Action // what is rolled and not begun
	old      map[string]bool  // ids of instances that a batch replaces
	retiring map[string]bool  // those that the batch at hand ends once it is proven
	batch    int              // the last that was begun; 0: none was
	rolling  bool             // a batch is being carried out
	kept     bool             // the step is done, and what it brought up stays
	batches  int              // in all; 0: nothing is rolled
}

// A groupRun is what happens to one group.
type groupRun struct {
	spec   *spec.Group // nil: the file does not have the group
	plan   planner.GroupPlan
	report GroupReport
	rung   []planner.Rung // the one that served; for nodes that die young
	begun  time.Time      // when its nodes were granted, or first waited for
	over   bool           // it failed for good: its nodes are waited for no longer
	short  *ShortError    // its last climb found no room, and that is not dealt with yet
	until  time.Time      // for how long it is asked for again
	again  time.Time      // when it is; zero: nothing of the kind is planned
	err    error

	tolerated error // an err of before the first batch that holds no batch up: it may be short
}

// A node is an instance that is to run in the end.
type node struct {
	planner.Instance
	announced bool      // its running has been told
	ran       time.Time // when it was first seen to run by this apply; zero: before
	checks    checks    // of its status, where the file waits for them
	launched  bool      // by this apply
	served    bool      // it has been told who serves it
	refused   bool      // stopped, and EC2 had no room to start it: it is not waited for
}

// Apply carries out p, the plan for want and have; waits until every node runs; and verifies.
//
// If ctx ends, no new call is made, those in flight finish, and what exists stays: the same command
// goes on from there. The error then wraps the context's cause. Other errors, joined if there are
// several, are *ShortError, *TimeoutError, *CallError, *ProtectedError and, if every node runs and
// one is wrong, *IdentityError. The Report is filled in every case. A plan with blockers is a
// programmer's mistake.
func (l *Launcher) Apply(ctx context.Context, want *spec.Cluster, have planner.Observed, p planner.Plan) (Report, error) {
	if len(p.Blockers) > 0 {
		panic("fleet: a plan with blockers cannot be carried out")
	}
	a := newApply(l, want, have, p)
	err := a.run(ctx)
	if ctx.Err() == nil {
		a.s.ReadConsoles(ctx, a.failed)
	}
	return a.report(), err
}

func newApply(l *Launcher, want *spec.Cluster, have planner.Observed, p planner.Plan) *apply {
	a := &apply{
		l: l, s: l.Session, want: want, have: have, plan: p,
		types:      map[string]planner.InstanceType{},
		deadTokens: map[string]bool{},
		before:     map[string]bool{},
		nodes:      map[string]*node{},
		ended:      map[string]bool{},
		protected:  map[string]bool{},
		told:       map[string]bool{},
		old:        map[string]bool{},
		retiring:   map[string]bool{},
		step:       p,
		last:       have.Instances,
		rooted:     have.Volumes,
	}
	if have.Facts != nil {
		for _, t := range have.Facts.Types {
			a.types[t.Name] = t
		}
	}
	liveTokens := map[string]bool{}
	for _, i := range have.Instances {
		if i.State.Dead() {
			a.deadTokens[i.ClientToken] = true
			continue
		}
		liveTokens[i.ClientToken] = true
		a.before[i.ID] = true
		a.nodes[i.ID] = &node{Instance: i, announced: i.State == planner.Running}
	}
	maps.DeleteFunc(a.deadTokens, func(t string, _ bool) bool { return t == "" || liveTokens[t] })
	for _, g := range p.Groups {
		run := &groupRun{plan: g, begun: l.Session.now(), report: GroupReport{Name: g.Name, Want: g.Want}}
		run.spec, _ = want.Group(g.Name)
		a.groups = append(a.groups, run)
	}
	return a
}

// run goes through the plan: make the placement groups, carry out the actions, remove the placement groups
// that nobody is in any more, and verify.
func (a *apply) run(ctx context.Context) error {
	steps := []func(context.Context) error{
		a.unreserveLeftovers,
		a.createPlacements,
		a.carryOut,
		a.deletePlacements,
		a.verify,
	}
	for _, step := range steps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return a.failures()
}

// failures are the groups' errors, in the plan's order: that one group came up short is no reason
// to stop the others half-way.
func (a *apply) failures() error {
	var errs []error
	for _, g := range a.groups {
		errs = append(errs, g.err)
	}
	return errors.Join(errs...)
}

// required are the slots of the group that have to have a node.
func (g *groupRun) required() iter.Seq[int] { return g.spec.Required() }

// aside says that a node is burst capacity that nobody asks for now: it is there to be proven, and neither waited
// for nor made good.
func (g *groupRun) aside(n *node) bool {
	return g.spec != nil && g.spec.Slurm.Burst && n.Slot >= 0 && !g.spec.Requires(n.Slot)
}

func (a *apply) instanceType(name string) planner.InstanceType { return a.types[name] }

func (a *apply) group(name string) *groupRun {
	for _, g := range a.groups {
		if g.plan.Name == name {
			return g
		}
	}
	return nil
}

func (a *apply) emit(e Event) {
	if a.l.Notify != nil {
		e.At = a.s.now()
		if a.rolling {
			e.Batch, e.Batches = a.batch, a.batches
		}
		a.l.Notify(e)
	}
}

// actions are the step's actions of the given kinds, in its order.
func (a *apply) actions(kinds ...planner.Kind) []planner.Action {
	var some []planner.Action
	for _, x := range a.step.Actions {
		if slices.Contains(kinds, x.Kind) {
			some = append(some, x)
		}
	}
	return some
}

// instances are those that the actions are about.
func (a *apply) instances(actions []planner.Action) []planner.Instance {
	var some []planner.Instance
	for _, x := range actions {
		if n := a.nodes[x.Instance]; n != nil {
			some = append(some, n.Instance)
		}
	}
	return some
}

// strangers are the live instances of a group in some slots that this apply must have launched:
// those it knows of, and those that turn up without an answer having named them.
func (a *apply) strangers(seen []planner.Instance, group string, slots planner.Slots, known []planner.Instance) []planner.Instance {
	all := slices.Clone(known)
	for _, i := range seen {
		if i.Group == group && !i.State.Dead() && !a.before[i.ID] && slices.Contains(slots, i.Slot) &&
			!slices.ContainsFunc(known, func(k planner.Instance) bool { return k.ID == i.ID }) {
			all = append(all, i)
		}
	}
	sortNodes(all)
	return all
}

func (a *apply) report() Report {
	r := Report{Cluster: a.want.Name, Elapsed: a.s.Elapsed()}
	r.Calls, r.ByAction = a.s.Calls()
	r.Failed = a.failed
	for _, g := range a.groups {
		g.report.Running, g.report.Begun = a.running(g), g.begun
		if g.spec != nil && g.spec.Slurm.Burst && len(g.spec.Asked) == 0 {
			g.report.Want = g.report.Running // nodes come and go meanwhile
		}
		r.Groups = append(r.Groups, g.report)
	}
	for _, i := range a.last {
		if !i.State.Dead() {
			r.Left = append(r.Left, i)
		}
	}
	sortNodes(r.Left)
	r.Verdict = a.verdict
	r.Roll = a.rolled()
	return r
}
