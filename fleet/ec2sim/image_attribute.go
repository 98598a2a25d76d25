package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (w *world) describeImageAttribute(in *ec2.DescribeImageAttributeInput) (*ec2.DescribeImageAttributeOutput, error) {
	found, err := pick(w.Images, []string{*in.ImageId}, imageKind, w.mine)
	if err != nil {
		return nil, err
	}
	i := found[0]
	if *i.OwnerId != w.account() {
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
