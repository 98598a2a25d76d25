package export

// A Format is one way of writing an inventory.
type Format struct {
	Name string // what people type
	File string // where it goes in a folder of all formats
	For  string // what reads it, in a few words

	render func(Inventory) string

	HostKeys bool // it has the host keys of the nodes
}

// Render is the inventory in this format, ending in a line break unless empty.
func (f Format) Render(v Inventory) []byte { return []byte(f.render(v)) }

// Formats are all formats, in the order in which people are shown them.
var Formats = []Format{
	{Name: "openmpi", File: "openmpi", For: "mpirun --hostfile of Open MPI", render: openMPI},
	{Name: "mpich", File: "mpich", For: "mpiexec -f of MPICH and Intel MPI", render: mpich},
	{Name: "lines", File: "lines", For: "a line a slot, like $PBS_NODEFILE; Open MPI and MPICH read it too", render: lines},
	{Name: "torchrun", File: "torchrun.env", For: "the environment of torchrun, to be sourced", render: torchrun},
	{Name: "slurm-nodes", File: "slurm-nodes.conf", For: "NodeName and PartitionName for slurm.conf", render: slurmNodes},
	{Name: "slurm-gres", File: "slurm-gres.conf", For: "gres.conf of Slurm; empty without GPUs", render: slurmGres},
	{Name: "ssh_config", File: "ssh_config", For: "ssh -F, or Include as the first line of ~/.ssh/config", render: sshConfig, HostKeys: true},
	{Name: "known_hosts", File: "known_hosts", For: "UserKnownHostsFile of ssh: host keys by instance, as far as they are known", render: knownHosts, HostKeys: true},
	{Name: "hosts", File: "hosts", For: "a block for /etc/hosts of the nodes", render: hosts},
	{Name: "clustershell", File: "clustershell.yaml", For: "groups.d of ClusterShell: clush, nodeset", render: clusterShell},
	{Name: "wcoll", File: "wcoll", For: "WCOLL, or -w ^FILE, of pdsh", render: wcoll},
	{Name: "genders", File: "genders", For: "genders: pdsh -g, nodeattr", render: genders},
	{Name: "ansible-ini", File: "ansible.ini", For: "ansible -i", render: ansibleINI},
	{Name: "ansible-yaml", File: "ansible.yaml", For: "ansible -i", render: ansibleYAML},
	{Name: "ansible-inventory", File: "ansible-inventory.json", For: "what a dynamic inventory script prints for Ansible", render: ansibleInventory},
	{Name: "prometheus", File: "prometheus.json", For: "file_sd_configs of Prometheus, with node_exporter's port", render: prometheus},
	{Name: "tfvars", File: "cluster.auto.tfvars.json", For: "variables of Terraform and OpenTofu", render: tfvars},
	{Name: "json", File: "inventory.json", For: "your own programs; format_version 1, names only grow", render: document},
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
