package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad holds that no text makes Load panic or hang, or say something that cannot be
// shown, and that Format is idempotent and keeps the meaning.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob("../testdata/spec/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if len(file.Data) > 1024 || file.Name == "large.hcl" {
				continue // the fuzzer wants seeds that are small and fast
			}
			switch filepath.Ext(file.Name) {
			case ".hcl":
				f.Add(file.Data, false)
			case ".json":
				f.Add(file.Data, true)
			}
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte, isJSON bool) {
		name := filepath.Join(dir, "x.hcl")
		if isJSON {
			name = filepath.Join(dir, "x.json")
		}
		got := loadBytes(t, name, src)
		if isJSON || got == "" {
			return
		}
		formatted, diags := Format(src, name)
		if diags.HasErrors() {
			return
		}
		again, diags := Format(formatted, name)
		if diags.HasErrors() {
			t.Fatalf("the formatted text is refused: %v\n%q\n%q", diags, src, formatted)
		}
		if !bytes.Equal(formatted, again) {
			t.Fatalf("Format is not idempotent:\n%q\n%q\n%q", src, formatted, again)
		}
		if d := cmp.Diff(got, loadBytes(t, name, formatted)); d != "" {
			t.Fatalf("Format changes the meaning:\n%q\n%q\n%s", src, formatted, d)
		}
	})
}

// loadBytes loads a text and gives what is left when positions are left out; nothing if it
// takes too long.
func loadBytes(t *testing.T, name string, src []byte) string {
	t.Helper()
	if err := os.WriteFile(name, src, 0o644); err != nil {
		t.Fatal(err)
	}
	if IsImageFile(name) {
		m, sources, diags := LoadBuild(name, Options{})
		return told(t, m, m != nil, sources, diags)
	}
	c, sources, diags := Load(name, Options{})
	return told(t, c, c != nil, sources, diags)
}

// told is what a text is left as.
func told(t *testing.T, got any, found bool, sources Sources, diags hcl.Diagnostics) string {
	t.Helper()
	if found == diags.HasErrors() {
		t.Errorf("there is a result: %v, errors: %v", found, diags.HasErrors())
	}
	var b strings.Builder
	for _, d := range diags {
		if d.Summary == "Evaluation takes too long" {
			return ""
		}
		checkDiag(t, d, sources)
		if d.Subject != nil {
			b.WriteString(d.Subject.Filename + ": ")
		}
		b.WriteString(d.Summary + "\n")
	}
	if found {
		b.WriteString(dump(t, got))
	}
	return b.String()
}
