package spec

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata/spec")

// TestGolden loads every cluster file of every archive. A file x.hcl or x.json at the top of
// an archive is a case; x.hcl.args holds its command line, one argument a line, lines such as
// CLUSTER_VAR_x=1 its environment. What Load says about it is x.hcl.want, and what it gives
// for a good file is x.hcl.cluster, if the archive has that. What begins with build is an image file;
// of a lock file that is how it is written. A good file with twins in both
// syntaxes gives the same cluster in both.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("../testdata/spec/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			path, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			testArchive(t, path)
		})
	}
}

func testArchive(t *testing.T, path string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := txtar.Write(a, dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	twins := map[string]string{}
	var out []txtar.File
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".want") || strings.HasSuffix(f.Name, ".cluster") {
			continue
		}
		out = append(out, f)
		ext := filepath.Ext(f.Name)
		if ext != ".hcl" && ext != ".json" || strings.Contains(f.Name, "/") {
			continue
		}
		got, cluster := loadCase(t, f.Name, files[f.Name+".args"])
		out = append(out, txtar.File{Name: f.Name + ".want", Data: []byte(got)})
		if d := cmp.Diff(files[f.Name+".want"], got); d != "" && !*update {
			t.Errorf("%s: diagnostics differ (-want +got):\n%s", f.Name, d)
		}
		if want, ok := files[f.Name+".cluster"]; ok {
			out = append(out, txtar.File{Name: f.Name + ".cluster", Data: []byte(cluster)})
			if d := cmp.Diff(want, cluster); d != "" && !*update {
				t.Errorf("%s: cluster differs (-want +got):\n%s", f.Name, d)
			}
		}
		base := strings.TrimSuffix(f.Name, ext)
		if other, ok := twins[base]; ok && cluster != other {
			t.Errorf("%s: the two syntaxes give different clusters:\n%s", base, cmp.Diff(other, cluster))
		}
		twins[base] = cluster
	}
	if *update {
		a.Files = out
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// loadCase loads one file and gives its diagnostics, one a line, and the cluster without the
// positions in it.
func loadCase(t *testing.T, name, arguments string) (string, string) {
	t.Helper()
	if strings.HasSuffix(name, LockSuffix) {
		return lockCase(t, name)
	}
	var got any
	var found bool
	var sources Sources
	var diags hcl.Diagnostics
	if strings.HasPrefix(name, "build") {
		var m *Build
		m, sources, diags = LoadBuild(name, optionsOf(t, arguments))
		got, found = m, m != nil
	} else {
		var c *Cluster
		c, sources, diags = Load(name, optionsOf(t, arguments))
		got, found = c, c != nil
	}
	if found == diags.HasErrors() {
		t.Errorf("%s: there is a result: %v, errors: %v", name, found, diags.HasErrors())
	}
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(diagLine(d))
		checkDiag(t, d, sources)
	}
	if !found {
		return b.String(), ""
	}
	return b.String(), dump(t, got)
}

// lockCase is loadCase for a lock file, which comes back as Bytes writes it.
func lockCase(t *testing.T, name string) (string, string) {
	t.Helper()
	k, sources, diags := ReadLock(name)
	if (k == nil) != diags.HasErrors() {
		t.Errorf("%s: lock is nil: %v, errors: %v", name, k == nil, diags.HasErrors())
	}
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(diagLine(d))
		checkDiag(t, d, sources)
	}
	if k == nil {
		return b.String(), ""
	}
	return b.String(), string(k.Bytes())
}

func optionsOf(t *testing.T, arguments string) Options {
	var o Options
	for line := range strings.Lines(arguments) {
		line = strings.TrimSuffix(line, "\n")
		flag, value, _ := strings.Cut(line, " ")
		switch flag {
		case "--var":
			o.Inputs = append(o.Inputs, Input{Var: value})
		case "--var-file":
			o.Inputs = append(o.Inputs, Input{File: value})
		default:
			o.Env = append(o.Env, line)
		}
	}
	return o
}

func diagLine(d *hcl.Diagnostic) string {
	severity := "error"
	if d.Severity == hcl.DiagWarning {
		severity = "warning"
	}
	where := ""
	if r := d.Subject; r != nil {
		where = fmt.Sprintf("%s:%d,%d-", r.Filename, r.Start.Line, r.Start.Column)
		if r.End.Line != r.Start.Line {
			where += fmt.Sprintf("%d,", r.End.Line)
		}
		where += fmt.Sprintf("%d: ", r.End.Column)
	}
	return fmt.Sprintf("%s%s: %s: %s\n", where, severity, d.Summary, d.Detail)
}

// checkDiag holds what is true of every diagnostic: it is a sentence, it can be shown, and it
// points into a text that is there.
func checkDiag(t *testing.T, d *hcl.Diagnostic, sources Sources) {
	t.Helper()
	if d.Summary == "" || !strings.ContainsAny(d.Detail[max(0, len(d.Detail)-1):], ".?)!") {
		t.Errorf("not a sentence: %s", diagLine(d))
	}
	if clean(d.Summary+d.Detail) != d.Summary+d.Detail {
		t.Errorf("control characters: %q", diagLine(d))
	}
	if d.Subject == nil {
		return
	}
	f, ok := sources[d.Subject.Filename]
	if !ok {
		if !strings.HasPrefix(d.Subject.Filename, "--var") && !strings.HasPrefix(d.Subject.Filename, envPrefix) {
			t.Errorf("no source: %s", diagLine(d))
		}
		return
	}
	if len(f.Bytes) < d.Subject.End.Byte {
		t.Errorf("points after the end: %s", diagLine(d))
	}
}

// dump is what a file says as text, without positions.
func dump(t *testing.T, c any) string {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(withoutPositions(tree)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// withoutPositions leaves out sources and everything empty.
func withoutPositions(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		for k, e := range v {
			e = withoutPositions(e)
			if m, ok := e.(map[string]any); k == "Source" || e == nil || e == "" || e == false || e == 0.0 || ok && len(m) == 0 {
				delete(v, k)
				continue
			}
			v[k] = e
		}
	case []any:
		for i := range v {
			v[i] = withoutPositions(v[i])
		}
	}
	return tree
}
