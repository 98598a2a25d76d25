package main

import (
	"fmt"
	"slices"
	"strings"

	"cluster/planner"
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
	slots := map[string]planner.Slots{}
	for _, n := range nodes {
		if !slices.Contains(groups, n.Group) {
			groups = append(groups, n.Group)
		}
		slots[n.Group] = append(slots[n.Group], n.Slot)
	}
	var folded []string
	for _, g := range groups {
		s := slots[g]
		slices.Sort(s)
		s = slices.Compact(s)
		if s[0] < 0 {
			folded = append(folded, planner.NodeName(g, -1))
			s = s[1:]
		}
		switch len(s) {
		case 0:
		case 1:
			folded = append(folded, planner.NodeName(g, s[0]))
		default:
			folded = append(folded, fmt.Sprintf("%s-[%s]", g, s))
		}
	}
	return strings.Join(folded, ",")
}

// parseNodes reads what foldNodes writes, in any order and with white space around the commas. The nodes come
// in the order of the list; an error says which part of it has no meaning.
func parseNodes(list string) (nodes []nodeKey, err error) {
	for _, part := range splitNodes(list) {
		part = strings.TrimSpace(part)
		group, folded, ok := cutLast(part, "-")
		if open := strings.Index(part, "-["); open >= 0 && strings.HasSuffix(part, "]") {
			group, folded, ok = part[:open], part[open+2:len(part)-1], true
		}
		slots, err := planner.ParseSlots(folded)
		if !ok || group == "" || strings.ContainsAny(group, "[] ") || len(slots) == 0 || err != nil {
			return nil, fmt.Errorf("%q names no nodes", part)
		}
		for _, s := range slots {
			nodes = append(nodes, nodeKey{group, s})
		}
	}
	return nodes, nil
}

// splitNodes splits a list at the commas outside brackets.
func splitNodes(list string) (parts []string) {
	depth, from := 0, 0
	for i, r := range list {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, list[from:i])
			from = i + 1
		}
	}
	return append(parts, list[from:])
}
