package ec2sim

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (w *world) describeImageAttribute(in *ec2.DescribeImageAttributeInput) (*ec2.DescribeImageAttributeOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeImageAttributeOutput{ImageId: in.ImageId}
	switch in.Attribute {
	case types.ImageAttributeNameLaunchPermission:
		out.LaunchPermissions = i.permissions()
	case types.ImageAttributeNameDescription:
		out.Description = &types.AttributeValue{Value: i.Description}
	case types.ImageAttributeNameBlockDeviceMapping:
		out.BlockDeviceMappings = i.BlockDeviceMappings
	case types.ImageAttributeNameBootMode:
		out.BootMode = &types.AttributeValue{Value: new(string(i.BootMode))}
	case types.ImageAttributeNameImdsSupport:
		out.ImdsSupport = &types.AttributeValue{}
		if i.ImdsSupport != "" {
			out.ImdsSupport.Value = new(string(i.ImdsSupport))
		}
	case types.ImageAttributeNameSriovNetSupport:
		out.SriovNetSupport = &types.AttributeValue{Value: i.SriovNetSupport}
	case types.ImageAttributeNameDeregistrationProtection:
		out.DeregistrationProtection = &types.AttributeValue{Value: new(w.protection(i))}
	default:
		return nil, unmodelled("the image attribute " + string(in.Attribute))
	}
	return out, nil
}

// permissions are who may launch an image, besides its owner.
func (i *image) permissions() []types.LaunchPermission {
	all := []types.LaunchPermission{}
	if is(i.Public) {
		all = append(all, types.LaunchPermission{Group: types.PermissionGroupAll})
	}
	for _, u := range i.Users {
		all = append(all, types.LaunchPermission{UserId: new(u)})
	}
	for _, arn := range i.Orgs {
		all = append(all, types.LaunchPermission{OrganizationArn: new(arn)})
	}
	for _, arn := range i.Units {
		all = append(all, types.LaunchPermission{OrganizationalUnitArn: new(arn)})
	}
	return all
}

// modifyImageAttribute changes one attribute of an image: who may launch it, its description, or that its
// instances take nothing but IMDSv2, which cannot be taken back.
func (w *world) modifyImageAttribute(in *ec2.ModifyImageAttributeInput) (*ec2.ModifyImageAttributeOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	changes := launchChanges(in)
	description, imds := in.Description, in.ImdsSupport
	switch attribute := value(in.Attribute); attribute {
	case "", string(types.ImageAttributeNameLaunchPermission):
	case string(types.ImageAttributeNameDescription):
		description = cmp.Or(description, &types.AttributeValue{Value: in.Value})
	case string(types.ImageAttributeNameImdsSupport):
		imds = cmp.Or(imds, &types.AttributeValue{Value: in.Value})
	default:
		return nil, unmodelled("changes of the image attribute " + attribute)
	}
	count := 0
	for _, asked := range []bool{description != nil, imds != nil, changes != nil} {
		if asked {
			count++
		}
	}
	switch {
	case count == 0:
		return nil, fail("InvalidParameterCombination", "No attributes specified.")
	case count > 1:
		return nil, fail("InvalidParameterCombination", "Fields for multiple attribute types specified")
	case description != nil && len(value(description.Value)) > maxDescription:
		return nil, fail("InvalidParameterValue", "The description exceeds the maximum length of %d characters.", maxDescription)
	case description != nil:
		i.Description = description.Value
	case imds != nil && value(imds.Value) != string(types.ImdsSupportValuesV20):
		return nil, fail("InvalidParameterValue", "Value (%s) for parameter ImdsSupport is invalid. Expected v2.0.", value(imds.Value))
	case imds != nil:
		i.ImdsSupport = types.ImdsSupportValuesV20
	default:
		return &ec2.ModifyImageAttributeOutput{}, w.changeLaunch(i, changes)
	}
	return &ec2.ModifyImageAttributeOutput{}, nil
}

// launchChanges are the launch permissions that a call adds and removes, in either of the two ways in which
// it can say that; nil for none.
func launchChanges(in *ec2.ModifyImageAttributeInput) *types.LaunchPermissionModifications {
	if in.LaunchPermission != nil && len(in.LaunchPermission.Add)+len(in.LaunchPermission.Remove) > 0 {
		return in.LaunchPermission
	}
	var all []types.LaunchPermission
	for _, u := range in.UserIds {
		all = append(all, types.LaunchPermission{UserId: new(u)})
	}
	for _, g := range in.UserGroups {
		all = append(all, types.LaunchPermission{Group: types.PermissionGroup(g)})
	}
	for _, arn := range in.OrganizationArns {
		all = append(all, types.LaunchPermission{OrganizationArn: new(arn)})
	}
	for _, arn := range in.OrganizationalUnitArns {
		all = append(all, types.LaunchPermission{OrganizationalUnitArn: new(arn)})
	}
	switch {
	case len(all) == 0:
		return nil
	case in.OperationType == types.OperationTypeRemove:
		return &types.LaunchPermissionModifications{Remove: all}
	}
	return &types.LaunchPermissionModifications{Add: all}
}

// changeLaunch changes who may launch an image, all that is asked for or nothing.
func (w *world) changeLaunch(i *image, m *types.LaunchPermissionModifications) error {
	if state, _ := w.imageState(i); state != types.ImageStateAvailable {
		return fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available; its state is %s", *i.ImageId, state)
	}
	for _, p := range slices.Concat(m.Add, m.Remove) {
		if u := value(p.UserId); p.UserId != nil && !isAccount(u) {
			return fail("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for userId item type.", u)
		}
		if p.Group != "" && p.Group != types.PermissionGroupAll {
			return fail("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for group item type.", p.Group)
		}
	}
	if err := w.shareable(i, m.Add); err != nil {
		return err
	}
	for _, p := range m.Add {
		if p.Group != "" {
			i.Public = new(true)
		}
		i.Users, i.Orgs, i.Units = with(i.Users, p.UserId), with(i.Orgs, p.OrganizationArn), with(i.Units, p.OrganizationalUnitArn)
	}
	for _, p := range m.Remove {
		if p.Group != "" {
			i.Public = new(false)
		}
		i.Users, i.Orgs, i.Units = without(i.Users, p.UserId), without(i.Orgs, p.OrganizationArn), without(i.Units, p.OrganizationalUnitArn)
	}
	return nil
}

// shareable refuses to share what nobody else could use, or must not.
func (w *world) shareable(i *image, add []types.LaunchPermission) error {
	if len(add) == 0 {
		return nil
	}
	public := slices.ContainsFunc(add, func(p types.LaunchPermission) bool { return p.Group != "" })
	if public && !w.Open {
		return fail("OperationNotPermitted", "You can't publicly share this image because block public access for AMIs is enabled for your account in this Region.")
	}
	for _, m := range i.BlockDeviceMappings {
		s := w.Snapshots[snapshotOf(m)]
		switch {
		case s == nil || !is(s.Encrypted):
		case isDefaultKey(value(s.KmsKeyId)):
			return fail("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.")
		case public:
			return fail("InvalidParameter", "Images with encrypted snapshots can't be made public. Specify another image.")
		}
	}
	return nil
}

// with is a sorted list with a text more, without one with a text less.
func with(all []string, s *string) []string {
	if s == nil || slices.Contains(all, *s) {
		return all
	}
	return slices.Sorted(slices.Values(append(slices.Clone(all), *s)))
}

func without(all []string, s *string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(have string) bool { return s != nil && have == *s })
}

// resetImageAttribute makes an image its owner's alone again.
func (w *world) resetImageAttribute(in *ec2.ResetImageAttributeInput) (*ec2.ResetImageAttributeOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	i.Public, i.Users, i.Orgs, i.Units = new(false), nil, nil, nil
	return &ec2.ResetImageAttributeOutput{}, nil
}

// Whether images may be made public is a setting of the account in the region. A new account's may not.

func (w *world) getImageBlockPublicAccessState(*ec2.GetImageBlockPublicAccessStateInput) (*ec2.GetImageBlockPublicAccessStateOutput, error) {
	state := string(types.ImageBlockPublicAccessEnabledStateBlockNewSharing)
	if w.Open {
		state = string(types.ImageBlockPublicAccessDisabledStateUnblocked)
	}
	return &ec2.GetImageBlockPublicAccessStateOutput{ImageBlockPublicAccessState: new(state), ManagedBy: types.ManagedByAccount}, nil
}

func (w *world) enableImageBlockPublicAccess(in *ec2.EnableImageBlockPublicAccessInput) (*ec2.EnableImageBlockPublicAccessOutput, error) {
	w.Open = false
	return &ec2.EnableImageBlockPublicAccessOutput{ImageBlockPublicAccessState: in.ImageBlockPublicAccessState}, nil
}

func (w *world) disableImageBlockPublicAccess(*ec2.DisableImageBlockPublicAccessInput) (*ec2.DisableImageBlockPublicAccessOutput, error) {
	w.Open = true
	return &ec2.DisableImageBlockPublicAccessOutput{ImageBlockPublicAccessState: types.ImageBlockPublicAccessDisabledStateUnblocked}, nil
}
