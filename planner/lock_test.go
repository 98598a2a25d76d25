package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// locked is region with two versions of a family, and an entry of the lock that keeps the older.
func locked() (planner.Observed, *spec.LockedImage, spec.Image) {
	have := region()
	asked := spec.Image{Family: "base", Channel: "stable"}
	for i, version := range []string{"1.4.0", "1.5.0"} {
		have.Images[i].Tags = map[string]string{planner.TagImageFamily: "base", planner.TagImageVersion: version}
	}
	have.Images[1].Tags[planner.TagImageChannel] = "stable"
	have.Images[1].Tags[planner.TagImageParent] = "ami-a"
	have.Images[0].Tags[planner.TagImageParent] = "ami-seed"
	return have, &spec.LockedImage{
		Region: "us-east-1", Asked: asked, ID: "ami-a", Name: "base-1", Owner: "111122223333", RootSnapshot: "snap-a", Version: "1.4.0",
	}, asked
}

func TestLockedImage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(h *planner.Observed, l *spec.LockedImage)
		id     string
		snap   string
		block  string // part of the blocker; empty: none
		note   string // what the lock note has; empty: there is none
	}{
		{name: "kept against the channel", id: "ami-a", snap: "snap-a", note: "ami-a, now ami-b"},
		{name: "no news", change: func(_ *planner.Observed, l *spec.LockedImage) { l.ID, l.RootSnapshot = "ami-b", "snap-b" },
			id: "ami-b", snap: "snap-b"},
		{name: "the channel is gone", change: func(h *planner.Observed, _ *spec.LockedImage) { delete(h.Images[1].Tags, planner.TagImageChannel) },
			id: "ami-a", snap: "snap-a"},
		{name: "gone", change: func(h *planner.Observed, _ *spec.LockedImage) { h.Images = h.Images[1:] },
			id: "ami-a", snap: "snap-a", block: "Locked image is gone", note: "ami-a, now ami-b"},
		{name: "another owner", change: func(_ *planner.Observed, l *spec.LockedImage) { l.Owner = "2" },
			id: "ami-a", snap: "snap-a", block: "its owner is 111122223333.", note: "ami-a, now ami-b"},
		{name: "another snapshot", change: func(_ *planner.Observed, l *spec.LockedImage) { l.RootSnapshot = "snap-x" },
			id: "ami-a", snap: "snap-x", block: "its root snapshot is snap-a.", note: "ami-a, now ami-b"},
		{name: "owner not known", change: func(_ *planner.Observed, l *spec.LockedImage) { l.Owner = "" },
			id: "ami-a", snap: "snap-a", note: "ami-a, now ami-b"},
		{name: "unfit", change: func(h *planner.Observed, _ *spec.LockedImage) { h.Images[0].State = "disabled" },
			id: "ami-a", snap: "snap-a", block: "is disabled. Only an available image can be launched. The lock file has it", note: "ami-a, now ami-b"},
		{name: "revoked", change: func(h *planner.Observed, _ *spec.LockedImage) { h.Images[0].Tags[planner.TagImageRevoked] = "bad" },
			id: "ami-a", snap: "snap-a", block: "It follows with --upgrade-image.", note: "ami-a, now ami-b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have, lock, asked := locked()
			if tt.change != nil {
				tt.change(&have, lock)
			}
			g := computeGroup(2)
			g.Image = asked
			g.Image.Locked = lock
			p := planner.Diff(clusterOf(g), have)
			if img := p.Groups[0].Image; img.ID != tt.id || img.RootSnapshot != tt.snap {
				t.Errorf("the image is %s (%s), want %s (%s)", img.ID, img.RootSnapshot, tt.id, tt.snap)
			}
			var blocks string
			for _, b := range p.Blockers {
				blocks += b.Summary + ": " + b.Detail
			}
			if (tt.block == "") != (blocks == "") || !strings.Contains(blocks, tt.block) {
				t.Errorf("blocked because %q, want %q", blocks, tt.block)
			}
			note := ""
			for _, n := range p.Locks {
				note += n.Locked.ID + ", now " + n.Now.ID
			}
			if note != tt.note {
				t.Errorf("the news is %q, want %q", note, tt.note)
			}
		})
	}
}

// TestUnlock holds that --upgrade-image launches what the file means, and that the lock then says so.
func TestUnlock(t *testing.T) {
	have, lock, asked := locked()
	g := computeGroup(2)
	g.Image = asked
	g.Image.Locked, g.Image.Unlock = lock, true
	other := g
	other.Name = "other"
	idle := g
	idle.Name, idle.Count, idle.Image = "idle", 0, spec.Image{ID: "ami-z", Locked: &spec.LockedImage{ID: "ami-z"}, Unlock: true}
	want := clusterOf(g, other, idle)
	p := planner.Diff(want, have)
	if p.Groups[0].Image.ID != "ami-b" || len(p.Locks) != 1 || !p.Locks[0].Moves {
		t.Errorf("image %s, news %v", p.Groups[0].Image.ID, p.Locks)
	}
	got := planner.LockEntries(want, have, "us-east-1", true)
	entry := spec.LockedImage{
		Region: "us-east-1", Rehearsal: true, Asked: asked, ID: "ami-b", Name: "base-2", Owner: "111122223333",
		Created: have.Images[1].Created, RootSnapshot: "snap-b", Family: "base", Version: "1.5.0", Ancestors: []string{"ami-a", "ami-seed"},
	}
	if d := cmp.Diff([]spec.LockedImage{entry, entry, {ID: "ami-z"}}, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the lock follows with (-want +got):\n%s", d)
	}
	for i := range want.Groups {
		want.Groups[i].Image.Unlock = false
	}
	if got := planner.LockEntries(want, have, "us-east-1", true); got[0].ID != "ami-a" || got[0].Rehearsal {
		t.Errorf("an entry that decides is rewritten: %v", got[0])
	}
}

func TestAncestorsEnd(t *testing.T) {
	have, _, asked := locked()
	have.Images[0].Tags[planner.TagImageParent] = "ami-b"
	g := computeGroup(1)
	g.Image = asked
	if got := planner.LockEntries(clusterOf(g), have, "r", false)[0].Ancestors; !slices.Equal(got, []string{"ami-a", "ami-b"}) {
		t.Errorf("images that are each other's parents have the ancestors %v", got)
	}
}

// TestVerifyAgainstTheLock holds that nodes of an image that is gone are proven by the lock, with a warning,
// and those of another not at all.
func TestVerifyAgainstTheLock(t *testing.T) {
	have, lock, asked := locked()
	g := computeGroup(2)
	g.Image = asked
	g.Image.Locked = lock
	want := clusterOf(g)
	for slot := range 2 {
		have.Instances = append(have.Instances, node(have, &want.Groups[0], slot))
	}
	have.Images = have.Images[1:]
	v := planner.Verify(want, have, planner.LevelRoot)
	if !v.Identical || len(v.Warnings) != 1 || v.Warnings[0].Summary != "Locked image is gone" {
		t.Errorf("identical %v, warnings %v", v.Identical, v.Warnings)
	}
	have.Instances[1].ImageID, have.Instances[1].RootSnapshot = "ami-b", "snap-b"
	if v = planner.Verify(want, have, planner.LevelRoot); v.Identical || len(v.Mismatched) != 2 || v.Mismatched[0].Want != "ami-a" {
		t.Errorf("the channel's image passes for the lock's: %v", v.Mismatched)
	}
	want.Groups[0].Image.Locked = nil
	have.Images = nil
	if v = planner.Verify(want, have, planner.LevelRoot); v.Identical || len(v.Warnings) != 0 {
		t.Errorf("without a lock, an image that is gone proves something: %v", v)
	}
}

func TestTrace(t *testing.T) {
	for _, tt := range []struct {
		name   string
		node   string
		change func(h *planner.Observed, want *spec.Cluster)
		broken string // kind, state, want, got of the links that do not hold
	}{
		{name: "unbroken", node: "compute-1"},
		{name: "by id", node: "i-c0001"},
		{name: "image and root", node: "compute-1", change: func(h *planner.Observed, _ *spec.Cluster) {
			h.Instances[1].ImageID, h.Instances[1].RootSnapshot = "ami-b", "snap-b"
		}, broken: "image broken ami-a ami-b; volume broken snap-a snap-b"},
		{name: "root not seen", node: "compute-1", change: func(h *planner.Observed, _ *spec.Cluster) { h.Instances[1].RootSnapshot = "" },
			broken: "volume unproven snap-a "},
		{name: "copied root", node: "compute-1", change: func(h *planner.Observed, _ *spec.Cluster) { h.Instances[1].RootVolumeCopied = true },
			broken: "volume broken snap-a a copy of another volume"},
		{name: "no image", node: "compute-1", change: func(h *planner.Observed, _ *spec.Cluster) { h.Images = nil },
			broken: "image unproven ami-a ; snapshot unproven a root snapshot ; volume unproven  "},
		{name: "stopped", node: "compute-1", change: func(h *planner.Observed, _ *spec.Cluster) { h.Instances[1].State = planner.Stopped },
			broken: "instance broken running stopped"},
		{name: "nobody there", node: "compute-1", change: func(h *planner.Observed, _ *spec.Cluster) { h.Instances[1].State = planner.Terminated },
			broken: "volume unproven snap-a ; instance broken running no instance"},
		{name: "surplus", node: "compute-1", change: func(_ *planner.Observed, want *spec.Cluster) { want.Groups[0].Count = 1 },
			broken: "file broken 0 1"},
		{name: "no such group", node: "old-1", change: func(h *planner.Observed, _ *spec.Cluster) { h.Instances[1].Group = "old" },
			broken: "file broken  old"},
		{name: "the younger of two", node: "i-twin", change: func(h *planner.Observed, _ *spec.Cluster) {
			twin := h.Instances[1]
			twin.ID, twin.Launched = "i-twin", twin.Launched.Add(time.Second)
			h.Instances = append(h.Instances, twin)
		}, broken: "instance broken i-c0001 i-twin"},
		{name: "the lock was edited", node: "compute-1", change: func(h *planner.Observed, want *spec.Cluster) {
			want.Groups[0].Image.Locked = &spec.LockedImage{ID: "ami-a", RootSnapshot: "snap-a", Owner: "2"}
		}, broken: "lock broken 2 111122223333"},
		{name: "locked and gone", node: "compute-1", change: func(h *planner.Observed, want *spec.Cluster) {
			want.Groups[0].Image.Locked = &spec.LockedImage{ID: "ami-a", RootSnapshot: "snap-a"}
			h.Images = nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := clusterOf(computeGroup(3))
			have := running(want)
			if tt.change != nil {
				tt.change(&have, want)
			}
			c, ok := planner.Trace(want, have, tt.node)
			if !ok {
				t.Fatal("no such node")
			}
			var broken []string
			for _, l := range c.Links {
				if l.State != planner.LinkOK {
					broken = append(broken, strings.Join([]string{l.Kind, string(l.State), l.Want, l.Got}, " "))
				}
			}
			if got := strings.Join(broken, "; "); got != tt.broken || c.Unbroken() != (got == "") {
				t.Errorf("broken: %q, want %q", got, tt.broken)
			}
			// It finds the same as Verify.
			found := slices.ContainsFunc(planner.Verify(want, have, planner.LevelRoot).Mismatched, func(m planner.Mismatch) bool {
				return m.Node == c.Node && (c.Instance == nil || c.Instance.ID == m.Instance)
			})
			if lock := strings.HasPrefix(tt.broken, "lock"); found == c.Unbroken() && !lock {
				t.Errorf("Verify finds something: %v, the chain is unbroken: %v", found, c.Unbroken())
			}
		})
	}
	want := clusterOf(computeGroup(3))
	have := running(want)
	for _, node := range []string{"compute-3", "compute-01", "compute", "i-0", "", "compute-?"} {
		if c, ok := planner.Trace(want, have, node); ok {
			t.Errorf("%q is %s", node, c.Node)
		}
	}
}
