package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cluster/planner"
	"cluster/spec"
	"cluster/spec/hostlist"
)

// burstWeight is the weight of burst capacity whose file gives none: nodes that run anyway are used first.
const burstWeight = 1000

// A slurmLine is nodes that are alike for Slurm, and so are a line of its configuration.
type slurmLine struct {
	names     []string
	addresses []string // empty: burst capacity, which has none yet
	hardware  Node
	ports     string // folded; empty: Slurm's own
	slurm     spec.Slurm
}

// slurmLines are the nodes that run and, of burst capacity, all that there can be.
func (v Inventory) slurmLines() (lines []slurmLine) {
	first := v.Lab.Port
	for _, g := range v.Groups {
		line := func(n Node, slots []int) slurmLine {
			l := slurmLine{hardware: n, slurm: g.Slurm}
			var ports []string
			for _, slot := range slots {
				l.names = append(l.names, planner.NodeName(g.Name, slot))
				ports = append(ports, fmt.Sprint(first+slot))
			}
			if v.Lab.Port > 0 {
				l.ports = hostlist.FoldOrdered(ports)
			}
			return l
		}
		switch {
		case g.Slurm.Burst && g.Like.Slots > 0:
			var slots []int
			for slot := range g.Want {
				slots = append(slots, slot)
			}
			if len(slots) == 0 {
				break
			}
			lines = append(lines, line(g.Like, slots))
		case !g.Slurm.Burst:
			for _, alike := range g.alike() {
				var slots []int
				var addresses []string
				for _, n := range alike {
					slots, addresses = append(slots, n.Slot), append(addresses, n.PrivateIP)
				}
				l := line(alike[0], slots)
				l.addresses = addresses
				lines = append(lines, l)
			}
		}
		first += g.Want
	}
	return lines
}

// slurmNodes is the nodes and partitions of a slurm.conf: static nodes, which are there, and burst capacity. A CPU
// of Slurm is a slot. Slurm drains a node that has less memory than it was told, and a system sees less than the
// type has, so 95 percent are promised.
func slurmNodes(v Inventory) string {
	var b strings.Builder
	lines := v.slurmLines()
	if slices.ContainsFunc(lines, func(l slurmLine) bool { return l.hardware.GPUs > 0 }) {
		b.WriteString("GresTypes=gpu\n")
	}
	for _, l := range lines {
		n := l.hardware
		fmt.Fprintf(&b, "NodeName=%s", hostlist.Fold(l.names))
		switch {
		case v.Lab.Address != "":
			fmt.Fprintf(&b, " NodeAddr=%s", v.Lab.Address)
		case len(l.addresses) > 0:
			fmt.Fprintf(&b, " NodeAddr=%s", hostlist.FoldOrdered(l.addresses))
		}
		if l.ports != "" {
			fmt.Fprintf(&b, " Port=%s", l.ports)
		}
		fmt.Fprintf(&b, " CPUs=%d", n.Slots)
		if n.MemoryMiB > 0 {
			fmt.Fprintf(&b, " RealMemory=%d", realMemory(n))
		}
		if n.GPUs > 0 {
			fmt.Fprintf(&b, " Gres=gpu:%s:%d", gpuType(n), n.GPUs)
		}
		if len(l.slurm.Features) > 0 {
			fmt.Fprintf(&b, " Features=%s", strings.Join(l.slurm.Features, ","))
		}
		weight, state := l.slurm.Weight, "UNKNOWN"
		if l.slurm.Burst {
			weight, state = cmp.Or(weight, burstWeight), "CLOUD"
		}
		if weight > 0 {
			fmt.Fprintf(&b, " Weight=%d", weight)
		}
		fmt.Fprintf(&b, " State=%s\n", state)
	}
	b.WriteString(slurmPartitions(lines))
	return b.String()
}

// slurmPartitions has a partition a group, unless groups share one. The one with the most nodes of those with GPUs,
// or else of all, is what jobs get that name none.
func slurmPartitions(lines []slurmLine) string {
	type partition struct {
		name  string
		nodes []string
		gpus  bool
	}
	var all []*partition
	taken := reserved("default") // a line of defaults, in any case of letters
	byName := map[string]*partition{}
	for _, l := range lines {
		name := l.slurm.Partition
		if name == "" {
			name = l.hardware.Group
		}
		p := byName[name]
		if p == nil {
			p = &partition{name: taken.claim(name)}
			byName[name] = p
			all = append(all, p)
		}
		p.nodes, p.gpus = append(p.nodes, l.names...), p.gpus || l.hardware.GPUs > 0
	}
	var standard *partition
	for _, p := range all {
		if standard == nil || p.gpus && !standard.gpus || p.gpus == standard.gpus && len(p.nodes) > len(standard.nodes) {
			standard = p
		}
	}
	var b strings.Builder
	for _, p := range all {
		word := "NO"
		if p == standard {
			word = "YES"
		}
		fmt.Fprintf(&b, "PartitionName=%s Nodes=%s Default=%s MaxTime=INFINITE State=UP\n", p.name, hostlist.Fold(p.nodes), word)
	}
	return b.String()
}

// SlurmMemory is the memory that every node has for each CPU, in MiB; 0: not known.
func (v Inventory) SlurmMemory() int {
	least := 0
	for _, l := range v.slurmLines() {
		if m := realMemory(l.hardware) / l.hardware.Slots; m > 0 && (least == 0 || m < least) {
			least = m
		}
	}
	return least
}

func realMemory(n Node) int { return n.MemoryMiB * 95 / 100 }

// slurmGres is a gres.conf. The device files are those of NVIDIA's driver.
func slurmGres(v Inventory) string {
	var b strings.Builder
	for _, l := range v.slurmLines() {
		n := l.hardware
		devices := "/dev/nvidia0"
		if n.GPUs > 1 {
			devices = fmt.Sprintf("/dev/nvidia[0-%d]", n.GPUs-1)
		}
		if n.GPUs > 0 {
			fmt.Fprintf(&b, "NodeName=%s Name=gpu Type=%s File=%s\n", hostlist.Fold(l.names), gpuType(n), devices)
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
