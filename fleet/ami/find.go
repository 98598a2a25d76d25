package ami

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// page is the most that describe calls give at once.
const page = 1000

// compare orders text.
func compare(a, b string) int { return strings.Compare(a, b) }

// Find describes our own images of a family, in any state but deregistered, the highest version first; all images with
// a family, by family, if it is empty. No image is no error. It is one call for each thousand images.
func (k *Keeper) Find(ctx context.Context, family string) ([]Image, error) {
	by, doing := fleet.Filter("tag:"+planner.TagImageFamily, family), "look up the images of "+family
	if family == "" {
		by, doing = fleet.Filter("tag-key", planner.TagImageFamily), "look up all images"
	}
	images, err := k.describe(ctx, doing, ec2.DescribeImagesInput{
		Owners: []string{"self"}, Filters: []types.Filter{by}, IncludeDisabled: new(true), MaxResults: new(int32(page)),
	})
	images = slices.DeleteFunc(images, func(i Image) bool { return i.State == string(types.ImageStateDeregistered) })
	return settle(images), err
}

// describe asks for images, in EC2's order.
func (k *Keeper) describe(ctx context.Context, doing string, in ec2.DescribeImagesInput) (images []Image, err error) {
	err = fleet.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeImages", Doing: doing}, k.Session.EC2.DescribeImages, &in)
		if err != nil {
			return nil, err
		}
		for _, i := range out.Images {
			images = append(images, ToImage(i))
		}
		return out.NextToken, nil
	})
	return images, err
}

// settle sorts images by family and version, the highest first, and says which channels each holds.
func settle(images []Image) []Image {
	slices.SortFunc(images, func(a, b Image) int {
		if c := compare(a.Family, b.Family); c != 0 {
			return c
		}
		return planner.CompareImages(a.Image, b.Image)
	})
	at := map[string]int{}
	families := map[string][]planner.Image{}
	channels := map[[2]string]bool{}
	for n, i := range images {
		at[i.ID] = n
		images[n].Channels = nil
		families[i.Family] = append(families[i.Family], i.Image)
		for _, p := range i.Promotions {
			channels[[2]string{i.Family, p.Channel}] = true
		}
	}
	for c := range channels {
		if h := planner.Holders(families[c[0]], c[1]); len(h) > 0 {
			i := &images[at[h[0].ID]]
			i.Channels = append(i.Channels, c[1])
		}
	}
	for n := range images {
		slices.Sort(images[n].Channels)
	}
	return images
}

// Family is Find for a family that has to be there: if it has no image, the error is a *RefusedError
// that names the nearest family.
func (k *Keeper) Family(ctx context.Context, family string) ([]Image, error) {
	images, err := k.Find(ctx, family)
	if err != nil || len(images) > 0 {
		return images, err
	}
	all, err := k.Find(ctx, "")
	if err != nil {
		return nil, err
	}
	return nil, noFamily(family, k.Session.Region, families(all))
}

// Get finds one image of a family, by version or by channel, and the rest of the family. An image that
// is not there is a *RefusedError.
func (k *Keeper) Get(ctx context.Context, family, which string) (img Image, all []Image, err error) {
	all, err = k.Family(ctx, family)
	if err != nil {
		return Image{}, nil, err
	}
	img, err = Pick(all, which)
	return img, all, err
}

// Pick is the image of a family with this version or, if there is no such version, the one that holds
// this channel. An image that is not there is a *RefusedError.
func Pick(family []Image, which string) (Image, error) {
	if img, ok := byVersion(family, which); ok {
		return img, nil
	}
	for _, i := range family {
		if slices.Contains(i.Channels, which) {
			return i, nil
		}
	}
	e := noVersion(family, which)
	if held := channels(family); len(held) > 0 {
		e.Hint += " The channels are: " + some(held) + "."
	}
	return Image{}, e
}

// channels are the channels that images of a family hold, sorted.
func channels(family []Image) []string {
	held := map[string]bool{}
	for _, i := range family {
		for _, c := range i.Channels {
			held[c] = true
		}
	}
	return slices.Sorted(maps.Keys(held))
}

// PickVersion is the image of a family with this version; if there is none, the error is a
// *RefusedError.
func PickVersion(family []Image, version string) (Image, error) {
	if img, ok := byVersion(family, version); ok {
		return img, nil
	}
	return Image{}, noVersion(family, version)
}

// byVersion prefers an available image, should a version be there twice.
func byVersion(family []Image, version string) (img Image, ok bool) {
	for _, i := range family {
		if i.Version == version && (!ok || img.State != available && i.State == available) {
			img, ok = i, true
		}
	}
	return img, ok
}

// available is the only state in which an image launches.
const available = string(types.ImageStateAvailable)

// families are the families of images, sorted, each once.
func families(images []Image) []string {
	var all []string
	for _, i := range images {
		all = append(all, i.Family)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func noFamily(family, region string, known []string) error {
	e := &RefusedError{Message: fmt.Sprintf("this account has no image of the family %q in %s", family, region)}
	switch near := spec.Nearest(family, known); {
	case near != "":
		e.Hint = fmt.Sprintf("Did you mean %s?", near)
	case len(known) > 0:
		e.Hint = "The families are: " + some(known) + "."
	default:
		e.Hint = "It has no images with a family. To make one: cluster image capture."
	}
	return e
}

func noVersion(family []Image, which string) *RefusedError {
	var known []string
	for _, i := range family {
		if !slices.Contains(known, i.Version) {
			known = append(known, i.Version)
		}
	}
	e := &RefusedError{Message: fmt.Sprintf("there is no %s %s", family[0].Family, which)}
	e.Hint = "The versions are: " + some(known) + "."
	if near := spec.Nearest(which, known); near != "" {
		e.Hint = fmt.Sprintf("Did you mean %s? %s", near, e.Hint)
	}
	return e
}

// some is a list for a message, and how many more there are.
func some(words []string) string {
	const most = 12
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
	}
	return strings.Join(words, ", ")
}
