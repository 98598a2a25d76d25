package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cluster/planner"
	"cluster/spec/hostlist"
)

// A nodeKey tells one node from another.
type nodeKey struct {
	Group string
	Slot  int
}

func (k nodeKey) String() string { return planner.NodeName(k.Group, k.Slot) }

// foldNodes is a list of nodes in the notation of Slurm and ClusterShell, such as compute-[0-61,63],head-0.
// Groups keep the order in which they first appear; a node that appears twice is there once.
func foldNodes(nodes []nodeKey) string {
	var groups []string
	names := map[string][]string{}
	for _, n := range nodes {
		if !slices.Contains(groups, n.Group) {
			groups = append(groups, n.Group)
		}
		names[n.Group] = append(names[n.Group], n.String())
	}
	folded := make([]string, len(groups))
	for i, g := range groups {
		folded[i] = hostlist.Fold(names[g])
	}
	return strings.Join(folded, ",")
}

// commas is a comma with the white space that people put beside it.
var commas = regexp.MustCompile(`\s*,\s*`)

// parseNodes reads what foldNodes writes, in any order and with white space around the commas. The nodes come
// in the order of the list, each once; an error says which part of it has no meaning.
func parseNodes(list string) (nodes []nodeKey, err error) {
	hosts, err := hostlist.Expand(strings.TrimSpace(commas.ReplaceAllString(list, ",")))
	if err != nil {
		return nil, err
	}
	for _, host := range hosts {
		group, number, _ := cutLast(host, "-")
		n := nodeKey{Group: group}
		if n.Slot, err = strconv.Atoi(number); err != nil || group == "" || n.String() != host {
			return nil, fmt.Errorf("%q names no node", host)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}
