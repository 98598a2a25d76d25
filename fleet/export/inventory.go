package export

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"cluster/planner"
	"cluster/spec"
	"cluster/spec/hostlist"
)

// An Inventory is the running nodes of one cluster. Its order is the file's, and by slot in a group.
type Inventory struct {
	Cluster string
	Region  string
	Groups  []Group
	Login   Login
	Lab     Lab   // where all nodes are one computer
	Gateway *Node // the node that the file has the others reached through, or the first with a public address; nil: none
	Jumps   bool  // all are reached through the gateway, not only those without a public address
}

// A Login is how ssh gets into nodes where that is known; what is zero is left to the user's configuration.
type Login struct {
	User         string
	Port         int
	IdentityFile string // a path
}

// A Group is the nodes of a group that run. Groups of which no node runs have none.
type Group struct {
	Name     string
	Want     int // the file's count
	SlotsPer spec.SlotsPer
	Slurm    spec.Slurm
	Like     Node // what each node is at least, by the group's types; the zero Node: none of them is known
	Nodes    []Node
}

// A Node is a running node. Fields that EC2 did not tell are empty or zero.
type Node struct {
	Name           string // such as compute-17
	Group          string
	Slot           int
	Instance       string // i-…
	State          string // running: others are not in an inventory
	PrivateIP      string // always set
	PrivateDNS     string
	PublicIP       string
	Type           string
	Zone           string
	Image          string
	VCPUs          int // Cores × ThreadsPerCore
	Cores          int
	ThreadsPerCore int
	MemoryMiB      int // of the type; a system sees less
	GPUs           int
	GPU            string // EC2's name, such as H100
	Slots          int    // at least 1

	HostKeys   []string // such as "ssh-ed25519 AAAA…"; none: they are not known
	KnownHosts string   // path of a file that ssh finds them in; empty: there is none
}

// New is the inventory of the nodes that the file wants and that run. Where a slot has two holders it is
// the older one that stays, as in a plan. types are the instance types of the nodes; how many cores a node
// has is what it was launched with, and only else what its type has. per says what a slot is; empty: each
// group as the file says.
func New(want *spec.Cluster, have planner.Observed, types []planner.InstanceType, per spec.SlotsPer) Inventory {
	inv := Inventory{Cluster: want.Name, Region: word(have.Region), Login: Login{User: want.SSH.User}, Jumps: want.SSH.Jump != ""}
	byType := map[string]planner.InstanceType{}
	for _, t := range types {
		byType[t.Name] = t
	}
	instances := slices.Clone(have.Instances)
	slices.SortFunc(instances, func(a, b planner.Instance) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), a.Launched.Compare(b.Launched), cmp.Compare(a.ID, b.ID))
	})
	for _, g := range want.Groups {
		group := Group{Name: g.Name, Want: g.Count, SlotsPer: cmp.Or(per, g.SlotsPer, spec.SlotCore), Slurm: g.Slurm}
		group.Like = least(g, byType, group.SlotsPer)
		for _, i := range instances {
			if i.Tags[planner.TagName] != want.Name || i.Group != g.Name || i.State != planner.Running || i.Slot < 0 || i.Slot >= g.Count {
				continue
			}
			if n := len(group.Nodes); n > 0 && group.Nodes[n-1].Slot == i.Slot {
				continue
			}
			if n := newNode(i, byType[i.InstanceType], group.SlotsPer); n.PrivateIP != "" {
				group.Nodes = append(group.Nodes, n)
			}
		}
		inv.Groups = append(inv.Groups, group)
		for k := range group.Nodes {
			if inv.Gateway == nil && leads(want.SSH, group.Nodes[k]) {
				inv.Gateway = &group.Nodes[k]
			}
		}
	}
	return inv
}

// leads says whether others can be reached through a node.
func leads(way spec.SSH, n Node) bool {
	if way.Jump == "" {
		return n.PublicIP != ""
	}
	return n.Name == way.Jump || n.Group == way.Jump
}

func newNode(i planner.Instance, t planner.InstanceType, per spec.SlotsPer) Node {
	n := Node{
		Name: planner.NodeName(i.Group, i.Slot), Group: i.Group, Slot: i.Slot, Instance: word(i.ID), State: string(i.State),
		PrivateIP: address(i.PrivateIP), PrivateDNS: word(i.PrivateDNS), PublicIP: address(i.PublicIP),
		Type: word(i.InstanceType), Zone: word(i.Zone), Image: word(i.ImageID),
		Cores: cmp.Or(i.Cores, t.Cores), ThreadsPerCore: cmp.Or(i.ThreadsPerCore, t.ThreadsPerCore),
		MemoryMiB: t.MemoryMiB, GPUs: t.GPUs, GPU: word(t.GPU),
	}
	n.VCPUs = cmp.Or(n.Cores*n.ThreadsPerCore, t.VCPUs)
	n.Slots = max(1, n.Cores)
	if per == spec.SlotThread {
		n.Slots = max(1, n.VCPUs)
	}
	return n
}

// word is text from outside if it is made of the letters of host names, and else empty.
func word(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	}) || strings.HasPrefix(s, "-") {
		return ""
	}
	return s
}

// address is an IP address in its usual form; empty if it is none.
func address(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return ""
	}
	return a.String()
}

// WithHostKeys adds what is known of the host keys of the nodes, by instance, and the path of the file that has them.
// A key that is not one, and a path that not every ssh reads alike, are left out.
func (v Inventory) WithHostKeys(known func(instance string) (keys []string, path string)) Inventory {
	add := func(n *Node) {
		keys, path := known(n.Instance)
		n.HostKeys, n.KnownHosts = nil, ""
		for _, k := range keys {
			if kind, key, _ := strings.Cut(k, " "); n.Instance != "" && kind != "" && word(kind) == kind && base64Form(key) {
				n.HostKeys = append(n.HostKeys, k)
			}
		}
		if len(n.HostKeys) > 0 && !strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || strings.ContainsRune("\"\\$", r) }) {
			n.KnownHosts = path
		}
	}
	v.Groups = slices.Clone(v.Groups)
	for i := range v.Groups {
		v.Groups[i].Nodes = slices.Clone(v.Groups[i].Nodes)
		for k := range v.Groups[i].Nodes {
			add(&v.Groups[i].Nodes[k])
		}
	}
	if v.Gateway != nil {
		v.Gateway = new(*v.Gateway)
		add(v.Gateway)
	}
	return v
}

// base64Form says that a text is made of the letters of base64.
func base64Form(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '/'
	})
}

// Only is the inventory of some groups, in the order of the file.
func (v Inventory) Only(groups ...string) Inventory {
	v.Groups = slices.DeleteFunc(slices.Clone(v.Groups), func(g Group) bool { return !slices.Contains(groups, g.Name) })
	return v
}

// Nodes are those of all groups.
func (v Inventory) Nodes() (all []Node) {
	for _, g := range v.Groups {
		all = append(all, g.Nodes...)
	}
	return all
}

// Missing are the names of nodes that the file wants and that do not run.
func (v Inventory) Missing() (names []string) {
	for _, g := range v.Groups {
		if g.Slurm.Burst {
			continue // which of them run is for Slurm to say
		}
		nodes := g.Nodes
		for slot := range g.Want {
			if len(nodes) > 0 && nodes[0].Slot == slot {
				nodes = nodes[1:]
			} else {
				names = append(names, planner.NodeName(g.Name, slot))
			}
		}
	}
	return names
}

// populated are the groups that have nodes: few formats have a word for an empty one.
func (v Inventory) populated() []Group {
	return slices.DeleteFunc(slices.Clone(v.Groups), func(g Group) bool { return len(g.Nodes) == 0 })
}

// work is the group that jobs run on where a format can name only one: of those with GPUs, or else of all,
// the one with the most nodes, the first of equals.
func (v Inventory) work() Group {
	var best Group
	for _, g := range v.populated() {
		if gpus := cmp.Compare(min(1, g.gpus()), min(1, best.gpus())); len(best.Nodes) == 0 || gpus > 0 || gpus == 0 && len(g.Nodes) > len(best.Nodes) {
			best = g
		}
	}
	return best
}

// gpus is how many each node has at least.
func (g Group) gpus() int { return g.least(func(n Node) int { return n.GPUs }) }

// least is the smallest of what the nodes have of something; 0 without nodes.
func (g Group) least(of func(Node) int) int {
	if len(g.Nodes) == 0 {
		return 0
	}
	return of(slices.MinFunc(g.Nodes, func(a, b Node) int { return cmp.Compare(of(a), of(b)) }))
}

func names(nodes []Node) []string {
	all := make([]string, len(nodes))
	for i, n := range nodes {
		all[i] = n.Name
	}
	return all
}

// folded is the names of nodes as a host list.
func folded(nodes []Node) string { return hostlist.Fold(names(nodes)) }

// claims gives things names that differ from each other and from those that a format keeps for itself.
type claims map[string]bool

func (c claims) claim(name string) string {
	for c[name] {
		name += "_"
	}
	c[name] = true
	return name
}

func reserved(names ...string) claims {
	c := claims{}
	for _, n := range names {
		c[n] = true
	}
	return c
}
