package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// revoked stops a launch from a revoked image, and tells of nodes that run from one: they are left
// alone, because what is wrong with the image may not matter to work that is under way.
func (d *differ) revoked(g *group) {
	if r, ok := Revoked(g.image.Tags); ok && g.launches() {
		more := ""
		if l := kept(g.spec.Image); l != nil {
			more = " " + lockText(*l) + " It follows with --upgrade-image."
		}
		d.block(g.name, d.imageAt(g.spec), "Image revoked", fmt.Sprintf(
			"The image %s was revoked%s. Nothing new is launched from it: name another version, move the channel "+
				"(cluster image rollback), or take the revocation back (cluster image restore).%s", imageText(g.image), r.since(), more))
	}
	for _, n := range revokedNodes(g.live, d.images) {
		d.warn(g.name, d.imageAt(g.spec), "Nodes of a revoked image", n.Text())
	}
}

// A RevokedUse is nodes that run from an image that was revoked.
type RevokedUse struct {
	Image Image
	Revocation
	Nodes []string // sorted by group and slot
}

// since is a clause for after "revoked": when, and why.
func (r Revocation) since() string {
	var s string
	if !r.At.IsZero() {
		s = " on " + r.At.Format("2006-01-02")
	}
	if r.Reason != "" {
		s += " (" + r.Reason + ")"
	}
	return s
}

// Text is the use as a message.
func (u RevokedUse) Text() string {
	verb := "runs"
	if len(u.Nodes) > 1 {
		verb = "run"
	}
	const most = 5
	nodes := strings.Join(u.Nodes[:min(most, len(u.Nodes))], ", ")
	if more := len(u.Nodes) - most; more > 0 {
		nodes += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s of the cluster %s from the image %s, which was revoked%s: %s.",
		plural(len(u.Nodes), "node", "nodes"), verb, imageText(u.Image), u.since(), nodes)
}

// RevokedNodes are the nodes among instances whose image is among images and was revoked, by image.
// Dead instances are no nodes.
func RevokedNodes(instances []Instance, images []Image) []RevokedUse {
	nodes := make([]*Instance, len(instances))
	for i := range instances {
		nodes[i] = &instances[i]
	}
	return revokedNodes(nodes, images)
}

func revokedNodes(instances []*Instance, images []Image) []RevokedUse {
	var uses []RevokedUse
	at := map[string]int{}
	for _, img := range images {
		if r, ok := Revoked(img.Tags); ok {
			if _, twice := at[img.ID]; !twice {
				at[img.ID] = len(uses)
				uses = append(uses, RevokedUse{Image: img, Revocation: r})
			}
		}
	}
	if len(uses) == 0 {
		return nil
	}
	var nodes []*Instance
	for _, n := range instances {
		if _, ok := at[n.ImageID]; ok && !n.State.Dead() {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b *Instance) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.ID, b.ID))
	})
	for _, n := range nodes {
		u := &uses[at[n.ImageID]]
		u.Nodes = append(u.Nodes, NodeName(n.Group, n.Slot))
	}
	uses = slices.DeleteFunc(uses, func(u RevokedUse) bool { return len(u.Nodes) == 0 })
	slices.SortFunc(uses, func(a, b RevokedUse) int { return cmp.Compare(a.Image.ID, b.Image.ID) })
	return uses
}
