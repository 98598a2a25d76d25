package export

import (
	"encoding/json"
	"net/netip"

	"cluster/spec"
)

// indented is a JSON document. Keys of maps are sorted.
func indented(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // plain data always encodes
	}
	return string(b) + "\n"
}

// prometheus is a file for file_sd_configs. Port 9100 is node_exporter's.
func prometheus(v Inventory) string {
	type target struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	all := []target{}
	for _, n := range v.Nodes() {
		all = append(all, target{
			Targets: []string{endpoint(n.PrivateIP, 9100)},
			Labels:  map[string]string{"cluster": v.Cluster, "group": n.Group, "node": n.Name},
		})
	}
	return indented(all)
}

// tfvars is variables for Terraform. Nodes are a map by name, which is stable for for_each.
func tfvars(v Inventory) string {
	type node struct {
		Group     string `json:"group"`
		Instance  string `json:"instance_id"`
		Image     string `json:"image_id"`
		PrivateIP string `json:"private_ip"`
		Zone      string `json:"zone"`
	}
	nodes := map[string]node{}
	for _, n := range v.Nodes() {
		nodes[n.Name] = node{n.Group, n.Instance, n.Image, n.PrivateIP, n.Zone}
	}
	return indented(map[string]any{"cluster_name": v.Cluster, "region": v.Region, "nodes": nodes})
}

type groupDoc struct {
	Name     string        `json:"name"`
	Want     int           `json:"want"`
	SlotsPer spec.SlotsPer `json:"slots_per"`
	Nodes    []nodeDoc     `json:"nodes"`
}

type nodeDoc struct {
	Name           string `json:"name"`
	Slot           int    `json:"slot"`
	Instance       string `json:"instance_id"`
	State          string `json:"state"`
	PrivateIP      string `json:"private_ip"`
	PrivateDNS     string `json:"private_dns"`
	PublicIP       string `json:"public_ip,omitempty"`
	Type           string `json:"instance_type"`
	Zone           string `json:"zone"`
	Image          string `json:"image_id"`
	VCPUs          int    `json:"vcpus"`
	Cores          int    `json:"cores"`
	ThreadsPerCore int    `json:"threads_per_core"`
	MemoryMiB      int    `json:"memory_mib"`
	GPUs           int    `json:"gpus,omitempty"`
	GPU            string `json:"gpu,omitempty"`
	Slots          int    `json:"slots"`

	HostKeys []string `json:"host_keys,omitempty"` // as far as they are known
}

// document is the whole inventory.
func document(v Inventory) string {
	doc := struct {
		FormatVersion string     `json:"format_version"`
		Cluster       string     `json:"cluster"`
		Region        string     `json:"region"`
		Missing       []string   `json:"missing"` // names of nodes that the file wants and that do not run
		Groups        []groupDoc `json:"groups"`
	}{"1", v.Cluster, v.Region, append([]string{}, v.Missing()...), []groupDoc{}}
	for _, g := range v.Groups {
		d := groupDoc{g.Name, g.Want, g.SlotsPer, []nodeDoc{}}
		for _, n := range g.Nodes {
			d.Nodes = append(d.Nodes, nodeDoc{
				n.Name, n.Slot, n.Instance, n.State, n.PrivateIP, n.PrivateDNS, n.PublicIP, n.Type, n.Zone, n.Image,
				n.VCPUs, n.Cores, n.ThreadsPerCore, n.MemoryMiB, n.GPUs, n.GPU, n.Slots, n.HostKeys,
			})
		}
		doc.Groups = append(doc.Groups, d)
	}
	return indented(doc)
}

// endpoint is an address with a port. The address is one.
func endpoint(address string, port uint16) string {
	return netip.AddrPortFrom(netip.MustParseAddr(address), port).String()
}
