package planner_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"cluster/planner"

	"github.com/hashicorp/hcl/v2"
)

// text is a plan as the golden files hold it: everything in it, with neighbours alike in one line.
func text(p planner.Plan) string {
	var b strings.Builder
	s := p.Summary()
	fmt.Fprintf(&b, "cluster %s in %s: launch %d, terminate %d, replace %d, start %d, retag %d, unchanged %d\n",
		p.Cluster, p.Region, s.Launch, s.Terminate, s.Replace, s.Start, s.Retag, s.Unchanged)
	for _, g := range p.Groups {
		fmt.Fprintf(&b, "group %q want %d have %d unchanged %d", g.Name, g.Want, g.Have, g.Unchanged)
		if g.Image.ID != "" {
			fmt.Fprintf(&b, " image %s %s", g.Image.ID, g.Image.RootSnapshot)
		}
		if g.PlacementGroup != "" {
			fmt.Fprintf(&b, " placement group %s", g.PlacementGroup)
		}
		if r := g.Rolling; r.Batches > 0 {
			fmt.Fprintf(&b, " rolled in %d batches of at most %d, %s", r.Batches, r.Most, r.Order)
		}
		fmt.Fprintf(&b, "%s\n", position(g.Source))
		for _, r := range g.Rungs {
			fmt.Fprintf(&b, "    rung %s", r.Type)
			for _, n := range r.Subnets {
				fmt.Fprintf(&b, " %s/%s", n.ID, n.Zone)
			}
			b.WriteString("\n")
		}
	}
	for _, c := range p.Placements {
		verb := "create"
		if c.Delete {
			verb = "delete"
		}
		fmt.Fprintf(&b, "%s placement group %s (%s, group %s) because %s\n", verb, c.Name, c.Strategy, c.Group, reason(c.Why))
	}
	for i := 0; i < len(p.Actions); {
		a := p.Actions[i]
		fmt.Fprintf(&b, "%c %s %s[", a.Kind, a.Kind, a.Group)
		var slots planner.Slots
		var ids []string
		for ; i < len(p.Actions) && alike(a, p.Actions[i]); i++ {
			slots = append(slots, p.Actions[i].Slots...)
			ids = append(ids, p.Actions[i].Instance)
		}
		fmt.Fprintf(&b, "%s]", slots)
		if a.Instance != "" {
			fmt.Fprintf(&b, " %s", ids[0])
		}
		if len(ids) > 1 {
			fmt.Fprintf(&b, " … %s", ids[len(ids)-1])
		}
		if a.Kind == planner.Retag {
			fmt.Fprintf(&b, " %v", a.Tags)
		}
		fmt.Fprintf(&b, " because %s\n", reason(a.Why))
	}
	for _, w := range p.Blockers {
		fmt.Fprintf(&b, "blocker %q: %s: %s%s\n", w.Group, w.Summary, w.Detail, position(w.At))
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning %q: %s: %s%s\n", w.Group, w.Summary, w.Detail, position(w.At))
	}
	return b.String()
}

// alike says that two actions are told in one line.
func alike(a, b planner.Action) bool {
	return a.Kind == b.Kind && a.Group == b.Group && a.Why == b.Why && maps.Equal(a.Tags, b.Tags) &&
		(a.Kind != planner.Launch || a.Slots[0] == b.Slots[0])
}

func reason(r planner.Reason) string {
	return fmt.Sprintf("%s  {%s: %q -> %q}%s", r.Text, r.What, r.Old, r.New, position(r.At))
}

func position(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("  %s:%d", filepath.Base(r.Filename), r.Start.Line)
}
