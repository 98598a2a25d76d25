package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

const lockHead = `# The images that the cluster file next to this one stands for, so that the same file launches the
# same image next year. cluster plan and cluster up write it and keep to it; --upgrade-image moves it.
# It belongs into version control.
`

// Bytes is the lock as a file: in canonical layout, and the same for equal entries.
func (l *Lock) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString(lockHead)
	for _, e := range sortEntries(slices.Clone(l.Images)) {
		e.write(&b)
	}
	out, diags := Format(b.Bytes(), "lock file")
	if diags.HasErrors() {
		panic(diags) // our own text always parses
	}
	return out
}

func (l LockedImage) write(b *bytes.Buffer) {
	set := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "%s = %s\n", name, literal(value))
		}
	}
	fmt.Fprintf(b, "\nimage %s {\n", literal(l.Region))
	if l.Rehearsal {
		b.WriteString("rehearsal = true\n")
	}
	fmt.Fprintf(b, "asked = %s\n", l.Asked.object())
	set("id", l.ID)
	set("name", l.Name)
	set("owner", l.Owner)
	if !l.Created.IsZero() {
		set("created", l.Created.UTC().Format(time.RFC3339))
	}
	set("root_snapshot", l.RootSnapshot)
	set("family", l.Family)
	set("version", l.Version)
	if len(l.Ancestors) > 0 {
		fmt.Fprintf(b, "ancestors = %s\n", literals(l.Ancestors))
	}
	b.WriteString("}\n")
}

// object is a question as the value of asked.
func (i Image) object() string {
	var parts []string
	for _, p := range []struct{ name, value string }{
		{"id", i.ID}, {"name", i.Name}, {"family", i.Family}, {"version", i.Version}, {"channel", i.Channel},
	} {
		if p.value != "" {
			parts = append(parts, p.name+" = "+literal(p.value))
		}
	}
	if len(i.Owners) > 0 {
		parts = append(parts, "owners = "+literals(slices.Sorted(slices.Values(i.Owners))))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// literal is a string in HCL's quotes.
func literal(s string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
}

func literals(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = literal(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
