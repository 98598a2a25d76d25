package attest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Content is what is installed: on a node, or in an image when it was made.
type Content struct {
	Tool   string // that knows the packages: dpkg or rpm
	Count  int    // of packages; 0: not told
	SHA256 string // of the sorted list of packages
	OS     string // such as debian-12
}

// contentForm is how content.sh of package spec writes it, and a tag of an image keeps it.
var contentForm = regexp.MustCompile(`^(dpkg|rpm) ([1-9][0-9]{0,5}) ([0-9a-f]{64}) ([A-Za-z0-9._-]{1,64})$`)

// ParseContent reads what String writes.
func ParseContent(text string) (c Content, ok bool) {
	m := contentForm.FindStringSubmatch(text)
	if m == nil {
		return c, false
	}
	n, err := strconv.Atoi(m[2])
	return Content{Tool: m[1], Count: n, SHA256: m[3], OS: m[4]}, err == nil
}

// String is the content in one line of at most 160 characters, as a tag can have it.
func (c Content) String() string { return fmt.Sprintf("%s %d %s %s", c.Tool, c.Count, c.SHA256, c.OS) }

// Text is the content for people.
func (c Content) Text() string {
	return fmt.Sprintf("%d packages (%s %s), %s", c.Count, c.Tool, c.SHA256[:min(12, len(c.SHA256))], c.OS)
}

// DiffPackages compares sorted lists of packages: what only the one has, and what only the other.
func DiffPackages(a, b []string) (onlyA, onlyB []string) {
	in := func(list []string, p string) bool {
		_, found := slices.BinarySearch(list, p)
		return found
	}
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	for _, p := range a {
		if !in(b, p) {
			onlyA = append(onlyA, p)
		}
	}
	for _, p := range b {
		if !in(a, p) {
			onlyB = append(onlyB, p)
		}
	}
	return onlyA, onlyB
}

// few joins words, the first ones if there are many.
func few(words []string) string {
	const most = 3
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
}
