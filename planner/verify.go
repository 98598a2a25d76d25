package planner

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"cluster/spec"
)

// Level says how far Verify looks.
type Level int

const (
	LevelImage Level = iota // the image id of every node
	LevelRoot               // and the snapshot that every root volume was made from
)

// The checks of a Mismatch.
const (
	checkGroup = "group"
	checkImage = "image"
	checkRoot  = "root_snapshot"
	checkSlot  = "slot"
)

// A Mismatch is one thing that keeps a cluster from being identical to its file. An empty Got is
// unproven: not asked, not answered, or not there.
type Mismatch struct {
	Node     string // such as compute-17
	Instance string // empty: no instance holds the slot
	Check    string // image, root_snapshot, group or slot
	Want     string
	Got      string
}

// A Verdict is what Verify found.
type Verdict struct {
	Identical  bool
	Nodes      int        // live instances of the cluster, all of which were checked
	Image      Image      // of the file's first group that wants nodes
	Mismatched []Mismatch // by group, slot, check, then instance
	Warnings   []Blocker  // what is wrong with locked images; the proof does without them
}

// Verify proves that the cluster is the one the file describes: every wanted slot is held by
// exactly one running instance, which was made from the group's image and, at LevelRoot, has a
// root volume made from that image's snapshot; and there is no other instance. Of burst capacity any of its
// slots may be held, and those that nobody asks for need not run. What was not
// observed, or what the file names and nobody found, proves nothing and so is a mismatch.
//
// A locked image is proven against the lock: that it is gone since is a warning.
func Verify(want *spec.Cluster, have Observed, level Level) Verdict {
	v := &verifier{level: level, volumes: have.Volumes}
	images := own(have.Images, have.Account)
	for _, g := range gather(want, have.Instances) {
		if !g.none() {
			var blockers []Blocker
			g.image, blockers = ResolveImage(g.spec.Image, images)
			if kept(g.spec.Image) != nil {
				v.Warnings = append(v.Warnings, blockers...)
			}
			if !v.seen {
				v.Image, v.seen = g.image, true
			}
		}
		v.group(g)
	}
	slices.SortStableFunc(v.found, func(a, b finding) int {
		return cmp.Or(
			cmp.Compare(a.order, b.order), cmp.Compare(a.slot, b.slot),
			cmp.Compare(a.Check, b.Check), cmp.Compare(a.Instance, b.Instance),
		)
	})
	for _, f := range v.found {
		v.Mismatched = append(v.Mismatched, f.Mismatch)
	}
	v.Warnings = sorted(v.Warnings)
	v.Identical = len(v.Mismatched) == 0
	return v.Verdict
}

type verifier struct {
	Verdict
	level   Level
	volumes bool
	seen    bool // the first group that wants nodes
	found   []finding
}

// A finding is a mismatch and where it sorts.
type finding struct {
	Mismatch
	order, slot int
}

func (v *verifier) mismatch(g *group, slot int, instance, check, want, got string) {
	v.found = append(v.found, finding{
		Mismatch: Mismatch{Node: NodeName(g.name, slot), Instance: instance, Check: check, Want: want, Got: got},
		order:    g.order, slot: slot,
	})
}

func (v *verifier) group(g *group) {
	v.Nodes += len(g.live)
	held := map[int]bool{}
	for slot, holders := range g.slotRuns {
		held[slot] = true
		v.slot(g, slot, holders)
	}
	for slot := range g.spec.Required() {
		if !held[slot] {
			v.mismatch(g, slot, "", checkSlot, string(Running), "")
		}
	}
}

// slot checks the instances that hold one slot. Of several, the one that comes from the image
// counts as the node, or else the oldest.
func (v *verifier) slot(g *group, slot int, holders []*Instance) {
	node := chosen(holders, g.image.ID)
	for _, inst := range holders {
		switch {
		case g.spec == nil:
			v.mismatch(g, slot, inst.ID, checkGroup, "", g.name)
			continue
		case slot < 0:
			v.mismatch(g, slot, inst.ID, checkSlot, wantedSlots(g), "")
		case !g.allows(slot):
			v.mismatch(g, slot, inst.ID, checkSlot, wantedSlots(g), strconv.Itoa(slot))
		case inst != node:
			v.mismatch(g, slot, inst.ID, checkSlot, node.ID, inst.ID)
		case inst.State != Running && g.aside(slot):
			continue // it comes or goes, and nobody waits for it
		case inst.State != Running:
			v.mismatch(g, slot, inst.ID, checkSlot, string(Running), string(inst.State))
		}
		v.origin(g, slot, inst)
	}
}

// origin checks where an instance comes from.
func (v *verifier) origin(g *group, slot int, inst *Instance) {
	if g.none() {
		return // surplus already, and no image was asked for
	}
	img := g.image
	if img.ID == "" {
		v.mismatch(g, slot, inst.ID, checkImage, named(g.spec.Image), "")
	} else if inst.ImageID != img.ID {
		v.mismatch(g, slot, inst.ID, checkImage, img.ID, inst.ImageID)
	}
	if v.level < LevelRoot {
		return
	}
	got := inst.RootSnapshot
	switch {
	case !v.volumes || img.RootSnapshot == "":
		got = ""
	case inst.RootVolumeCopied:
		got = "a copy of another volume"
	}
	if got == "" || got != img.RootSnapshot {
		v.mismatch(g, slot, inst.ID, checkRoot, img.RootSnapshot, got)
	}
}

// wantedSlots are the slots the file gives a group, folded.
func wantedSlots(g *group) string {
	switch n := g.spec.Count; n {
	case 0:
		return ""
	case 1:
		return "0"
	default:
		return "0-" + strconv.Itoa(n-1)
	}
}

// named is how the file names an image, for a mismatch of one that was not found.
func named(img spec.Image) string {
	switch {
	case img.ID != "":
		return img.ID
	case img.Family != "":
		return strings.TrimSpace(img.Family + " " + cmp.Or(img.Version, img.Channel))
	}
	return img.Name
}
