package fleet_test

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// imageQuestions are about the life of an image.
var imageQuestions = []question{
	{
		name: "image_of_an_instance",
		ask: func(p *portable) string {
			i, answer := p.capture("portable-captured")
			if i.ImageId == nil {
				return answer
			}
			own := "the instance's image's"
			if *rootOf(i).SnapshotId != *rootOf(p.image).SnapshotId {
				own = "of its own"
			}
			return fmt.Sprintf("%s, a snapshot %s, %s, %s", i.State, own, i.Architecture, *i.RootDeviceName)
		},
		ec2: "available, a snapshot of its own, x86_64, /dev/xvda", moto: "available, a snapshot of its own, x86_64, /dev/sda1",
		doc: reference + "CreateImage: the block device mapping is the instance's",
	},
	{
		name: "image_tags",
		ask: func(p *portable) string {
			tags := []types.Tag{{Key: new("flavour"), Value: new("lemon")}}
			i, answer := p.capture("portable-tagged", func(in *ec2.CreateImageInput) {
				for _, kind := range []types.ResourceType{types.ResourceTypeImage, types.ResourceTypeSnapshot} {
					in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: kind, Tags: tags})
				}
			})
			if i.ImageId == nil {
				return answer
			}
			by := []types.Filter{{Name: new("tag:flavour"), Values: []string{"lemon"}}}
			images, err := p.raw.DescribeImages(p.Context(), &ec2.DescribeImagesInput{Filters: by})
			if err != nil {
				return word(err)
			}
			snapshots, err := p.raw.DescribeSnapshots(p.Context(), &ec2.DescribeSnapshotsInput{Filters: by})
			if err != nil {
				return word(err)
			}
			return fmt.Sprintf("%d image, %d snapshot", len(images.Images), len(snapshots.Snapshots))
		},
		ec2: "1 image, 1 snapshot", moto: "HTTP 500", doc: reference + "CreateImage, TagSpecification",
	},
	{
		name: "image_name_twice",
		ask: func(p *portable) string {
			p.capture("portable-twice")
			_, answer := p.capture("portable-twice")
			return answer
		},
		ec2: "InvalidAMIName.Duplicate", moto: "captured", doc: errorCodes,
	},
	{
		name: "image_name_too_short",
		ask:  func(p *portable) string { _, answer := p.capture("ab"); return answer },
		ec2:  "InvalidAMIName.Malformed", moto: "captured", doc: errorCodes,
	},
	{
		name: "image_of_an_unknown_instance",
		ask: func(p *portable) string {
			_, err := p.raw.CreateImage(p.Context(), &ec2.CreateImageInput{InstanceId: new("i-0123456789abcdef0"), Name: new("portable-nothing")})
			return word(err)
		},
		ec2: "InvalidInstanceID.NotFound", doc: errorCodes,
	},
	{
		name: "snapshot_of_an_image",
		ask: func(p *portable) string {
			i, answer := p.capture("portable-kept")
			if i.ImageId == nil {
				return answer
			}
			_, err := p.raw.DeleteSnapshot(p.Context(), &ec2.DeleteSnapshotInput{SnapshotId: rootOf(i).SnapshotId})
			return word(err)
		},
		ec2: "InvalidSnapshot.InUse", doc: reference + "DeleteSnapshot",
	},
	{
		name: "image_deregistered",
		ask: func(p *portable) string {
			i, answer := p.capture("portable-gone")
			if i.ImageId == nil {
				return answer
			}
			_, err := p.raw.DeregisterImage(p.Context(), &ec2.DeregisterImageInput{ImageId: i.ImageId})
			_, after := p.launch(func(in *ec2.RunInstancesInput) { in.ImageId = i.ImageId })
			_, snapshot := p.raw.DeleteSnapshot(p.Context(), &ec2.DeleteSnapshotInput{SnapshotId: rootOf(i).SnapshotId})
			return word(err) + ", " + after + ", " + word(snapshot)
		},
		ec2: "granted, InvalidAMIID.Unavailable, granted", moto: "granted, 1 launched, granted", doc: errorCodes,
	},
	{
		name: "unknown_image_deregistered",
		ask: func(p *portable) string {
			_, err := p.raw.DeregisterImage(p.Context(), &ec2.DeregisterImageInput{ImageId: new("ami-0123456789abcdef0")})
			return word(err)
		},
		ec2: "InvalidAMIID.NotFound", doc: errorCodes,
	},
	{
		name: "image_shared",
		ask: func(p *portable) string {
			i, answer := p.capture("portable-shared")
			if i.ImageId == nil {
				return answer
			}
			_, err := p.raw.ModifyImageAttribute(p.Context(), &ec2.ModifyImageAttributeInput{
				ImageId: i.ImageId, LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{{UserId: new("111122223333")}}},
			})
			if err != nil {
				return word(err)
			}
			out, err := p.raw.DescribeImageAttribute(p.Context(), &ec2.DescribeImageAttributeInput{
				ImageId: i.ImageId, Attribute: types.ImageAttributeNameLaunchPermission,
			})
			if err != nil {
				return word(err)
			}
			answer = "with"
			for _, to := range out.LaunchPermissions {
				answer += " " + *to.UserId
			}
			return answer
		},
		ec2: "with 111122223333", doc: reference + "ModifyImageAttribute, LaunchPermission",
	},
	{
		name: "image_copied",
		ask: func(p *portable) string {
			i, answer := p.capture("portable-original")
			if i.ImageId == nil {
				return answer
			}
			out, err := p.raw.CopyImage(p.Context(), &ec2.CopyImageInput{
				SourceImageId: i.ImageId, SourceRegion: new(region), Name: new("portable-copy"),
			})
			if err != nil {
				return word(err)
			}
			c, answer := p.available(*out.ImageId)
			if c.ImageId == nil {
				return answer
			}
			return fmt.Sprintf("another image: %v, another snapshot: %v", *c.ImageId != *i.ImageId, *rootOf(c).SnapshotId != *rootOf(i).SnapshotId)
		},
		ec2: "another image: true, another snapshot: true", doc: reference + "CopyImage",
	},
}

// capture makes an image of a fresh instance and gives it, once it is available, or says in a word what came
// of it.
func (p *portable) capture(name string, edit ...func(*ec2.CreateImageInput)) (types.Image, string) {
	p.Helper()
	in := &ec2.CreateImageInput{InstanceId: p.must()[0].InstanceId, Name: new(name), NoReboot: new(true)}
	for _, e := range edit {
		e(in)
	}
	out, err := p.raw.CreateImage(p.Context(), in)
	if err != nil {
		return types.Image{}, word(err)
	}
	return p.available(*out.ImageId)
}

// available waits until an image can be launched.
func (p *portable) available(id string) (types.Image, string) {
	p.Helper()
	for range 300 {
		out, err := p.raw.DescribeImages(p.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
		if err != nil {
			return types.Image{}, word(err)
		}
		if len(out.Images) == 1 && out.Images[0].State != types.ImageStatePending {
			return out.Images[0], "captured"
		}
		time.Sleep(10 * time.Millisecond)
	}
	return types.Image{}, "never available"
}
