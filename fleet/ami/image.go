package ami

import (
	"cmp"
	"slices"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// An Image is an image with what its tags and EC2 say of its life.
type Image struct {
	planner.Image

	Family  string // empty: it is none of ours
	Version string
	Parent  string // id of the image that it was made from, which for a copy is in the region of the original; empty: not known
	From    string // id of the instance that it was captured from
	Source  string // hash of what it was built from
	Tested  string // what an instance of it came up well on, and when: "c7i.large 2026-11-26"; empty: nobody tried
	Content string // what was installed when it was made, as package attest reads it; empty: nobody wrote it down
	CopyOf  string // REGION/ami-…, of a copy; empty: it is none
	Revoked *planner.Revocation

	Promotions []planner.Promotion // by channel, withdrawn ones as well
	Channels   []string            // that it holds, sorted; of a family that was found whole

	Description string
	Public      bool
	Protected   string // EC2's words: disabled, enabled-without-cooldown, enabled-with-cooldown, or when the cool-down ends
	BootMode    string
	IMDS        string   // v2.0: instances ask for tokens by default
	Products    []string // product codes
	Disks       []Disk   // by device name
}

// A Disk is a block device that instances of an image get.
type Disk struct {
	Device              string
	Snapshot            string // empty: an empty volume, or an instance store
	Size                int    // GiB; 0: the snapshot's
	Type                string // of the volume; empty: an instance store
	Encrypted           bool
	DeleteOnTermination bool
}

// ToImage is what EC2 shows of an image.
func ToImage(i types.Image) Image {
	p := fleet.ToImage(i)
	img := Image{
		Image:       p,
		Family:      p.Tags[planner.TagImageFamily],
		Version:     p.Tags[planner.TagImageVersion],
		Parent:      p.Tags[planner.TagImageParent],
		From:        p.Tags[planner.TagImageFrom],
		Source:      p.Tags[planner.TagImageSource],
		Tested:      p.Tags[planner.TagImageTested],
		Content:     p.Tags[planner.TagImageContent],
		CopyOf:      p.Tags[planner.TagImageCopyOf],
		Promotions:  planner.Promotions(p.Tags),
		Description: value(i.Description),
		Public:      value(i.Public),
		Protected:   value(i.DeregistrationProtection),
		BootMode:    string(i.BootMode),
		IMDS:        string(i.ImdsSupport),
	}
	// EC2's own notes, where we made none.
	if from := value(i.SourceImageId); from != "" {
		if i.SourceInstanceId == nil {
			img.CopyOf = cmp.Or(img.CopyOf, CopyTag(value(i.SourceImageRegion), from))
		} else {
			img.Parent = cmp.Or(img.Parent, from)
		}
	}
	if r, ok := planner.Revoked(p.Tags); ok {
		img.Revoked = &r
	}
	for _, c := range i.ProductCodes {
		img.Products = append(img.Products, value(c.ProductCodeId))
	}
	for _, m := range i.BlockDeviceMappings {
		d := Disk{Device: value(m.DeviceName)}
		if e := m.Ebs; e != nil {
			d.Snapshot, d.Size, d.Type = value(e.SnapshotId), int(value(e.VolumeSize)), string(e.VolumeType)
			d.Encrypted, d.DeleteOnTermination = value(e.Encrypted), value(e.DeleteOnTermination)
		}
		img.Disks = append(img.Disks, d)
	}
	slices.SortFunc(img.Disks, func(a, b Disk) int { return compare(a.Device, b.Device) })
	return img
}

// Snapshots are the ids of the snapshots that the image is made of, by device, each once.
func (i Image) Snapshots() []string {
	var ids []string
	for _, d := range i.Disks {
		if d.Snapshot != "" && !slices.Contains(ids, d.Snapshot) {
			ids = append(ids, d.Snapshot)
		}
	}
	return ids
}

// Size is what the image's volumes have together, in GiB.
func (i Image) Size() (gib int) {
	for _, d := range i.Disks {
		gib += d.Size
	}
	return gib
}

// Encrypted says whether all snapshots of the image are; mixed is true if only some are.
func (i Image) Encrypted() (all, mixed bool) {
	n, of := 0, 0
	for _, d := range i.Disks {
		if d.Snapshot != "" {
			of++
			if d.Encrypted {
				n++
			}
		}
	}
	return n > 0 && n == of, n > 0 && n < of
}

// IsProtected says whether EC2 would refuse to deregister the image; for how long, Protected says.
func (i Image) IsProtected() bool { return i.Protected != "" && i.Protected != "disabled" }
