package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// A stoppedRoll is what people should read of a rolling replacement that stopped.
type stoppedRoll struct{ diags hcl.Diagnostics }

func (e *stoppedRoll) Error() string { return e.diags.Error() }

// rolled says how far a rolling replacement got.
func rolled(r fleet.RollReport) string {
	done, all := 0, 0
	for _, g := range r.Groups {
		done += len(g.Replaced)
		all += toReplace(g)
	}
	if done == all && r.Batch == r.Batches {
		return fmt.Sprintf("%d replaced in %s", done, manyBatches(r.Batches))
	}
	if r.Batch == 0 {
		return fmt.Sprintf("0 of %d replaced, stopped before the first batch", all)
	}
	return fmt.Sprintf("%d of %d replaced, stopped in batch %d of %d", done, all, r.Batch, r.Batches)
}

// toReplace is how many nodes of a group were to be replaced.
func toReplace(g fleet.RolledGroup) int {
	return len(g.Replaced) + len(g.Unproven) + len(g.Old) + len(g.Down)
}

// rollStopped says where a rolling replacement stopped, which nodes are still the old ones, and how to go on or
// back.
func (a *app) rollStopped(r fleet.RollReport, want *spec.Cluster, have planner.Observed, p planner.Plan) hcl.Diagnostics {
	summary := fmt.Sprintf("The rolling replacement stopped in batch %d of %d", r.Batch, r.Batches)
	if r.Batch == 0 {
		summary = fmt.Sprintf("The rolling replacement stopped before the first of its %s", manyBatches(r.Batches))
	}
	var b strings.Builder
	var back []string
	for _, g := range r.Groups {
		i := slices.IndexFunc(p.Groups, func(x planner.GroupPlan) bool { return x.Name == g.Name })
		fmt.Fprintf(&b, "Group %s: %d of %s replaced.\n", g.Name, len(g.Replaced), plural(toReplace(g), "node"))
		list := func(what string, slots planner.Slots) {
			if len(slots) > 0 {
				fmt.Fprintf(&b, "  %s: %s\n", what, nodeNames(g.Name, slots, a.limit(mostListed)))
			}
		}
		list("new, "+imageName(p.Groups[i].Image), g.Replaced)
		list("new, not proven", g.Unproven)
		list("old, "+oldImages(g, p, have), g.Old)
		list("nothing runs", g.Down)
		if wanted, ok := want.Group(g.Name); ok {
			if way := a.wayBack(wanted.Image); !slices.Contains(back, way) {
				back = append(back, way)
			}
		}
	}
	fmt.Fprintf(&b, "To go on: %s\nTo go back: %s", a.again, strings.Join(back, "; "))
	return problem(hcl.Range{}, summary, b.String())
}

// wayBack is how to have the image that came before again. What a channel stands for is kept in the lock file, which
// has to follow it.
func (a *app) wayBack(img spec.Image) string {
	if img.Channel != "" {
		again := a.again
		if !a.upgrade {
			again += " --upgrade-image"
		}
		return fmt.Sprintf("cluster image rollback %s --channel %s\n  and then: %s", shellWord(img.Family), shellWord(img.Channel), again)
	}
	where := ""
	if at := img.Source.At("id", "version", "name"); at.Filename != "" {
		where = fmt.Sprintf(" (%s:%d)", slash(at.Filename), at.Start.Line)
	}
	return fmt.Sprintf("name the image of before again%s,\n  and then: %s", where, a.again)
}

// oldImages names the images of a group's old nodes, each once.
func oldImages(g fleet.RolledGroup, p planner.Plan, have planner.Observed) string {
	old := map[string]bool{}
	for _, x := range p.Actions {
		if x.Kind == planner.Replace && x.Group == g.Name && slices.Contains(g.Old, x.Slots[0]) {
			old[x.Instance] = true
		}
	}
	var names []string
	for _, i := range have.Instances {
		if old[i.ID] {
			names = append(names, imageName(seenImage(have, i.ImageID)))
		}
	}
	slices.Sort(names)
	return some(slices.Compact(names), mostListed, "")
}

// seenImage is an image that was seen, or at least its id.
func seenImage(have planner.Observed, id string) planner.Image {
	for _, i := range slices.Concat(have.Images, have.Former) {
		if i.ID == id {
			return i
		}
	}
	return planner.Image{ID: id}
}

// imageName is an image by its family and version, or else its name, with its id.
func imageName(i planner.Image) string {
	name := i.Name
	if v := i.Tags[planner.TagImageVersion]; v != "" && i.Tags[planner.TagImageFamily] != "" {
		name = i.Tags[planner.TagImageFamily] + " " + v
	}
	return strings.TrimPrefix(fmt.Sprintf("%s (%s)", name, cmp.Or(i.ID, "not known")), " ")
}
