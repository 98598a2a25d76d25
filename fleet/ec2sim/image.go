package ec2sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// image is an AMI with those that it is shared with. Its tags are with all others.
type image struct {
	types.Image
	Users []string
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
	Created      time.Time
	Deprecated   time.Time
	State        string // available, pending, failed, disabled, …
	Public       bool
	Users        []string // accounts that it is shared with
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
		w.Tags[s.ID] = maps.Clone(s.Tags)
	}
	if w.Snapshots[s.RootSnapshot] == nil {
		w.addSnapshot(s)
	}
	return s.ID
}

func (w *world) addSnapshot(s ImageSpec) {
	w.Snapshots[s.RootSnapshot] = &types.Snapshot{
		SnapshotId: new(s.RootSnapshot), OwnerId: new(s.Owner), VolumeSize: new(s.RootSize), Encrypted: new(s.Encrypted),
		VolumeId: new("vol-" + strings.TrimPrefix(s.RootSnapshot, "snap-")), Description: new("Created for " + s.ID),
		StartTime: new(s.Created), CompletionTime: new(s.Created), State: types.SnapshotStateCompleted, Progress: new("100%"),
		StorageTier: types.StorageTierStandard,
	}
}

// inventImage makes an image that nobody has registered, for a region that takes any.
func (w *world) inventImage(id, architecture string) *image {
	w.addImage(ImageSpec{ID: id, Name: "any-" + id, Architecture: architecture})
	w.dirty = true
	return w.Images[id]
}

// mine tells whether the account may launch an image.
func (w *world) mine(i *image) bool {
	return *i.OwnerId == w.r.o.Account || is(i.Public) || slices.Contains(i.Users, w.r.o.Account)
}

func (w *world) describeImages(in *ec2.DescribeImagesInput) (*ec2.DescribeImagesOutput, error) {
	if w.r.o.AnyImage {
		for _, id := range in.ImageIds {
			if w.Images[id] == nil && imageKind.check(id) == nil {
				w.inventImage(id, "")
			}
		}
	}
	for _, o := range in.Owners {
		if !slices.Contains([]string{"self", "amazon", "aws-marketplace", "aws-backup-vault"}, o) && !isAccount(o) {
			return nil, fail("InvalidUserID.Malformed", "Invalid user id: \"%s\"", o)
		}
	}
	all, err := pick(w.Images, in.ImageIds, imageKind, w.mine)
	if err != nil {
		return nil, err
	}
	var rows []*types.Image
	for _, i := range all {
		if w.listed(i, in) {
			row := i.Image
			row.Tags = w.tags(*i.ImageId)
			rows = append(rows, &row)
		}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 1, most: 1000}
	rows, next, err := paged(w, rows, p, func(i *types.Image) []string { return []string{*i.ImageId} })
	return &ec2.DescribeImagesOutput{Images: deref(rows), NextToken: next}, err
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// listed tells whether a description names an image that may be launched.
func (w *world) listed(i *image, in *ec2.DescribeImagesInput) bool {
	own := *i.OwnerId == w.r.o.Account
	if i.State == types.ImageStateDisabled && !is(in.IncludeDisabled) {
		return false
	}
	if d := value(i.DeprecationTime); d != "" && d < stamp(w.now) && !own && !is(in.IncludeDeprecated) && len(in.ImageIds) == 0 {
		return false
	}
	owner := func(o string) bool {
		return o == *i.OwnerId || o == "self" && own || i.ImageOwnerAlias != nil && o == *i.ImageOwnerAlias
	}
	user := func(u string) bool {
		return u == "all" && is(i.Public) || u == "self" && slices.Contains(i.Users, w.r.o.Account) || own && slices.Contains(i.Users, u)
	}
	return (len(in.Owners) == 0 || slices.ContainsFunc(in.Owners, owner)) &&
		(len(in.ExecutableUsers) == 0 || slices.ContainsFunc(in.ExecutableUsers, user))
}

func (w *world) describeImageAttribute(in *ec2.DescribeImageAttributeInput) (*ec2.DescribeImageAttributeOutput, error) {
	found, err := pick(w.Images, []string{*in.ImageId}, imageKind, w.mine)
	if err != nil {
		return nil, err
	}
	i := found[0]
	if *i.OwnerId != w.r.o.Account {
		return nil, fail("AuthFailure", "Not authorized for image:%s", *in.ImageId)
	}
	out := &ec2.DescribeImageAttributeOutput{ImageId: in.ImageId}
	switch in.Attribute {
	case types.ImageAttributeNameLaunchPermission:
		out.LaunchPermissions = []types.LaunchPermission{}
		if is(i.Public) {
			out.LaunchPermissions = append(out.LaunchPermissions, types.LaunchPermission{Group: types.PermissionGroupAll})
		}
		for _, u := range i.Users {
			out.LaunchPermissions = append(out.LaunchPermissions, types.LaunchPermission{UserId: new(u)})
		}
	case types.ImageAttributeNameDescription:
		out.Description = &types.AttributeValue{Value: i.Description}
	case types.ImageAttributeNameBlockDeviceMapping:
		out.BlockDeviceMappings = i.BlockDeviceMappings
	case types.ImageAttributeNameBootMode:
		out.BootMode = &types.AttributeValue{Value: new(string(i.BootMode))}
	case types.ImageAttributeNameImdsSupport:
		out.ImdsSupport = &types.AttributeValue{Value: new(string(i.ImdsSupport))}
	case types.ImageAttributeNameSriovNetSupport:
		out.SriovNetSupport = &types.AttributeValue{Value: i.SriovNetSupport}
	default:
		return nil, unmodelled("the image attribute " + string(in.Attribute))
	}
	return out, nil
}

// unmodelled refuses what EC2 has and this region has not.
func unmodelled(what string) error {
	return fail("UnsupportedOperation", "This region is embedded and does not model %s.", what)
}

// launchable finds the image of a launch, whose instances have the architecture.
func (w *world) launchable(id, architecture string) (*image, error) {
	if id == "" {
		return nil, fail("MissingParameter", "The request must contain the parameter ImageId")
	}
	if err := imageKind.check(id); err != nil {
		return nil, err
	}
	i := w.Images[id]
	switch {
	case i == nil && w.r.o.AnyImage:
		return w.inventImage(id, architecture), nil
	case i == nil:
		return nil, imageKind.absent(id)
	case !w.mine(i):
		return nil, fail("AuthFailure", "Not authorized for images: [%s]", id)
	case i.State != types.ImageStateAvailable:
		return nil, fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available; its state is %s", id, i.State)
	}
	return i, nil
}

func (w *world) describeSnapshots(in *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
	all, err := pick(w.Snapshots, in.SnapshotIds, snapshotKind, func(s *types.Snapshot) bool { return *s.OwnerId == w.r.o.Account })
	if err != nil {
		return nil, err
	}
	var rows []*types.Snapshot
	for _, s := range all {
		owner := func(o string) bool { return o == *s.OwnerId || o == "self" }
		if len(in.OwnerIds) > 0 && !slices.ContainsFunc(in.OwnerIds, owner) ||
			len(in.RestorableByUserIds) > 0 && !slices.ContainsFunc(in.RestorableByUserIds, owner) {
			continue
		}
		row := *s
		row.Tags = w.tags(*s.SnapshotId)
		rows = append(rows, &row)
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.SnapshotIds, idsNamed: "snapshotSet"}
	rows, next, err := paged(w, rows, p, func(s *types.Snapshot) []string { return []string{*s.SnapshotId} })
	return &ec2.DescribeSnapshotsOutput{Snapshots: deref(rows), NextToken: next}, err
}

// rootOf is the mapping of an image's root device.
func (i *image) rootOf() types.BlockDeviceMapping {
	n := slices.IndexFunc(i.BlockDeviceMappings, func(b types.BlockDeviceMapping) bool { return value(b.DeviceName) == *i.RootDeviceName })
	if n < 0 {
		panic(fmt.Sprintf("ec2sim: image %s has no root device", *i.ImageId))
	}
	return i.BlockDeviceMappings[n]
}
