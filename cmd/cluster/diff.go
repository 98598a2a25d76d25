package main

import (
	"bytes"
	"fmt"
	"strings"
)

// around is how many equal lines a hunk of a diff shows before and after a change.
const around = 3

// An edit is one line of a diff: ' ' it stays, '-' it goes, '+' it comes.
type edit struct {
	op   byte
	line string
}

// unified is the difference of two texts as a unified diff.
func unified(name string, before, after []byte) []byte {
	edits := editLines(lines(before), lines(after))
	var b bytes.Buffer
	fmt.Fprintf(&b, "--- %s\n+++ %s (formatted)\n", name, name)
	for _, h := range hunks(edits) {
		var old, new, oldStart, newStart = 0, 0, 1, 1
		for _, e := range edits[:h[0]] {
			oldStart += count(e.op != '+')
			newStart += count(e.op != '-')
		}
		for _, e := range edits[h[0]:h[1]] {
			old += count(e.op != '+')
			new += count(e.op != '-')
		}
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@\n", oldStart, old, newStart, new)
		for _, e := range edits[h[0]:h[1]] {
			fmt.Fprintf(&b, "%c%s", e.op, e.line)
			if !strings.HasSuffix(e.line, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	return b.Bytes()
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lines splits a text after each line break; the last line may lack one.
func lines(src []byte) []string {
	l := strings.SplitAfter(string(src), "\n")
	if l[len(l)-1] == "" {
		l = l[:len(l)-1]
	}
	return l
}

// maxTable bounds the work of editLines. Two texts whose middles are larger than that are shown as one
// replaced by the other.
const maxTable = 1 << 24

// editLines turns one list of lines into another with the fewest edits, by the longest common
// subsequence of what remains when the common start and end are set aside.
func editLines(a, b []string) []edit {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var out []edit
	keep := func(lines []string, op byte) {
		for _, l := range lines {
			out = append(out, edit{op, l})
		}
	}
	keep(a[:start], ' ')
	x, y := a[start:len(a)-end], b[start:len(b)-end]
	if len(x)*len(y) > maxTable {
		keep(x, '-')
		keep(y, '+')
	} else {
		out = append(out, shortest(x, y)...)
	}
	keep(a[len(a)-end:], ' ')
	return out
}

func shortest(x, y []string) []edit {
	// common[i][j] is the length of the longest common subsequence of x[i:] and y[j:].
	common := make([][]int, len(x)+1)
	for i := range common {
		common[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []edit
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			out = append(out, edit{' ', x[i]})
			i, j = i+1, j+1
		case i < len(x) && (j == len(y) || common[i+1][j] >= common[i][j+1]):
			out = append(out, edit{'-', x[i]})
			i++
		default:
			out = append(out, edit{'+', y[j]})
			j++
		}
	}
	return out
}

// hunks are the spans of edits to show: changes with what is around them, merged where they touch.
func hunks(edits []edit) [][2]int {
	var out [][2]int
	for i, e := range edits {
		if e.op == ' ' {
			continue
		}
		from, to := max(0, i-around), min(len(edits), i+around+1)
		if n := len(out); n > 0 && from <= out[n-1][1] {
			out[n-1][1] = to
			continue
		}
		out = append(out, [2]int{from, to})
	}
	return out
}
