package ec2sim_test

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func TestCapacity(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 10, {Type: "c7i.large", Zone: "us-east-1b"}: 2}})
	c := client(r)
	_, err := c.RunInstances(t.Context(), some(11))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
	want := "We currently do not have sufficient c7i.large capacity in the Availability Zone you requested (us-east-1a). Our system will be working on provisioning additional capacity. " +
		"You can currently get c7i.large capacity by not specifying an Availability Zone in your request or choosing us-east-1c."
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	partly := some(20)
	partly.MinCount = aws.Int32(5)
	ten := run(t, c, partly)
	if len(ten) != 10 {
		t.Errorf("%d instances of 10 that there are", len(ten))
	}
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ten[:3]}); err != nil {
		t.Fatal(err)
	}
	run(t, c, some(3))
	_, err = c.RunInstances(t.Context(), some(1))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)

	// A launch that leaves the zone to EC2 comes to where there is room.
	anywhere := some(5)
	anywhere.SubnetId = nil
	run(t, c, anywhere)
	if got := describe(t, c, filter("availability-zone", "us-east-1c")); len(got) != 5 {
		t.Errorf("%d instances in zone c", len(got))
	}
}

func TestVCPUQuotaIsByBucketOfTypes(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true, VCPUQuota: 200}))
	of := func(n int32, kind types.InstanceType, spot bool) error {
		in := some(n)
		in.InstanceType = kind
		if spot {
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
		}
		_, err := c.RunInstances(t.Context(), in)
		return err
	}
	for _, step := range []struct {
		n    int32
		kind types.InstanceType
		spot bool
		want string
	}{
		{101, types.InstanceTypeC7iLarge, false, "VcpuLimitExceeded"},
		{100, types.InstanceTypeC7iLarge, false, ""},
		{1, types.InstanceTypeT3Micro, false, "VcpuLimitExceeded"},
		{1, types.InstanceTypeHpc7a96xlarge, false, ""},
		{100, types.InstanceTypeC7iLarge, true, ""},
		{1, types.InstanceTypeC7iLarge, true, "MaxSpotInstanceCountExceeded"},
	} {
		if got, _ := code(of(step.n, step.kind, step.spot)); got != step.want {
			t.Errorf("%d × %s (spot %v): got %q, want %q", step.n, step.kind, step.spot, got, step.want)
		}
	}
}

func TestAddressesComeFromTheSubnet(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	subnet := r.AddSubnet(ec2sim.SubnetSpec{Zone: "us-east-1a", CIDR: "172.31.64.0/28"})
	free := func() int32 {
		out, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{subnet}})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Subnets[0].AvailableIpAddressCount
	}
	if n := free(); n != 11 {
		t.Errorf("%d free addresses, want 11", n)
	}
	// A fresh input each time: the SDK writes its token into the one that it gets.
	here := func() *ec2.RunInstancesInput {
		in := some(6)
		in.SubnetId = aws.String(subnet)
		return in
	}
	six := run(t, c, here())
	if n := free(); n != 5 {
		t.Errorf("%d free addresses, want 5", n)
	}
	_, err := c.RunInstances(t.Context(), here())
	wantCode(t, err, "InsufficientFreeAddressesInSubnet", http.StatusBadRequest)
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: six[:3]}); err != nil {
		t.Fatal(err)
	}
	run(t, c, here())
	seen := map[netip.Addr]bool{}
	for _, i := range describe(t, c, filter("instance-state-name", "running")) {
		a := netip.MustParseAddr(*i.PrivateIpAddress)
		if !netip.MustParsePrefix("172.31.64.4/28").Contains(a) || seen[a] {
			t.Errorf("address %s", a)
		}
		seen[a] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d addresses", len(seen))
	}
}

func TestLaunchIsRefused(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	private := r.AddImage(ec2sim.ImageSpec{Name: "theirs", Owner: ec2sim.StrangerAccount})
	waiting := r.AddImage(ec2sim.ImageSpec{Name: "not yet", State: "pending"})
	nic := types.InstanceNetworkInterfaceSpecification{DeviceIndex: aws.Int32(0), SubnetId: aws.String(ec2sim.SubnetA)}
	ebs := func(e types.EbsBlockDevice) []types.BlockDeviceMapping {
		return []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &e}}
	}
	type input = ec2.RunInstancesInput
	for _, test := range []struct {
		name, want string
		change     func(*input)
	}{
		{"no instance", "InvalidParameterValue", func(in *input) { in.MinCount, in.MaxCount = aws.Int32(0), aws.Int32(0) }},
		{"more than at most", "InvalidParameterCombination", func(in *input) { in.MinCount = aws.Int32(2) }},
		{"too many in one call", "ResourceCountExceeded", func(in *input) { in.MaxCount = aws.Int32(1001) }},
		{"malformed image", "InvalidAMIID.Malformed", func(in *input) { in.ImageId = aws.String("ami-xyz") }},
		{"unknown image", "InvalidAMIID.NotFound", func(in *input) { in.ImageId = aws.String("ami-0000000000000ffff") }},
		{"somebody else's image", "AuthFailure", func(in *input) { in.ImageId = aws.String(private) }},
		{"pending image", "InvalidAMIID.Unavailable", func(in *input) { in.ImageId = aws.String(waiting) }},
		{"image of another architecture", "InvalidParameterValue", func(in *input) { in.ImageId = aws.String(ec2sim.ARMImage) }},
		{"unknown type", "InvalidParameterValue", func(in *input) { in.InstanceType = "c7i.huge" }},
		{"type that the zone has not", "Unsupported", func(in *input) {
			in.InstanceType, in.SubnetId = types.InstanceTypeHpc7a96xlarge, aws.String(ec2sim.SubnetC)
		}},
		{"spot of a type without", "Unsupported", func(in *input) {
			in.InstanceType = types.InstanceTypeHpc7a96xlarge
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
		}},
		{"spot for nothing", "SpotMaxPriceTooLow", func(in *input) {
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{MaxPrice: aws.String("0.0001")}}
		}},
		{"unknown subnet", "InvalidSubnetID.NotFound", func(in *input) { in.SubnetId = aws.String("subnet-1") }},
		{"unknown security group", "InvalidGroup.NotFound", func(in *input) { in.SecurityGroupIds = []string{"sg-0000000000000ffff"} }},
		{"malformed security group", "InvalidGroupId.Malformed", func(in *input) { in.SecurityGroupIds = []string{"default"} }},
		{"unknown key", "InvalidKeyPair.NotFound", func(in *input) { in.KeyName = aws.String("you") }},
		{"unknown placement group", "InvalidPlacementGroup.Unknown", func(in *input) { in.Placement = &types.Placement{GroupName: aws.String("none")} }},
		{"unknown zone", "InvalidParameterValue", func(in *input) {
			in.SubnetId, in.Placement = nil, &types.Placement{AvailabilityZone: aws.String("us-east-1z")}
		}},
		{"unknown template", "InvalidLaunchTemplateId.NotFound", func(in *input) {
			in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateId: aws.String("lt-0123456789abcdef0")}
		}},
		{"unknown reservation", "InvalidCapacityReservationId.NotFound", func(in *input) {
			in.CapacityReservationSpecification = &types.CapacityReservationSpecification{CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: aws.String("cr-0000000000000ffff")}}
		}},
		{"too much user data", "InvalidUserData.Malformed", func(in *input) {
			in.UserData = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16<<10+1)))
		}},
		{"user data that is plain", "InvalidUserData.Malformed", func(in *input) { in.UserData = aws.String("#!/bin/sh") }},
		{"root smaller than its snapshot", "InvalidBlockDeviceMapping", func(in *input) { in.BlockDeviceMappings = ebs(types.EbsBlockDevice{VolumeSize: aws.Int32(19)}) }},
		{"root of another snapshot", "InvalidBlockDeviceMapping", func(in *input) {
			in.BlockDeviceMappings = ebs(types.EbsBlockDevice{SnapshotId: aws.String(ec2sim.RootSnapshot(ec2sim.BaseImageBefore))})
		}},
		{"gp3 too fast", "InvalidParameterValue", func(in *input) { in.BlockDeviceMappings = ebs(types.EbsBlockDevice{Iops: aws.Int32(90000)}) }},
		{"io2 without iops", "MissingParameter", func(in *input) {
			in.BlockDeviceMappings = ebs(types.EbsBlockDevice{VolumeType: types.VolumeTypeIo2})
		}},
		{"key without encryption", "InvalidParameterDependency", func(in *input) { in.BlockDeviceMappings = ebs(types.EbsBlockDevice{KmsKeyId: aws.String("k")}) }},
		{"interface and subnet", "InvalidParameterCombination", func(in *input) { in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{nic} }},
		{"EFA on a type without", "InvalidParameterCombination", func(in *input) {
			n := nic
			n.InterfaceType = aws.String("efa")
			in.SubnetId, in.NetworkInterfaces = nil, []types.InstanceNetworkInterfaceSpecification{n}
		}},
		{"two interfaces in one place", "InvalidParameterValue", func(in *input) {
			in.SubnetId, in.NetworkInterfaces = nil, []types.InstanceNetworkInterfaceSpecification{nic, nic}
		}},
		{"public address with two interfaces", "InvalidParameterCombination", func(in *input) {
			second := nic
			second.DeviceIndex, second.AssociatePublicIpAddress = aws.Int32(1), aws.Bool(true)
			in.SubnetId, in.NetworkInterfaces = nil, []types.InstanceNetworkInterfaceSpecification{nic, second}
		}},
		{"what is not modelled", "UnsupportedOperation", func(in *input) { in.Ipv6AddressCount = aws.Int32(1) }},
		{"metadata hops", "InvalidParameterValue", func(in *input) {
			in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpPutResponseHopLimit: aws.Int32(65)}
		}},
	} {
		in := some(1)
		test.change(in)
		_, err := c.RunInstances(t.Context(), in)
		want := http.StatusBadRequest
		if test.want == "AuthFailure" {
			want = http.StatusUnauthorized
		}
		if got, status := code(err); got != test.want || status != want {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
	if n := len(r.Instances()); n != 0 {
		t.Errorf("%d instances came of it", n)
	}
}

func TestWhatALaunchAsksForIsWhatThereIs(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	if _, err := c.CreatePlacementGroup(t.Context(), &ec2.CreatePlacementGroupInput{GroupName: aws.String("close"), Strategy: types.PlacementStrategyCluster}); err != nil {
		t.Fatal(err)
	}
	run(t, c, &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage), InstanceType: types.InstanceTypeHpc7a96xlarge, MinCount: aws.Int32(2), MaxCount: aws.Int32(2), KeyName: aws.String("me"),
		Placement: &types.Placement{GroupName: aws.String("close")},
		NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{
			{DeviceIndex: aws.Int32(1), NetworkCardIndex: aws.Int32(1), InterfaceType: aws.String("efa-only"), SubnetId: aws.String(ec2sim.SubnetB), Groups: []string{ec2sim.SecurityGroup}},
			{DeviceIndex: aws.Int32(0), NetworkCardIndex: aws.Int32(0), InterfaceType: aws.String("efa"), SubnetId: aws.String(ec2sim.SubnetB), Groups: []string{ec2sim.SecurityGroup}},
		},
		MetadataOptions: &types.InstanceMetadataOptionsRequest{HttpTokens: "required", InstanceMetadataTags: "enabled"},
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{tag("cluster:name", "c<&>")}},
			{ResourceType: types.ResourceTypeNetworkInterface, Tags: []types.Tag{tag("a b", "c")}},
		},
	})
	for _, f := range []types.Filter{
		filter("placement-group-name", "close"), filter("network-interface.subnet-id", ec2sim.SubnetB), filter("availability-zone-id", "use1-az6"), filter("tag:cluster:name", "c<&>"),
		filter("key-name", "me"), filter("metadata-options.instance-metadata-tags", "enabled"), filter("instance.group-name", "default"), filter("owner-id", "123456789012"),
		filter("network-interface.attachment.network-card-index", "1"), filter("hibernation-options.configured", "false"),
	} {
		if n := len(describe(t, c, f)); n != 2 {
			t.Errorf("%s = %s shows %d", *f.Name, f.Values[0], n)
		}
	}
	i := describe(t, c)[0]
	if len(i.NetworkInterfaces) != 2 || *i.NetworkInterfaces[0].InterfaceType != "efa" || i.NetworkInterfaces[1].PrivateIpAddress != nil || i.PublicIpAddress != nil ||
		*i.SubnetId != ec2sim.SubnetB || *i.CpuOptions.CoreCount != 192 {
		t.Errorf("got %+v", i)
	}
	spot := some(1)
	spot.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	run(t, c, spot)
	if got := describe(t, c, filter("instance-lifecycle", "spot")); len(got) != 1 || !strings.HasPrefix(*got[0].SpotInstanceRequestId, "sir-") {
		t.Errorf("spot: %+v", got)
	}
}
