package fleet

import (
	"time"

	"cluster/planner"
)

// A Launcher observes clusters and carries out plans. Its zero value is usable once Session is
// set. One Launcher serves one goroutine at a time.
type Launcher struct {
	Session *Session
	Notify  func(Event) // called from the goroutine that called Apply, in order; may be nil

	// DryRun makes Observe ask, where a plan launches, whether the credentials may: a call a group.
	DryRun bool

	// Adopt goes on with a cluster that another principal launched, and makes it the caller's.
	Adopt bool

	// Only lets through the instances of the cluster that it sees, placement groups by their group alone; nil: all.
	// What it hides does not exist for an Observe and an Apply, which is how several can work on parts of one
	// cluster at the same time. The cluster that is wanted is then that part.
	Only func(planner.Instance) bool

	// Owner is whose the nodes are, where that is not who asks; empty: the caller's. A program that launches for
	// somebody's cluster has other credentials than they.
	Owner string

	// Generation goes into the client tokens of launches: another one never gets the instances of an earlier launch
	// into the same slots. Empty is a generation too.
	Generation string

	// Looks are the waits between looks at the cluster while it changes, in the region's time;
	// the last one repeats. Nil: 8 s, three times 5 s, then every 10 s. EC2 brings most instances up in
	// 5 to 20 s, so an earlier first look would only cost a call.
	Looks []time.Duration

	// Ends are the same for instances that terminate. Nil: 20 s, then every 10 s; EC2 takes 20 to 40 s.
	Ends []time.Duration

	// Replace is how many nodes of a group may die before they run and be launched again. 0: a
	// twentieth of the group and at least 3. Negative: none.
	Replace int

	// Patience is how long to wait for terminated instances to be gone; 0: 15 minutes.
	Patience time.Duration
}

var (
	defaultLooks = []time.Duration{8 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second, 10 * time.Second}
	defaultEnds  = []time.Duration{20 * time.Second, 10 * time.Second}
)

// look is the wait before the n-th look at nodes that come up, from 0.
func (l *Launcher) look(n int) time.Duration { return nth(l.Looks, defaultLooks, n) }

// endLook is the wait before the n-th look at instances that end, from 0.
func (l *Launcher) endLook(n int) time.Duration { return nth(l.Ends, defaultEnds, n) }

func nth(waits, defaults []time.Duration, n int) time.Duration {
	if len(waits) == 0 {
		waits = defaults
	}
	return waits[min(n, len(waits)-1)]
}

// budget is how many young deaths of a group of n nodes are made good.
func (l *Launcher) budget(n int) int {
	switch {
	case l.Replace < 0:
		return 0
	case l.Replace > 0:
		return l.Replace
	}
	return max(3, n/20)
}

func (l *Launcher) patience() time.Duration {
	if l.Patience > 0 {
		return l.Patience
	}
	return 15 * time.Minute
}
