package planner_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"cluster/planner"
	"cluster/spec"
)

// epoch is when the tests' observations are taken.
var epoch = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// region is a small piece of EC2 to plan against: two images, four types, three zones.
func region() planner.Observed {
	img := func(id, name, snapshot string, day int) planner.Image {
		return planner.Image{
			ID: id, Name: name, Owner: "111122223333", State: "available", Architecture: "x86_64",
			RootDevice: "/dev/xvda", RootSnapshot: snapshot, RootSize: 8, Created: epoch.AddDate(0, 0, -day),
		}
	}
	typ := func(name string, efa, burstable bool) planner.InstanceType {
		return planner.InstanceType{
			Name: name, Architectures: []string{"x86_64"}, VCPUs: 4, EFA: efa, Burstable: burstable,
			Placements: []string{"cluster", "spread", "partition"}, Markets: []string{"on-demand", "spot"},
		}
	}
	subnet := func(id, zone string, free int) planner.Subnet {
		return planner.Subnet{ID: id, VPC: "vpc-1", Zone: zone, Free: free, Default: true, State: "available"}
	}
	facts := &planner.Facts{
		Types: []planner.InstanceType{
			typ("c7i.large", false, false), typ("c7i.xlarge", false, false),
			typ("hpc7a.96xlarge", true, false), typ("t3.micro", false, true),
		},
		Subnets: []planner.Subnet{
			subnet("subnet-a", "us-east-1a", 4000), subnet("subnet-b", "us-east-1b", 4000), subnet("subnet-c", "us-east-1c", 4000),
		},
		SecurityGroups: []string{"sg-1", "sg-2"},
		KeyPairs:       []string{"me"},
		Quotas:         quotas(1_000_000),
	}
	for _, t := range facts.Types {
		for _, n := range facts.Subnets {
			facts.Offerings = append(facts.Offerings, planner.Offering{Type: t.Name, Zone: n.Zone})
		}
	}
	return planner.Observed{
		At: epoch, Region: "us-east-1", Account: "111122223333",
		Images:               []planner.Image{img("ami-a", "base-1", "snap-a", 20), img("ami-b", "base-2", "snap-b", 10)},
		Volumes:              true,
		Facts:                facts,
		PlacementGroupsKnown: true,
	}
}

// quotas are those of the region's types, each of so many vCPUs.
func quotas(vcpus int) []planner.Quota {
	var all []planner.Quota
	for _, m := range []spec.Market{spec.OnDemand, spec.Spot} {
		for _, typ := range []string{"c7i.large", "hpc7a.96xlarge"} {
			if q, ok := planner.QuotaOf(typ, m); ok {
				q.VCPUs = vcpus
				all = append(all, q)
			}
		}
	}
	return all
}

// computeGroup is a plain group of one type in one subnet.
func computeGroup(count int) spec.Group {
	return spec.Group{
		Name: "compute", Count: count, InstanceTypes: []string{"c7i.large"}, Image: spec.Image{ID: "ami-a"},
		Subnets: []string{"subnet-a"}, Placement: spec.PlacementNone, Market: spec.OnDemand,
		Launch: spec.Launch{All: true, Min: count},
	}
}

func clusterOf(groups ...spec.Group) *spec.Cluster {
	return &spec.Cluster{Name: "cfd", Region: "us-east-1", Groups: groups}
}

// node is an instance that fits the group in every respect.
func node(have planner.Observed, g *spec.Group, slot int) planner.Instance {
	img, _ := planner.ResolveImage(g.Image, have.Images)
	tags := map[string]string{planner.TagName: "cfd", planner.TagGroup: g.Name, "Name": "cfd-" + g.Name}
	maps.Copy(tags, g.Tags)
	subnet := "subnet-a"
	if len(g.Subnets) > 0 {
		subnet = g.Subnets[0]
	}
	rv := g.RootVolume
	return planner.Instance{
		ID: fmt.Sprintf("i-%s%04d", g.Name[:1], slot), State: planner.Running, Launched: epoch.Add(-time.Hour),
		Group: g.Name, Slot: slot, Spec: planner.Fingerprint(g, img),
		ImageID: img.ID, InstanceType: g.InstanceTypes[0], Zone: zoneOf(subnet), SubnetID: subnet,
		PlacementGroup: planner.PlacementName("cfd", g.Name, g.Placement), Market: string(g.Market), Tags: tags,
		RootVolumeID: fmt.Sprintf("vol-%s%04d", g.Name[:1], slot), RootSnapshot: img.RootSnapshot,
		RootSize: max(rv.Size, img.RootSize), RootType: "gp3", RootEncrypted: rv.Encrypted,
	}
}

// zoneOf is the zone of one of the region's subnets: their last letters are the same.
func zoneOf(subnet string) string { return "us-east-1" + subnet[len(subnet)-1:] }

// running is the region with every node of the cluster in place.
func running(want *spec.Cluster) planner.Observed {
	have := region()
	for i := range want.Groups {
		for slot := range want.Groups[i].Count {
			have.Instances = append(have.Instances, node(have, &want.Groups[i], slot))
		}
	}
	return have
}

// apply is EC2 as the planner understands it: what would be observed once p is carried out.
func apply(p planner.Plan, want *spec.Cluster, have planner.Observed) planner.Observed {
	have.Instances = slices.Clone(have.Instances)
	find := func(id string) *planner.Instance {
		i := slices.IndexFunc(have.Instances, func(n planner.Instance) bool { return n.ID == id })
		return &have.Instances[i]
	}
	for _, c := range p.Placements {
		if c.Delete {
			have.PlacementGroups = slices.DeleteFunc(slices.Clone(have.PlacementGroups),
				func(g planner.PlacementGroup) bool { return g.Name == c.Name })
		} else {
			have.PlacementGroups = append(slices.Clone(have.PlacementGroups), planner.PlacementGroup{
				Name: c.Name, Strategy: string(c.Strategy), State: "available", Group: c.Group,
			})
		}
	}
	for _, a := range p.Actions {
		switch a.Kind {
		case planner.Terminate, planner.Replace:
			n := find(a.Instance)
			n.State, n.StateReason = planner.Terminated, "Client.UserInitiatedShutdown: User initiated shutdown"
		case planner.Start:
			find(a.Instance).State = planner.Running
		case planner.Retag:
			n := find(a.Instance)
			n.Tags = maps.Clone(n.Tags)
			maps.Copy(n.Tags, a.Tags)
		}
	}
	used := map[string]bool{}
	for _, n := range have.Instances {
		used[n.ID] = true
	}
	for _, a := range p.Actions {
		if a.Kind != planner.Launch && a.Kind != planner.Replace {
			continue
		}
		g, _ := want.Group(a.Group)
		typ, subnet := g.InstanceTypes[0], ""
		var img planner.Image
		for _, n := range have.Instances {
			if !n.State.Dead() && n.Group == a.Group && n.Tags[planner.TagName] == want.Name {
				typ = n.InstanceType
			}
		}
		for _, gp := range p.Groups {
			if gp.Name != a.Group {
				continue
			}
			img = gp.Image
			if len(gp.Rungs) > 0 {
				typ, subnet = gp.Rungs[0].Type, gp.Rungs[0].Subnets[0].ID
			}
		}
		for _, slot := range a.Slots {
			n := node(have, g, slot)
			n.ImageID, n.RootSnapshot, n.Spec = img.ID, img.RootSnapshot, planner.Fingerprint(g, img)
			for used[n.ID] {
				n.ID += "x"
			}
			n.InstanceType, n.Launched = typ, have.At.Add(time.Minute)
			if subnet != "" {
				n.SubnetID = subnet
				n.Zone = zoneOf(subnet)
			}
			have.Instances = append(have.Instances, n)
		}
	}
	return have
}
