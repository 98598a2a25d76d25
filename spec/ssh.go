package spec

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// SSH is how people get into nodes; no node depends on it. What is left out is for their own ssh to say.
type SSH struct {
	User   string // to log in as; empty: not said
	Jump   string // a group, of which the first node, or a node, through which the others are reached; empty: straight
	Public bool   // the first hop is to the public address
	Source Source
}

// userForm is a name that every system takes for a user.
var userForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

// ssh decodes the ssh block; the groups of the cluster have been read.
func (l *loader) ssh(b *hcl.Block, c *Cluster) SSH {
	a, _ := l.open(b, b.Body, sshBlock)
	s := SSH{Source: a.src}
	s.Public, _ = a.flag("public")
	if t, ok := a.text("user"); ok {
		s.User = t.string
		if !userForm.MatchString(t.string) {
			l.errorf(t.at, "Invalid user", "%s is not the name of a user: a letter first, then letters, digits, points, hyphens and underscores, at most 32.", quote(t.string))
		}
	}
	if t, ok := a.text("jump"); ok {
		s.Jump = t.string
		if !c.hasNode(t.string) {
			var names []string
			for _, g := range c.Groups {
				names = append(names, g.Name)
			}
			hint := "."
			if near, ok := closest(t.string, names); ok {
				hint = ". Did you mean " + quote(near) + "?"
			}
			l.errorf(t.at, "No such node", "Nodes are reached through a group, of which the first node is taken, or through a node such as head-0. There is no %s%s", quote(t.string), hint)
		}
	}
	return s
}

// hasNode says whether a name is that of a group, or of a node that the file wants.
func (c *Cluster) hasNode(name string) bool {
	for _, g := range c.Groups {
		slot, of := strings.CutPrefix(name, g.Name+"-")
		n, err := strconv.Atoi(slot)
		if name == g.Name || of && err == nil && n >= 0 && n < g.Count && strconv.Itoa(n) == slot {
			return true
		}
	}
	return false
}
