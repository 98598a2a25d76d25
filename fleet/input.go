package fleet

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A launch is one launch call with all that its input is made from.
type launch struct {
	cluster string
	group   *spec.Group
	image   planner.Image
	typ     planner.InstanceType // what EC2 says of the type; needed for EFA only
	call    planner.Call
	owner   string // the principal; empty: not known

	generation string // see Launcher
}

// input builds a fresh RunInstances input: the SDK writes into the one it gets. The token is set
// last, since it is a hash of all the rest.
func (l launch) input(attempt int) *ec2.RunInstancesInput {
	g, c := l.group, l.call
	in := &ec2.RunInstancesInput{
		ImageId:      new(l.image.ID),
		InstanceType: types.InstanceType(c.Type),
		MinCount:     new(int32(c.Min)),
		MaxCount:     new(int32(len(c.Slots))),
		MetadataOptions: &types.InstanceMetadataOptionsRequest{
			HttpTokens:           types.HttpTokensStateRequired, // IMDSv2 only
			HttpEndpoint:         types.InstanceMetadataEndpointStateEnabled,
			InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled, // so that a node can work out its own name
		},
		BlockDeviceMappings: []types.BlockDeviceMapping{RootMapping(l.image.RootDevice, l.group.RootVolume)},
	}
	for n, m := range l.group.Serves() {
		// From the end of the names that EC2 recommends for data: an image that has disks of its own begins with the first.
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, RootMapping("/dev/sd"+string(rune('p'-n)), m.Volume))
	}
	tags := ToTags(l.tags())
	for _, t := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume} {
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: t, Tags: tags})
	}
	if g.EFA {
		// With interfaces given one by one, subnet and groups must move into them.
		in.NetworkInterfaces = l.interfaces()
	} else {
		in.SubnetId = new(c.Subnet.ID)
		in.SecurityGroupIds = g.SecurityGroups
	}
	if g.KeyName != "" {
		in.KeyName = new(g.KeyName)
	}
	if data := g.LaunchData(); len(data) > 0 {
		in.UserData = new(base64.StdEncoding.EncodeToString(data))
	}
	if g.TTL > 0 {
		in.InstanceInitiatedShutdownBehavior = types.ShutdownBehaviorTerminate
	}
	if c.PlacementGroup != "" {
		in.Placement = &types.Placement{GroupName: new(c.PlacementGroup)}
	}
	switch {
	case c.Block:
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeCapacityBlock}
	case c.Market == spec.Spot:
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	}
	if c.Reservation != "" {
		in.CapacityReservationSpecification = reservation(c.Reservation)
	}
	if g.InstanceProfile != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: new(g.InstanceProfile)}
	}
	in.ClientToken = new(l.token(in, attempt))
	return in
}

// reservation targets a capacity reservation by its id, or a resource group of them by its ARN.
func reservation(name string) *types.CapacityReservationSpecification {
	target := &types.CapacityReservationTarget{CapacityReservationId: new(name)}
	if strings.HasPrefix(name, "arn:") {
		target = &types.CapacityReservationTarget{CapacityReservationResourceGroupArn: new(name)}
	}
	return &types.CapacityReservationSpecification{CapacityReservationTarget: target}
}

// tags are what the launch call writes on its instances and volumes.
func (l launch) tags() map[string]string {
	tags := maps.Clone(l.group.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[tagName] = l.cluster
	tags[tagGroup] = l.group.Name
	tags[tagSlots] = l.call.Slots.String()
	tags[tagSpec] = planner.Fingerprint(l.group, l.image)
	if l.owner != "" {
		tags[planner.TagOwner] = l.owner
	}
	if l.group.TTL > 0 {
		tags[planner.TagTTL] = planner.TTLTag(l.group.TTL)
	}
	tags["Name"] = l.cluster + "-" + l.group.Name
	return tags
}

// RootMapping overrides an image's root volume, or describes another: always deleted with its instance, and
// otherwise only what the file sets. Without a snapshot id EC2 keeps the image's.
func RootMapping(device string, v spec.RootVolume) types.BlockDeviceMapping {
	ebs := &types.EbsBlockDevice{DeleteOnTermination: new(true), VolumeType: types.VolumeType(v.Type)}
	if v.Size > 0 {
		ebs.VolumeSize = new(int32(v.Size))
	}
	if v.IOPS > 0 {
		ebs.Iops = new(int32(v.IOPS))
	}
	if v.Throughput > 0 {
		ebs.Throughput = new(int32(v.Throughput))
	}
	if v.Encrypted {
		ebs.Encrypted = new(true)
	}
	if v.KMSKeyID != "" {
		ebs.KmsKeyId = new(v.KMSKeyID)
	}
	return types.BlockDeviceMapping{DeviceName: new(device), Ebs: ebs}
}

// interfaces lays EFA out as "Maximize network bandwidth on EC2 instances with multiple network
// cards" in the EC2 User Guide has it: a type with one EFA gets it on its primary interface; one
// with several keeps a plain primary interface, which alone carries IP, and gets an EFA-only
// interface on each card.
func (l launch) interfaces() []types.InstanceNetworkInterfaceSpecification {
	nic := func(card, device int, kind string) types.InstanceNetworkInterfaceSpecification {
		return types.InstanceNetworkInterfaceSpecification{
			NetworkCardIndex: new(int32(card)),
			DeviceIndex:      new(int32(device)),
			InterfaceType:    new(kind),
			SubnetId:         new(l.call.Subnet.ID),
			Groups:           l.group.SecurityGroups,

			DeleteOnTermination: new(true),
		}
	}
	if l.typ.EFAMax <= 1 || l.typ.NetworkCards <= 1 {
		return []types.InstanceNetworkInterfaceSpecification{nic(0, 0, "efa")}
	}
	all := []types.InstanceNetworkInterfaceSpecification{nic(0, 0, "interface"), nic(0, 1, "efa-only")}
	for card := 1; card < min(l.typ.NetworkCards, l.typ.EFAMax); card++ {
		all = append(all, nic(card, 0, "efa-only"))
	}
	return all
}

// token derives the client token: a hash of the cluster, the slots, the attempt and every launch
// parameter. Nothing random goes in, so a repeat after a lost reply or a crash, from whatever
// machine, returns the instances of the first time. EC2 takes 64 ASCII characters at most, and
// remembers a token per zone where the call names one; the subnet is among the parameters.
func (l launch) token(in *ec2.RunInstancesInput, attempt int) string {
	plain, err := json.Marshal(in)
	if err != nil {
		panic(fmt.Sprintf("fleet: a launch input cannot be marshalled: %v", err))
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n%d\n%s", l.cluster, l.group.Name, l.call.Slots, attempt, plain)
	if l.generation != "" {
		fmt.Fprintf(h, "\n%s", l.generation)
	}
	return hex.EncodeToString(h.Sum(nil))
}
