package ami

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cluster/fleet"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Details are all that there is to know of one image in its region.
type Details struct {
	Image
	Own       bool // it is ours, and so its Grants and snapshots could be seen
	Grants    Grants
	Parts     []Part     // its snapshots, by device; empty if it is not ours
	Ancestors []Ancestor // the image that it was made from, and so on
	Uses      []Use
}

// A Part is a snapshot of an image, as EC2 shows it now.
type Part struct {
	Device string
	ID     string
	State  string // empty: it is gone
	Size   int    // GiB
	Key    string // ARN of the key that it is encrypted with
}

// An Ancestor is an image that others were made from.
type Ancestor struct {
	ID    string
	Image Image // the zero Image: it is gone, or not ours to see
}

// Show finds out about an image by its id, or by its family and by version or channel. An image that is
// not there is a *RefusedError. It is one call each for image, permissions, snapshots and instances, and
// one for each ancestor of another family.
func (k *Keeper) Show(ctx context.Context, family, which string) (d Details, err error) {
	var all []Image
	if family == "" {
		d.Image, all, err = k.Image(ctx, which)
	} else {
		d.Image, all, err = k.Get(ctx, family, which)
	}
	if err != nil {
		return d, err
	}
	if d.Grants, err = k.Permissions(ctx, d.Image); err == nil {
		d.Own = true
	} else if e, ok := errors.AsType[*fleet.CallError](err); !ok || e.Class != fleet.Permission {
		return d, err
	}
	if d.Own {
		if d.Parts, err = k.parts(ctx, d.Image); err != nil {
			return d, err
		}
	}
	if d.Ancestors, err = k.ancestors(ctx, d.Image, all); err != nil {
		return d, err
	}
	uses, err := k.Uses(ctx, []Image{d.Image})
	d.Uses = uses[d.ID]
	return d, err
}

// parts are the snapshots of an image, in the order of its devices.
func (k *Keeper) parts(ctx context.Context, img Image) (parts []Part, err error) {
	if len(img.Snapshots()) == 0 {
		return nil, nil
	}
	found := map[string]types.Snapshot{}
	err = k.eachSnapshot(ctx, "look up the snapshots of "+img.Text(), fleet.Filter("snapshot-id", img.Snapshots()...), func(s types.Snapshot) {
		found[value(s.SnapshotId)] = s
	})
	for _, d := range img.Disks {
		if d.Snapshot != "" {
			s := found[d.Snapshot]
			parts = append(parts, Part{Device: d.Device, ID: d.Snapshot, State: string(s.State), Size: int(value(s.VolumeSize)), Key: value(s.KmsKeyId)})
		}
	}
	return parts, err
}

// mostAncestors ends a chain that goes in a circle, or is longer than anybody reads.
const mostAncestors = 20

// ancestors follows the parents of an image, first among those that are known already. Those of a copy are in
// another region, and are not followed.
func (k *Keeper) ancestors(ctx context.Context, img Image, known []Image) (chain []Ancestor, err error) {
	seen := map[string]bool{img.ID: true}
	next := func(i Image) string {
		if i.CopyOf != "" {
			return ""
		}
		return i.Parent
	}
	for id := next(img); id != "" && !seen[id] && len(chain) < mostAncestors; {
		seen[id] = true
		a := Ancestor{ID: id}
		if n := slices.IndexFunc(known, func(i Image) bool { return i.ID == id }); n >= 0 {
			a.Image = known[n]
		} else if found, err := k.byIDs(ctx, []string{id}); err != nil {
			return chain, err
		} else if len(found) > 0 {
			a.Image = found[0]
		}
		chain = append(chain, a)
		id = next(a.Image)
	}
	return chain, nil
}

// byIDs describes images by id, whoever owns them; those that are not there are left out.
func (k *Keeper) byIDs(ctx context.Context, ids []string) (images []Image, err error) {
	for chunk := range slices.Chunk(ids, most) {
		found, err := k.describe(ctx, "look up "+strings.Join(chunk, ", "), ec2.DescribeImagesInput{
			Filters: []types.Filter{fleet.Filter("image-id", chunk...)}, IncludeDeprecated: new(true), IncludeDisabled: new(true), MaxResults: new(int32(page)),
		})
		if err != nil {
			return nil, err
		}
		images = append(images, found...)
	}
	return images, nil
}

// Image finds an image by its id and, if it is one of ours with a family, the rest of that, without
// which nobody knows the channels that it holds. An image that is not there is a *RefusedError.
func (k *Keeper) Image(ctx context.Context, id string) (img Image, family []Image, err error) {
	if img, err = k.Describe(ctx, id); err != nil || img.Family == "" {
		return img, nil, err
	}
	if family, err = k.Find(ctx, img.Family); err != nil {
		return img, nil, err
	}
	if n := slices.IndexFunc(family, func(i Image) bool { return i.ID == id }); n >= 0 {
		img = family[n]
	}
	return img, family, nil
}

// Describe finds an image by its id, whoever owns it. An image that is not there is a *RefusedError.
func (k *Keeper) Describe(ctx context.Context, id string) (Image, error) {
	// By filter and not by id: an unknown one is then no error of EC2's, whose words are about lists.
	found, err := k.byIDs(ctx, []string{id})
	if err != nil {
		return Image{}, err
	}
	if len(found) == 0 {
		return Image{}, &RefusedError{
			Message: fmt.Sprintf("there is no image %s in %s, or this account may not see it", id, k.Session.Region),
			Hint:    "Every region has image ids of its own: check the id and the region.",
		}
	}
	return found[0], nil
}
