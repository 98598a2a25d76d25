package export

import (
	"fmt"
	"strings"
)

// openMPI is a hostfile (Open MPI, "mpirun --hostfile"). max_slots refuses more processes than there are
// slots; without slots= Open MPI would take what it detects.
func openMPI(v Inventory) string {
	var b strings.Builder
	for _, n := range v.Nodes() {
		fmt.Fprintf(&b, "%s slots=%d max_slots=%d\n", n.Name, n.Slots, n.Slots)
	}
	return b.String()
}

// mpich is a machinefile of Hydra, which MPICH and Intel MPI share. It is not Open MPI's.
func mpich(v Inventory) string {
	var b strings.Builder
	for _, n := range v.Nodes() {
		fmt.Fprintf(&b, "%s:%d\n", n.Name, n.Slots)
	}
	return b.String()
}

// lines has a line for each slot, as PBS writes its node file. Both MPIs read it.
func lines(v Inventory) string {
	var b strings.Builder
	for _, n := range v.Nodes() {
		b.WriteString(strings.Repeat(n.Name+"\n", n.Slots))
	}
	return b.String()
}

// torchrun is the environment of torchrun for the group that has the GPUs. The rank of a node is its place
// in the list, the same on all of them.
func torchrun(v Inventory) string {
	g := v.work()
	if len(g.Nodes) == 0 {
		return ""
	}
	processes := g.gpus()
	if processes == 0 {
		processes = g.least(func(n Node) int { return n.Slots })
	}
	return fmt.Sprintf("# node_rank 0 to %d, in this order: %s\nMASTER_ADDR=%s\nMASTER_PORT=29500\nNNODES=%d\nNPROC_PER_NODE=%d\n",
		len(g.Nodes)-1, folded(g.Nodes), g.Nodes[0].PrivateIP, len(g.Nodes), processes)
}
