package ami

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A Transfer is an image on its way to another region.
type Transfer struct {
	Image  Image  // the original
	Region string // that it is in
	KMSKey string // for the copy, of the region that it goes to; empty: as the original, or the default key there
	Shares Shares // of the original; the copy gets them
}

// Transferred is what a copy came to. With an error it says how far it came.
type Transferred struct {
	Image   Image // the copy; the zero Image: there is none
	Already bool  // it was complete before: nothing was done
}

// Transfer copies an image into the keeper's region. Tags come along, but for channels: where a channel
// stands is each region's own. A run that dies anywhere is finished by running it again: the name of the image
// and a client token made of all that is asked for keep it from being copied twice.
//
// An image of that name that is no copy of this one is a *RefusedError. A copy that EC2 gives up, as it does
// for a key that cannot be used, is a *FailedError, and removed.
func (k *Keeper) Transfer(ctx context.Context, t Transfer) (done Transferred, err error) {
	if err := movable(t); err != nil {
		return done, err
	}
	img, found, err := k.named(ctx, t.Image.Name)
	if err != nil {
		return done, err
	}
	if found && img.CopyOf != CopyTag(t.Region, t.Image.ID) {
		return done, &RefusedError{
			Message: fmt.Sprintf("there is an image named %s (%s) in %s already, and it is no copy of %s", img.Name, img.ID, k.Session.Region, t.Image.ID),
			Hint:    "A name is given once in a region. Make a new version, and copy that.",
		}
	}
	if found && failed(img.State) { // of a run that came no further
		if err := k.discard(ctx, img, "it had failed: "+img.StateReason); err != nil {
			return done, err
		}
		found = false
	}
	done.Already = found && img.State == available
	switch done.Image = img; {
	case !found:
		done.Image, err = k.copyAnew(ctx, t)
	case !done.Already:
		done.Image, err = k.await(ctx, img)
	}
	if e, ok := err.(*FailedError); ok && !e.Gone && ctx.Err() == nil {
		if err := k.discard(ctx, e.Image, "it failed: "+e.Reason); err != nil {
			return done, join(e, err)
		}
		e.Gone, done.Image = true, Image{}
	}
	if err != nil {
		return done, err
	}
	if done.Image.RootSnapshot == "" || done.Image.Architecture != t.Image.Architecture {
		return done, fmt.Errorf("the image %s is not as it should be: it has no root snapshot, or another architecture than %s", done.Image.Text(), t.Image.ID)
	}
	changed, err := k.follow(ctx, done.Image, t.Shares)
	done.Already = done.Already && !changed
	return done, err
}

// As is an image that is none of ours as what a copy of it is to become. Of its tags, which are another
// account's, it keeps none.
func (i Image) As(family, version string) Image {
	i.Family, i.Version, i.Name = family, version, ImageName(family, version)
	i.Tags = map[string]string{planner.TagImageFamily: family, planner.TagImageVersion: version, "Name": i.Name}
	i.Parent, i.From, i.Source, i.CopyOf, i.Promotions, i.Channels, i.Revoked = "", "", "", "", nil, nil, nil
	return i
}

// movable says whether an image should be copied, and its shares can follow.
func movable(t Transfer) error {
	encrypted, mixed := t.Image.Encrypted()
	switch {
	case t.Image.State != available:
		return &RefusedError{Message: fmt.Sprintf("the image %s is %s: only an available image can be copied", t.Image.Text(), t.Image.State)}
	case t.Image.Revoked != nil:
		return &RefusedError{Message: fmt.Sprintf("the image %s was revoked", t.Image.Text()), Hint: "Copy another version, or take the revocation back: cluster image restore."}
	case (encrypted || mixed) && !t.Shares.Empty() && t.KMSKey == "":
		return &RefusedError{
			Message: fmt.Sprintf("the image %s is encrypted and shared, and a copy with the default key of its region cannot be shared", t.Image.Text()),
			Hint:    "Give a key of that region that those accounts may use: --kms-key REGION=ARN.",
		}
	}
	return nil
}

// copyAnew has EC2 copy the image, and waits for it. EC2 answers a client token for some time with what it was
// first used for, even if that has failed and is gone: then it is another attempt's turn.
func (k *Keeper) copyAnew(ctx context.Context, t Transfer) (Image, error) {
	for attempt := 0; ; attempt++ {
		img, err := k.copyImage(ctx, t, attempt)
		if err != nil {
			return img, err
		}
		img, err = k.await(ctx, img)
		if e, ok := err.(*FailedError); !ok || !e.unseen || attempt == launchAttempts {
			return img, err
		}
	}
}

func (k *Keeper) copyImage(ctx context.Context, t Transfer, attempt int) (Image, error) {
	for ; ; attempt++ {
		in := k.copyInput(t)
		in.ClientToken = new(clientToken([]any{k.Session.Region, in}, attempt))
		out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "CopyImage", Doing: fmt.Sprintf("copy %s from %s to %s", t.Image.Text(), t.Region, k.Session.Region)},
			k.Session.EC2.CopyImage, in)
		switch e, _ := err.(*fleet.CallError); {
		case e != nil && e.Class == fleet.Token && attempt < launchAttempts:
			continue
		case code(err) == "InvalidAMIName.Duplicate":
			img, found, err2 := k.named(ctx, t.Image.Name)
			if err2 != nil || !found || img.CopyOf != CopyTag(t.Region, t.Image.ID) {
				return Image{}, join(err, err2)
			}
			return img, nil
		case err != nil:
			return Image{}, err
		}
		img := Image{Image: planner.Image{ID: value(out.ImageId), Name: t.Image.Name}, Family: t.Image.Family, Version: t.Image.Version}
		k.tell(Event{Type: EventCreating, Image: img.ID, Family: img.Family, Version: img.Version, Message: "a copy of " + CopyTag(t.Region, t.Image.ID)})
		return img, nil
	}
}

// copyInput builds a fresh CopyImage input. Tags are written by the call itself, on the image and on its
// snapshots: EC2's own copying of tags would bring the channels along.
func (k *Keeper) copyInput(t Transfer) *ec2.CopyImageInput {
	tags := copiedTags(t.Image.Tags)
	tags[planner.TagImageCopyOf] = CopyTag(t.Region, t.Image.ID)
	if tags[planner.TagImageParent] == "" && t.Image.Parent != "" {
		tags[planner.TagImageParent] = t.Image.Parent
	}
	in := &ec2.CopyImageInput{
		SourceImageId: new(t.Image.ID), SourceRegion: new(t.Region), Name: new(t.Image.Name),
	}
	if t.Image.Description != "" {
		in.Description = new(t.Image.Description)
	}
	if t.KMSKey != "" {
		in.Encrypted, in.KmsKeyId = new(true), new(t.KMSKey)
	}
	for _, kind := range []types.ResourceType{types.ResourceTypeImage, types.ResourceTypeSnapshot} {
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: kind, Tags: fleet.ToTags(tags)})
	}
	return in
}

// copiedTags are those of an image that hold for a copy of it too: not where it stands, nor Amazon's own.
func copiedTags(tags map[string]string) map[string]string {
	copied := maps.Clone(tags)
	if copied == nil {
		copied = map[string]string{}
	}
	maps.DeleteFunc(copied, func(key, _ string) bool {
		return strings.HasPrefix(key, "aws:") || key == planner.TagImageChannel || strings.HasPrefix(key, planner.TagImageChannel+":") ||
			key == planner.TagImageRevoked
	})
	return copied
}
