package ec2sim_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func TestTags(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c, ctx := client(r), t.Context()
	in := some(2)
	in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: "enabled"}
	in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{tag("a", "1"), tag("b", "2")}}}
	all := run(t, c, in)
	create := func(id string, tags ...types.Tag) error {
		_, err := c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags})
		return err
	}
	if err := create(all[0], tag("a", "9"), tag("c", "3")); err != nil {
		t.Fatal(err)
	}
	_, err := c.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: all[:1], Tags: []types.Tag{{Key: aws.String("b")}, tag("c", "another value")}})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{all[0]: "a=9 c=3", all[1]: "a=1 b=2"} {
		var got []string
		for _, tag := range describe(t, c, filter("instance-id", id))[0].Tags {
			got = append(got, *tag.Key+"="+*tag.Value)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has %v, want %s", id, got, want)
		}
	}
	listed, err := c.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-type", "instance"), filter("key", "a"), filter("resource-id", all...)}})
	if err != nil || len(listed.Tags) != 2 {
		t.Errorf("%v %v", listed, err)
	}

	many := make([]types.Tag, 49)
	for i := range many {
		many[i] = tag(fmt.Sprint("n", i), "")
	}
	for _, test := range []struct{ name, want, got string }{
		{"reserved", "InvalidParameterValue", first(create(all[0], tag("aws:a", "")))},
		{"empty key", "InvalidParameterValue", first(create(all[0], tag("", "")))},
		{"long key", "InvalidParameterValue", first(create(all[0], tag(strings.Repeat("ü", 129), "")))},
		{"long value", "InvalidParameterValue", first(create(all[0], tag("a", strings.Repeat("ü", 257))))},
		{"twice", "InvalidParameterValue", first(create(all[0], tag("a", ""), tag("a", "")))},
		{"not for metadata", "InvalidParameterValue", first(create(all[0], tag("a/b", "")))},
		{"as good as can be", "", first(create(ec2sim.BaseImage, tag(strings.Repeat("ü", 128), strings.Repeat("ü", 256)), tag("a/b", "")))},
		{"51 in all", "TagLimitExceeded", first(create(all[0], many...))},
		{"no such instance", "InvalidInstanceID.NotFound", first(create("i-0000000000000000f", tag("a", "")))},
		{"no such kind", "InvalidID", first(create("rtb-0000000000000000f", tag("a", "")))},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
	for name, specs := range map[string][]types.TagSpecification{
		"wrong resource": {{ResourceType: "image", Tags: []types.Tag{tag("a", "")}}},
		"twice":          {{ResourceType: "volume", Tags: []types.Tag{tag("a", "")}}, {ResourceType: "volume", Tags: []types.Tag{tag("b", "")}}},
		"no tag":         {{ResourceType: "volume"}},
		"spot without":   {{ResourceType: "spot-instances-request", Tags: []types.Tag{tag("a", "")}}},
	} {
		in := some(1)
		in.TagSpecifications = specs
		_, err := c.RunInstances(ctx, in)
		if _, status := code(err); status != http.StatusBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// first is the code of an error.
func first(err error) string { c, _ := code(err); return c }

func TestProtectionKeepsAWholeZone(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c, ctx := client(r), t.Context()
	a := run(t, c, some(3))
	inB := some(2)
	inB.SubnetId = aws.String(ec2sim.SubnetB)
	b := run(t, c, inB)
	protect := func(on bool) {
		_, err := c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(a[1]), DisableApiTermination: &types.AttributeBooleanValue{Value: aws.Bool(on)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	protect(true)
	terminate := func(ids ...string) error {
		_, err := c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
		return err
	}
	wantCode(t, terminate(append([]string{"i-0000000000000000f"}, b...)...), "InvalidInstanceID.NotFound", http.StatusBadRequest)
	wantCode(t, terminate("nonsense"), "InvalidInstanceID.Malformed", http.StatusBadRequest)
	wantCode(t, terminate(make([]string, 1001)...), "InvalidParameterValue", http.StatusBadRequest)
	if n := len(r.Instances()); n != 5 {
		t.Fatalf("%d instances", n)
	}
	wantCode(t, terminate(append(a, b...)...), "OperationNotPermitted", http.StatusBadRequest)
	if n := len(r.Instances()); n != 3 {
		t.Errorf("%d instances are left, want the three of the protected one's zone", n)
	}
	protect(false)
	if err := terminate(append(a, b...)...); err != nil {
		t.Error(err)
	}
	if n := len(r.Instances()); n != 0 {
		t.Errorf("%d instances are left", n)
	}
}

func TestPlacementGroups(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c, ctx := client(r), t.Context()
	create := func(name string, strategy types.PlacementStrategy) error {
		_, err := c.CreatePlacementGroup(ctx, &ec2.CreatePlacementGroupInput{GroupName: aws.String(name), Strategy: strategy,
			TagSpecifications: []types.TagSpecification{{ResourceType: "placement-group", Tags: []types.Tag{tag("cluster:name", name)}}}})
		return err
	}
	for _, s := range []types.PlacementStrategy{"cluster", "spread", "partition"} {
		if err := create(string(s), s); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, create("cluster", "cluster"), "InvalidPlacementGroup.Duplicate", http.StatusBadRequest)
	in := func(n int32, group, subnet string) *ec2.RunInstancesInput {
		in := some(n)
		in.SubnetId, in.Placement = aws.String(subnet), &types.Placement{GroupName: aws.String(group)}
		return in
	}
	members := run(t, c, in(2, "cluster", ec2sim.SubnetA))
	_, err := c.RunInstances(ctx, in(1, "cluster", ec2sim.SubnetB))
	wantCode(t, err, "InvalidParameterValue", http.StatusBadRequest)
	burstable := in(1, "cluster", ec2sim.SubnetA)
	burstable.InstanceType = types.InstanceTypeT3Micro
	_, err = c.RunInstances(ctx, burstable)
	wantCode(t, err, "InvalidParameterCombination", http.StatusBadRequest)

	seven := in(9, "spread", ec2sim.SubnetA)
	seven.MinCount = aws.Int32(1)
	if n := len(run(t, c, seven)); n != 7 {
		t.Errorf("%d instances in a zone of a spread group", n)
	}
	_, err = c.RunInstances(ctx, in(1, "spread", ec2sim.SubnetA))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
	run(t, c, in(1, "spread", ec2sim.SubnetB))
	third := in(1, "partition", ec2sim.SubnetA)
	third.Placement.PartitionNumber = aws.Int32(3)
	_, err = c.RunInstances(ctx, third)
	wantCode(t, err, "InvalidParameterValue", http.StatusBadRequest)

	remove := func() error {
		_, err := c.DeletePlacementGroup(ctx, &ec2.DeletePlacementGroupInput{GroupName: aws.String("cluster")})
		return err
	}
	wantCode(t, remove(), "InvalidPlacementGroup.InUse", http.StatusBadRequest)
	if _, err := c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: members}); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	wantCode(t, remove(), "InvalidPlacementGroup.Unknown", http.StatusBadRequest)
	out, err := c.DescribePlacementGroups(ctx, &ec2.DescribePlacementGroupsInput{Filters: []types.Filter{filter("tag:cluster:name", "*"), filter("strategy", "spread", "cluster")}})
	if err != nil || len(out.PlacementGroups) != 1 || *out.PlacementGroups[0].GroupName != "spread" {
		t.Errorf("%v %v", out, err)
	}
	_, err = c.DescribePlacementGroups(ctx, &ec2.DescribePlacementGroupsInput{GroupNames: []string{"cluster"}})
	wantCode(t, err, "InvalidPlacementGroup.Unknown", http.StatusBadRequest)
}

func TestKeysAndAttributes(t *testing.T) {
	c, ctx := client(ec2sim.New(ec2sim.Options{Instant: true})), t.Context()
	if k, err := c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("new")}); err != nil || !strings.Contains(*k.KeyMaterial, "PRIVATE KEY") {
		t.Errorf("%v %v", k, err)
	}
	_, err := c.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("new"), PublicKeyMaterial: []byte("ssh-ed25519 AAAA me")})
	wantCode(t, err, "InvalidKeyPair.Duplicate", http.StatusBadRequest)
	for range 2 {
		if _, err := c.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String("new")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("new"), PublicKeyMaterial: []byte("ssh-ed25519 AAAA me")}); err != nil {
		t.Error(err)
	}
	data := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n"))
	in := some(1)
	in.UserData, in.KeyName = aws.String(data), aws.String("new")
	id := run(t, c, in)[0]
	a, err := c.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: aws.String(id), Attribute: types.InstanceAttributeNameUserData})
	if err != nil || *a.UserData.Value != data {
		t.Errorf("%v %v", a, err)
	}
	_, err = c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id), InstanceType: &types.AttributeValue{Value: aws.String("t3.micro")}})
	wantCode(t, err, "UnsupportedOperation", http.StatusBadRequest)
}
