package ami

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// How long to ask for an image again: a name is free only some time after its image was deregistered,
// and an instance that has just stopped may not be ready.
const createWithin = 5 * time.Minute

// create has EC2 make the image. A reply that was lost shows as a name that is taken, by us.
func (p *capturing) create(ctx context.Context) error {
	name := ImageName(p.c.Family, p.c.Version)
	if err := p.leftovers(ctx, Image{Family: p.c.Family, Version: p.c.Version}, fleet.Filter("tag:"+planner.TagImageFrom, p.c.Instance)); err != nil {
		return err
	}
	deadline := p.Session.Now().Add(createWithin)
	for {
		out, err := fleet.Do(ctx, p.Session, fleet.Request{Action: "CreateImage", Doing: "make the image " + name + " of " + p.c.Instance},
			p.Session.EC2.CreateImage, p.input(name))
		if err == nil {
			p.created(Image{Image: planner.Image{ID: value(out.ImageId), Name: name}, Family: p.c.Family, Version: p.c.Version})
			return nil
		}
		switch code(err) {
		case "InvalidAMIName.Duplicate":
			img, found, err := p.named(ctx, name)
			if err != nil {
				return err
			}
			if found {
				if err := p.own(img); err == nil {
					p.created(img)
				}
				return p.own(img)
			}
		case "IncorrectInstanceState", "IncorrectState":
		default:
			return err
		}
		if p.Session.Now().After(deadline) {
			return err
		}
		if cause := p.Session.Sleep(ctx, lookEvery); cause != nil {
			return cause
		}
	}
}

func (p *capturing) created(img Image) {
	p.done.Image = img
	p.tell(Event{Type: EventCreating, Image: img.ID, Instance: p.c.Instance, Family: p.c.Family, Version: p.c.Version})
}

// input builds a fresh CreateImage input. Tags are written by the call itself, on the image and on its
// snapshots, so that there is never one that nobody knows. Volumes that would outlive the instance do not
// outlive those made of the image: a cluster leaves nothing behind.
func (p *capturing) input(name string) *ec2.CreateImageInput {
	tags := maps.Clone(p.c.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, map[string]string{
		"Name": name, planner.TagImageFamily: p.c.Family, planner.TagImageVersion: p.c.Version,
		planner.TagImageParent: p.from.image, planner.TagImageFrom: p.c.Instance,
	})
	if p.c.Source != "" {
		tags[planner.TagImageSource] = p.c.Source
	}
	content := cmp.Or(p.c.Content, p.asked)
	if p.c.Ask != nil {
		content = cmp.Or(content, p.from.tags[planner.TagImageContent])
	}
	if content != "" {
		tags[planner.TagImageContent] = content
	}
	in := &ec2.CreateImageInput{
		InstanceId: new(p.c.Instance), Name: new(name), NoReboot: new(p.c.NoReboot),
		Description: new(fmt.Sprintf("%s %s, captured from %s", p.c.Family, p.c.Version, p.c.Instance)),
	}
	for _, t := range []types.ResourceType{types.ResourceTypeImage, types.ResourceTypeSnapshot} {
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: t, Tags: fleet.ToTags(tags)})
	}
	for _, device := range p.from.kept {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: new(device), Ebs: &types.EbsBlockDevice{DeleteOnTermination: new(true)},
		})
	}
	return in
}
