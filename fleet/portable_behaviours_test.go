package fleet_test

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// behaviours are what the launcher has to do at any EC2.
var behaviours = []struct {
	name string
	try  func(p *portable)
}{
	{"nothing_there", nothingThere},
	{"up_status_down", upStatusDown},
	{"grow_and_shrink", growAndShrink},
	{"hole_is_refilled", holeIsRefilled},
	{"retag", retagged},
	{"stopped_is_started", stoppedIsStarted},
	{"other_image_replaces", otherImageReplaces},
	{"image_by_name_and_owner", imageByName},
	{"network_of_the_file", networkOfTheFile},
	{"all_subnets", allSubnets},
	{"root_volume_of_the_file", rootVolumeOfTheFile},
	{"spot", spotMarket},
	{"two_groups", headAndCompute},
	{"unknown_things_block", unknownThingsBlock},
	{"dry_run_launches_nothing", dryRun},
	{"foreigners_stay", foreignersStay},
	{"wrong_image_is_found", wrongImageIsFound},
	{"second_holder_goes", secondHolderGoes},
	{"protected_is_named", protectedIsNamed},
	{"lost_connection_is_survived", lostConnection},
}

func nothingThere(p *portable) {
	want := p.cluster(20)
	_, have, plan := p.plan(want)
	if len(have.Instances) > 0 {
		p.Errorf("%d instances of a cluster that was never launched", len(have.Instances))
	}
	if len(have.Images) != 1 || have.Images[0].ID != *p.image.ImageId || have.Images[0].RootSnapshot == "" {
		p.Errorf("the image is %+v, want %s with a root snapshot", have.Images, *p.image.ImageId)
	}
	if have.Facts == nil || len(have.Facts.Types) != 1 || len(have.Facts.Subnets) != 1 || have.Facts.Subnets[0].Free < 1000 {
		p.Errorf("the surroundings are %+v", have.Facts)
	}
	if s := plan.Summary(); s.Launch != 20 || len(plan.Blockers) > 0 {
		p.Errorf("the plan is %+v, blockers %+v, want 20 to launch", s, plan.Blockers)
	}
}

func upStatusDown(p *portable) {
	want := p.cluster(24)
	r := p.up(want)
	if g := r.Groups[0]; g.Launched != 24 || g.Running != 24 || g.Replaced+g.Released+g.Terminated > 0 {
		p.Errorf("the report is %+v, want 24 launched and running", g)
	}
	if n := r.ByAction["RunInstances"]; n != 1 {
		p.Errorf("%d launch calls, want 1", n)
	}
	for slot, i := range p.check(want) {
		if i.Slot != slot || i.LaunchIndex != slot || i.CallSize != 24 || i.Group != "compute" {
			p.Errorf("node %d is slot %d of %s, launch index %d of %d", slot, i.Slot, i.Group, i.LaunchIndex, i.CallSize)
		}
		if i.State != planner.Running || i.ImageID != *p.image.ImageId || i.InstanceType != instanceType ||
			i.SubnetID != *p.subnets[0].SubnetId || i.Zone != *p.subnets[0].AvailabilityZone || i.PrivateIP == "" || i.Market != "on-demand" {
			p.Errorf("node %d is %+v", slot, i)
		}
		if i.Tags["Name"] != p.name+"-compute" || i.Tags["cluster:slots"] != "0-23" {
			p.Errorf("node %d has the tags %v", slot, i.Tags)
		}
	}
	again := p.up(want)
	if again.Groups[0].Launched > 0 || again.ByAction["RunInstances"] > 0 {
		p.Errorf("up again launched: %+v", again.ByAction)
	}
	down := p.down(want)
	if down.Groups[0].Terminated != 24 || down.ByAction["TerminateInstances"] != 1 {
		p.Errorf("down terminated %d in %d calls, want 24 in one", down.Groups[0].Terminated, down.ByAction["TerminateInstances"])
	}
	if once := p.down(want); once.ByAction["TerminateInstances"] > 0 {
		p.Errorf("down again terminated something: %v", once.ByAction)
	}
}

func growAndShrink(p *portable) {
	p.up(p.cluster(12))
	before := p.check(p.cluster(12))
	if r := p.up(p.cluster(18)); r.Groups[0].Launched != 6 {
		p.Errorf("launched %d, want 6", r.Groups[0].Launched)
	}
	if same(before, p.check(p.cluster(18))) != 12 {
		p.Error("growing did not keep the first 12 nodes in their slots")
	}
	if r := p.up(p.cluster(7)); r.Groups[0].Terminated != 11 || r.Groups[0].Launched > 0 {
		p.Errorf("terminated %d, launched %d, want 11 and none", r.Groups[0].Terminated, r.Groups[0].Launched)
	}
	if same(before, p.check(p.cluster(7))) != 7 {
		p.Error("shrinking did not keep the lowest 7 slots")
	}
	p.down(p.cluster(7))
}

// same counts the nodes that hold the same slot in both.
func same(a, b []planner.Instance) (n int) {
	for _, i := range a {
		if slices.ContainsFunc(b, func(j planner.Instance) bool { return i.ID == j.ID && i.Slot == j.Slot }) {
			n++
		}
	}
	return n
}

func holeIsRefilled(p *portable) {
	want := p.cluster(12)
	p.up(want)
	before := p.nodes(want)
	for _, slot := range []int{3, 9} {
		p.terminate(before[slot].ID)
	}
	if r := p.up(want); r.Groups[0].Launched != 2 || r.ByAction["RunInstances"] != 1 {
		p.Errorf("launched %d in %d calls, want 2 in one", r.Groups[0].Launched, r.ByAction["RunInstances"])
	}
	after := p.check(want)
	if n := same(before, after); n != 10 || after[3].Tags["cluster:slots"] != "3,9" {
		p.Errorf("%d nodes stayed, slot 3 has the tags %v; want 10 and slots 3,9", n, after[3].Tags)
	}
	p.down(want)
}

// terminate ends an instance behind the launcher's back.
func (p *portable) terminate(id string) {
	p.Helper()
	if _, err := p.raw.TerminateInstances(p.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		p.Fatal(err)
	}
	p.await(id, types.InstanceStateNameTerminated)
}

func retagged(p *portable) {
	p.up(p.cluster(8))
	want := p.cluster(8, func(g *spec.Group) { g.Tags = map[string]string{"project": "wind & <waves>", "owner": ""} })
	if r := p.up(want); r.Groups[0].Retagged != 8 || r.Groups[0].Launched > 0 || r.ByAction["CreateTags"] != 1 {
		p.Errorf("retagged %d in %d calls, launched %d; want 8 in one, and none", r.Groups[0].Retagged, r.ByAction["CreateTags"], r.Groups[0].Launched)
	}
	for _, i := range p.check(want) {
		if owner, ok := i.Tags["owner"]; i.Tags["project"] != "wind & <waves>" || !ok || owner != "" {
			p.Errorf("%s has the tags %v", i.ID, i.Tags)
		}
	}
	out, err := p.raw.DescribeVolumes(p.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{
		{Name: new("tag:project"), Values: []string{"wind & <waves>"}}, {Name: new("tag:cluster:name"), Values: []string{p.name}},
	}})
	if err != nil || len(out.Volumes) != 8 {
		p.Errorf("not 8 root volumes have the new tag: %v", err)
	}
	p.down(want)
}

func stoppedIsStarted(p *portable) {
	want := p.cluster(8)
	p.up(want)
	before := p.nodes(want)
	victims := []string{before[0].ID, before[5].ID}
	if _, err := p.raw.StopInstances(p.Context(), &ec2.StopInstancesInput{InstanceIds: victims}); err != nil {
		p.Fatal(err)
	}
	if r := p.up(want); r.Groups[0].Started != 2 || r.Groups[0].Launched > 0 || r.ByAction["StartInstances"] != 1 {
		p.Errorf("started %d in %d calls, launched %d; want 2 in one, and none", r.Groups[0].Started, r.ByAction["StartInstances"], r.Groups[0].Launched)
	}
	if n := same(before, p.check(want)); n != 8 {
		p.Errorf("%d nodes are the same, want all 8", n)
	}
	p.down(want)
}

func otherImageReplaces(p *portable) {
	p.up(p.cluster(8))
	before := p.nodes(p.cluster(8))
	want := p.cluster(8, func(g *spec.Group) { g.Image = spec.Image{ID: *p.image2.ImageId} })
	if r := p.up(want); r.Groups[0].Launched != 8 || r.Groups[0].Terminated != 8 {
		p.Errorf("launched %d, terminated %d, want 8 and 8", r.Groups[0].Launched, r.Groups[0].Terminated)
	}
	after := p.check(want)
	if n := same(before, after); n > 0 || after[0].ImageID != *p.image2.ImageId {
		p.Errorf("%d nodes stayed, the first is of %s", n, after[0].ImageID)
	}
	p.down(want)
}

func imageByName(p *portable) {
	want := p.cluster(8, func(g *spec.Group) { g.Image = amazonLinux })
	p.up(want)
	for _, i := range p.check(want) {
		if i.ImageID != *p.image.ImageId {
			p.Errorf("%s is of %s, want the newest of that name and owner, %s", i.ID, i.ImageID, *p.image.ImageId)
		}
	}
	p.down(want)

	stranger := p.cluster(8, func(g *spec.Group) {
		g.Image = spec.Image{Name: amazonLinux.Name, Owners: []string{"666666666666"}}
	})
	if _, _, plan := p.plan(stranger); len(plan.Blockers) == 0 {
		p.Error("an image was found under an owner that has none of that name")
	}
}

func networkOfTheFile(p *portable) {
	want := p.cluster(8, func(g *spec.Group) {
		g.Subnets = []string{*p.subnets[1].SubnetId}
		g.SecurityGroups, g.KeyName = []string{p.group}, p.key
		g.UserData = []byte("#!/bin/sh\necho here\n")
	})
	p.up(want)
	p.check(want)
	out, err := p.raw.DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: new("tag:cluster:name"), Values: []string{p.name}},
	}})
	if err != nil {
		p.Fatal(err)
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if *i.SubnetId != *p.subnets[1].SubnetId || *i.KeyName != p.key || len(i.SecurityGroups) != 1 || *i.SecurityGroups[0].GroupId != p.group {
				p.Errorf("%s is in %s, key %s, groups %v", *i.InstanceId, *i.SubnetId, *i.KeyName, i.SecurityGroups)
			}
			if m := i.MetadataOptions; m == nil || m.HttpTokens != types.HttpTokensStateRequired || m.InstanceMetadataTags != types.InstanceMetadataTagsStateEnabled {
				p.Errorf("%s has the metadata options %+v, want tokens and tags", *i.InstanceId, m)
			}
		}
	}
	p.down(want)
}

func allSubnets(p *portable) {
	want := p.cluster(12, func(g *spec.Group) {
		g.Launch.Subnets, g.Subnets = spec.SubnetsAll, nil
		for _, s := range p.subnets[:3] {
			g.Subnets = append(g.Subnets, *s.SubnetId)
		}
	})
	if r := p.up(want); r.ByAction["RunInstances"] != 3 {
		p.Errorf("%d launch calls, want one a subnet", r.ByAction["RunInstances"])
	}
	for _, i := range p.check(want) {
		if i.SubnetID != want.Groups[0].Subnets[i.Slot%3] {
			p.Errorf("slot %d is in %s, want %s", i.Slot, i.SubnetID, want.Groups[0].Subnets[i.Slot%3])
		}
	}
	p.down(want)
}

func rootVolumeOfTheFile(p *portable) {
	want := p.cluster(4, func(g *spec.Group) { g.RootVolume = spec.RootVolume{Size: 40, Type: "gp3", Encrypted: true} })
	p.up(want)
	p.check(want)
	out, err := p.raw.DescribeVolumes(p.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{{Name: new("tag:cluster:name"), Values: []string{p.name}}}})
	if err != nil || len(out.Volumes) != 4 {
		p.Fatalf("not four root volumes: %v", err)
	}
	for _, v := range out.Volumes {
		if aws.ToInt32(v.Size) != 40 || v.VolumeType != types.VolumeTypeGp3 || !aws.ToBool(v.Encrypted) || len(v.Attachments) != 1 {
			p.Errorf("%s: %d GiB %s, encrypted %v, %+v", *v.VolumeId, aws.ToInt32(v.Size), v.VolumeType, aws.ToBool(v.Encrypted), v.Attachments)
		}
	}
	p.down(want)
}

func spotMarket(p *portable) {
	want := p.cluster(8, func(g *spec.Group) { g.Market = spec.Spot })
	p.up(want)
	for _, i := range p.check(want) {
		if i.Market != "spot" {
			p.Errorf("%s is %s", i.ID, i.Market)
		}
	}
	p.down(want)
}

func headAndCompute(p *portable) {
	want := p.cluster(8)
	head := want.Groups[0]
	head.Name, head.Count, head.Launch.Min = "head", 1, 1
	head.Image = spec.Image{ID: *p.image2.ImageId}
	want.Groups = append([]spec.Group{head}, want.Groups...)
	p.up(want)
	images := map[string]int{}
	for _, i := range p.check(want) {
		images[i.Group+" "+i.ImageID]++
	}
	if images["head "+*p.image2.ImageId] != 1 || images["compute "+*p.image.ImageId] != 8 {
		p.Errorf("the nodes are %v", images)
	}
	alone := *want
	alone.Groups = want.Groups[1:]
	if r := p.up(&alone); r.Groups[1].Terminated != 1 || r.Groups[0].Terminated > 0 {
		p.Errorf("without the head, the report is %+v", r.Groups)
	}
	p.check(&alone)
	p.down(&alone)
}

func unknownThingsBlock(p *portable) {
	for _, c := range []struct {
		what string
		edit func(*spec.Group)
	}{
		{"subnet-0123456789abcdef0", func(g *spec.Group) { g.Subnets = []string{"subnet-0123456789abcdef0"} }},
		{"sg-0123456789abcdef0", func(g *spec.Group) { g.SecurityGroups = []string{"sg-0123456789abcdef0"} }},
		{"nobodys-key", func(g *spec.Group) { g.KeyName = "nobodys-key" }},
		{"ami-0123456789abcdef0", func(g *spec.Group) { g.Image = spec.Image{ID: "ami-0123456789abcdef0"} }},
		{"q9.mega", func(g *spec.Group) { g.InstanceTypes = []string{"q9.mega"} }},
	} {
		want := p.cluster(20, c.edit)
		_, _, plan := p.plan(want)
		named := slices.ContainsFunc(plan.Blockers, func(b planner.Blocker) bool {
			return strings.Contains(b.Summary+b.Detail, c.what)
		})
		if !named {
			p.Errorf("no blocker names %s: %+v", c.what, plan.Blockers)
		}
	}
	large := p.cluster(20, func(g *spec.Group) { g.RootVolume.Size = 1 })
	if _, _, plan := p.plan(large); len(plan.Blockers) == 0 {
		p.Error("a root volume smaller than the snapshot is no blocker")
	}
	arm := p.cluster(20, func(g *spec.Group) { g.InstanceTypes = []string{"c7g.large"} })
	if _, _, plan := p.plan(arm); len(plan.Blockers) == 0 {
		p.Error("a type of another architecture than the image is no blocker")
	}
	if n := len(p.nodes(p.cluster(20))); n > 0 {
		p.Errorf("%d instances were launched", n)
	}
}

func dryRun(p *portable) {
	want := p.cluster(20)
	l := p.launcher()
	l.DryRun = true
	have, err := l.Observe(p.Context(), want, fleet.Placing)
	if err != nil {
		p.Fatal(err)
	}
	if _, by := l.Session.Calls(); by["RunInstances"] != 1 || len(have.Facts.Denied) > 0 {
		p.Errorf("%d dry runs, denied %+v; want one, and nothing", by["RunInstances"], have.Facts.Denied)
	}
	if n := len(p.nodes(want)); n > 0 {
		p.Errorf("the dry run launched %d instances", n)
	}
}

func foreignersStay(p *portable) {
	stranger := p.foreign(*p.image.ImageId, nil)
	namesake := p.foreign(*p.image.ImageId, map[string]string{"Name": p.name + "-compute", "cluster:name": p.name + "-two", "cluster:group": "compute", "cluster:slots": "0"})
	want := p.cluster(4)
	p.up(want)
	p.check(want)
	p.down(want)
	for _, id := range []string{stranger, namesake} {
		if s := p.state(id); s != types.InstanceStateNameRunning {
			p.Errorf("somebody else's instance %s is %s", id, s)
		}
		p.terminate(id)
	}
}

func wrongImageIsFound(p *portable) {
	want := p.cluster(8)
	p.up(want)
	tags := maps.Clone(p.nodes(want)[0].Tags)
	tags["cluster:slots"] = "8"
	id := p.foreign(*p.image2.ImageId, tags)
	have, err := p.launcher().Observe(p.Context(), p.cluster(9), fleet.Roots)
	if err != nil {
		p.Fatal(err)
	}
	v := planner.Verify(p.cluster(9), have, planner.LevelImage)
	if len(v.Mismatched) != 1 || v.Mismatched[0] != (planner.Mismatch{
		Node: "compute-8", Instance: id, Check: "image", Want: *p.image.ImageId, Got: *p.image2.ImageId,
	}) {
		p.Errorf("found %+v, want the image of %s", v.Mismatched, id)
	}
	p.down(want)
}

func secondHolderGoes(p *portable) {
	want := p.cluster(8)
	p.up(want)
	before := p.nodes(want)
	tags := maps.Clone(before[5].Tags)
	tags["cluster:slots"] = "5"
	p.pass(before[5].Launched)
	id := p.foreign(*p.image.ImageId, tags)
	if r := p.up(want); r.Groups[0].Terminated != 1 {
		p.Errorf("terminated %d, want 1", r.Groups[0].Terminated)
	}
	if n := same(before, p.check(want)); n != 8 {
		p.Errorf("%d of the elder nodes are left, want 8", n)
	}
	if s := p.state(id); s == types.InstanceStateNameRunning {
		p.Errorf("the younger holder of the slot, %s, is still there", id)
	}
	p.down(want)
}

func protectedIsNamed(p *portable) {
	want := p.cluster(4)
	p.up(want)
	id := p.nodes(want)[2].ID
	protect := func(on bool) {
		_, err := p.raw.ModifyInstanceAttribute(p.Context(), &ec2.ModifyInstanceAttributeInput{
			InstanceId: new(id), DisableApiTermination: &types.AttributeBooleanValue{Value: new(on)},
		})
		if err != nil {
			p.Fatal(err)
		}
	}
	protect(true)
	l, have, plan := p.plan(want.Empty())
	_, err := l.Apply(p.Context(), want.Empty(), have, plan)
	if e, ok := errors.AsType[*fleet.ProtectedError](err); !ok || !slices.Equal(e.Instances, []string{id}) {
		p.Errorf("down ended with %v, want the protected %s named", err, id)
	}
	if left := p.nodes(want); len(left) != 1 || left[0].ID != id {
		p.Errorf("%d nodes are left, want the protected one", len(left))
	}
	protect(false)
	p.down(want)
}

// lostConnection has a launch whose answer is cut off. Whether the repeat launches again is a question
// of its own (client_token_repeated); the launcher ends with the wanted nodes either way.
func lostConnection(p *portable) {
	want := p.cluster(8)
	p.gate.loseNext("RunInstances")
	if r := p.up(want); r.ByAction["RunInstances"] != 2 {
		p.Errorf("%d launch calls, want one and its repeat", r.ByAction["RunInstances"])
	}
	p.check(want)
	p.down(want)
}
