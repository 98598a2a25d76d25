package fleet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cluster/planner"
	"cluster/spec"
)

// Scope is how much Observe asks for. Each includes those before it.
type Scope int

const (
	Nodes   Scope = iota // the instances: ceil(N/1000) calls
	Images               // and the images that the file names: a call for each way of naming
	Roots                // and the root volumes: ceil(N/1000) calls
	Placing              // and the placement groups, and what a launch needs to know, if there is one
)

// Observe looks at the cluster that want names, and changes nothing. What a scope leaves out is
// left empty and, where that could be taken for an answer, marked as not asked.
//
// With Placing, the scope of a plan, it also waits until launches of the last minute are
// complete: a filter that does not show an instance yet is no proof that there is none, and a
// plan made too early would launch it again.
func (l *Launcher) Observe(ctx context.Context, want *spec.Cluster, scope Scope) (planner.Observed, error) {
	s := l.Session
	have := planner.Observed{Region: s.Region}
	var err error
	if have.Instances, err = s.look(ctx, want.Name); err != nil {
		return have, err
	}
	if scope >= Placing {
		if have.Instances, err = s.settle(ctx, want.Name, have.Instances); err != nil {
			return have, err
		}
	}
	have.Instances = l.seen(have.Instances)
	have.At = s.now()
	if scope >= Placing {
		have.Principal, have.Account = s.Principal(ctx)
		have.Principal = cmp.Or(l.Owner, have.Principal)
		have.Adopt = l.Adopt
	}
	if scope >= Images {
		images, account, err := s.images(ctx, want)
		if err != nil {
			return have, err
		}
		have.Images, have.Account = images, cmp.Or(account, have.Account)
	}
	if scope >= Placing {
		if have.Former, err = s.former(ctx, want, have); err != nil {
			return have, err
		}
	}
	if scope >= Roots && len(want.Groups) > 0 { // where nothing is wanted, nothing is compared
		have.Volumes = true
		if alive(have.Instances) > 0 {
			if err = s.roots(ctx, want.Name, have.Instances); err != nil {
				return have, err
			}
		}
	}
	if scope >= Placing {
		err = l.surroundings(ctx, want, &have)
	}
	return have, err
}

// LookUpImages completes an observation of nodes by the images that the file names, and those that the nodes
// run from.
func (l *Launcher) LookUpImages(ctx context.Context, want *spec.Cluster, have *planner.Observed) error {
	images, account, err := l.Session.images(ctx, want)
	if err != nil {
		return err
	}
	have.Images, have.Account = images, account
	have.Former, err = l.Session.former(ctx, want, *have)
	return err
}

// surroundings asks for what only a change needs to know, so that looking at a finished cluster
// stays cheap: whether there is a change, the planner tells.
func (l *Launcher) surroundings(ctx context.Context, want *spec.Cluster, have *planner.Observed) (err error) {
	s := l.Session
	plan := planner.Diff(want, *have)
	launches := plan.Launches()
	if placed(want, have.Instances, launches) {
		if have.PlacementGroups, err = s.placements(ctx, want.Name); err != nil {
			return err
		}
		have.PlacementGroups = slices.DeleteFunc(have.PlacementGroups, func(p planner.PlacementGroup) bool {
			return l.Only != nil && !named(want, p.Group)
		})
		have.PlacementGroupsKnown = true
	}
	if !launches {
		return nil
	}
	if have.Facts, err = s.facts(ctx, want, launching(want, plan)); err != nil || !l.DryRun {
		return err
	}
	have.Facts.Denied, err = l.permissions(ctx, want, *have)
	return err
}

// named says that the cluster that is wanted has a group.
func named(want *spec.Cluster, group string) bool {
	_, ok := want.Group(group)
	return ok
}

// seen are the instances that exist for the launcher.
func (l *Launcher) seen(instances []planner.Instance) []planner.Instance {
	if l.Only == nil {
		return instances
	}
	return slices.DeleteFunc(instances, func(i planner.Instance) bool { return !l.Only(i) })
}

// launching are the groups that a plan launches nodes of, in the file's order.
func launching(want *spec.Cluster, p planner.Plan) (groups []spec.Group) {
	for _, g := range want.Groups {
		if slices.ContainsFunc(p.Actions, func(a planner.Action) bool {
			return a.Group == g.Name && (a.Kind == planner.Launch || a.Kind == planner.Replace)
		}) {
			groups = append(groups, g)
		}
	}
	return groups
}

// placed says whether placement groups matter: nodes are to be launched into one, all are to go,
// or an instance is in one that the file no longer asks for.
func placed(want *spec.Cluster, instances []planner.Instance, launches bool) bool {
	if len(want.Groups) == 0 {
		return true
	}
	for _, g := range want.Groups {
		if launches && g.Placement != spec.PlacementNone {
			return true
		}
	}
	for _, i := range instances {
		if g, ok := want.Group(i.Group); i.PlacementGroup != "" && (!ok || g.Placement == spec.PlacementNone) {
			return true
		}
	}
	return false
}

// How long an instance may take to be seen by a filter after the call that made it was answered,
// and how often to look meanwhile. EC2 promises no bound ("Eventual consistency in the Amazon EC2
// API"); others wait half a minute before they call an instance gone.
const (
	visibleWithin = time.Minute
	settleEvery   = 3 * time.Second
)

// settle looks again while a young launch call shows fewer instances than it was for, and gives
// the last look. Normally there is none, and it costs no call.
func (s *Session) settle(ctx context.Context, cluster string, seen []planner.Instance) ([]planner.Instance, error) {
	for {
		if !unsettled(seen, s.now()) {
			return seen, nil
		}
		if err := s.Sleep(ctx, settleEvery); err != nil {
			return seen, err
		}
		var err error
		if seen, err = s.look(ctx, cluster); err != nil {
			return seen, err
		}
	}
}

// unsettled says whether some launch call of the last minute shows only a part of its instances.
func unsettled(seen []planner.Instance, now time.Time) bool {
	shown := map[string]int{}
	for _, i := range seen {
		shown[i.Reservation]++
	}
	for _, i := range seen {
		if shown[i.Reservation] < i.CallSize && now.Sub(i.Launched) < visibleWithin {
			return true
		}
	}
	return false
}

// alive counts the instances that are not on their way out.
func alive(instances []planner.Instance) (n int) {
	for _, i := range instances {
		if !i.State.Dead() {
			n++
		}
	}
	return n
}
