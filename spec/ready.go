package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// ready decodes the probes of a group. The launch block has been read.
func (x *groupBody) ready(blocks []*hcl.Block) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		name, at := b.Labels[0], b.LabelRanges[0]
		if !hostName.MatchString(name) || len(name) > maxGroupName {
			x.errorf(at, "Invalid name", "The name of a probe is a lower-case letter and then lower-case letters, digits and hyphens, at most %d. %s is not such a name.",
				maxGroupName, quote(name))
		}
		if before, ok := seen[name]; ok {
			x.errorf(at, "Duplicate ready", "Group %q has a probe %q at %s already.", x.g.Name, name, position(before))
		}
		seen[name] = at
		x.g.Ready = append(x.g.Ready, x.probe(b))
	}
}

func (x *groupBody) probe(b *hcl.Block) Probe {
	a, _ := x.open(b, b.Body, readyBlock)
	p := Probe{Name: b.Labels[0], Source: a.src}
	if !a.has("command") {
		a.missing("No command", `The probe has no command. Add command = "mountpoint -q /shared", a line for the shell of the node.`)
	}
	if t, ok := a.text("command"); ok {
		p.Command = t.string
		if strings.ContainsRune(t.string, 0) {
			x.errorf(t.at, "Invalid command", "A command cannot hold the character NUL.")
		}
	}
	if d, ok := x.duration(a, "timeout"); ok {
		p.Timeout = d
		if d > x.g.Launch.Timeout {
			x.errorf(a.at("timeout"), "timeout beyond that of the launch",
				"The probe may take %s, and group %q is given up after %s. Write launch { timeout = … } with at least as much.", d, x.g.Name, x.g.Launch.Timeout)
		}
	}
	return p
}

// plainWords are values of a type of words.
func plainWords[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}
