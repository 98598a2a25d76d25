package ec2sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// image is an AMI with those that it is shared with. Its tags are with all others of each account. What its
// state says is no more than what was done to it: see imageState.
type image struct {
	types.Image
	Users []string
	Orgs  []string  `json:",omitzero"` // ARNs of organizations
	Units []string  `json:",omitzero"` // ARNs of organizational units
	Gone  time.Time `json:",omitzero"` // when it was deregistered

	Cooldown bool      `json:",omitzero"` // switching the protection off leaves it for a day more
	Cooled   time.Time `json:",omitzero"` // until when
}

// ImageSpec is an image to add. What is left out is as plain as can be: ours, available, x86_64, 8 GiB on
// /dev/xvda, made just now.
type ImageSpec struct {
	Region       string // "" is the Options' region
	ID           string // "" draws one
	Name         string
	Description  string
	Owner        string // account; "" is ours
	Alias        string // of the owner: amazon
	Architecture string
	RootDevice   string
	RootSize     int32  // GiB
	RootSnapshot string // "" is RootSnapshot(ID)
	Encrypted    bool
	KMSKey       string // "" is the owner's default key
	Broken       bool   // instances of it die before they run, as do those of its copies
	Created      time.Time
	Deprecated   time.Time
	State        string // available, pending, failed, disabled, …
	Public       bool
	Users        []string // accounts that it is shared with
	Copyable     bool     // its snapshot is public
	Tags         map[string]string
}

// AddImage adds an image and its root snapshot, and returns the image's id.
func (r *Region) AddImage(s ImageSpec) (id string) {
	err := r.locked(func() error {
		id = r.world(cmp.Or(s.Region, r.o.Region)).addImage(s)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return id
}

func (w *world) addImage(s ImageSpec) string {
	if s.ID == "" {
		s.ID = w.newID("ami-")
	}
	s.Owner = cmp.Or(s.Owner, w.r.o.Account)
	if s.Encrypted {
		s.KMSKey = cmp.Or(s.KMSKey, defaultKey(w.Name, s.Owner))
	}
	s.RootDevice = cmp.Or(s.RootDevice, "/dev/xvda")
	s.RootSnapshot = cmp.Or(s.RootSnapshot, RootSnapshot(s.ID))
	s.RootSize = cmp.Or(s.RootSize, 8)
	s.State = cmp.Or(s.State, string(types.ImageStateAvailable))
	if s.Created.IsZero() {
		s.Created = w.now
	}
	i := &image{Users: s.Users, Image: types.Image{
		ImageId: new(s.ID), Name: new(s.Name), OwnerId: new(s.Owner), ImageLocation: new(s.Owner + "/" + s.Name), Public: new(s.Public),
		Architecture: types.ArchitectureValues(cmp.Or(s.Architecture, "x86_64")), State: types.ImageState(s.State),
		CreationDate: new(stamp(s.Created)), RootDeviceName: new(s.RootDevice), RootDeviceType: types.DeviceTypeEbs,
		VirtualizationType: types.VirtualizationTypeHvm, Hypervisor: types.HypervisorTypeXen, ImageType: types.ImageTypeValuesMachine,
		EnaSupport: new(true), SriovNetSupport: new("simple"), PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"),
		BootMode: types.BootModeValuesUefiPreferred, ImdsSupport: types.ImdsSupportValuesV20, DeregistrationProtection: new("disabled"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: new(s.RootDevice), Ebs: &types.EbsBlockDevice{
			SnapshotId: new(s.RootSnapshot), VolumeSize: new(s.RootSize), VolumeType: types.VolumeTypeGp3, Iops: new(int32(3000)), Throughput: new(int32(125)),
			DeleteOnTermination: new(true), Encrypted: new(s.Encrypted),
		}}},
	}}
	if i.Architecture == types.ArchitectureValuesArm64 {
		i.BootMode = types.BootModeValuesUefi
	}
	if s.Description != "" {
		i.Description = new(s.Description)
	}
	if s.Alias != "" {
		i.ImageOwnerAlias = new(s.Alias)
	}
	if !s.Deprecated.IsZero() {
		i.DeprecationTime = new(stamp(s.Deprecated))
	}
	w.Images[s.ID] = i
	if len(s.Tags) > 0 {
		owner := w
		if s.Owner != w.account() {
			owner = w.r.worldOf(s.Owner, w.Name)
		}
		owner.Tags[s.ID] = maps.Clone(s.Tags)
	}
	if w.Snapshots[s.RootSnapshot] == nil {
		w.addSnapshot(s)
	}
	return s.ID
}

func (w *world) addSnapshot(s ImageSpec) {
	snap := &snapshot{Broken: s.Broken, Public: s.Copyable, Snapshot: types.Snapshot{
		SnapshotId: new(s.RootSnapshot), OwnerId: new(s.Owner), VolumeSize: new(s.RootSize), Encrypted: new(s.Encrypted),
		VolumeId: new("vol-" + strings.TrimPrefix(s.RootSnapshot, "snap-")), Description: new("Created for " + s.ID),
		StartTime: new(s.Created), CompletionTime: new(s.Created), State: types.SnapshotStateCompleted, Progress: new("100%"),
		StorageTier: types.StorageTierStandard,
	}}
	if s.KMSKey != "" {
		snap.KmsKeyId = new(s.KMSKey)
	}
	w.Snapshots[s.RootSnapshot] = snap
}

// inventImage makes an image that nobody has registered, for a region that takes any.
func (w *world) inventImage(id, architecture string) *image {
	w.addImage(ImageSpec{ID: id, Name: "any-" + id, Owner: w.account(), Architecture: architecture})
	w.dirty = true
	return w.Images[id]
}

// rootOf is the mapping of an image's root device.
func (i *image) rootOf() types.BlockDeviceMapping {
	n := slices.IndexFunc(i.BlockDeviceMappings, func(b types.BlockDeviceMapping) bool { return value(b.DeviceName) == *i.RootDeviceName })
	if n < 0 {
		panic(fmt.Sprintf("ec2sim: image %s has no root device", *i.ImageId))
	}
	return i.BlockDeviceMappings[n]
}

// unmodelled refuses what EC2 has and this region has not.
func unmodelled(what string) error {
	return fail("UnsupportedOperation", "This region is embedded and does not model %s.", what)
}
