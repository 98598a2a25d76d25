package planner

import (
	"slices"

	"cluster/spec"
)

// An ImageUse is one image of a cluster file with the groups that it is for.
type ImageUse struct {
	Groups    []string // in the file's order, those that want nodes
	Asked     spec.Image
	Locked    *spec.LockedImage // the entry of the lock file that decided; nil: none did
	Image     Image             // the zero Image if none was found
	Gone      bool              // it does not exist any more: the lock is all that is known of it
	Ancestors []string          // see spec.LockedImage
}

// ImageUses are the images that the file stands for, in its order, as Diff and Verify find them.
func ImageUses(want *spec.Cluster, have Observed) []ImageUse {
	images := own(have.Images, have.Account)
	var uses []ImageUse
	for i := range want.Groups {
		g := &want.Groups[i]
		if g.Count == 0 {
			continue
		}
		asked := g.Image.Question()
		j := slices.IndexFunc(uses, func(u ImageUse) bool { return u.Asked.String() == asked.String() })
		if j >= 0 {
			uses[j].Groups = append(uses[j].Groups, g.Name)
			continue
		}
		u := ImageUse{Groups: []string{g.Name}, Asked: asked, Locked: kept(g.Image)}
		u.Image, _ = ResolveImage(g.Image, images)
		u.Gone = u.Image.State == imageGone && u.Locked != nil
		if u.Ancestors = ancestors(u.Image, images); u.Locked != nil {
			u.Ancestors = u.Locked.Ancestors
		}
		uses = append(uses, u)
	}
	return uses
}

// The links of a Chain, in its order.
const (
	LinkFile     = "file"     // the file wants the node
	LinkLock     = "lock"     // what the lock file has of the image is what EC2 shows; only with a lock
	LinkImage    = "image"    // the instance was launched from the image
	LinkSnapshot = "snapshot" // the image has a root snapshot
	LinkVolume   = "volume"   // the root volume was made from it
	LinkInstance = "instance" // the instance runs, and holds its slot alone
)

// LinkState says whether a link holds.
type LinkState string

const (
	LinkOK       LinkState = "ok"
	LinkBroken   LinkState = "broken"
	LinkUnproven LinkState = "unproven" // not asked, not answered or not there
)

// A Link is one step of a Chain. Want and Got are empty if it is ok.
type Link struct {
	Kind  string
	State LinkState
	Want  string
	Got   string
}

// A Chain is where one node comes from, from the file to the instance.
type Chain struct {
	Node     string      // such as compute-17
	Group    *spec.Group // nil: the file has no such group
	Slot     int         // -1: not known
	Instance *Instance   // nil: no instance holds the slot
	Use      ImageUse    // the group's image; the zero ImageUse if the file wants no node of the group
	Links    []Link
}

// Unbroken says that every link holds.
func (c Chain) Unbroken() bool {
	return !slices.ContainsFunc(c.Links, func(l Link) bool { return l.State != LinkOK })
}

// Trace follows a node, named like compute-17 or by its instance's id, to where it comes from. It finds
// the same as Verify at LevelRoot. Of several instances in one slot, the name means the one that Verify
// takes for the node. ok is false if the file wants no such node and nothing alive is it.
func Trace(want *spec.Cluster, have Observed, node string) (c Chain, ok bool) {
	images := ImageUses(want, have)
	for _, g := range gather(want, have.Instances) {
		i := slices.IndexFunc(images, func(u ImageUse) bool { return slices.Contains(u.Groups, g.name) })
		use := ImageUse{}
		if i >= 0 {
			use = images[i]
		}
		for slot, holders := range g.slotRuns {
			for _, inst := range holders {
				byName := NodeName(g.name, slot) == node && inst == chosen(holders, use.Image.ID)
				if inst.ID == node || byName {
					return trace(want, have, Chain{Node: NodeName(g.name, slot), Group: g.spec, Slot: slot, Instance: inst, Use: use}), true
				}
			}
		}
		for slot := range g.spec.Required() {
			if NodeName(g.name, slot) == node {
				return trace(want, have, Chain{Node: node, Group: g.spec, Slot: slot, Use: use}), true
			}
		}
	}
	return Chain{}, false
}

// chosen is the one of several holders of a slot that counts as the node: the first that comes from
// the image, or else the oldest.
func chosen(holders []*Instance, image string) *Instance {
	for _, inst := range holders {
		if inst.ImageID == image {
			return inst
		}
	}
	return holders[0]
}

// trace fills in the links of a chain, out of what Verify finds about its instance.
func trace(want *spec.Cluster, have Observed, c Chain) Chain {
	id := ""
	if c.Instance != nil {
		id = c.Instance.ID
	}
	links := map[string]Link{LinkFile: {}, LinkImage: {}, LinkSnapshot: {}, LinkVolume: {}, LinkInstance: {}}
	for _, m := range Verify(want, have, LevelRoot).Mismatched {
		if m.Node != c.Node || m.Instance != id {
			continue
		}
		l := Link{State: LinkBroken, Want: m.Want, Got: m.Got}
		if m.Got == "" {
			l.State = LinkUnproven
		}
		kind := map[string]string{checkGroup: LinkFile, checkImage: LinkImage, checkRoot: LinkVolume, checkSlot: LinkInstance}[m.Check]
		if m.Check == checkSlot && c.Group != nil && (c.Slot < 0 || c.Slot >= c.Group.Count) {
			kind = LinkFile
		}
		if m.Check == checkSlot && id == "" {
			l.State, l.Got = LinkBroken, "no instance"
		}
		links[kind] = l
	}
	if c.Use.Image.RootSnapshot == "" && len(c.Use.Groups) > 0 {
		links[LinkSnapshot] = Link{State: LinkUnproven, Want: "a root snapshot"}
	}
	if c.Instance == nil {
		links[LinkVolume] = Link{State: LinkUnproven, Want: c.Use.Image.RootSnapshot}
	}
	if c.Use.Locked != nil {
		links[LinkLock] = lockLink(*c.Use.Locked, have.Images)
	}
	for _, kind := range []string{LinkFile, LinkLock, LinkImage, LinkSnapshot, LinkVolume, LinkInstance} {
		l, ok := links[kind]
		if ofImage := kind != LinkFile && kind != LinkInstance; !ok || ofImage && len(c.Use.Groups) == 0 {
			continue // a node that the file does not want has no image to come from
		}
		l.Kind = kind
		if l.State == "" {
			l.State = LinkOK
		}
		c.Links = append(c.Links, l)
	}
	return c
}

// lockLink compares an entry of the lock with the image that EC2 shows. That there is none any more
// breaks nothing: what the lock has still proves the node.
func lockLink(l spec.LockedImage, images []Image) Link {
	i := slices.IndexFunc(images, func(img Image) bool { return img.ID == l.ID })
	switch {
	case i < 0:
		return Link{}
	case l.RootSnapshot != images[i].RootSnapshot:
		return Link{State: LinkBroken, Want: l.RootSnapshot, Got: images[i].RootSnapshot}
	case l.Owner != "" && l.Owner != images[i].Owner:
		return Link{State: LinkBroken, Want: l.Owner, Got: images[i].Owner}
	}
	return Link{}
}
