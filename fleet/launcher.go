package fleet

import (
	"context"

	"cluster/planner"
	"cluster/spec"
)

// Scope is how much Observe asks for. Each one includes those before it.
type Scope int

const (
	Nodes   Scope = iota // the instances: ceil(N/1000) calls
	Images               // and the images the file names: a call each
	Roots                // and the root volumes: ceil(N/1000) calls
	Placing              // and the placement groups, and, if something is to be launched, the facts a launch needs
)

// A Launcher observes clusters and carries out plans. Its zero value is usable once Session is set.
type Launcher struct {
	Session *Session
	Notify  func(Event) // called from the goroutine that called Apply, in order; may be nil
	DryRun  bool        // Observe also asks whether each launch would be permitted, a call a group
}

// Observe looks at the cluster that want names.
func (l *Launcher) Observe(ctx context.Context, want *spec.Cluster, scope Scope) (planner.Observed, error) {
	panic("later")
}

// Apply carries out p, the plan for want and have, waits until every node runs, and verifies.
// If ctx is cancelled it makes no new call, lets those in flight finish, and returns what is
// there with the context's cause. A plan with blockers is a programmer's mistake.
func (l *Launcher) Apply(ctx context.Context, want *spec.Cluster, have planner.Observed, p planner.Plan) (Report, error) {
	panic("later")
}
