package main

import "strings"

// An answer is what came of a command on one node.
type answer struct {
	node   nodeKey
	code   int    // exit code
	ending string // in words: ok, exited with 3, unreachable
	output string // standard output and error, as they came
}

// A gathered is answers that are the same but for their nodes.
type gathered struct {
	nodes          []nodeKey
	ending, output string
}

// gather puts the nodes together that answered the same, in the order in which their first ones come.
func gather(answers []answer) (parts []gathered) {
	type key struct{ ending, output string }
	at := map[key]int{}
	for _, r := range answers {
		k := key{r.ending, r.output}
		i, ok := at[k]
		if !ok {
			i = len(parts)
			at[k] = i
			parts = append(parts, gathered{ending: r.ending, output: r.output})
		}
		parts[i].nodes = append(parts[i].nodes, r.node)
	}
	return parts
}

// worst is the highest exit code of all answers, as an error; nil if that is 0.
func worst(answers []answer) error {
	e := &commandError{name: "the command", said: true}
	for _, r := range answers {
		if r.code > e.code {
			e.code, e.why = r.code, r.ending
		}
	}
	if e.code == 0 {
		return nil
	}
	return e
}

// indent sets text two columns in, and ends its last line.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}
