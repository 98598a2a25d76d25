package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// sshConfig is a fragment of ssh_config. Each node has its addresses next to its name, for tools that
// connect by address, and its instance's id for a host key alias, so that an address that EC2 gives to
// another instance later is not taken for a changed key. Where the keys are known no other is taken. Nodes without
// a public address are reached through the first that has one, or all through the one that the file names.
func sshConfig(v Inventory) string {
	var b strings.Builder
	for _, n := range v.hosts() {
		jumps := v.Gateway != nil && n.Name != v.Gateway.Name && (v.Jumps || n.PublicIP == "")
		at := cmp.Or(n.PublicIP, n.PrivateIP)
		if jumps {
			at = n.PrivateIP
		}
		fmt.Fprintf(&b, "Host %s\n    HostName %s\n", strings.Join(compact(n.Name, n.PrivateIP, n.PublicIP), " "), at)
		if n.Instance != "" {
			fmt.Fprintf(&b, "    HostKeyAlias %s\n", n.Instance)
		}
		if n.KnownHosts != "" {
			fmt.Fprintf(&b, "    StrictHostKeyChecking yes\n    UserKnownHostsFile \"%s\"\n", strings.ReplaceAll(n.KnownHosts, "%", "%%"))
		}
		b.WriteString(v.Login.config())
		if jumps {
			fmt.Fprintf(&b, "    ProxyJump %s\n", v.Gateway.Name)
		}
	}
	return b.String()
}

// hosts are the nodes, and the one that they are reached through.
func (v Inventory) hosts() []Node {
	nodes := v.Nodes()
	if g := v.Gateway; g != nil && len(nodes) > 0 && !hasNode(nodes, g.Name) {
		nodes = append([]Node{*g}, nodes...)
	}
	return nodes
}

// knownHosts is a known_hosts file: the keys of each node under its instance's id, which ssh_config has as the alias.
func knownHosts(v Inventory) string {
	var b strings.Builder
	for _, n := range v.hosts() {
		for _, key := range n.HostKeys {
			fmt.Fprintf(&b, "%s %s\n", n.Instance, key)
		}
	}
	return b.String()
}

// config are the lines of a host about how one gets in.
func (l Login) config() string {
	var b strings.Builder
	if l.User != "" {
		fmt.Fprintf(&b, "    User %s\n", l.User)
	}
	if l.Port != 0 {
		fmt.Fprintf(&b, "    Port %d\n", l.Port)
	}
	if l.IdentityFile != "" {
		fmt.Fprintf(&b, "    IdentityFile \"%s\"\n    IdentitiesOnly yes\n", l.IdentityFile)
	}
	return b.String()
}

func hasNode(nodes []Node, name string) bool {
	for _, n := range nodes {
		if n.Name == name {
			return true
		}
	}
	return false
}

// compact leaves out what is empty or was there before.
func compact(list ...string) (out []string) {
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// hosts is a block for /etc/hosts, between marks by which it can be replaced. The first name is the
// canonical one.
func hosts(v Inventory) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# BEGIN cluster %s\n", v.Cluster)
	for _, n := range v.Nodes() {
		fmt.Fprintf(&b, "%s %s.%s.cluster %s\n", n.PrivateIP, n.Name, v.Cluster, n.Name)
	}
	fmt.Fprintf(&b, "# END cluster %s\n", v.Cluster)
	return b.String()
}

// clusterShell is a file for groups.d: a source with the cluster's name.
func clusterShell(v Inventory) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q:\n", v.Cluster)
	groups := reserved("all")
	for _, g := range v.populated() {
		fmt.Fprintf(&b, "    %q: %q\n", groups.claim(g.Name), folded(g.Nodes))
	}
	fmt.Fprintf(&b, "    \"all\": %q\n", folded(v.Nodes()))
	return b.String()
}

// wcoll is a list of hosts for pdsh.
func wcoll(v Inventory) string {
	var b strings.Builder
	for _, g := range v.populated() {
		b.WriteString(folded(g.Nodes) + "\n")
	}
	return b.String()
}

// genders is a genders database: each node has its group for an attribute, unless the name is one of the
// others, which have values.
func genders(v Inventory) string {
	var b strings.Builder
	attributes := reserved("cluster", "group", "slots")
	for _, g := range v.populated() {
		own := attributes.claim(g.Name)
		for _, alike := range g.alike() {
			fmt.Fprintf(&b, "%s %s,cluster=%s,group=%s,slots=%d\n", folded(alike), own, v.Cluster, g.Name, alike[0].Slots)
		}
	}
	return b.String()
}
