package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cluster/fleet"

	"github.com/hashicorp/hcl/v2"
)

// short says what was asked, granted and refused, by pool and code, and what became of the nodes.
func short(e *fleet.ShortError) hcl.Diagnostics {
	var b strings.Builder
	for _, w := range walls(e.Refusals) {
		b.WriteString(w.text() + "\n")
	}
	if e.Late > 0 {
		fmt.Fprintf(&b, "%s did not run within launch.timeout and %s given back.\n", plural(e.Late, "node"), wasOrWere(e.Late))
	}
	granted := slices.ContainsFunc(e.Refusals, func(r fleet.Refusal) bool { return r.Got > 0 && !r.Remembered })
	switch {
	case e.Kept:
		fmt.Fprintf(&b, "%s kept, at least launch.min, and usable. Run the same command again for the rest.\n", isOrAre(e.Got))
	case granted:
		b.WriteString("What was granted has been given back.\n")
	}
	if !e.Kept && e.Got > 0 {
		fmt.Fprintf(&b, "%s kept, of earlier runs.\n", isOrAre(e.Got))
	}
	if n := len(e.Refusals); n > 0 {
		b.WriteString(fleet.Advice(e.Refusals[n-1].Code))
	}
	diags := problem(e.At, fmt.Sprintf("Group %s is short: %d of %d nodes", e.Group, e.Got, e.Want), strings.TrimRight(b.String(), "\n"))
	if e.Kept {
		diags[0].Severity = hcl.DiagWarning
	}
	return diags
}

// A wall is a pool and the code with which it refused, over all calls.
type wall struct {
	place, code    string
	calls          int
	asked, got     int
	message        string
	rememberedOnly bool
}

// walls adds refusals up, in the order in which each wall was first hit.
func walls(refusals []fleet.Refusal) []*wall {
	var all []*wall
	for _, r := range refusals {
		i := slices.IndexFunc(all, func(w *wall) bool { return w.place == place(r) && w.code == r.Reason() })
		if i < 0 {
			i = len(all)
			all = append(all, &wall{place: place(r), code: r.Reason(), rememberedOnly: true})
		}
		w := all[i]
		w.message = r.Message
		switch {
		case !r.Remembered && w.rememberedOnly:
			w.calls, w.asked, w.got, w.rememberedOnly = 1, r.Asked, r.Got, false
		case !r.Remembered:
			w.calls, w.asked, w.got = w.calls+1, w.asked+r.Asked, w.got+r.Got
		case w.rememberedOnly:
			w.asked = r.Asked
		}
	}
	return all
}

func (w *wall) text() string {
	why := w.code
	if w.message != "" {
		why += " (" + clean(strings.TrimRight(w.message, ". \n")) + ")"
	}
	switch {
	case w.rememberedOnly:
		return fmt.Sprintf("%s was not asked: a moment ago it had no room for %d: %s.", w.place, w.asked, why)
	case w.calls > 1:
		return fmt.Sprintf("%s granted %d of %d in %d calls: %s.", w.place, w.got, w.asked, w.calls, why)
	}
	return fmt.Sprintf("%s granted %d of %d: %s.", w.place, w.got, w.asked, why)
}

// isOrAre is a number of nodes with its verb.
func isOrAre(n int) string {
	if n == 1 {
		return "1 node is"
	}
	return plural(n, "node") + " are"
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// place says where an instance was asked for.
func place(r fleet.Refusal) string {
	switch {
	case r.InstanceType == "":
		return "EC2" // stopped nodes are started where they are
	case r.Zone != "" && r.Subnet != "":
		return fmt.Sprintf("%s in %s (%s)", r.InstanceType, r.Zone, r.Subnet)
	default:
		return r.InstanceType + " in " + cmp.Or(r.Zone, r.Subnet, "the region")
	}
}
