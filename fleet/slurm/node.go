package slurm

import (
	"slices"
	"strings"
)

// A Node is what Slurm says of one.
type Node struct {
	Name   string
	State  string   // the first word: IDLE, ALLOCATED, MIXED, DOWN, …
	Flags  []string // the others: CLOUD, POWERED_DOWN, NOT_RESPONDING, …
	Reason string
}

// Is says that a node has a flag.
func (n Node) Is(flag string) bool { return slices.Contains(n.Flags, flag) }

// Off says that a node is powered down, as far as Slurm knows.
func (n Node) Off() bool { return n.Is("POWERED_DOWN") }

// changing says that a node is on its way up or down.
func (n Node) changing() bool {
	return slices.ContainsFunc([]string{"POWERING_UP", "POWERING_DOWN", "POWER_UP", "POWER_DOWN", "REBOOT_ISSUED"}, n.Is)
}

// ParseNodes reads what scontrol show nodes --oneliner writes.
func ParseNodes(text string) (nodes []Node) {
	for line := range strings.Lines(text) {
		var n Node
		for _, word := range strings.Fields(line) {
			switch key, value, _ := strings.Cut(word, "="); key {
			case "NodeName":
				n.Name = value
			case "State":
				words := strings.Split(value, "+")
				n.State, n.Flags = strings.Trim(words[0], "*~#!%$@^-"), words[1:]
			}
		}
		if _, after, ok := strings.Cut(line, " Reason="); ok {
			n.Reason = strings.TrimSpace(after)
		}
		if n.Name != "" {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
