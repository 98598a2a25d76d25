package ec2sim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// maxSnapshotChanges is how many accounts a call may give a snapshot to, or take it from.
const maxSnapshotChanges = 500

func (w *world) describeSnapshotAttribute(in *ec2.DescribeSnapshotAttributeInput) (*ec2.DescribeSnapshotAttributeOutput, error) {
	s, err := w.ownSnapshot(*in.SnapshotId)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeSnapshotAttributeOutput{SnapshotId: in.SnapshotId}
	if in.Attribute == types.SnapshotAttributeNameProductCodes {
		out.ProductCodes = []types.ProductCode{}
		return out, nil
	}
	out.CreateVolumePermissions = []types.CreateVolumePermission{}
	if s.Public {
		out.CreateVolumePermissions = append(out.CreateVolumePermissions, types.CreateVolumePermission{Group: types.PermissionGroupAll})
	}
	for _, u := range s.Users {
		out.CreateVolumePermissions = append(out.CreateVolumePermissions, types.CreateVolumePermission{UserId: new(u)})
	}
	return out, nil
}

// modifySnapshotAttribute changes who may make volumes from a snapshot, and so copy the images that have it.
func (w *world) modifySnapshotAttribute(in *ec2.ModifySnapshotAttributeInput) (*ec2.ModifySnapshotAttributeOutput, error) {
	s, err := w.ownSnapshot(*in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if in.Attribute == types.SnapshotAttributeNameProductCodes {
		return nil, unmodelled("changes of the snapshot attribute productCodes")
	}
	m := volumeChanges(in)
	switch n := len(m.Add) + len(m.Remove); {
	case n == 0:
		return nil, fail("InvalidParameterCombination", "No attributes specified.")
	case n > maxSnapshotChanges:
		return nil, fail("InvalidParameterValue", "The request changes the permissions of %d accounts; at most %d are allowed.", n, maxSnapshotChanges)
	case len(m.Add) > 0 && len(m.Remove) > 0:
		return nil, fail("InvalidParameterCombination", "Permissions can be added or removed in one request, not both.")
	}
	for _, p := range slices.Concat(m.Add, m.Remove) {
		switch {
		case p.UserId != nil && !isAccount(*p.UserId):
			return nil, fail("InvalidUserID.Malformed", "Invalid user id: \"%s\"", *p.UserId)
		case p.UserId == nil && p.Group != types.PermissionGroupAll:
			return nil, fail("InvalidParameterValue", "Invalid value '%s' for the group of a permission.", p.Group)
		}
	}
	for _, p := range m.Add {
		switch {
		case is(s.Encrypted) && isDefaultKey(value(s.KmsKeyId)):
			return nil, fail("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
		case is(s.Encrypted) && p.Group != "":
			return nil, fail("OperationNotPermitted", "Encrypted snapshots cannot be shared publicly")
		}
	}
	for _, p := range m.Add {
		s.Public, s.Users = s.Public || p.Group != "", with(s.Users, p.UserId)
	}
	for _, p := range m.Remove {
		s.Public, s.Users = s.Public && p.Group == "", without(s.Users, p.UserId)
	}
	return &ec2.ModifySnapshotAttributeOutput{}, nil
}

// volumeChanges are the permissions that a call adds and removes, in either of the two ways in which it can
// say that.
func volumeChanges(in *ec2.ModifySnapshotAttributeInput) types.CreateVolumePermissionModifications {
	if m := in.CreateVolumePermission; m != nil {
		return *m
	}
	var all []types.CreateVolumePermission
	for _, u := range in.UserIds {
		all = append(all, types.CreateVolumePermission{UserId: new(u)})
	}
	for _, g := range in.GroupNames {
		all = append(all, types.CreateVolumePermission{Group: types.PermissionGroup(g)})
	}
	if in.OperationType == types.OperationTypeRemove {
		return types.CreateVolumePermissionModifications{Remove: all}
	}
	return types.CreateVolumePermissionModifications{Add: all}
}

// resetSnapshotAttribute makes a snapshot its owner's alone again.
func (w *world) resetSnapshotAttribute(in *ec2.ResetSnapshotAttributeInput) (*ec2.ResetSnapshotAttributeOutput, error) {
	s, err := w.ownSnapshot(*in.SnapshotId)
	if err != nil {
		return nil, err
	}
	s.Public, s.Users = false, nil
	return &ec2.ResetSnapshotAttributeOutput{}, nil
}
