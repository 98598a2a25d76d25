package hostlist_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cluster/spec/hostlist"

	"pgregory.net/rapid"
)

// TestExpand is what Slurm 24.11 and ClusterShell 1.9 say, where they agree.
func TestExpand(t *testing.T) {
	for list, want := range map[string]string{
		"c[001-003,070]":     "c001 c002 c003 c070",
		"c[9-11]":            "c9 c10 c11",
		"c[09-11]":           "c09 c10 c11",
		"c[099-101]":         "c099 c100 c101",
		"c[998-1001]":        "c998 c999 c1000 c1001",
		"c[0998-1001]":       "c0998 c0999 c1000 c1001",
		"r[1-2]n[1-2]":       "r1n1 r1n2 r2n1 r2n2",
		"c[1-2],d[3-4]":      "c1 c2 d3 d4",
		"c[1,1]":             "c1",
		"c1,c1":              "c1",
		"c[1-2]-ib":          "c1-ib c2-ib",
		"c[3,1-2]":           "c3 c1 c2",
		"compute-0":          "compute-0",
		"head-0,compute-[0]": "head-0 compute-0",
	} {
		got, err := hostlist.Expand(list)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v (%v), want %s", list, got, err, want)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	for _, list := range []string{
		"", ",", "c1,", ",c1", "c1,,c2", "c[3-1]", "c[a-c]", "c[]", "c[1-2,]", "c[1-3", "c1-3]", "c[1-3/2]", "c[[1]]", "c[1-",
		"c[1-70000]", "c[1-300][1-300]", "c1 c2", " c1", "c1\n", "c[-1]", "c[1-2-3]", "c[+1-2]", "c[9-010]", "c[1-9999999999]", "c]1[",
	} {
		if got, err := hostlist.Expand(list); err == nil {
			t.Errorf("%q is %d hosts, want an error", list, len(got))
		}
	}
	if got, err := hostlist.Expand("c[1-65536]"); err != nil || len(got) != hostlist.Limit {
		t.Errorf("c[1-65536] is %d hosts (%v)", len(got), err)
	}
}

func TestFold(t *testing.T) {
	for hosts, want := range map[string]string{
		"":                                  "",
		"c3 c1 c2":                          "c[1-3]",
		"c9 c09 c10":                        "c[9,09-10]",
		"c099 c100 c101":                    "c[099-101]",
		"c999 c1000":                        "c[999-1000]",
		"r1n1 r1n2 r2n1 r2n2":               "r1n[1-2],r2n[1-2]",
		"compute-0":                         "compute-0",
		"head-0 compute-0 compute-1":        "compute-[0-1],head-0",
		"c1 c1":                             "c1",
		"login c1 login2":                   "c1,login,login2",
		"c c1 c2":                           "c,c[1-2]",
		"i12345678901 i12345678902":         "i12345678901,i12345678902",
		"n0 n00 n000":                       "n[0,00,000]",
		"10.0.0.4 10.0.0.5 10.0.1.6":        "10.0.0.[4-5],10.0.1.6",
		"c999999998 c999999999 c1000000000": "c[999999998-999999999],c1000000000",
	} {
		if got := hostlist.Fold(strings.Fields(hosts)); got != want {
			t.Errorf("%s: %s, want %s", hosts, got, want)
		}
	}
	if got, want := hostlist.FoldOrdered([]string{"c3", "c1", "c2", "d1", "c1"}), "c3,c[1-2],d1,c1"; got != want {
		t.Errorf("in order: %s, want %s", got, want)
	}
}

// TestFoldsBack holds that what is folded expands to the same names, and reads as one bracket at the end.
func TestFoldsBack(t *testing.T) {
	name := rapid.Custom(func(t *rapid.T) string {
		prefix := rapid.SampledFrom([]string{"c", "c-", "compute-", "r1n", "10.0.0.", ""}).Draw(t, "prefix")
		width := rapid.IntRange(0, 4).Draw(t, "width")
		n := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(90, 1100), rapid.IntRange(0, 2_000_000_000)).Draw(t, "number")
		return fmt.Sprintf("%s%0*d", prefix, width, n)
	})
	rapid.Check(t, func(t *rapid.T) {
		hosts := rapid.SliceOfNDistinct(name, 1, 50, rapid.ID).Draw(t, "hosts")
		ordered, err := hostlist.Expand(hostlist.FoldOrdered(hosts))
		if err != nil || !slices.Equal(ordered, hosts) {
			t.Fatalf("%v in order becomes %s and then %v (%v)", hosts, hostlist.FoldOrdered(hosts), ordered, err)
		}
		folded := hostlist.Fold(hosts)
		back, err := hostlist.Expand(folded)
		slices.SortFunc(hosts, hostlist.Compare)
		if err != nil || !slices.Equal(back, hosts) {
			t.Fatalf("%v becomes %s and then %v (%v)", hosts, folded, back, err)
		}
		for i := strings.Index(folded, "["); i >= 0; i = strings.Index(folded, "[") {
			end := strings.Index(folded, "]")
			if after := folded[end+1:]; after != "" && after[0] != ',' {
				t.Fatalf("%s goes on after a bracket", folded)
			}
			folded = folded[end+1:]
		}
	})
}
