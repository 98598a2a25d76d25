package planner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// outlook is where a plan's groups can be launched and what is said of it.
func outlook(p planner.Plan) []string {
	var lines []string
	for _, g := range p.Groups {
		for _, r := range g.Rungs {
			var ids []string
			for _, n := range r.Subnets {
				ids = append(ids, n.ID)
			}
			lines = append(lines, fmt.Sprintf("%s: %s in %s", g.Name, r.Type, strings.Join(ids, "+")))
		}
	}
	for _, b := range p.Blockers {
		lines = append(lines, fmt.Sprintf("blocker %s: %s", b.Group, b.Detail))
	}
	for _, b := range p.Warnings {
		lines = append(lines, fmt.Sprintf("warning %s: %s", b.Group, b.Detail))
	}
	return lines
}

func subnet(h *planner.Observed, id string) *planner.Subnet {
	i := slices.IndexFunc(h.Facts.Subnets, func(n planner.Subnet) bool { return n.ID == id })
	return &h.Facts.Subnets[i]
}

func typeNamed(h *planner.Observed, name string) *planner.InstanceType {
	i := slices.IndexFunc(h.Facts.Types, func(n planner.InstanceType) bool { return n.Name == name })
	return &h.Facts.Types[i]
}

func withdraw(h *planner.Observed, typ, zone string) {
	h.Facts.Offerings = slices.DeleteFunc(h.Facts.Offerings, func(o planner.Offering) bool { return o.Type == typ && o.Zone == zone })
}

func TestRungs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		live   int // nodes of the group that run already, of 64
		file   func(g *spec.Group)
		region func(h *planner.Observed)
		want   []string
	}{
		{name: "one", want: []string{"compute: c7i.large in subnet-a"}},
		{name: "nothing to launch, nothing to say", live: 64, region: func(h *planner.Observed) { h.Facts.Types = nil }},
		{name: "nobody asked", region: func(h *planner.Observed) { h.Facts = nil }},
		{name: "types before subnets", file: func(g *spec.Group) {
			g.InstanceTypes, g.Subnets = []string{"c7i.xlarge", "c7i.large"}, []string{"subnet-b", "subnet-a"}
		}, want: []string{
			"compute: c7i.xlarge in subnet-b", "compute: c7i.xlarge in subnet-a",
			"compute: c7i.large in subnet-b", "compute: c7i.large in subnet-a",
		}},
		{name: "default subnets by zone", file: func(g *spec.Group) { g.Subnets = nil },
			region: func(h *planner.Observed) {
				slices.Reverse(h.Facts.Subnets)
				subnet(h, "subnet-a").Zone, subnet(h, "subnet-b").Zone = "us-east-1b", "us-east-1a"
				subnet(h, "subnet-c").Default = false
			},
			want: []string{"compute: c7i.large in subnet-b", "compute: c7i.large in subnet-a"}},
		{name: "no default subnets", file: func(g *spec.Group) { g.Subnets = nil }, region: func(h *planner.Observed) { h.Facts.Subnets = nil },
			want: []string{"blocker compute: The file names no subnets, and the region has no default ones. Name subnets in the network block."}},
		{name: "all subnets", file: func(g *spec.Group) {
			g.Subnets, g.Launch.Subnets = []string{"subnet-b", "subnet-a"}, spec.SubnetsAll
		}, want: []string{"compute: c7i.large in subnet-b+subnet-a"}},
		{name: "all subnets that offer the type", file: func(g *spec.Group) {
			g.Subnets, g.Launch.Subnets = []string{"subnet-a", "subnet-b", "subnet-c"}, spec.SubnetsAll
		}, region: func(h *planner.Observed) { withdraw(h, "c7i.large", "us-east-1b") },
			want: []string{
				"compute: c7i.large in subnet-a+subnet-c",
				"warning compute: c7i.large is not offered in us-east-1b, the zone of subnet-b. Name a subnet in another zone, or another type.",
			}},
		{name: "all subnets need room each", file: func(g *spec.Group) {
			g.Subnets, g.Launch.Subnets = []string{"subnet-a", "subnet-b"}, spec.SubnetsAll
		}, region: func(h *planner.Observed) { subnet(h, "subnet-b").Free = 31 },
			want: []string{"blocker compute: subnet-b has 31 free addresses, 32 nodes need one each. Name a larger subnet, or lower the count."}},
		{name: "a grown group keeps its type", live: 2, file: func(g *spec.Group) { g.InstanceTypes = []string{"c7i.xlarge", "c7i.large"} },
			region: func(h *planner.Observed) {}, want: []string{"compute: c7i.large in subnet-a"}},
		{name: "a grown cluster placement keeps its zone", live: 2, file: func(g *spec.Group) {
			g.Placement, g.Subnets = spec.PlacementCluster, []string{"subnet-b", "subnet-a"}
		}, region: func(h *planner.Observed) {
			for i := range h.Instances {
				h.Instances[i].PlacementGroup = planner.PlacementName("cfd", "compute", spec.PlacementCluster)
			}
		}, want: []string{"compute: c7i.large in subnet-a"}},
		{name: "EFA nodes are launched next to those that stay", live: 2, file: func(g *spec.Group) {
			g.EFA, g.Subnets = true, []string{"subnet-c", "subnet-b", "subnet-a"}
		}, region: func(h *planner.Observed) {
			typeNamed(h, "c7i.large").EFA = true
			subnet(h, "subnet-b").Zone = "us-east-1a"
			for i := range h.Instances {
				h.Instances[i].Spec = ""
			}
		}, want: []string{
			"compute: c7i.large in subnet-a", "compute: c7i.large in subnet-b",
			"warning compute: The tag cluster:spec of 2 nodes is missing or was written by another version, so user data, key, " +
				"security groups, EFA and instance profile could not be compared.",
		}},
		{name: "the zone of the nodes that stay is closed", live: 2, file: func(g *spec.Group) {
			g.Placement, g.Subnets = spec.PlacementCluster, []string{"subnet-b", "subnet-a"}
		}, region: func(h *planner.Observed) {
			for i := range h.Instances {
				h.Instances[i].PlacementGroup = planner.PlacementName("cfd", "compute", spec.PlacementCluster)
			}
			subnet(h, "subnet-a").State = "pending"
		}, want: []string{
			`blocker compute: The nodes of group "compute" are in us-east-1a and have to be close to each other, and none of the subnets is there. Name one that is, or replace the group: set count = 0 first.`,
			"blocker compute: subnet-a is pending. Wait until it is available, or name another.",
		}},
		{name: "the first choice is not offered", file: func(g *spec.Group) {
			g.InstanceTypes = []string{"c7i.xlarge", "c7i.large"}
		}, region: func(h *planner.Observed) { withdraw(h, "c7i.xlarge", "us-east-1a") },
			want: []string{
				"compute: c7i.large in subnet-a",
				"warning compute: c7i.xlarge is not offered in us-east-1a, the zone of subnet-a. Name a subnet in another zone, or another type.",
			}},
		{name: "the last choice is not offered", file: func(g *spec.Group) {
			g.InstanceTypes = []string{"c7i.xlarge", "c7i.large"}
		}, region: func(h *planner.Observed) { withdraw(h, "c7i.large", "us-east-1a") },
			want: []string{"compute: c7i.xlarge in subnet-a"}},
		{name: "the last choice does not exist", file: func(g *spec.Group) {
			g.InstanceTypes = []string{"c7i.large", "c7i.larg"}
		}, want: []string{
			"compute: c7i.large in subnet-a",
			"warning compute: EC2 has no instance type c7i.larg in this region. Check the spelling and the region.",
		}},
		{name: "nothing left", file: func(g *spec.Group) {
			g.InstanceTypes, g.Subnets = []string{"c7i.xlarge", "c7i.larg"}, []string{"subnet-a", "subnet-b"}
		}, region: func(h *planner.Observed) {
			withdraw(h, "c7i.xlarge", "us-east-1a")
			subnet(h, "subnet-b").Free = 12
		}, want: []string{
			"blocker compute: EC2 has no instance type c7i.larg in this region. Check the spelling and the region.",
			"blocker compute: subnet-b has 12 free addresses, 64 nodes need one each. Name a larger subnet, or lower the count.",
			"blocker compute: c7i.xlarge is not offered in us-east-1a, the zone of subnet-a. Name a subnet in another zone, or another type.",
		}},
		{name: "addresses come back", live: 64, file: func(g *spec.Group) { g.Image.ID = "ami-b" },
			region: func(h *planner.Observed) { subnet(h, "subnet-a").Free = 0 },
			want:   []string{"compute: c7i.large in subnet-a"}},
		{name: "too few come back", live: 10, file: func(g *spec.Group) { g.Image.ID = "ami-b" },
			region: func(h *planner.Observed) { subnet(h, "subnet-a").Free = 1 },
			want:   []string{"blocker compute: subnet-a has 1 free address and gets 10 back, 64 nodes need one each. Name a larger subnet, or lower the count."}},
		{name: "architecture", region: func(h *planner.Observed) { h.Images[0].Architecture = "arm64" },
			want: []string{"blocker compute: The image is arm64, c7i.large is x86_64. Use an image or a type of the other's architecture."}},
		{name: "EFA and market", file: func(g *spec.Group) { g.EFA, g.Market = true, spec.Spot },
			region: func(h *planner.Observed) { typeNamed(h, "c7i.large").Markets = []string{"on-demand"} },
			want: []string{
				"blocker compute: c7i.large has no EFA. Remove efa, or use a type that has it.",
				"blocker compute: c7i.large cannot be had in the market spot. Use another market or another type.",
			}},
		{name: "burstable", file: func(g *spec.Group) {
			g.InstanceTypes, g.Placement = []string{"t3.micro"}, spec.PlacementCluster
		}, want: []string{"blocker compute: t3.micro is burstable, and EC2 takes no burstable types into a cluster placement group. Remove placement, or use another type."}},
		{name: "strategy", file: func(g *spec.Group) { g.Placement = spec.PlacementPartition },
			region: func(h *planner.Observed) { typeNamed(h, "c7i.large").Placements = []string{"spread"} },
			want:   []string{"blocker compute: c7i.large cannot be in a placement group of the strategy partition. Use another placement or another type."}},
		{name: "spread in one zone", file: func(g *spec.Group) { g.Count, g.Placement = 8, spec.PlacementSpread },
			want: []string{`blocker compute: 8 nodes of group "compute" would be in us-east-1a, and a spread placement group takes at most 7 in a zone. Use subnets in more zones with launch.subnets = "all", or lower the count.`}},
		{name: "spread over two", file: func(g *spec.Group) {
			g.Count, g.Placement, g.Subnets, g.Launch.Subnets = 14, spec.PlacementSpread, []string{"subnet-a", "subnet-b"}, spec.SubnetsAll
		}, want: []string{"compute: c7i.large in subnet-a+subnet-b"}},
		{name: "named and missing", file: func(g *spec.Group) {
			g.Subnets, g.SecurityGroups, g.KeyName = []string{"subnet-x", "subnet-a"}, []string{"sg-1", "sg-9"}, "you"
		}, want: []string{
			"compute: c7i.large in subnet-a",
			"blocker compute: The key pair you does not exist in this region, or this account may not see it. Check the name and the region.",
			"blocker compute: The security group sg-9 does not exist in this region, or this account may not see it. Check the name and the region.",
			"blocker compute: The subnet subnet-x does not exist in this region, or this account may not see it. Check the name and the region.",
		}},
		{name: "denied", region: func(h *planner.Observed) {
			h.Facts.Denied = []planner.Denial{
				{Group: "other", Code: "UnauthorizedOperation", Detail: "no"},
				{Group: "compute", Code: "UnauthorizedOperation", Detail: "You are not authorized to perform this operation."},
			}
		}, want: []string{
			"compute: c7i.large in subnet-a",
			`blocker compute: EC2 would refuse to launch group "compute": UnauthorizedOperation: You are not authorized to perform this operation.` +
				"\nA launch needs the permissions ec2:RunInstances and ec2:CreateTags; \"cluster policy\" prints all that this file needs.",
		}},
		{name: "root volume", file: func(g *spec.Group) { g.RootVolume.Size = 4 },
			want: []string{
				"compute: c7i.large in subnet-a",
				"blocker compute: The root volume is to have 4 GiB, and the snapshot of the image base-1 (ami-a) has 8. Ask for at least 8, or leave size out.",
			}},
		{name: "deprecated", region: func(h *planner.Observed) { h.Images[0].Deprecated = epoch.AddDate(0, -1, 0) },
			want: []string{
				"compute: c7i.large in subnet-a",
				"warning compute: The image base-1 (ami-a) is deprecated since 2026-10-02. It can still be launched; use a newer one when you can.",
			}},
		{name: "to be deprecated", region: func(h *planner.Observed) { h.Images[0].Deprecated = epoch.AddDate(0, 1, 0) },
			want: []string{"compute: c7i.large in subnet-a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have := running(clusterOf(computeGroup(tt.live)))
			g := computeGroup(64)
			if tt.file != nil {
				tt.file(&g)
			}
			if tt.region != nil {
				tt.region(&have)
			}
			if diff := cmp.Diff(tt.want, outlook(planner.Diff(clusterOf(g), have))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestGroupsShareASubnetsAddresses(t *testing.T) {
	a, b := computeGroup(40), computeGroup(40)
	b.Name = "gpu"
	have := region()
	subnet(&have, "subnet-a").Free = 60
	want := []string{
		"compute: c7i.large in subnet-a",
		"blocker gpu: subnet-a has 60 free addresses, other groups take 40, 40 nodes need one each. Name a larger subnet, or lower the count.",
	}
	if diff := cmp.Diff(want, outlook(planner.Diff(clusterOf(a, b), have))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	b.Subnets = []string{"subnet-a", "subnet-b"}
	want = []string{
		"compute: c7i.large in subnet-a", "gpu: c7i.large in subnet-b",
		"warning gpu: subnet-a has 60 free addresses, other groups take 40, 40 nodes need one each. Name a larger subnet, or lower the count.",
	}
	if diff := cmp.Diff(want, outlook(planner.Diff(clusterOf(a, b), have))); diff != "" {
		t.Errorf("with another subnet, -want +got:\n%s", diff)
	}
}

func TestWhatTwoGroupsShareIsSaidOnce(t *testing.T) {
	a, b := computeGroup(1), computeGroup(1)
	b.Name = "gpu"
	have := region()
	have.Images = nil
	p := planner.Diff(clusterOf(a, b), have)
	if len(p.Blockers) != 1 || p.Blockers[0].Group != "" || p.Blockers[0].Summary != "No such image" {
		t.Errorf("blockers: %v", p.Blockers)
	}
	b.Image.Source.Block = hcl.Range{Filename: "cfd.hcl", Start: hcl.Pos{Line: 9}}
	if p = planner.Diff(clusterOf(a, b), have); len(p.Blockers) != 2 || p.Blockers[1].Group != "gpu" {
		t.Errorf("said of two lines: %v", p.Blockers)
	}
}
