package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// Diff is what has to be done so that what is wanted is there. It reads both and changes
// neither. Instances without the tag cluster:name of this cluster do not exist for it.
//
// The work grows with the number of instances and wanted nodes, and with nothing else.
func Diff(want *spec.Cluster, have Observed) Plan {
	d := &differ{
		want: want, have: &have,
		images: own(have.Images, have.Account),
		named:  map[string]Image{},
		around: survey(have.Facts),
		plan:   Plan{Cluster: want.Name, Region: cmp.Or(have.Region, want.Region)},
	}
	for _, img := range slices.Concat(have.Former, d.images) {
		d.named[img.ID] = img
	}
	groups := gather(want, have.Instances)
	for _, g := range groups {
		if g.serves() {
			d.group(g)
			d.server = g.address()
			d.warnServer(g)
		}
	}
	for _, g := range groups {
		if !g.serves() {
			d.group(g)
		}
	}
	if d.around != nil {
		d.ladders(groups)
		d.allow(groups)
	}
	d.strangers(groups)
	d.plan.Placements = d.placements(groups)
	for _, g := range groups {
		d.plan.Groups = append(d.plan.Groups, g.plan)
		d.plan.Actions = append(d.plan.Actions, g.sortedActions()...)
	}
	d.plan.Blockers = sorted(d.plan.Blockers)
	d.plan.Warnings = sorted(d.plan.Warnings)
	d.plan.Locks = d.lockNotes(groups)
	return d.plan
}

// A differ is one Diff at work.
type differ struct {
	want   *spec.Cluster
	have   *Observed
	images []Image
	named  map[string]Image // all images that were seen, by id
	around *surroundings    // nil: facts were not observed
	server string           // the ServerTag of the node that serves volumes; empty: there is none that stays
	plan   Plan
}

// group plans one group, except for where its nodes come from.
func (d *differ) group(g *group) {
	g.plan = GroupPlan{Name: g.name, Want: g.want(), Source: d.want.Source.Block}
	if g.spec != nil {
		g.plan.Source = g.spec.Source.Block
	}
	if g.spec != nil && g.spec.Slurm.Burst {
		g.plan.Most = g.spec.Count
	}
	if g.none() {
		for slot, holders := range g.slotRuns {
			if slot >= 0 {
				g.plan.Have++
			}
			for _, inst := range holders {
				g.terminate(inst, d.surplus(g))
			}
		}
		return
	}
	d.resolve(g)
	g.placement = PlacementName(d.want.Name, g.name, g.spec.Placement)
	g.plan.Image, g.plan.PlacementGroup = g.image, g.placement
	c := d.comparer(g)
	c.settle()
	keys := userKeys(g.spec.Tags)
	var held Slots
	for slot, holders := range g.slotRuns {
		if slot < 0 {
			for _, inst := range holders {
				g.terminate(inst, Reason{What: "slot", Text: "its slot cannot be told", At: g.plan.Source})
			}
			continue
		}
		g.plan.Have++
		if slot >= g.spec.Count {
			for _, inst := range holders {
				g.terminate(inst, d.surplus(g))
			}
			continue
		}
		held = append(held, slot)
		g.hold(d, c, keys, holders)
	}
	d.warnAside(g, c)
	d.warnUnreadable(g, c)
	g.launch(held)
	d.revoked(g)
	g.plan.Rolling = g.rolling()
	d.warnRolling(g)
}

// hold decides about one wanted slot with at least one holder: the first that fits the file
// stays, or else the first of all is replaced; the others are duplicates. Burst capacity that nobody asks for
// is neither replaced nor started: a job may run on it, and Slurm ends it.
func (g *group) hold(d *differ, c *comparer, keys []string, holders []*Instance) {
	holder, faults := holders[0], c.faults(holders[0])
	fitter, aside := false, g.aside(holders[0].Slot)
	for _, inst := range holders[1:] {
		if len(faults) == 0 {
			break
		}
		if f := c.faults(inst); len(f) == 0 {
			holder, faults, fitter = inst, nil, true
		}
	}
	for _, inst := range holders {
		if inst != holder {
			g.terminate(inst, duplicate(inst, holder, fitter && inst.Launched.Before(holder.Launched), g.plan.Source))
		}
	}
	if len(faults) > 0 && !aside {
		g.act(Replace, holder, because(faults))
		g.leaving = append(g.leaving, holder)
		g.fill = append(g.fill, holder.Slot)
		return
	}
	g.kept = append(g.kept, holder)
	unchanged := true
	if (holder.State == Stopped || holder.State == Stopping) && !aside {
		g.act(Start, holder, Reason{What: string(holder.State), Text: "it is " + string(holder.State), At: g.plan.Source})
		unchanged = false
	}
	if missing := missingTags(keys, d.wantedTags(g.spec, holder), holder.Tags); missing != nil {
		a := g.act(Retag, holder, retagReason(missing, holder.Tags, c.d.at(g.spec, "tags")))
		a.Tags, a.Volume = missing, holder.RootVolumeID
		unchanged = false
	}
	if unchanged {
		g.plan.Unchanged++
	}
}

// terminate plans the end of an instance that nothing takes the place of.
func (g *group) terminate(inst *Instance, why Reason) {
	g.act(Terminate, inst, why)
	g.leaving = append(g.leaving, inst)
}

// act adds an action about one instance. The result is valid until the next act.
func (g *group) act(kind Kind, inst *Instance, why Reason) *Action {
	a := Action{Kind: kind, Group: g.name, Instance: inst.ID, Why: why}
	if inst.Slot >= 0 {
		a.Slots = Slots{inst.Slot}
	}
	g.actions = append(g.actions, a)
	return &g.actions[len(g.actions)-1]
}

// sortedActions are the group's actions by kind, then slot, then instance.
func (g *group) sortedActions() []Action {
	order := []Kind{Terminate, Replace, Start, Retag, Launch}
	first := func(a Action) int {
		if len(a.Slots) == 0 {
			return -1
		}
		return a.Slots[0]
	}
	slices.SortStableFunc(g.actions, func(a, b Action) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)),
			cmp.Compare(first(a), first(b)),
			cmp.Compare(a.Instance, b.Instance),
		)
	})
	return g.actions
}

// surplus is the reason for terminating nodes that the file does not ask for.
func (d *differ) surplus(g *group) Reason {
	switch {
	case len(d.want.Groups) == 0:
		return Reason{What: "cluster", Text: "no node of the cluster is wanted", At: d.want.Source.Block}
	case g.spec == nil && g.name == "":
		return Reason{What: "group", Text: "it carries no tag " + TagGroup, At: d.want.Source.Block}
	case g.spec == nil:
		return Reason{
			What: "group", Old: g.name, At: d.want.Source.Block,
			Text: fmt.Sprintf("the file has no group %q", g.name),
		}
	}
	return changed("count", strconv.Itoa(g.top()+1), strconv.Itoa(g.spec.Count), g.spec.Source.At("count"))
}

func duplicate(inst, holder *Instance, older bool, at hcl.Range) Reason {
	why := "is older"
	switch {
	case older:
		why = "fits the file"
	case inst.Launched.Equal(holder.Launched):
		why = "comes first"
	}
	return Reason{
		What: "duplicate", Old: inst.ID, New: holder.ID, At: at,
		Text: fmt.Sprintf("%s holds the slot too and %s", holder.ID, why),
	}
}

func retagReason(missing, have map[string]string, at hcl.Range) Reason {
	keys := slices.Sorted(maps.Keys(missing))
	reasons := make([]Reason, len(keys))
	for i, k := range keys {
		if before, ok := have[k]; ok {
			reasons[i] = changed("tag "+k, strconv.Quote(before), strconv.Quote(missing[k]), at)
			reasons[i].Old, reasons[i].New = before, missing[k]
			continue
		}
		reasons[i] = Reason{What: "tag " + k, New: missing[k], At: at, Text: fmt.Sprintf("tag %s = %q is missing", k, missing[k])}
	}
	return because(reasons)
}

func market(g *spec.Group) spec.Market { return cmp.Or(g.Market, spec.OnDemand) }
