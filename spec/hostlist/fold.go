package hostlist

import (
	"cmp"
	"slices"
	"strings"
)

// Fold is the shortest list of the names in the order of Compare, each once; Expand gives them back in
// that order. Names may have any letters but commas, brackets and spaces, which no host name has. Without
// names it is empty.
func Fold(hosts []string) string {
	sorted := slices.Clone(hosts)
	slices.SortFunc(sorted, Compare)
	return fold(slices.Compact(sorted), true)
}

// FoldOrdered is a list of the names in the order that they have, for what has to stay in step with another
// list: every run of neighbours has a bracket of its own.
func FoldOrdered(hosts []string) string { return fold(hosts, false) }

// Compare orders hosts by name and then by their number, as people do: n9, n10, n010.
func Compare(a, b string) int {
	x, y := parse(a), parse(b)
	return cmp.Or(strings.Compare(x.prefix, y.prefix), cmp.Compare(x.n, y.n), cmp.Compare(len(x.digits), len(y.digits)))
}

// A host is a name and the number at its end.
type host struct {
	prefix, digits string
	n              int // -1 without digits
}

func parse(name string) host {
	prefix := strings.TrimRight(name, "0123456789")
	digits := name[len(prefix):]
	if n, ok := number(digits); ok {
		return host{prefix, digits, n}
	}
	return host{prefix: name, n: -1}
}

// fold writes names in their order. If join is set, neighbouring runs of one prefix share a bracket.
func fold(names []string, join bool) string {
	var items []string
	for i := 0; i < len(names); {
		first := parse(names[i])
		var ranges []string
		start := i
		for i < len(names) && (len(ranges) == 0 || join && first.n >= 0) {
			low := parse(names[i])
			if low.prefix != first.prefix || low.n < 0 != (first.n < 0) {
				break
			}
			end := run(names[i:], low)
			r := low.digits
			if end > 1 {
				r += "-" + parse(names[i+end-1]).digits
			}
			ranges = append(ranges, r)
			i += end
		}
		if i-start == 1 {
			items = append(items, names[start])
		} else {
			items = append(items, first.prefix+"["+strings.Join(ranges, ",")+"]")
		}
	}
	return strings.Join(items, ",")
}

// run is how many of the names one range holds that begins with the first of them.
func run(names []string, first host) int {
	n := 1
	for first.n >= 0 && n < len(names) && names[n] == first.prefix+written(first.n+n, first.digits) && parse(names[n]).n == first.n+n {
		n++
	}
	return n
}
