package ec2sim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func TestPagesHoldEverythingOnce(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	for range 3 {
		run(t, c, some(40))
	}
	var got []string
	pages := ec2.NewDescribeInstancesPaginator(c, &ec2.DescribeInstancesInput{}, func(o *ec2.DescribeInstancesPaginatorOptions) { o.Limit = 50 })
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, r := range page.Reservations {
			got = append(got, ids(r.Instances)...)
			size += len(r.Instances)
		}
		if want := min(50, 120-50*n); size != want {
			t.Errorf("page %d has %d instances, want %d", n, size, want)
		}
		if n == 0 {
			// What comes between two pages neither moves nor doubles the rest.
			run(t, c, some(1))
		}
	}
	slices.Sort(got)
	if n := len(slices.Compact(got)); n < 120 || n > 121 || n != len(got) {
		t.Errorf("%d instances", n)
	}
	all := describe(t, c)
	if slices.IsSorted(ids(all)) {
		t.Error("the order of a list is a promise that EC2 does not give")
	}
	if !slices.Equal(ids(all), ids(describe(t, c))) {
		t.Error("the order changes by itself")
	}
}

func TestPagesAreRefused(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	all := run(t, c, some(20))
	first, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	if err != nil || first.NextToken == nil {
		t.Fatal(err, first.NextToken)
	}
	for name, test := range map[string]struct {
		in   ec2.DescribeInstancesInput
		want string
	}{
		"too small":           {ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue"},
		"too large":           {ec2.DescribeInstancesInput{MaxResults: aws.Int32(1001)}, "InvalidParameterValue"},
		"with ids":            {ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), InstanceIds: all[:1]}, "InvalidParameterCombination"},
		"made-up token":       {ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), NextToken: aws.String("2")}, "InvalidParameterValue"},
		"another query's one": {ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), NextToken: first.NextToken, Filters: []types.Filter{filter("image-id", "*")}}, "InvalidParameterValue"},
	} {
		_, err := c.DescribeInstances(t.Context(), &test.in)
		if got, status := code(err); got != test.want || status != http.StatusBadRequest {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

func TestFilters(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	for i, name := range []string{"alpha", "beta", "be*a"} {
		in := some(int32(i + 1))
		in.ClientToken = aws.String(name)
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{tag("name", name), tag(fmt.Sprint("n", i), "")}}}
		run(t, c, in)
	}
	for _, test := range []struct {
		filters []types.Filter
		want    int
	}{
		{nil, 6},
		{[]types.Filter{filter("tag:name", "alpha", "beta")}, 3},
		{[]types.Filter{filter("tag:name", "be*a")}, 5},
		{[]types.Filter{filter("tag:name", `be\*a`)}, 3},
		{[]types.Filter{filter("tag:name", "?????")}, 1},
		{[]types.Filter{filter("tag:name", "Alpha")}, 0},
		{[]types.Filter{filter("tag:name", "*"), filter("tag-key", "n1")}, 2},
		{[]types.Filter{filter("tag:n2", "")}, 3},
		{[]types.Filter{filter("tag:absent", "*")}, 0},
		{[]types.Filter{filter("client-token", "beta")}, 2},
		{[]types.Filter{filter("launch-index", "0")}, 3},
		{[]types.Filter{filter("instance-state-code", "16"), filter("monitoring-state", "disabled")}, 6},
		{[]types.Filter{filter("block-device-mapping.delete-on-termination", "true")}, 6},
		{[]types.Filter{filter("network-interface.outpost-arn", "*")}, 0},
	} {
		if got := len(describe(t, c, test.filters...)); got != test.want {
			t.Errorf("%v: %d instances, want %d", test.filters, got, test.want)
		}
	}
	for name, test := range map[string]struct {
		filter types.Filter
		want   string
	}{
		"unknown":        {filter("colour", "red"), "InvalidParameterValue"},
		"no value":       {filter("image-id"), "InvalidParameterValue"},
		"too many":       {filter("image-id", make([]string, 201)...), "FilterLimitExceeded"},
		"too long":       {filter("image-id", strings.Repeat("x", 256)), "FilterLimitExceeded"},
		"another action": {filter("volume-id", "x"), "InvalidParameterValue"},
	} {
		_, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{test.filter}})
		if got, _ := code(err); got != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

func TestImagesAndWhoseTheyAre(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	shared := r.AddImage(ec2sim.ImageSpec{Name: "shared", Owner: ec2sim.StrangerAccount, Users: []string{"123456789012"}})
	r.AddImage(ec2sim.ImageSpec{Name: "private", Owner: ec2sim.StrangerAccount})
	old := r.AddImage(ec2sim.ImageSpec{Name: "old", Owner: ec2sim.StrangerAccount, Public: true, Deprecated: r.Now().AddDate(0, 0, -1)})
	off := r.AddImage(ec2sim.ImageSpec{Name: "off", State: "disabled"})
	names := func(in ec2.DescribeImagesInput) string {
		out, err := c.DescribeImages(t.Context(), &in)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, i := range out.Images {
			all = append(all, *i.Name)
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	for _, test := range []struct {
		in   ec2.DescribeImagesInput
		want string
	}{
		{ec2.DescribeImagesInput{Owners: []string{"self"}}, "hpc-arm-2026.11 hpc-base-2026.10 hpc-base-2026.11"},
		// Without an owner, a name finds whoever took it: the newest is a stranger's.
		{ec2.DescribeImagesInput{Filters: []types.Filter{filter("name", "hpc-base-*")}}, "hpc-base-2026.10 hpc-base-2026.11 hpc-base-2026.12"},
		{ec2.DescribeImagesInput{Owners: []string{"amazon"}, Filters: []types.Filter{filter("architecture", "arm64")}}, "al2023-ami-2023.9.20261105.0-kernel-6.1-arm64"},
		{ec2.DescribeImagesInput{Owners: []string{ec2sim.StrangerAccount}}, "hpc-base-2026.12 shared"},
		{ec2.DescribeImagesInput{Owners: []string{ec2sim.StrangerAccount}, IncludeDeprecated: aws.Bool(true)}, "hpc-base-2026.12 old shared"},
		{ec2.DescribeImagesInput{ImageIds: []string{old}}, "old"},
		{ec2.DescribeImagesInput{Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), Filters: []types.Filter{filter("state", "disabled")}}, "off"},
		{ec2.DescribeImagesInput{ExecutableUsers: []string{"self"}}, "shared"},
		{ec2.DescribeImagesInput{Filters: []types.Filter{filter("tag:"+ec2sim.ChannelTag, "stable"), filter("tag:"+ec2sim.FamilyTag, "hpc-base")}}, "hpc-base-2026.10"},
		{ec2.DescribeImagesInput{Filters: []types.Filter{filter("block-device-mapping.snapshot-id", ec2sim.RootSnapshot(ec2sim.BaseImage))}}, "hpc-base-2026.11"},
	} {
		if got := names(test.in); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.in, got, test.want)
		}
	}
	for id, want := range map[string]string{"ami-0000000000000ffff": "InvalidAMIID.NotFound", "ami-1": "InvalidAMIID.Malformed", ec2sim.BaseImage: ""} {
		_, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
		if got, _ := code(err); got != want {
			t.Errorf("%s: got %v, want %s", id, err, want)
		}
	}
	_, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"12345678901"}})
	wantCode(t, err, "InvalidUserID.Malformed", http.StatusBadRequest)
	permission, err := c.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{ImageId: aws.String(off), Attribute: types.ImageAttributeNameLaunchPermission})
	if err != nil || len(permission.LaunchPermissions) != 0 {
		t.Errorf("%v %v", permission, err)
	}
	_, err = c.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{ImageId: aws.String(shared), Attribute: types.ImageAttributeNameLaunchPermission})
	wantCode(t, err, "AuthFailure", http.StatusUnauthorized)
}

func TestAnyImage(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true, AnyImage: true}))
	in := some(1)
	in.ImageId, in.InstanceType = aws.String("ami-0123456789abcdef0"), types.InstanceTypeT4gSmall
	run(t, c, in)
	out, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{"ami-0123456789abcdef0", "ami-12345678"}})
	if err != nil || len(out.Images) != 2 {
		t.Errorf("%v %v", out, err)
	}
}

func TestTypesAndWhereTheyAre(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	out, err := c.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"hpc7a.96xlarge", "t3.micro"}})
	if err != nil || len(out.InstanceTypes) != 2 {
		t.Fatal(out, err)
	}
	for _, i := range out.InstanceTypes {
		cluster := slices.Contains(i.PlacementGroupInfo.SupportedStrategies, types.PlacementGroupStrategyCluster)
		if *i.BurstablePerformanceSupported == cluster || *i.NetworkInfo.EfaSupported != cluster {
			t.Errorf("%+v", i)
		}
	}
	_, err = c.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"hpc7a.huge"}})
	wantCode(t, err, "InvalidInstanceType", http.StatusBadRequest)
	offered, err := c.DescribeInstanceTypeOfferings(t.Context(), &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{filter("instance-type", "hpc7a.96xlarge")}})
	if err != nil || len(offered.InstanceTypeOfferings) != 2 {
		t.Errorf("%v %v", offered, err)
	}
	efa, err := c.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{Filters: []types.Filter{filter("network-info.efa-supported", "true"), filter("processor-info.supported-architecture", "arm64")}})
	if err != nil || len(efa.InstanceTypes) != 2 {
		t.Errorf("%d %v", len(efa.InstanceTypes), err)
	}
}

func TestEveryRegionIsAWorldOfItsOwn(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	run(t, client(r), some(3))
	c := clientIn(r, "eu-west-1")
	if n := len(describe(t, c)); n != 0 {
		t.Errorf("%d instances in eu-west-1", n)
	}
	_, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{ec2sim.SubnetA}})
	wantCode(t, err, "InvalidSubnetID.NotFound", http.StatusBadRequest)
	out, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{ec2sim.IDIn("eu-west-1", ec2sim.SubnetA)}})
	if err != nil || *out.Subnets[0].AvailabilityZone != "eu-west-1a" || *out.Subnets[0].AvailabilityZoneId != "euw1-az4" || *out.Subnets[0].AvailableIpAddressCount != 4091 {
		t.Errorf("%+v %v", out, err)
	}
}

// All the small descriptions answer what a fresh region holds, and know their filters.
func TestWhatAFreshRegionHolds(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	ctx := t.Context()
	vpcs, err := c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{filter("is-default", "true")}})
	if err != nil || len(vpcs.Vpcs) != 1 {
		t.Error(vpcs, err)
	}
	subnets, err := c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter("defaultForAz", "true"), filter("vpc-id", ec2sim.VPC)}})
	if err != nil || len(subnets.Subnets) != 3 {
		t.Error(subnets, err)
	}
	groups, err := c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"default"}, Filters: []types.Filter{filter("egress.ip-permission.cidr", "0.0.0.0/0")}})
	if err != nil || len(groups.SecurityGroups) != 1 || *groups.SecurityGroups[0].GroupId != ec2sim.SecurityGroup {
		t.Error(groups, err)
	}
	zones, err := c.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{Filters: []types.Filter{filter("zone-name", "us-east-1?")}})
	if err != nil || len(zones.AvailabilityZones) != 3 {
		t.Error(zones, err)
	}
	regions, err := c.DescribeRegions(ctx, &ec2.DescribeRegionsInput{Filters: []types.Filter{filter("endpoint", "*us-*")}})
	if err != nil || len(regions.Regions) != 3 {
		t.Error(regions, err)
	}
	keys, err := c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{ec2sim.KeyName}})
	if err != nil || len(keys.KeyPairs) != 1 {
		t.Error(keys, err)
	}
	snapshots, err := c.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []types.Filter{filter("status", "completed")}})
	if err != nil || len(snapshots.Snapshots) != 3 {
		t.Error(len(snapshots.Snapshots), err)
	}
	_, err = c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{"you"}})
	wantCode(t, err, "InvalidKeyPair.NotFound", http.StatusBadRequest)
	_, err = c.DescribeBundleTasks(ctx, &ec2.DescribeBundleTasksInput{})
	wantCode(t, err, "InvalidAction", http.StatusBadRequest)
}
