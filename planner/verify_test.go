package planner_test

import (
	"slices"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
)

func TestVerify(t *testing.T) {
	type mismatch = planner.Mismatch
	for _, tt := range []struct {
		name   string
		level  planner.Level
		file   func(g *spec.Group)
		region func(h *planner.Observed)
		nodes  int
		want   []mismatch
	}{
		{name: "identical", level: planner.LevelRoot, nodes: 3},
		{name: "image", region: func(h *planner.Observed) { h.Instances[1].ImageID = "ami-b" }, nodes: 3,
			want: []mismatch{{"compute-1", "i-c0001", "image", "ami-a", "ami-b"}}},
		{name: "root volumes are not looked at", region: func(h *planner.Observed) { h.Instances[1].RootSnapshot = "snap-x" }, nodes: 3},
		{name: "root snapshot", level: planner.LevelRoot, region: func(h *planner.Observed) { h.Instances[1].RootSnapshot = "snap-x" },
			nodes: 3, want: []mismatch{{"compute-1", "i-c0001", "root_snapshot", "snap-a", "snap-x"}}},
		{name: "root volume not there", level: planner.LevelRoot, region: func(h *planner.Observed) { h.Instances[2].RootSnapshot = "" },
			nodes: 3, want: []mismatch{{"compute-2", "i-c0002", "root_snapshot", "snap-a", ""}}},
		{name: "root volumes not asked for", level: planner.LevelRoot, region: func(h *planner.Observed) { h.Volumes = false }, nodes: 3,
			want: []mismatch{
				{"compute-0", "i-c0000", "root_snapshot", "snap-a", ""},
				{"compute-1", "i-c0001", "root_snapshot", "snap-a", ""},
				{"compute-2", "i-c0002", "root_snapshot", "snap-a", ""},
			}},
		{name: "copied root volume", level: planner.LevelRoot, region: func(h *planner.Observed) { h.Instances[0].RootVolumeCopied = true },
			nodes: 3, want: []mismatch{{"compute-0", "i-c0000", "root_snapshot", "snap-a", "a copy of another volume"}}},
		{name: "missing", region: func(h *planner.Observed) { h.Instances[1].State = planner.Terminated }, nodes: 2,
			want: []mismatch{{"compute-1", "", "slot", "running", ""}}},
		{name: "missing at the end", file: func(g *spec.Group) { g.Count = 5 }, nodes: 3,
			want: []mismatch{{"compute-3", "", "slot", "running", ""}, {"compute-4", "", "slot", "running", ""}}},
		{name: "not running", region: func(h *planner.Observed) {
			h.Instances[0].State, h.Instances[1].State = planner.Pending, planner.Stopped
		}, nodes: 3, want: []mismatch{
			{"compute-0", "i-c0000", "slot", "running", "pending"}, {"compute-1", "i-c0001", "slot", "running", "stopped"},
		}},
		{name: "surplus", file: func(g *spec.Group) { g.Count = 2 }, nodes: 3,
			want: []mismatch{{"compute-2", "i-c0002", "slot", "0-1", "2"}}},
		{name: "surplus of nothing", file: func(g *spec.Group) { g.Count = 0 },
			region: func(h *planner.Observed) { h.Instances = h.Instances[:1] }, nodes: 1,
			want: []mismatch{{"compute-0", "i-c0000", "slot", "", "0"}}},
		{name: "slot unknown", region: func(h *planner.Observed) { h.Instances[2].Slot = -1 }, nodes: 3,
			want: []mismatch{{"compute-?", "i-c0002", "slot", "0-2", ""}, {"compute-2", "", "slot", "running", ""}}},
		{name: "group unknown", region: func(h *planner.Observed) { h.Instances[2].Group = "old" }, nodes: 3,
			want: []mismatch{{"compute-2", "", "slot", "running", ""}, {"old-2", "i-c0002", "group", "", "old"}}},
		{name: "duplicate", region: func(h *planner.Observed) {
			twin := h.Instances[1]
			twin.ID, twin.Launched = "i-a", twin.Launched.Add(time.Second)
			h.Instances = append(h.Instances, twin)
		}, nodes: 4, want: []mismatch{{"compute-1", "i-a", "slot", "i-c0001", "i-a"}}},
		{name: "duplicate of another image", region: func(h *planner.Observed) {
			twin := h.Instances[1]
			twin.ID, twin.Launched, twin.ImageID = "i-a", twin.Launched.Add(-time.Second), "ami-b"
			h.Instances = append(h.Instances, twin)
		}, nodes: 4, want: []mismatch{
			{"compute-1", "i-a", "image", "ami-a", "ami-b"}, {"compute-1", "i-a", "slot", "i-c0001", "i-a"},
		}},
		{name: "image not found", level: planner.LevelRoot, region: func(h *planner.Observed) { h.Images, h.Instances = nil, h.Instances[:1] },
			file: func(g *spec.Group) { g.Count = 1 }, nodes: 1,
			want: []mismatch{{"compute-0", "i-c0000", "image", "ami-a", ""}, {"compute-0", "i-c0000", "root_snapshot", "", ""}}},
		{name: "nothing there", region: func(h *planner.Observed) { h.Instances = nil },
			file: func(g *spec.Group) { g.Count = 1 }, want: []mismatch{{"compute-0", "", "slot", "running", ""}}},
		{name: "nothing wanted, nothing there", region: func(h *planner.Observed) { h.Instances = nil },
			file: func(g *spec.Group) { g.Count = 0 }},
		{name: "foreign", region: func(h *planner.Observed) {
			foreign := slices.Clone(h.Instances)[:1]
			foreign[0].ID, foreign[0].Tags, foreign[0].ImageID = "i-z", nil, "ami-b"
			h.Instances = append(h.Instances, foreign...)
		}, nodes: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := computeGroup(3)
			have := running(clusterOf(g))
			if tt.region != nil {
				tt.region(&have)
			}
			if tt.file != nil {
				tt.file(&g)
			}
			v := planner.Verify(clusterOf(g), have, tt.level)
			if diff := cmp.Diff(tt.want, v.Mismatched); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if v.Identical != (len(tt.want) == 0) || v.Nodes != tt.nodes {
				t.Errorf("identical %v of %d nodes, want %d", v.Identical, v.Nodes, tt.nodes)
			}
		})
	}
}

func TestVerdictNamesTheFirstWantedGroupsImage(t *testing.T) {
	head, compute := computeGroup(0), computeGroup(1)
	head.Name, head.Image.ID = "head", "ami-b"
	want := clusterOf(head, compute)
	have := running(want)
	if v := planner.Verify(want, have, planner.LevelRoot); v.Image.ID != "ami-a" || !v.Identical {
		t.Errorf("image %s, identical %v", v.Image.ID, v.Identical)
	}
	want.Groups[0].Count = 1
	have.Images = have.Images[:1]
	if v := planner.Verify(want, have, planner.LevelRoot); v.Image.ID != "" {
		t.Errorf("the first group's image is unknown, and the verdict names %s", v.Image.ID)
	}
}
