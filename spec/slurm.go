package spec

import (
	"iter"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Slurm is what Slurm is told of a group, and whether it is Slurm that starts and ends its nodes.
type Slurm struct {
	Burst     bool     // burst capacity: a node is there only while Slurm wants it, count of them at most
	Partition string   // empty: one of the group's own name
	Features  []string // what jobs can ask for with --constraint
	Weight    int      // nodes of less weight are used first; 0: Slurm's default, or that of burst capacity
	Source    Source
}

// Asking is the group with slots of it that are asked for now. It is how burst capacity is launched.
func (g Group) Asking(slots ...int) Group {
	g.Asked = slices.Compact(slices.Sorted(slices.Values(slots)))
	return g
}

// Required are the slots that have to have a node, ascending: all of a group, or of burst capacity those that are
// asked for.
func (g *Group) Required() iter.Seq[int] {
	return func(yield func(int) bool) {
		switch {
		case g == nil:
		case g.Slurm.Burst:
			slices.Values(g.Asked)(yield)
		default:
			for slot := range g.Count {
				if !yield(slot) {
					return
				}
			}
		}
	}
}

// Requires says whether a slot is among those required.
func (g *Group) Requires(slot int) bool {
	switch {
	case g == nil:
		return false
	case g.Slurm.Burst:
		_, asked := slices.BinarySearch(g.Asked, slot)
		return asked
	}
	return slot >= 0 && slot < g.Count
}

var (
	partitionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	featureForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
)

// maxWeight is the most that Slurm takes; the last of its range stands for its default.
const maxWeight = 1<<32 - 256

// slurm decodes a slurm block.
func (x *groupBody) slurm(b *hcl.Block) {
	a, _ := x.open(b, b.Body, slurmBlock)
	s := &x.g.Slurm
	s.Source = a.src
	s.Burst, _ = a.flag("burst")
	s.Weight, _ = a.whole("weight", maxWeight)
	if t, ok := a.text("partition"); ok {
		s.Partition = t.string
		if !partitionForm.MatchString(t.string) || lower(t.string) == "default" {
			x.errorf(t.at, "Invalid partition", "%s cannot be the name of a partition: letters, digits, hyphens and underscores, and not default.", quote(t.string))
		}
	}
	for _, t := range a.texts("features") {
		s.Features = append(s.Features, t.string)
		if !featureForm.MatchString(t.string) {
			x.errorf(t.at, "Invalid feature", "%s cannot be a feature of Slurm: letters, digits, hyphens, underscores and dots.", quote(t.string))
		}
	}
}

// checkBurst checks what cannot be said of nodes that Slurm starts and ends one job at a time.
func (x *groupBody) checkBurst() {
	if !x.g.Slurm.Burst {
		return
	}
	for _, arg := range []string{"all", "min", "together", "reserve"} {
		if at, ok := x.g.Launch.Source.Attrs[arg]; ok {
			x.errorf(at, "Launch of burst capacity", "%s is about launching the whole group, and of burst capacity Slurm launches the nodes of each job: all of them, or none. Remove it.", arg)
		}
	}
}
