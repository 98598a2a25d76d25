package export

// A Format is one way of writing an inventory.
type Format struct {
	Name string // what people type
	File string // where it goes in a folder of all formats
	For  string // what reads it, in a few words

	render func(Inventory) string
}

// Render is the inventory in this format, ending in a line break unless empty.
func (f Format) Render(v Inventory) []byte { return []byte(f.render(v)) }

// Formats are all formats, in the order in which people are shown them.
var Formats = []Format{
	{"openmpi", "openmpi", "mpirun --hostfile of Open MPI", openMPI},
	{"mpich", "mpich", "mpiexec -f of MPICH and Intel MPI", mpich},
	{"lines", "lines", "a line a slot, like $PBS_NODEFILE; Open MPI and MPICH read it too", lines},
	{"torchrun", "torchrun.env", "the environment of torchrun, to be sourced", torchrun},
	{"slurm-nodes", "slurm-nodes.conf", "NodeName and PartitionName for slurm.conf", slurmNodes},
	{"slurm-gres", "slurm-gres.conf", "gres.conf of Slurm; empty without GPUs", slurmGres},
	{"ssh_config", "ssh_config", "ssh -F, or Include as the first line of ~/.ssh/config", sshConfig},
	{"known_hosts", "known_hosts", "UserKnownHostsFile of ssh: the host keys of nodes by instance, as far as they are known", knownHosts},
	{"hosts", "hosts", "a block for /etc/hosts of the nodes", hosts},
	{"clustershell", "clustershell.yaml", "groups.d of ClusterShell: clush, nodeset", clusterShell},
	{"wcoll", "wcoll", "WCOLL, or -w ^FILE, of pdsh", wcoll},
	{"genders", "genders", "genders: pdsh -g, nodeattr", genders},
	{"ansible-ini", "ansible.ini", "ansible -i", ansibleINI},
	{"ansible-yaml", "ansible.yaml", "ansible -i", ansibleYAML},
	{"ansible-inventory", "ansible-inventory.json", "what a dynamic inventory script prints for Ansible", ansibleInventory},
	{"prometheus", "prometheus.json", "file_sd_configs of Prometheus, with node_exporter's port", prometheus},
	{"tfvars", "cluster.auto.tfvars.json", "variables of Terraform and OpenTofu", tfvars},
	{"json", "inventory.json", "your own programs; format_version 1, names only grow", document},
}

// Find finds a format by name.
func Find(name string) (Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
