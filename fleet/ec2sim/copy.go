package ec2sim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// modelledCopy is what CopyImage may ask for here.
var modelledCopy = []string{"ClientToken", "CopyImageTags", "Description", "DryRun", "Encrypted", "KmsKeyId", "Name", "SourceImageId", "SourceRegion", "TagSpecifications"}

// copied is what a client token of CopyImage was used for.
type copied struct{ Hash, Image string }

// copyImage copies an image of any region into this one, with its snapshots. Who may launch the original does
// not go with it.
func (w *world) copyImage(in *ec2.CopyImageInput) (*ec2.CopyImageOutput, error) {
	if key := beyond(in, "", modelledCopy); key != "" {
		return nil, unmodelled("the parameter " + key + " of CopyImage")
	}
	token, hash := value(in.ClientToken), copyHash(in)
	if c := w.Copies[token]; token != "" && c != nil {
		if c.Hash != hash {
			return nil, fail("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
		}
		return &ec2.CopyImageOutput{ImageId: new(c.Image)}, nil
	}
	tags, err := tagSpecifications(in.TagSpecifications, false, types.ResourceTypeImage, types.ResourceTypeSnapshot)
	if err != nil {
		return nil, err
	}
	if err := w.nameFree(*in.Name, value(in.Description)); err != nil {
		return nil, err
	}
	from, original, err := w.copySource(*in.SourceRegion, *in.SourceImageId)
	if err != nil {
		return nil, err
	}
	if in.KmsKeyId != nil && !is(in.Encrypted) {
		return nil, fail("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	i := w.copyOf(original, from.Name, in)
	if is(in.CopyImageTags) {
		if tags["image"], err = merged(from.tagsOf(*original.ImageId), tags["image"]); err != nil {
			return nil, err
		}
	}
	w.register(i, tags)
	if token != "" {
		w.Copies[token] = &copied{hash, *i.ImageId}
	}
	return &ec2.CopyImageOutput{ImageId: i.ImageId}, nil
}

// copyHash covers every parameter of a copy but the token.
func copyHash(in *ec2.CopyImageInput) string {
	c := *in
	c.ClientToken, c.DryRun = nil, nil
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// merged are the tags of the original under those that are given for the copy; nil if there are none.
func merged(original, given map[string]string) (map[string]string, error) {
	all := map[string]string{}
	for k, v := range original {
		if !strings.HasPrefix(k, "aws:") {
			all[k] = v
		}
	}
	maps.Copy(all, given)
	if len(all) > maxTags {
		return nil, fail("TagLimitExceeded", "More than %d tags specified", maxTags)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// copySource finds the image to copy in its region. The account must be allowed to read its snapshots as
// well as to launch it.
func (w *world) copySource(region, id string) (*world, *image, error) {
	if err := imageKind.check(id); err != nil {
		return nil, nil, err
	}
	from := w
	if region != w.Name {
		if !slices.Contains(regionNames, region) && w.r.s.Worlds[region] == nil {
			return nil, nil, fail("InvalidParameterValue", "Invalid region provided: [%s]", region)
		}
		from = w.r.worldOf(w.account(), region)
	}
	i := from.Images[id]
	if i == nil || !from.mine(i) {
		return nil, nil, imageKind.absent(id)
	}
	if state, _ := from.imageState(i); state != types.ImageStateAvailable {
		return nil, nil, fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available; its state is %s", id, state)
	}
	for _, m := range i.BlockDeviceMappings {
		if s := from.Snapshots[snapshotOf(m)]; s != nil && !from.readable(s) {
			return nil, nil, fail("InvalidRequest", "You do not have permission to access the storage of this ami")
		}
	}
	return from, i, nil
}

// copyOf is a copy of an image of a region, whose snapshots are begun here.
func (w *world) copyOf(original *image, region string, in *ec2.CopyImageInput) *image {
	from := w.r.home(region)
	i := &image{Image: original.Image}
	i.ImageId, i.OwnerId, i.ImageOwnerAlias, i.Public = new(w.newID("ami-")), new(w.account()), nil, new(false)
	i.Name, i.ImageLocation, i.Description = in.Name, new(w.account()+"/"+*in.Name), in.Description
	i.CreationDate, i.DeprecationTime, i.DeregistrationProtection = new(stamp(w.now)), nil, new(unprotected)
	i.SourceImageId, i.SourceImageRegion, i.SourceInstanceId = original.ImageId, new(region), nil
	i.BlockDeviceMappings = nil
	takes := w.t.CopyImage
	for _, m := range original.BlockDeviceMappings {
		if m.Ebs != nil {
			e := *m.Ebs
			if s := from.Snapshots[snapshotOf(m)]; s != nil {
				c := w.copySnapshot(s, in, *i.ImageId, region, takes)
				e.SnapshotId, e.Encrypted = c.SnapshotId, c.Encrypted
			}
			m.Ebs = &e
		}
		i.BlockDeviceMappings = append(i.BlockDeviceMappings, m)
	}
	return i
}

// copySnapshot begins a copy of a snapshot for the copy of an image. A key that cannot be used has it fail
// later, as on EC2.
func (w *world) copySnapshot(s *snapshot, in *ec2.CopyImageInput, image, region string, takes Range) *snapshot {
	c := &snapshot{Broken: s.Broken, Snapshot: types.Snapshot{
		VolumeId: new("vol-ffffffff"), VolumeSize: s.VolumeSize, Encrypted: new(is(in.Encrypted) || is(s.Encrypted)),
		Description: new(fmt.Sprintf("Copied for DestinationAmi %s from SourceAmi %s for SourceSnapshot %s. Task created on %d.",
			image, *in.SourceImageId, *s.SnapshotId, w.now.UnixMilli())),
	}}
	w.takeSnapshot(c, takes)
	if *c.Encrypted {
		named := cmp.Or(value(in.KmsKeyId), "alias/aws/ebs")
		arn, ok := w.key(named)
		if !ok {
			arn = named
			c.Fails = cmp.Or(c.Fails, "Given key ID is not accessible")
		}
		c.KmsKeyId = new(arn)
	}
	return c
}
