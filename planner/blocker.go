package planner

import (
	"cmp"
	"fmt"
	"slices"

	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

func (d *differ) block(group string, at hcl.Range, summary, detail string) {
	d.plan.Blockers = append(d.plan.Blockers, Blocker{Group: group, At: at, Summary: summary, Detail: detail})
}

func (d *differ) warn(group string, at hcl.Range, summary, detail string) {
	d.plan.Warnings = append(d.plan.Warnings, Blocker{Group: group, At: at, Summary: summary, Detail: detail})
}

// at is where a setting of a group stands: in the group, or else in the network or the cluster
// that it comes from, or else at the group's header.
func (d *differ) at(g *spec.Group, arg string) hcl.Range {
	for _, s := range []spec.Source{g.Source, d.want.Network.Source, d.want.Source} {
		if r, ok := s.Attrs[arg]; ok {
			return r
		}
	}
	return g.Source.Block
}

// imageAt is where a group's image is named: in its own image block or in the cluster's.
func (d *differ) imageAt(g *spec.Group) hcl.Range {
	if at := g.Image.Source.At("id", "name", "family"); at.Filename != "" {
		return at
	}
	return g.Source.Block
}

// resolve finds the group's image, and checks it against what the file says by itself.
func (d *differ) resolve(g *group) {
	img, blockers := ResolveImage(g.spec.Image, d.images)
	g.image = img
	at := d.imageAt(g.spec)
	for _, b := range blockers {
		d.block(g.name, at, b.Summary, b.Detail)
	}
	if !img.Deprecated.IsZero() && !img.Deprecated.After(d.have.At) {
		d.warn(g.name, at, "Image is deprecated", fmt.Sprintf(
			"The image %s is deprecated since %s. It can still be launched; use a newer one when you can.",
			imageText(img), img.Deprecated.UTC().Format("2006-01-02")))
	}
	if size := g.spec.RootVolume.Size; size > 0 && size < img.RootSize {
		d.block(g.name, g.spec.RootVolume.Source.At("size"), "Root volume smaller than the snapshot", fmt.Sprintf(
			"The root volume is to have %d GiB, and the snapshot of the image %s has %d. Ask for at least %d, "+
				"or leave size out.", size, imageText(img), img.RootSize, img.RootSize))
	}
}

// checkNamed blocks a launch that names what does not exist, or that EC2 would not permit.
func (d *differ) checkNamed(g *group) {
	f := d.have.Facts
	missing := func(arg, noun string, named []string, exists func(string) bool) {
		for _, name := range named {
			if name != "" && !exists(name) {
				d.block(g.name, d.at(g.spec, arg), "No such "+noun, fmt.Sprintf(
					"The %s %s does not exist in this region, or this account may not see it. Check the name and the region.",
					noun, name))
			}
		}
	}
	missing("subnets", "subnet", g.spec.Subnets, func(id string) bool { _, ok := d.around.subnets[id]; return ok })
	missing("security_groups", "security group", g.spec.SecurityGroups,
		func(id string) bool { return slices.Contains(f.SecurityGroups, id) })
	missing("key_name", "key pair", []string{g.spec.KeyName},
		func(name string) bool { return slices.Contains(f.KeyPairs, name) })
	for _, denial := range f.Denied {
		if denial.Group == g.name {
			text := fmt.Sprintf("EC2 would refuse to launch group %q: %s: %s", g.name, denial.Code, denial.Detail)
			if denial.Code == "UnauthorizedOperation" {
				text += "\nA launch needs the permissions ec2:RunInstances and ec2:CreateTags; \"cluster policy\" prints all that this file needs."
			}
			d.block(g.name, g.spec.Source.Block, "Launch not permitted", text)
		}
	}
}

// sorted orders blockers by position, then text. Those that two groups share, such as the
// cluster's image, become one of no group.
func sorted(blockers []Blocker) []Blocker {
	slices.SortFunc(blockers, func(a, b Blocker) int {
		return cmp.Or(
			cmp.Compare(a.At.Filename, b.At.Filename),
			cmp.Compare(a.At.Start.Line, b.At.Start.Line),
			cmp.Compare(a.At.Start.Column, b.At.Start.Column),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
			cmp.Compare(a.Group, b.Group),
		)
	})
	var merged []Blocker
	for _, b := range blockers {
		n := len(merged)
		if n == 0 || merged[n-1].At != b.At || merged[n-1].Summary != b.Summary || merged[n-1].Detail != b.Detail {
			merged = append(merged, b)
		} else if merged[n-1].Group != b.Group {
			merged[n-1].Group = ""
		}
	}
	return merged
}
