package main

import (
	"cluster/fleet"
	"cluster/planner"
)

// A view shows the progress of a plan being carried out. Its event is called from one goroutine, in
// order; close returns when nothing more will be written.
type view interface {
	event(fleet.Event)
	close()
}

// newView chooses how progress is shown: as JSON if that was asked for, live where somebody
// watches, and a line per change of a group where nobody does.
func (a *app) newView(p planner.Plan, l *link) view {
	switch {
	case a.stream != nil:
		return a.stream
	case a.errTTY && a.getenv("TERM") != "dumb":
		return newLiveView(a.err, p, l.Session.Now, a.width)
	default:
		return newLineView(a.err, p, l.Session.Now)
	}
}
