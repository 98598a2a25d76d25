package export

import (
	"cmp"
	"fmt"
	"strings"
)

// interpreter lets Ansible find Python without a warning a host.
const interpreter = "auto_silent"

// ansibleGroups are the populated groups by Ansible's names for them, and the name of the cluster as a group:
// hyphens in names of groups make it warn, and all and ungrouped are its own.
func ansibleGroups(v Inventory) (groups []Group, whole string) {
	taken := reserved("all", "ungrouped")
	groups = v.populated()
	for i := range groups {
		groups[i].Name = taken.claim(strings.ReplaceAll(groups[i].Name, "-", "_"))
	}
	return groups, taken.claim("cluster_" + strings.ReplaceAll(v.Cluster, "-", "_"))
}

// ansibleHost is where Ansible connects to.
func ansibleHost(n Node) string { return cmp.Or(n.PublicIP, n.PrivateIP) }

func ansibleINI(v Inventory) string {
	var b strings.Builder
	groups, whole := ansibleGroups(v)
	for _, g := range groups {
		fmt.Fprintf(&b, "[%s]\n", g.Name)
		for _, n := range g.Nodes {
			fmt.Fprintf(&b, "%s ansible_host=%s\n", n.Name, ansibleHost(n))
		}
	}
	fmt.Fprintf(&b, "[%s:children]\n", whole)
	for _, g := range groups {
		fmt.Fprintf(&b, "%s\n", g.Name)
	}
	fmt.Fprintf(&b, "[%s:vars]\nansible_python_interpreter=%s\n", whole, interpreter)
	return b.String()
}

func ansibleYAML(v Inventory) string {
	var b strings.Builder
	groups, whole := ansibleGroups(v)
	fmt.Fprintf(&b, "%q:\n  vars:\n    ansible_python_interpreter: %q\n  children:\n", whole, interpreter)
	for _, g := range groups {
		fmt.Fprintf(&b, "    %q:\n      hosts:\n", g.Name)
		for _, n := range g.Nodes {
			fmt.Fprintf(&b, "        %q: {ansible_host: %q}\n", n.Name, ansibleHost(n))
		}
	}
	return b.String()
}

// ansibleInventory is what a dynamic inventory prints for --list. With _meta it is never asked for --host.
func ansibleInventory(v Inventory) string {
	groups, whole := ansibleGroups(v)
	hostvars, children := map[string]any{}, []string{}
	out := map[string]any{"_meta": map[string]any{"hostvars": hostvars}}
	for _, g := range groups {
		for _, n := range g.Nodes {
			hostvars[n.Name] = map[string]string{"ansible_host": ansibleHost(n)}
		}
		out[g.Name] = map[string]any{"hosts": names(g.Nodes)}
		children = append(children, g.Name)
	}
	out[whole] = map[string]any{"children": children, "vars": map[string]string{"ansible_python_interpreter": interpreter}}
	return indented(out)
}
