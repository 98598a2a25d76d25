package export

import (
	"slices"

	"cluster/planner"
	"cluster/spec"
)

// A Lab is one computer that is all nodes, for Slurm. The zero value says that each node is its own.
type Lab struct {
	Address string
	Port    int // of the slurmd of the first node of the file; the others have those after it
}

// InLab is the inventory once all static nodes run, which are one computer.
func (v Inventory) InLab(lab Lab) Inventory {
	v.Groups, v.Lab = slices.Clone(v.Groups), lab
	for k := range v.Groups {
		g := &v.Groups[k]
		if g.Slurm.Burst || g.Like.Slots == 0 {
			continue
		}
		g.Nodes = nil
		for slot := range g.Want {
			n := g.Like
			n.Name, n.Slot, n.PrivateIP = planner.NodeName(g.Name, slot), slot, lab.Address
			g.Nodes = append(g.Nodes, n)
		}
	}
	return v
}

// least is what any node of a group has, whichever of its types it gets.
func least(g spec.Group, byType map[string]planner.InstanceType, per spec.SlotsPer) (least Node) {
	known := false
	for _, name := range g.InstanceTypes {
		t, ok := byType[name]
		if !ok {
			continue
		}
		n := newNode(planner.Instance{Group: g.Name, InstanceType: name, PrivateIP: "0.0.0.0"}, t, per)
		if !known {
			least, known = n, true
		}
		least.Slots, least.MemoryMiB, least.GPUs = min(least.Slots, n.Slots), min(least.MemoryMiB, n.MemoryMiB), min(least.GPUs, n.GPUs)
		if n.GPU != least.GPU {
			least.GPU = "" // some GPU
		}
	}
	return least
}
