package ec2sim

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (w *world) runInstances(in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	least, most, err := counts(in)
	if err != nil {
		return nil, err
	}
	if err := w.refuseUnmodelled(in); err != nil {
		return nil, err
	}
	zone, err := w.zoneAsked(in)
	if err != nil {
		return nil, err
	}
	if out, err := w.replay(in, zone); out != nil || err != nil {
		return out, err
	}
	most, err = w.chargeInstances(least, most)
	if err != nil {
		return nil, err
	}
	l, err := w.prepare(in, zone, most)
	if err != nil {
		return nil, err
	}
	places, err := w.grant(l, zone == "", least, most)
	if err != nil {
		w.refund(most)
		if !w.r.o.FreeFailedTokens {
			w.bind(in, zone, "")
		}
		return nil, err
	}
	w.start(l, places, is(in.DisableApiTermination), is(in.DisableApiStop))
	w.bind(in, zone, l.ID)
	out, _ := w.reservation(l.ID)
	return out, nil
}

func counts(in *ec2.RunInstancesInput) (least, most int, err error) {
	least, most = int(*in.MinCount), int(*in.MaxCount)
	switch {
	case least < 1:
		return 0, 0, fail("InvalidParameterValue", "Value (%d) for parameter minCount is invalid. Specify a value of at least 1.", least)
	case most < 1:
		return 0, 0, fail("InvalidParameterValue", "Value (%d) for parameter maxCount is invalid. Specify a value of at least 1.", most)
	case least > most:
		return 0, 0, fail("InvalidParameterCombination", "The minCount (%d) may not exceed the maxCount (%d).", least, most)
	case most > 1000:
		return 0, 0, fail("ResourceCountExceeded", "You have requested more instances (%d) than are allowed in a single request. Break up your request into smaller requests.", most)
	}
	return least, most, nil
}

// zoneAsked is the zone that a call names, itself or by its subnet; "" if it leaves the choice to EC2.
func (w *world) zoneAsked(in *ec2.RunInstancesInput) (string, error) {
	subnet := value(in.SubnetId)
	if len(in.NetworkInterfaces) > 0 {
		if subnet != "" {
			return "", fail("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID may not be specified on the same request")
		}
		subnet = value(in.NetworkInterfaces[0].SubnetId)
	}
	named := ""
	if p := in.Placement; p != nil {
		if id := cmp.Or(value(p.AvailabilityZone), value(p.AvailabilityZoneId)); id != "" {
			z, ok := w.zoneNamed(id)
			if !ok {
				return "", fail("InvalidParameterValue", "Invalid availability zone: [%s]", id)
			}
			named = z.name
		}
	}
	if subnet == "" {
		return named, nil
	}
	s := w.Subnets[subnet]
	if s == nil {
		return "", subnetKind.absent(subnet)
	}
	if named != "" && named != *s.AvailabilityZone {
		return "", fail("InvalidParameterValue", "The availability zone '%s' does not match the one of the subnet '%s'.", named, subnet)
	}
	return *s.AvailabilityZone, nil
}

// prepare checks everything about a call and says what each of its instances will be.
func (w *world) prepare(in *ec2.RunInstancesInput, zone string, most int) (*launch, error) {
	if in.InstanceType == "" {
		return nil, fail("MissingParameter", "The request must contain the parameter InstanceType")
	}
	h, err := hardwareNamed(string(in.InstanceType))
	if err != nil {
		return nil, err
	}
	i, err := w.launchable(value(in.ImageId), h.arch)
	if err != nil {
		return nil, err
	}
	if arch := string(i.Architecture); arch != h.arch {
		return nil, fail("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. "+
			"Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' "+
			"to discover the architecture of the instance type or AMI.", h.arch, arch)
	}
	l := &launch{
		At: w.now, Token: value(in.ClientToken), Image: *i.ImageId, Type: h.name, Architecture: h.arch, BootMode: string(i.BootMode),
		RootDevice: *i.RootDeviceName, Key: value(in.KeyName), UserData: value(in.UserData), Zone: zone,
		Shutdown:  cmp.Or(string(in.InstanceInitiatedShutdownBehavior), "stop"),
		Monitored: in.Monitoring != nil && is(in.Monitoring.Enabled), EBSOptimized: is(in.EbsOptimized),
	}
	for _, check := range []func(*ec2.RunInstancesInput, *launch, hardware) error{
		w.prepareMarket, w.preparePlacement, w.prepareNetwork, w.prepareOptions, w.prepareTags,
	} {
		if err := check(in, l, h); err != nil {
			return nil, err
		}
	}
	if l.Devices, err = w.devices(i, in.BlockDeviceMappings); err != nil {
		return nil, err
	}
	z, _ := w.zoneNamed(l.Zone)
	l.ZoneID = z.id
	l.Placement.AvailabilityZone, l.Placement.AvailabilityZoneId = new(z.name), new(z.id)
	return l, nil
}

// start makes the instances of a launch, one for each place.
func (w *world) start(l *launch, places []string, protected, stopSafe bool) {
	l.ID = w.newID("r-")
	w.Launches[l.ID] = l
	addresses := map[string][]netip.Addr{}
	for subnet, each := range l.addressesWanted() {
		addresses[subnet] = w.addresses(subnet, len(places)*each)
	}
	for index, place := range places {
		i := &instance{ID: w.newID("i-"), Launch: l.ID, Index: int32(index), Since: w.now, Booking: place, Protected: protected, StopSafe: stopSafe}
		i.Seq = w.Seq
		t := w.t
		i.Visible = t.RunInstances + w.r.draw(t.Visible, "visible", i.ID)
		i.Devices = t.RunInstances + w.r.draw(t.Devices, "devices", i.ID)
		i.Took = w.bootTime(i.ID)
		if l.Build != nil {
			i.Builds = w.r.draw(t.Provision, "build", i.ID)
		}
		for _, nic := range l.NICs {
			var a netip.Addr
			if nic.Type != efaOnly {
				a, addresses[nic.Subnet] = addresses[nic.Subnet][0], addresses[nic.Subnet][1:]
			}
			i.IPs = append(i.IPs, a)
		}
		for range l.Devices {
			v := &volume{ID: w.newID("vol-"), Launch: l.ID, Instance: i.ID, Device: len(i.Volumes)}
			w.Volumes[v.ID] = v
			i.Volumes = append(i.Volumes, v.ID)
		}
		w.Instances[i.ID] = i
		if s := w.Snapshots[l.Devices[0].Snapshot]; s != nil && s.Broken {
			w.applyFault(i, &fault{Fault: Fault{Dies: "Server.InternalError"}})
		}
		w.bend(w.Images[l.Image], func(f *fault) { w.applyFault(i, f) })
	}
}

// applyFault is how a fault bends an instance that was just launched.
func (w *world) applyFault(i *instance, f *fault) {
	if f.Stuck {
		i.Last = stuck
	}
	if f.Dies != "" && f.After == (Range{}) {
		i.Last, i.Code = doomed, f.Dies
		i.Message = cmp.Or(f.Message, f.Dies+": Internal error on launch")
	} else if f.Dies != "" {
		w.Launches[i.Launch].Fated = true
		i.Fate = &fate{At: i.done().Add(w.r.draw(f.After, f.Salt, "after", i.ID)), Code: f.Dies, Message: cmp.Or(f.Message, f.Dies+": Internal error")}
	}
	i.Impaired = i.Impaired || f.Impaired
	if f.EqualIndexes {
		i.Index = 0
	}
	i.Protected = i.Protected || f.Protected
	if f.BootImage != "" {
		w.setImage(i, f.BootImage)
	}
	if f.RootSnapshot != "" {
		w.Volumes[i.Volumes[0]].Snapshot = f.RootSnapshot
	}
}

// setImage makes an instance one of another image. One that nobody knows is as good: it is about the id.
func (w *world) setImage(i *instance, id string) {
	root, snapshot := w.Launches[i.Launch].RootDevice, RootSnapshot(id)
	if other := w.Images[id]; other != nil {
		root, snapshot = *other.RootDeviceName, *other.rootOf().Ebs.SnapshotId
	}
	i.Image, i.Root = id, root
	w.Volumes[i.Volumes[0]].Snapshot = snapshot
}

// reservation is the answer of the call that made a launch, as its instances are now, and whether one of
// them is alive.
func (w *world) reservation(id string) (out *ec2.RunInstancesOutput, alive bool) {
	out = &ec2.RunInstancesOutput{ReservationId: new(id), OwnerId: new(w.account()), Groups: []types.GroupIdentifier{}, Instances: []types.Instance{}}
	var members []*instance
	for _, i := range w.Instances {
		if i.Launch == id && !w.forgotten(i) {
			members = append(members, i)
			alive = alive || w.alive(i)
		}
	}
	slices.SortFunc(members, func(a, b *instance) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, i := range members {
		out.Instances = append(out.Instances, w.view(i))
	}
	return out, alive
}

// prepareTags reads the tags that come with the launch.
func (w *world) prepareTags(in *ec2.RunInstancesInput, l *launch, _ hardware) (err error) {
	metadata := l.Metadata.InstanceMetadataTags == types.InstanceMetadataTagsStateEnabled
	l.Tags, err = tagSpecifications(in.TagSpecifications, metadata, types.ResourceTypeInstance, types.ResourceTypeVolume,
		types.ResourceTypeNetworkInterface, types.ResourceTypeSpotInstancesRequest)
	if err == nil && l.Tags[string(types.ResourceTypeSpotInstancesRequest)] != nil && !l.Spot {
		err = fail("InvalidParameterCombination", "The specified tag resource type 'spot-instances-request' needs the market type spot.")
	}
	return err
}

// metadataTags tells whether an instance's tags are in its metadata, which takes fewer keys.
func (w *world) metadataTags(i *instance) bool {
	return w.Launches[i.Launch].Metadata.InstanceMetadataTags == types.InstanceMetadataTagsStateEnabled
}

// zoneList writes zones as EC2's sentences do.
func zoneList(zones []string) string { return strings.Join(zones, ", ") }
