package planner_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the plans into the archives")

// TestGoldenPlans reads archives in testdata/plan. Each one has some of
//
//	before.hcl      what had been brought up earlier
//	observed.json   what EC2 has, in place of what region() says; its ids are written out
//	touched.json    by instance id, what became of the nodes since
//	cluster.hcl     what is wanted now; without it, the end of before.hcl's cluster
//
// and the plan for it.
func TestGoldenPlans(t *testing.T) {
	files, err := filepath.Glob("../testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, have := unpack(t, a)
			plan := planner.Diff(want, have)
			got := text(plan) + steps(plan, have)
			if len(plan.Blockers) == 0 {
				if again := planner.Diff(want, apply(plan, want, have)); !again.Empty() {
					t.Errorf("once carried out, there is still to do:\n%s", text(again))
				}
			}
			i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "plan" })
			if i < 0 {
				a.Files = append(a.Files, txtar.File{Name: "plan"})
				i = len(a.Files) - 1
			}
			if *update {
				a.Files[i].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(a.Files[i].Data), got); diff != "" {
				t.Errorf("run with -update if this is right; -want +got:\n%s", diff)
			}
		})
	}
}

// unpack reads an archive's cluster file and observation.
func unpack(t *testing.T, a *txtar.Archive) (*spec.Cluster, planner.Observed) {
	t.Helper()
	have := realRegion(t)
	dir := t.TempDir()
	files := map[string][]byte{}
	for _, f := range a.Files {
		files[f.Name] = f.Data
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	load := func(name string) *spec.Cluster {
		c, _, diags := spec.Load(filepath.Join(dir, name), spec.Options{})
		if diags.HasErrors() {
			t.Fatalf("%s: %v", name, diags)
		}
		return c
	}
	decode(t, files["observed.json"], &have)
	var want *spec.Cluster
	if files["before.hcl"] != nil {
		before := load("before.hcl")
		p := planner.Diff(before, have)
		if len(p.Blockers) > 0 {
			t.Fatalf("before.hcl is blocked: %v", p.Blockers)
		}
		have = apply(p, before, have)
		want = before.Empty()
	}
	touch(t, files["touched.json"], &have)
	if files["cluster.hcl"] != nil {
		want = load("cluster.hcl")
	}
	return want, have
}

// realRegion is region with ids that package spec takes for real: subnet-aaaaaaaa for subnet-a.
func realRegion(t *testing.T) (have planner.Observed) {
	t.Helper()
	data, err := json.Marshal(region())
	if err != nil {
		t.Fatal(err)
	}
	long := regexp.MustCompile(`"(subnet|ami|sg)-([abc12])"`).ReplaceAllFunc(data, func(id []byte) []byte {
		last := id[len(id)-2 : len(id)-1]
		return append(append(id[:len(id)-2:len(id)-2], bytes.Repeat(last, 8)...), '"')
	})
	decode(t, long, &have)
	return have
}

// touch changes instances by id; an unknown id is a new one, copied from the one in "Like".
func touch(t *testing.T, data []byte, have *planner.Observed) {
	t.Helper()
	var touched []json.RawMessage
	decode(t, data, &touched)
	for _, raw := range touched {
		var which struct{ ID, Like string }
		if err := json.Unmarshal(raw, &which); err != nil {
			t.Fatal(err)
		}
		id := which.ID
		if which.Like != "" {
			id = which.Like
		}
		i := slices.IndexFunc(have.Instances, func(n planner.Instance) bool { return n.ID == id })
		if i < 0 {
			t.Fatalf("touched.json: no instance %s", id)
		}
		n := have.Instances[i]
		n.Tags = nil
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		if n.Tags == nil {
			n.Tags = have.Instances[i].Tags
		}
		if which.Like != "" {
			have.Instances = append(have.Instances, n)
		} else {
			have.Instances[i] = n
		}
	}
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if len(bytes.TrimSpace(data)) == 0 {
		return
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", data, err))
	}
}
