package main

import (
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A rule is one line of the import policy: packages at or below In, except those at or below Except, do
// not import what Forbids matches, for the reason Because. The table is a statement of policy: if the
// test fails, the import is wrong and not the table.
type rule struct {
	in      string
	except  []string
	forbids func(path string) bool
	because string
}

var policy = []rule{
	{
		in: "spec", except: []string{"spec/hostlist"}, forbids: below("cluster", "cluster/spec/hostlist"),
		because: "what is wanted depends on nobody; host lists are no part of that, only a way to write it",
	},
	{
		in: "spec/hostlist", forbids: func(path string) bool { return strings.ContainsAny(path, "./") },
		because: "host lists are strings and nothing else",
	},
	{
		in: "planner", forbids: below("cluster", "cluster/spec"),
		because: "the plan knows what is wanted and nothing of how it is done",
	},
	{
		in: "planner", forbids: impure,
		because: "a plan is a pure function of two values: it sees no context, network, logger, random number or file",
	},
	{
		in: "fleet", except: []string{"fleet/ec2sim", "fleet/ami", "fleet/export", "fleet/attest", "fleet/slurm"}, forbids: below("cluster", "cluster/planner", "cluster/spec"),
		because: "imports point one way; in particular the launcher cannot tell a rehearsal from EC2",
	},
	{
		in: "fleet/ec2sim", forbids: below("cluster"),
		because: "the embedded region knows EC2 and nothing of us, or it would agree with our mistakes",
	},
	{
		in: "fleet/ami", forbids: below("cluster", "cluster/fleet", "cluster/fleet/attest", "cluster/planner", "cluster/spec"),
		because: "imports point one way",
	},
	{
		in: "fleet/attest", forbids: either(below("cluster", "cluster/spec"), either(below("github.com/aws"), impure)),
		because: "a verdict is a pure function of what nodes and EC2 said: no SDK, file, clock or network",
	},
	{
		in: "fleet/export", forbids: below("cluster", "cluster/planner", "cluster/spec", "cluster/spec/hostlist"),
		because: "a format is a pure function of what was observed, and knows nothing of how that was done",
	},
	{
		in: "fleet/export", forbids: either(below("github.com"), impure),
		because: "a format is a pure function of an inventory: no SDK, file, clock or network",
	},
	{
		in: "fleet/slurm", forbids: below("cluster", "cluster/fleet/export", "cluster/planner", "cluster/spec", "cluster/spec/hostlist"),
		because: "what Slurm is told follows from what it says and what was observed, whoever asked and launched",
	},
	{
		in: "fleet/slurm", forbids: either(below("github.com"), impure),
		because: "what to tell Slurm is a pure function: no SDK, file, clock, process or network",
	},
	{
		in: ".", except: []string{"fleet"}, forbids: below("github.com/aws"),
		because: "the EC2 SDK takes two minutes to compile: only the fleet subtree pays for it",
	},
	{
		in: ".", forbids: below("cluster/cmd"),
		because: "nothing depends on the program",
	},
	{
		in: ".", forbids: oneOf("testing", "net/http/httptest", "testing/synctest", "github.com/google/go-cmp/cmp", "pgregory.net/rapid", "github.com/rogpeppe/go-internal/testscript"),
		because: "what tests need is in tests",
	},
	{
		in: ".", forbids: oneOf("text/template", "html/template"),
		because: "a program that links a template engine keeps every method of the EC2 client and is twice the size",
	},
}

// impure matches what a pure function has no use for.
var impure = oneOf("context", "crypto/rand", "io", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "sync", "syscall")

func either(a, b func(string) bool) func(string) bool {
	return func(path string) bool { return a(path) || b(path) }
}

// below matches a package and those below it, except for some and those at them exactly.
func below(root string, except ...string) func(string) bool {
	return func(path string) bool {
		return (path == root || strings.HasPrefix(path, root+"/")) && !slices.Contains(except, path)
	}
}

func oneOf(paths ...string) func(string) bool {
	return func(path string) bool { return slices.Contains(paths, path) }
}

func TestImports(t *testing.T) {
	for file, imports := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(file))
		for _, r := range policy {
			if !within(dir, r.in) || slices.ContainsFunc(r.except, func(e string) bool { return within(dir, e) }) {
				continue
			}
			for _, path := range imports {
				if r.forbids(path) {
					t.Errorf("%s imports %s: %s", file, path, r.because)
				}
			}
		}
	}
}

// TestPlannerHasNoClock holds what an import rule cannot: package time is there for its types.
func TestPlannerHasNoClock(t *testing.T) {
	for file := range sources(t) {
		if !within(filepath.ToSlash(filepath.Dir(file)), "planner") {
			continue
		}
		src, err := os.ReadFile(filepath.Join("..", "..", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "time.Tick"} {
			if strings.Contains(string(src), call) {
				t.Errorf("%s uses %s: a plan gets its time from the observation", file, call)
			}
		}
	}
}

func within(dir, root string) bool {
	return root == "." || dir == root || strings.HasPrefix(dir, root+"/")
}

// sources are the imports of every file of the module that is not a test and not one that no build takes
// in, by path from the module's root.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	files := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		if built, err := build.Default.MatchFile(filepath.Dir(path), d.Name()); err != nil || !built {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(rel)] = []string{}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			files[filepath.ToSlash(rel)] = append(files[filepath.ToSlash(rel)], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found: the walk looks in the wrong place", len(files))
	}
	return files
}
