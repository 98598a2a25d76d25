package ec2sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// modelledCapture is what CreateImage may ask for here.
var modelledCapture = []string{"BlockDeviceMappings", "Description", "DryRun", "InstanceId", "Name", "NoReboot", "TagSpecifications"}

const maxDescription = 255

// createImage makes an image of an instance, and a snapshot of each of its volumes.
func (w *world) createImage(in *ec2.CreateImageInput) (*ec2.CreateImageOutput, error) {
	if key := beyond(in, "", modelledCapture); key != "" {
		return nil, unmodelled("the parameter " + key + " of CreateImage")
	}
	found, err := pick(w.Instances, []string{*in.InstanceId}, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	i := found[0]
	if err := w.nameFree(*in.Name, value(in.Description)); err != nil {
		return nil, err
	}
	tags, err := tagSpecifications(in.TagSpecifications, false, types.ResourceTypeImage, types.ResourceTypeSnapshot)
	if err != nil {
		return nil, err
	}
	switch w.phase(i) {
	case running, stopping, stopped:
	default:
		return nil, fail("InvalidParameterValue", "Invalid value '%s' for instanceId. Instance is not in state 'running' or 'stopping' or 'stopped'", i.ID)
	}
	mappings, volumes, err := w.captured(i, in.BlockDeviceMappings)
	if err != nil {
		return nil, err
	}
	img := w.imageOf(i)
	img.Name, img.ImageLocation, img.BlockDeviceMappings = in.Name, new(w.account()+"/"+*in.Name), mappings
	img.Description = in.Description
	for n, v := range volumes {
		mappings[n].Ebs.SnapshotId = w.snapshotVolume(v, fmt.Sprintf("Created by CreateImage(%s) for %s", i.ID, *img.ImageId)).SnapshotId
	}
	w.register(img, tags)
	if w.phase(i) == running && !is(in.NoReboot) {
		i.Rebooted = w.now
	}
	return &ec2.CreateImageOutput{ImageId: img.ImageId}, nil
}

// nameFree refuses a name or a description that an image of the account cannot have.
func (w *world) nameFree(name, description string) error {
	if len(name) < 3 || len(name) > 128 || strings.IndexFunc(name, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("()[] ./-'@_", r))
	}) >= 0 {
		return fail("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '[', ']', ' ', '.', '/', '-', ''', '@' and '_'")
	}
	if len(description) > maxDescription {
		return fail("InvalidParameterValue", "The description exceeds the maximum length of %d characters.", maxDescription)
	}
	for id, i := range w.Images {
		if i.Gone.IsZero() && *i.OwnerId == w.account() && *i.Name == name {
			return fail("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, id)
		}
	}
	return nil
}

// captured are the devices of an image of an instance and the volumes that they are made of. What is asked
// may leave devices out, and say whether a volume goes with its instance.
func (w *world) captured(i *instance, asked []types.BlockDeviceMapping) (mappings []types.BlockDeviceMapping, volumes []*volume, err error) {
	root := *w.view(i).RootDeviceName
	used := 0
	for n, id := range i.Volumes {
		d := w.Launches[i.Launch].Devices[n]
		if n == 0 {
			d.Name = root
		}
		e := &types.EbsBlockDevice{
			VolumeSize: new(d.Size), VolumeType: types.VolumeType(d.Type), DeleteOnTermination: new(!d.Keep), Encrypted: new(d.Encrypted),
		}
		if d.IOPS > 0 {
			e.Iops = new(d.IOPS)
		}
		if d.Throughput > 0 {
			e.Throughput = new(d.Throughput)
		}
		a := slices.IndexFunc(asked, func(m types.BlockDeviceMapping) bool { return value(m.DeviceName) == d.Name })
		if a >= 0 {
			used++
			if asked[a].NoDevice != nil && n > 0 {
				continue
			}
			if err := keepOnly(asked[a], e); err != nil {
				return nil, nil, err
			}
		}
		mappings = append(mappings, types.BlockDeviceMapping{DeviceName: new(d.Name), Ebs: e})
		volumes = append(volumes, w.Volumes[id])
	}
	if used < len(asked) {
		return nil, nil, unmodelled("devices of an image that its instance does not have")
	}
	return mappings, volumes, nil
}

// keepOnly has a device of an image be as it is asked for: nothing of it but its end can be.
func keepOnly(asked types.BlockDeviceMapping, e *types.EbsBlockDevice) error {
	if asked.NoDevice != nil {
		return fail("InvalidBlockDeviceMapping", "The root device '%s' may not be suppressed", value(asked.DeviceName))
	}
	if asked.Ebs == nil {
		return nil
	}
	rest := *asked.Ebs
	rest.DeleteOnTermination = nil
	if !blank(rest) {
		return fail("InvalidBlockDeviceMapping", "Only DeleteOnTermination can be given for the device '%s', which is a volume of the instance", value(asked.DeviceName))
	}
	if asked.Ebs.DeleteOnTermination != nil {
		e.DeleteOnTermination = asked.Ebs.DeleteOnTermination
	}
	return nil
}

// imageOf is an image that boots as an instance does.
func (w *world) imageOf(i *instance) *image {
	l, v := w.Launches[i.Launch], w.view(i)
	img := &image{Image: types.Image{
		ImageId: new(w.newID("ami-")), OwnerId: new(w.account()), Public: new(false), State: types.ImageStateAvailable, CreationDate: new(stamp(w.now)),
		Architecture: v.Architecture, BootMode: types.BootModeValues(l.BootMode), RootDeviceName: v.RootDeviceName, RootDeviceType: types.DeviceTypeEbs,
		VirtualizationType: types.VirtualizationTypeHvm, Hypervisor: types.HypervisorTypeXen, ImageType: types.ImageTypeValuesMachine,
		EnaSupport: new(true), SriovNetSupport: new("simple"), PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"),
		DeregistrationProtection: new(unprotected), SourceInstanceId: new(i.ID), SourceImageId: v.ImageId, SourceImageRegion: new(w.Name),
	}}
	if from := w.Images[*v.ImageId]; from != nil {
		img.ImdsSupport = from.ImdsSupport
	}
	return img
}

// register adds an image to the region, and its tags and those of its snapshots.
func (w *world) register(i *image, tags map[string]map[string]string) {
	w.Images[*i.ImageId] = i
	if t := tags[string(types.ResourceTypeImage)]; t != nil {
		w.Tags[*i.ImageId] = t
	}
	if t := tags[string(types.ResourceTypeSnapshot)]; t != nil {
		for _, m := range i.BlockDeviceMappings {
			w.Tags[snapshotOf(m)] = t
		}
	}
}

// snapshotVolume begins a snapshot of a volume as it is now.
func (w *world) snapshotVolume(v *volume, description string) *snapshot {
	l := w.Launches[v.Launch]
	d := l.Devices[v.Device]
	s := &snapshot{Broken: v.Device == 0 && l.Breaks, Snapshot: types.Snapshot{
		VolumeId: new(v.ID), VolumeSize: new(d.Size), Encrypted: new(d.Encrypted), Description: new(description),
	}}
	if d.KMSKey != "" {
		s.KmsKeyId = new(d.KMSKey)
	}
	w.takeSnapshot(s, w.t.Snapshot)
	return s
}
