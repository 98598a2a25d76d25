package main

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"cluster/fleet"
	"cluster/planner"
)

// reportText writes the last word of up and down: what there is now, how it was proven, what it cost.
func (a *app) reportText(r fleet.Report, err error, l *link) {
	var want, running, terminated, released int
	for _, g := range r.Groups {
		want += g.Want
		running += g.Running
		terminated += g.Terminated
		released += g.Released
	}
	what := fmt.Sprintf("%s running", plural(running, "node"))
	switch {
	case want == 0 && err == nil && len(r.Left) == 0:
		what = fmt.Sprintf("nothing left, %s terminated", plural(terminated, "node"))
	case want == 0:
		what = fmt.Sprintf("%s terminated, %d left", plural(terminated, "node"), len(r.Left))
	case running < want:
		what = fmt.Sprintf("%d of %s running", running, plural(want, "node"))
	}
	if released > 0 {
		what += fmt.Sprintf(", %d given back", released)
	}
	if r.Roll != nil && len(r.Roll.Groups) > 0 {
		what += ", " + rolled(*r.Roll)
	}
	if r.Verdict != nil {
		what += ", " + identical(*r.Verdict)
	}
	what += readyText(r)
	a.out.printf("%s: %s  %s\n", r.Cluster, what, effort(r, l))
}

// identical is a verdict in words. Several images are counted, one is named with its snapshot.
func identical(v planner.Verdict) string {
	if !v.Identical {
		return "not identical: " + plural(len(v.Mismatched), "finding")
	}
	if v.Image.ID == "" {
		return "identical"
	}
	return fmt.Sprintf("identical: all from %s (%s)", v.Image.ID, cmp.Or(v.Image.RootSnapshot, "root not checked"))
}

// effort is what it took: calls and time, in the region's time.
func effort(r fleet.Report, l *link) string {
	s := fmt.Sprintf("%s, %s", plural(r.Calls, "API call"), seconds(r.Elapsed))
	if l.rehearsal != nil {
		s += " (rehearsed)"
	}
	return s
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%d s", int(math.Round(d.Seconds())))
}

// interrupted says what exists and the one command that goes on.
func (a *app) interrupted(r fleet.Report) {
	for _, g := range r.Groups {
		switch {
		case g.Terminated > 0 && r.Roll == nil:
			a.err.printf("%s: %d terminated\n", g.Name, g.Terminated)
		default:
			a.err.printf("%s: %d launched by this run; %d of %d running\n", g.Name, g.Launched, g.Running, g.Want)
		}
	}
	if r.Roll != nil && len(r.Roll.Groups) > 0 {
		a.err.printf("%s\n", rolled(*r.Roll))
	}
	if a.again != "" {
		a.err.printf("Nothing is lost. To go on: %s\n", a.again)
	}
}
