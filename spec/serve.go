package spec

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// maxServed is how many names of devices EC2 recommends for data: /dev/sdf to /dev/sdp.
const maxServed = 11

// Server is the group whose node serves volumes to the nodes of g; empty if they mount none of the kind.
func (g *Group) Server() string {
	for _, m := range g.Mounts {
		if m.Kind == MountVolume && m.From != g.Name {
			return m.From
		}
	}
	return ""
}

// Serves are the mounts whose volumes the node of g has, and serves to others.
func (g *Group) Serves() (served []Mount) {
	for _, m := range g.Mounts {
		if m.Kind == MountVolume && m.From == g.Name {
			served = append(served, m)
		}
	}
	return served
}

// mountVolume reads the volume of a mount that is served by a node.
func (l *loader) mountVolume(a *args, content *hcl.BodyContent, k MountKind) (v RootVolume) {
	b := l.one(content, dataVolumeBlock)
	switch {
	case b == nil && k == MountVolume:
		a.missing("Nothing to mount", `from names the group whose node serves a volume, and there is no volume block. Add volume { size = 500 }, with the size in GiB.`)
	case b == nil:
	case k != MountVolume && k != "":
		l.errorf(b.DefRange, "Volume without a node", "A volume belongs to a node that serves it: from = \"head\" says which. This mount is %s.", k)
	default:
		v = l.volume(b, dataVolumeBlock)
		if v.Type == "" {
			v.Type = "gp3" // EC2 would take gp2
		}
		if v.Size == 0 && v.Source.Attrs["size"].Empty() {
			l.errorf(b.DefRange, "Volume without size", "A volume that is made from no snapshot needs a size, in GiB.")
		}
	}
	return v
}

// checkServers checks, when all groups are read, that volumes are served by a node that there is.
func (l *loader) checkServers(c *Cluster, mounts []Mount) {
	var first *Mount
	served := 0
	for i := range mounts {
		m := &mounts[i]
		if m.Kind != MountVolume || m.From == "" {
			continue
		}
		at := m.Source.At("from")
		g, ok := c.Group(m.From)
		var names []string
		for _, g := range c.Groups {
			names = append(names, g.Name)
		}
		switch {
		case !ok:
			l.errorf(at, "Unknown group", "There is no group %s to serve the volume.%s", quote(m.From), didYouMean(m.From, names))
		case g.Count != 1:
			l.errorf(at, "Not one server", "A volume is served by one node, and group %q has a count of %d.", g.Name, g.Count)
		case !slices.ContainsFunc(g.Serves(), func(s Mount) bool { return s.Path == m.Path }):
			l.errorf(at, "Volume not served", "Group %q is to serve %s, and mounts something else there in a block of its own.", g.Name, m.Path)
		case first != nil && first.From != m.From:
			l.errorf(at, "Several servers", "All volumes of a cluster are served by one node, and %s is served by group %q.", first.Path, first.From)
		case first == nil:
			first = m
		}
		if served++; served == maxServed+1 {
			l.errorf(m.Source.Block, "Too many volumes", "One node serves at most %d volumes.", maxServed)
		}
	}
}

// checkOwnMounts refuses volumes in the mounts of a group: they are the whole cluster's.
func (x *groupBody) checkOwnMounts(content *hcl.BodyContent) {
	for _, b := range content.Blocks.OfType(mountBlock.name) {
		i := slices.IndexFunc(x.g.Mounts, func(m Mount) bool { return m.Path == b.Labels[0] })
		if i >= 0 && x.g.Mounts[i].Kind == MountVolume {
			x.errorf(b.DefRange, "Volume of one group", "A volume that a node serves is for all nodes: write this mount block into the cluster block.")
		}
	}
}
