package export

import (
	"fmt"
	"slices"
	"strings"

	"cluster/spec/hostlist"
)

// slurmNodes is the nodes and partitions of a slurm.conf, for nodes that are there: static ones. A CPU of
// Slurm is a slot. Slurm drains a node that has less memory than it was told, and a system sees less than the
// type has, so 95 percent are promised.
func slurmNodes(v Inventory) string {
	var b strings.Builder
	if slices.ContainsFunc(v.Nodes(), func(n Node) bool { return n.GPUs > 0 }) {
		b.WriteString("GresTypes=gpu\n")
	}
	for _, g := range v.populated() {
		for _, alike := range g.alike() {
			n := alike[0]
			var addresses []string
			for _, a := range alike {
				addresses = append(addresses, a.PrivateIP)
			}
			fmt.Fprintf(&b, "NodeName=%s NodeAddr=%s CPUs=%d", folded(alike), hostlist.FoldOrdered(addresses), n.Slots)
			if n.MemoryMiB > 0 {
				fmt.Fprintf(&b, " RealMemory=%d", n.MemoryMiB*95/100)
			}
			if n.GPUs > 0 {
				fmt.Fprintf(&b, " Gres=gpu:%s:%d", gpuType(n), n.GPUs)
			}
			b.WriteString(" State=UNKNOWN\n")
		}
	}
	partitions := reserved("default") // a line of defaults, in any case of letters
	for _, g := range v.populated() {
		standard := "NO"
		if g.Name == v.work().Name {
			standard = "YES"
		}
		fmt.Fprintf(&b, "PartitionName=%s Nodes=%s Default=%s MaxTime=INFINITE State=UP\n", partitions.claim(g.Name), folded(g.Nodes), standard)
	}
	return b.String()
}

// slurmGres is a gres.conf. The device files are those of NVIDIA's driver.
func slurmGres(v Inventory) string {
	var b strings.Builder
	for _, g := range v.populated() {
		for _, alike := range g.alike() {
			n := alike[0]
			devices := "/dev/nvidia0"
			if n.GPUs > 1 {
				devices = fmt.Sprintf("/dev/nvidia[0-%d]", n.GPUs-1)
			}
			if n.GPUs > 0 {
				fmt.Fprintf(&b, "NodeName=%s Name=gpu Type=%s File=%s\n", folded(alike), gpuType(n), devices)
			}
		}
	}
	return b.String()
}

// gpuType is a GPU's name as Slurm has it.
func gpuType(n Node) string {
	if n.GPU == "" {
		return "gpu"
	}
	return strings.ToLower(n.GPU)
}

// alike are the nodes of a group, those with the same hardware together.
func (g Group) alike() (all [][]Node) {
	same := func(a, b Node) bool {
		return a.Slots == b.Slots && a.MemoryMiB == b.MemoryMiB && a.GPUs == b.GPUs && a.GPU == b.GPU
	}
	for _, n := range g.Nodes {
		i := slices.IndexFunc(all, func(nodes []Node) bool { return same(nodes[0], n) })
		if i < 0 {
			i, all = len(all), append(all, nil)
		}
		all[i] = append(all[i], n)
	}
	return all
}
