package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
)

// story is a plan's actions without what every one of them has: sign, slots, instance, reason.
func story(p planner.Plan) []string {
	var lines []string
	for _, a := range p.Actions {
		line := string(a.Kind) + " " + a.Group + "[" + a.Slots.String() + "]"
		if a.Instance != "" {
			line += " " + a.Instance
		}
		lines = append(lines, line+": "+a.Why.Text)
	}
	return lines
}

func TestDiff(t *testing.T) {
	for _, tt := range []struct {
		name   string
		file   func(g *spec.Group)       // changes the file after four nodes came up
		region func(h *planner.Observed) // changes the region
		want   []string
	}{
		{name: "nothing to do"},
		{name: "count up", file: func(g *spec.Group) { g.Count = 6 },
			want: []string{"+ compute[4-5]: count 4 -> 6"}},
		{name: "count down", file: func(g *spec.Group) { g.Count = 2 },
			want: []string{"- compute[2] i-c0002: count 4 -> 2", "- compute[3] i-c0003: count 4 -> 2"}},
		{name: "fresh", region: func(h *planner.Observed) { h.Instances = nil },
			want: []string{"+ compute[0-3]: count = 4"}},
		{name: "after down", region: func(h *planner.Observed) {
			for i := range h.Instances {
				h.Instances[i].State = planner.Terminated
				h.Instances[i].StateReason = "Client.UserInitiatedShutdown: User initiated shutdown"
			}
		}, want: []string{"+ compute[0-3]: count = 4"}},
		{name: "a hole", region: func(h *planner.Observed) { h.Instances = slices.Delete(h.Instances, 1, 2) },
			want: []string{"+ compute[1]: nothing holds the slot"}},
		{name: "holes and growth", file: func(g *spec.Group) { g.Count = 6 },
			region: func(h *planner.Observed) { h.Instances = slices.Delete(h.Instances, 0, 2) },
			want:   []string{"+ compute[0-1]: nothing holds the slot", "+ compute[4-5]: count 4 -> 6"}},
		{name: "a lost node", region: func(h *planner.Observed) {
			h.Instances[1].State, h.Instances[1].StateReason = planner.ShuttingDown, "Server.SpotInstanceTermination: x"
		}, want: []string{"+ compute[1]: i-c0001 terminated: Server.SpotInstanceTermination: x"}},
		{name: "lost nodes, the highest too", region: func(h *planner.Observed) {
			for _, i := range []int{1, 3} {
				h.Instances[i].State, h.Instances[i].StateReason = planner.Terminated, "Server.InternalError"
			}
		}, want: []string{"+ compute[1,3]: its instance terminated: Server.InternalError"}},
		{name: "image", file: func(g *spec.Group) { g.Count, g.Image.ID = 1, "ami-b" },
			region: func(h *planner.Observed) { h.Instances = h.Instances[:1] },
			want:   []string{"± compute[0] i-c0000: image base-1 (ami-a) -> base-2 (ami-b)"}},
		{name: "type", region: func(h *planner.Observed) { h.Instances[2].InstanceType = "t3.micro" },
			want: []string{"± compute[2] i-c0002: type t3.micro -> c7i.large"}},
		{name: "one type serves the group", file: func(g *spec.Group) { g.InstanceTypes = []string{"c7i.xlarge", "c7i.large"} },
			region: func(h *planner.Observed) { h.Instances[2].InstanceType = "c7i.xlarge" },
			want:   []string{"± compute[2] i-c0002: type c7i.xlarge -> c7i.large, since one type serves the whole group"}},
		{name: "nodes that go have no say in the type", file: func(g *spec.Group) {
			g.Count, g.InstanceTypes = 1, []string{"c7i.xlarge", "c7i.large"}
		}, region: func(h *planner.Observed) {
			h.Instances = h.Instances[:3]
			h.Instances[1].InstanceType, h.Instances[2].InstanceType = "c7i.xlarge", "c7i.xlarge"
		}, want: []string{"- compute[1] i-c0001: count 3 -> 1", "- compute[2] i-c0002: count 3 -> 1"}},
		{name: "a draw of types", file: func(g *spec.Group) { g.InstanceTypes = []string{"c7i.xlarge", "c7i.large"} },
			region: func(h *planner.Observed) {
				h.Instances[2].InstanceType, h.Instances[3].InstanceType = "c7i.xlarge", "c7i.xlarge"
			},
			want: []string{
				"± compute[0] i-c0000: type c7i.large -> c7i.xlarge, since one type serves the whole group",
				"± compute[1] i-c0001: type c7i.large -> c7i.xlarge, since one type serves the whole group",
			}},
		{name: "fallbacks replace nothing", file: func(g *spec.Group) {
			g.InstanceTypes = []string{"hpc7a.96xlarge", "c7i.large"}
			g.Subnets = []string{"subnet-b", "subnet-a"}
		}},
		{name: "zone", region: func(h *planner.Observed) {
			h.Instances[0].SubnetID, h.Instances[0].Zone = "subnet-b", "us-east-1b"
		}, want: []string{"± compute[0] i-c0000: zone us-east-1b -> us-east-1a"}},
		{name: "subnet", region: func(h *planner.Observed) { h.Instances[0].SubnetID = "subnet-z" },
			want: []string{"± compute[0] i-c0000: subnet subnet-z -> subnet-a"}},
		{name: "no subnets in the file", file: func(g *spec.Group) { g.Subnets = nil },
			region: func(h *planner.Observed) { h.Instances[0].SubnetID = "subnet-z" }},
		{name: "placement", file: func(g *spec.Group) { g.Count, g.Placement = 1, spec.PlacementCluster },
			region: func(h *planner.Observed) { h.Instances = h.Instances[:1] },
			want:   []string{"± compute[0] i-c0000: placement none -> cluster"}},
		{name: "somebody's placement group", region: func(h *planner.Observed) { h.Instances[3].PlacementGroup = "x" },
			want: []string{"± compute[3] i-c0003: placement group x -> none"}},
		{name: "root volume seen", file: func(g *spec.Group) { g.RootVolume = spec.RootVolume{Size: 20, Type: "gp3", Encrypted: true} },
			region: func(h *planner.Observed) {
				h.Instances = h.Instances[:1]
			},
			want: []string{
				"± compute[0] i-c0000: root volume 8 GiB unencrypted -> 20 GiB encrypted",
				"+ compute[1-3]: count 1 -> 4",
			}},
		{name: "root volume not seen", file: func(g *spec.Group) { g.RootVolume.IOPS = 4000 },
			region: func(h *planner.Observed) { h.Volumes, h.Instances = false, h.Instances[3:] },
			want: []string{
				"± compute[3] i-c0003: root volume changed",
				"+ compute[0-2]: nothing holds the slot",
			}},
		{name: "swapped root volume", region: func(h *planner.Observed) { h.Instances[2].RootSnapshot = "snap-x" },
			want: []string{"± compute[2] i-c0002: root volume snap-x -> snap-a"}},
		{name: "copied root volume", region: func(h *planner.Observed) { h.Instances[2].RootVolumeCopied = true },
			want: []string{"± compute[2] i-c0002: root volume is a copy of another volume"}},
		{name: "volumes not asked for", region: func(h *planner.Observed) {
			h.Volumes = false
			h.Instances[2].RootSnapshot, h.Instances[2].RootVolumeCopied = "snap-x", true
		}},
		{name: "what EC2 does not show", file: func(g *spec.Group) {
			g.UserData, g.SecurityGroups, g.KeyName, g.EFA, g.InstanceProfile = []byte("x"), []string{"sg-1"}, "me", true, "p"
			g.Count = 1
		}, region: func(h *planner.Observed) { h.Instances = h.Instances[:1] },
			want: []string{"± compute[0] i-c0000: user data changed, list of security groups changed, key name changed, " +
				"efa changed and instance profile changed"}},
		{name: "no readable fingerprint", file: func(g *spec.Group) { g.UserData = []byte("x") },
			region: func(h *planner.Observed) {
				for i, s := range []string{"", "2 ud=12345678", "garbage", "1 ud"} {
					h.Instances[i].Spec = s
				}
			}},
		{name: "market", region: func(h *planner.Observed) { h.Instances[0].Market = "spot" },
			want: []string{"± compute[0] i-c0000: market spot -> on-demand"}},
		{name: "stopped", region: func(h *planner.Observed) {
			h.Instances[0].State, h.Instances[1].State = planner.Stopped, planner.Stopping
		}, want: []string{"^ compute[0] i-c0000: it is stopped", "^ compute[1] i-c0001: it is stopping"}},
		{name: "stopped and unfit", region: func(h *planner.Observed) {
			h.Instances[0].State, h.Instances[0].Market = planner.Stopped, "spot"
		}, want: []string{"± compute[0] i-c0000: market spot -> on-demand"}},
		{name: "tags", file: func(g *spec.Group) {
			g.Tags = map[string]string{"owner": "me", "project": "wind", "Name": "x", "cluster:x": "y", "aws:z": "z"}
		},
			region: func(h *planner.Observed) {
				for i := 1; i < 4; i++ {
					h.Instances[i].Tags["owner"], h.Instances[i].Tags["project"], h.Instances[i].Tags["theirs"] = "me", "wind", "1"
				}
				h.Instances[0].Tags["project"] = "sea"
			},
			want: []string{`~ compute[0] i-c0000: tag owner = "me" is missing and tag project "sea" -> "wind"`}},
		{name: "stopped with old tags", file: func(g *spec.Group) { g.Tags = map[string]string{"owner": "me"} },
			region: func(h *planner.Observed) {
				h.Instances[0].State = planner.Stopped
				for i := 1; i < 4; i++ {
					h.Instances[i].Tags["owner"] = "me"
				}
			},
			want: []string{"^ compute[0] i-c0000: it is stopped", `~ compute[0] i-c0000: tag owner = "me" is missing`}},
		{name: "duplicate: the younger goes", region: func(h *planner.Observed) {
			twin := h.Instances[1]
			twin.ID, twin.Launched = "i-a", twin.Launched.Add(time.Second)
			h.Instances = append(h.Instances, twin)
		}, want: []string{"- compute[1] i-a: i-c0001 holds the slot too and is older"}},
		{name: "duplicate: of one age", region: func(h *planner.Observed) {
			twin := h.Instances[1]
			twin.ID = "i-d"
			h.Instances = append(h.Instances, twin)
		}, want: []string{"- compute[1] i-d: i-c0001 holds the slot too and comes first"}},
		{name: "duplicate: the fitting stays", region: func(h *planner.Observed) {
			twin := h.Instances[1]
			twin.ID, twin.Launched = "i-a", twin.Launched.Add(time.Second)
			h.Instances = append(h.Instances, twin)
			h.Instances[1].ImageID = "ami-b"
		}, want: []string{"- compute[1] i-c0001: i-a holds the slot too and fits the file"}},
		{name: "duplicates without a fitting one", region: func(h *planner.Observed) {
			twin := h.Instances[1]
			twin.ID, twin.Launched = "i-a", twin.Launched.Add(time.Second)
			h.Instances = append(h.Instances, twin)
			h.Instances[1].Market, h.Instances[4].Market = "spot", "spot"
		}, want: []string{
			"- compute[1] i-a: i-c0001 holds the slot too and is older",
			"± compute[1] i-c0001: market spot -> on-demand",
		}},
		{name: "listed twice is no duplicate", region: func(h *planner.Observed) { h.Instances = append(h.Instances, h.Instances[1]) }},
		{name: "slot unknown", region: func(h *planner.Observed) { h.Instances[3].Slot = -1 },
			want: []string{"- compute[] i-c0003: its slot cannot be told", "+ compute[3]: count 3 -> 4"}},
		{name: "group unknown", region: func(h *planner.Observed) { h.Instances[2].Group, h.Instances[3].Group = "old", "" },
			want: []string{
				"+ compute[2-3]: count 2 -> 4",
				"- [3] i-c0003: it carries no tag cluster:group",
				`- old[2] i-c0002: the file has no group "old"`,
			}},
		{name: "foreign", region: func(h *planner.Observed) { h.Instances[3].Tags = map[string]string{planner.TagName: "cfd2"} },
			want: []string{"+ compute[3]: count 3 -> 4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := computeGroup(4)
			have := running(clusterOf(g))
			if tt.region != nil {
				tt.region(&have)
			}
			if tt.file != nil {
				tt.file(&g)
			}
			p := planner.Diff(clusterOf(g), have)
			if diff := cmp.Diff(tt.want, story(p)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			after := planner.Diff(clusterOf(g), apply(p, clusterOf(g), have))
			if !after.Empty() {
				t.Errorf("once carried out, there is still to do:\n%s", text(after))
			}
		})
	}
}

func TestDownNamesTheClusterOnly(t *testing.T) {
	want := clusterOf(computeGroup(2))
	p := planner.Diff(want.Empty(), running(want))
	got := []string{"- compute[0] i-c0000: no node of the cluster is wanted", "- compute[1] i-c0001: no node of the cluster is wanted"}
	if diff := cmp.Diff(got, story(p)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if p.Launches() || len(p.Blockers) > 0 {
		t.Errorf("launches %v, blockers %v", p.Launches(), p.Blockers)
	}
}

func TestPlacementGroupsComeAndGoWithTheirGroups(t *testing.T) {
	g := computeGroup(2)
	g.Placement = spec.PlacementCluster
	want := clusterOf(g)
	name := planner.PlacementName("cfd", "compute", spec.PlacementCluster)
	have := region()

	changes := func(p planner.Plan) (all []string) {
		for _, c := range p.Placements {
			verb := "create "
			if c.Delete {
				verb = "delete "
			}
			all = append(all, verb+c.Name)
		}
		return all
	}
	p := planner.Diff(want, have)
	if diff := cmp.Diff([]string{"create " + name}, changes(p)); diff != "" {
		t.Errorf("fresh, -want +got:\n%s", diff)
	}
	have = apply(p, want, have)
	if p = planner.Diff(want, have); !p.Empty() {
		t.Errorf("once there:\n%s", text(p))
	}
	other := clusterOf(g)
	other.Groups[0].Placement = spec.PlacementSpread
	spread := planner.PlacementName("cfd", "compute", spec.PlacementSpread)
	if diff := cmp.Diff([]string{"create " + spread, "delete " + name}, changes(planner.Diff(other, have))); diff != "" {
		t.Errorf("another strategy, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"delete " + name}, changes(planner.Diff(want.Empty(), have))); diff != "" {
		t.Errorf("down, -want +got:\n%s", diff)
	}
	have.PlacementGroups[0].State = "deleting"
	if got := changes(planner.Diff(want.Empty(), have)); got != nil {
		t.Errorf("going already, and yet %v", got)
	}
	going := have
	going.Instances = nil
	if diff := cmp.Diff([]string{"create " + name}, changes(planner.Diff(want, going))); diff != "" {
		t.Errorf("while the old one goes, -want +got:\n%s", diff)
	}
	if got := changes(planner.Diff(want, have)); got != nil {
		t.Errorf("nothing is launched, and yet %v", got)
	}
	have.PlacementGroups[0].State, have.PlacementGroups[0].Strategy = "available", "spread"
	if p := planner.Diff(want, have); len(p.Blockers) != 1 || p.Blockers[0].Summary != "Placement group of another strategy" {
		t.Errorf("of another strategy: %v", p.Blockers)
	}
	have.PlacementGroups[0].Strategy = "cluster"
	unasked := have
	unasked.PlacementGroupsKnown, unasked.PlacementGroups = false, nil
	if got := changes(planner.Diff(other, unasked)); got != nil {
		t.Errorf("nobody asked, and yet %v", got)
	}
}

func TestPlacementName(t *testing.T) {
	if got := planner.PlacementName("cfd", "compute", spec.PlacementNone); got != "" {
		t.Errorf("none is named %q", got)
	}
	long := planner.PlacementName(strings.Repeat("c", 200), strings.Repeat("g", 200), spec.PlacementCluster)
	longer := planner.PlacementName(strings.Repeat("c", 200), strings.Repeat("g", 201), spec.PlacementCluster)
	if len(long) > 255 || long == longer {
		t.Errorf("%d characters, equal %v", len(long), long == longer)
	}
}
