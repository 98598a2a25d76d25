package main

import (
	"slices"

	"cluster/planner"
	"cluster/spec"
)

// oldNodes are a group's nodes that run from an image which the file does not name now.
type oldNodes struct {
	Nodes  int      `json:"nodes"`
	Names  []string `json:"images"` // of their images, with the ids
	Wanted string   `json:"wanted"` // the image that the file names
}

// mayBeOld says whether it takes the images to tell if a node is old: an image that is named by its id
// tells at once.
func mayBeOld(want *spec.Cluster, have planner.Observed) bool {
	return slices.ContainsFunc(have.Instances, func(i planner.Instance) bool {
		g, ok := want.Group(i.Group)
		return ok && !i.State.Dead() && g.Image.ID != i.ImageID
	})
}

// wantedImages are the images that the file names, by group, where they were looked up and found.
func wantedImages(want *spec.Cluster, have planner.Observed) map[string]planner.Image {
	images := map[string]planner.Image{}
	if len(have.Images) == 0 {
		return images
	}
	for _, g := range want.Groups {
		images[g.Name] = planner.NamedImage(g.Image, have)
	}
	return images
}

// addOld counts a node of a group if it runs from another image than the wanted one, the zero Image for one that is
// not known.
func (g *statusGroup) addOld(n planner.Instance, wanted planner.Image, have planner.Observed) {
	if n.State.Dead() || wanted.ID == "" || wanted.ID == n.ImageID {
		return
	}
	if g.Old == nil {
		g.Old = &oldNodes{Names: []string{}, Wanted: imageName(wanted)}
	}
	g.Old.Nodes++
	if name := imageName(seenImage(have, n.ImageID)); !slices.Contains(g.Old.Names, name) {
		g.Old.Names = append(g.Old.Names, name)
		slices.Sort(g.Old.Names)
	}
}

// runs is a number of nodes with its verb.
func runs(n int) string {
	if n == 1 {
		return "1 node runs"
	}
	return plural(n, "node") + " run"
}
