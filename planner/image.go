package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cluster/spec"
)

// imageAvailable is the only state in which an image launches.
const imageAvailable = "available"

// imageDeregistered is an image that is gone, and that EC2 shows for a while.
const imageDeregistered = "deregistered"

// ResolveImage finds the image that the file names among images. If there is none, it returns
// the zero Image and the reason; if there is one that cannot be launched, that one and the
// reason. Among several of a name the newest is taken; of a channel, the image that Holders puts
// first. The owner self is an image whose OwnerAlias says so; Diff and Verify
// know the account and say it of all its images.
//
// An image that is locked is the one of the lock, and only that: see lockedImage.
func ResolveImage(want spec.Image, images []Image) (Image, []Blocker) {
	switch {
	case want.Locked != nil && !want.Unlock:
		return lockedImage(want, images)
	case want.ID != "":
		return imageByID(want, images)
	case want.Family != "":
		return imageByFamily(want, images)
	default:
		return imageByName(want, images)
	}
}

// NamedImage is the image that the file names among those that were observed; the zero Image if there is none.
func NamedImage(want spec.Image, have Observed) Image {
	img, _ := ResolveImage(want, own(have.Images, have.Account))
	return img
}

func imageByID(want spec.Image, images []Image) (Image, []Blocker) {
	for _, img := range images {
		if img.ID == want.ID {
			return img, unfit(want, img)
		}
	}
	return Image{}, imageBlocker(want, "No such image", fmt.Sprintf(
		"The image %s does not exist in this region, or this account may not launch it. Every region has "+
			"image ids of its own: check the id and the region.", want.ID))
}

func imageByName(want spec.Image, images []Image) (Image, []Blocker) {
	var found []Image
	strangers := 0
	for _, img := range images {
		if !match(want.Name, img.Name) {
			continue
		}
		if slices.ContainsFunc(want.Owners, func(o string) bool { return owns(o, img) }) {
			found = append(found, img)
		} else {
			strangers++
		}
	}
	slices.SortFunc(found, newer)
	what := fmt.Sprintf("image named %q of the owner %s", want.Name, strings.Join(want.Owners, " or "))
	if len(found) == 0 && strangers > 0 {
		what += fmt.Sprintf(" (but %d of other owners)", strangers)
	}
	return bestImage(want, what, found)
}

func imageByFamily(want spec.Image, images []Image) (Image, []Blocker) {
	var found, family []Image
	for _, img := range images {
		switch {
		case !owns("self", img) || img.Tags[TagImageFamily] != want.Family || img.State == imageDeregistered:
		case want.Version != "" && img.Tags[TagImageVersion] == want.Version:
			found = append(found, img)
		default:
			family = append(family, img)
		}
	}
	slices.SortFunc(found, higher)
	what := fmt.Sprintf("own image of the family %q with the version %q", want.Family, want.Version)
	if want.Version == "" {
		what = fmt.Sprintf("own image of the family %q with the channel %q", want.Family, want.Channel)
		found = first(Holders(family, want.Channel), want.Channel)
	}
	if len(found) == 0 && len(family) > 0 {
		what += fmt.Sprintf(" (but %s)", versions(family))
	}
	return bestImage(want, what, found)
}

// bestImage is the first of the images that is available; they are sorted, best first.
func bestImage(want spec.Image, what string, found []Image) (Image, []Blocker) {
	for _, img := range found {
		if img.State == imageAvailable {
			return img, unfit(want, img)
		}
	}
	if len(found) > 0 {
		return Image{}, unfit(want, found[0])
	}
	return Image{}, imageBlocker(want, "No such image", fmt.Sprintf("There is no %s in this region.", what))
}

// unfit says why nothing can be launched from an image; nil if nothing is wrong with it.
func unfit(want spec.Image, img Image) []Blocker {
	switch {
	case img.State != imageAvailable:
		detail := fmt.Sprintf("The image %s is %s", imageText(img), img.State)
		if img.StateReason != "" {
			detail += " (" + img.StateReason + ")"
		}
		if img.State == "pending" {
			return imageBlocker(want, "Image not available", detail+". It can be used once it is available; that may take minutes.")
		}
		return imageBlocker(want, "Image not available", detail+". Only an available image can be launched.")
	case img.RootDevice == "":
		return imageBlocker(want, "Image without an EBS root volume", fmt.Sprintf(
			"The image %s is not EBS-backed, so its nodes have no root volume that could be proven. "+
				"Use an EBS-backed image.", imageText(img)))
	case img.RootSnapshot == "":
		return imageBlocker(want, "Image without a known root snapshot", fmt.Sprintf(
			"EC2 names no snapshot for %s, the root device of the image %s, so its nodes could not be proven "+
				"identical. Use an image that shows its snapshot.", img.RootDevice, imageText(img)))
	}
	return nil
}

// own gives the images that belong to the account the owner alias self. It copies.
func own(images []Image, account string) []Image {
	images = slices.Clone(images)
	slices.SortStableFunc(images, func(a, b Image) int { return cmp.Compare(a.ID, b.ID) })
	for i := range images {
		if account != "" && images[i].Owner == account {
			images[i].OwnerAlias = "self"
		}
	}
	return images
}

func owns(owner string, img Image) bool {
	return owner == img.Owner || (img.OwnerAlias != "" && owner == img.OwnerAlias)
}

// higher orders images of a family by version, the highest first, then by age.
func higher(a, b Image) int {
	return cmp.Or(compareVersions(b.Tags[TagImageVersion], a.Tags[TagImageVersion]), newer(a, b))
}

// newer orders images by age, the newest first; the id settles a draw.
func newer(a, b Image) int {
	return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
}

// versions lists the versions of a family's images, highest first, for a hint.
func versions(family []Image) string {
	var all []string
	for _, img := range family {
		if v := img.Tags[TagImageVersion]; v != "" {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(compareVersions(b, a), cmp.Compare(a, b)) })
	all = slices.Compact(all)
	if len(all) == 0 {
		return "others of the family"
	}
	const most = 5
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}

func imageBlocker(want spec.Image, summary, detail string) []Blocker {
	return []Blocker{{Summary: summary, Detail: detail, At: want.Source.At("id", "name", "family")}}
}

// imageText is how a message names an image: by name and id if both are known.
func imageText(img Image) string {
	if img.Name == "" {
		return img.ID
	}
	return fmt.Sprintf("%s (%s)", img.Name, img.ID)
}
