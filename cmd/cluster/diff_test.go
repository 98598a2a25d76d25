package main

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestUnifiedIsADiff holds that a diff read as a patch turns the one text into the other.
func TestUnifiedIsADiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "\n"})
		before := strings.Join(rapid.SliceOfN(line, 0, 30).Draw(t, "before"), "")
		after := strings.Join(rapid.SliceOfN(line, 0, 30).Draw(t, "after"), "")
		var old, new strings.Builder
		for _, e := range editLines(lines([]byte(before)), lines([]byte(after))) {
			if e.op != '+' {
				old.WriteString(e.line)
			}
			if e.op != '-' {
				new.WriteString(e.line)
			}
		}
		if old.String() != before || new.String() != after {
			t.Fatalf("%q -> %q is diffed as %q -> %q", before, after, old.String(), new.String())
		}
	})
}

func TestUnified(t *testing.T) {
	before := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12"
	after := "1\n2\nthree\n4\n5\n6\n7\n8\n9\n10\n12\n"
	want := `--- f
+++ f (formatted)
@@ -1,6 +1,6 @@
 1
 2
-3
+three
 4
 5
 6
@@ -8,5 +8,4 @@
 8
 9
 10
-11
-12
\ No newline at end of file
+12
`
	if got := string(unified("f", []byte(before), []byte(after))); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
