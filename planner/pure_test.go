package planner

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPlannerIsPure is a statement of policy: do not add to the list to make a build pass. A
// plan is worth showing because it depends on nothing but the file and the observation.
func TestPlannerIsPure(t *testing.T) {
	allowed := []string{
		"cluster/spec", "github.com/hashicorp/hcl/v2",
		"cmp", "crypto/sha256", "encoding/hex", "fmt", "maps", "slices", "strconv", "strings",
		"time", // for its types
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		src, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), src, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range tree.Imports {
			if path, _ := strconv.Unquote(imp.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
		for _, clock := range []string{"time.Now", "time.Since", "time.Until", "time.After(", "time.Sleep", "time.NewTimer"} {
			if strings.Contains(string(src), clock) {
				t.Errorf("%s looks at the clock: %s", f.Name(), clock)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"*", "", true}, {"**", "ab", true}, {"?", "", false},
		{"hpc-*", "hpc-1", true}, {"hpc-*", "hpc", false}, {"*-x86", "a-x86-x86", true}, {"*-x86", "a-x86-arm", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"a*b*c", "a1b2b3c", true}, {"a*b*c", "a1c2", false},
		{`a\*`, "a*", true}, {`a\*`, "ab", false}, {`a\?`, "a?", true}, {`a\\`, `a\`, true}, {`a\`, `a\`, true},
		{"ABC", "abc", false},
	} {
		if got := match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("match(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
	if match(strings.Repeat("a*", 2000)+"b", strings.Repeat("a", 4000)) {
		t.Error("a hostile pattern matches")
	}
}

func TestCompareVersions(t *testing.T) {
	ascending := []string{"", "0.9", "1", "1.0", "1.2.0-alpha", "1.2.0-rc.1", "1.2.0-rc.2", "1.2.0", "1.2.0.1", "1.9.0", "1.10.0", "1.x", "2024.11.2", "x"}
	for i, a := range ascending {
		for j, b := range ascending {
			got := compareVersions(a, b)
			if (got < 0) != (i < j) && !(a == "" || b == "") || (got == 0) != (i == j) {
				t.Errorf("compareVersions(%q, %q) = %d", a, b, got)
			}
		}
	}
	if compareVersions("1.2.0+build7", "1.2.0") != 0 {
		t.Error("build metadata has a say in the order")
	}
}
