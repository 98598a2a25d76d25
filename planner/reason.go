package planner

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// changed is the reason that one setting went from one value to another.
func changed(what, before, after string, at hcl.Range) Reason {
	return Reason{What: what, Old: before, New: after, At: at, Text: fmt.Sprintf("%s %s -> %s", what, before, after)}
}

// altered is the reason that a setting which EC2 does not show has another fingerprint.
func altered(what string, at hcl.Range) Reason {
	return Reason{What: what, At: at, Text: what + " changed"}
}

// because makes one reason of several: the first, with the text of all.
func because(reasons []Reason) Reason {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Text
	}
	r := reasons[0]
	r.Text = series(texts, "and")
	return r
}

// series writes a list as people do: "a, b and c".
func series(items []string, conjunction string) string {
	n := len(items)
	if n < 2 {
		return strings.Join(items, "")
	}
	return fmt.Sprintf("%s %s %s", strings.Join(items[:n-1], ", "), conjunction, items[n-1])
}

// plural is a number with the form of the phrase that goes with it.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
