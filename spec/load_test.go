package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadRefusesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ path, want string }{
		"missing":   {filepath.Join(dir, "nowhere.hcl"), "no such file or directory"},
		"folder":    {dir, "it is a folder, not a file"},
		"large":     {writeFile(t, "x.hcl", strings.Repeat("# comment\n", maxFile/10+1)), "are the most that cluster reads"},
		"brackets":  {writeFile(t, "x.hcl", "locals { a = "+strings.Repeat("[", 1e5)), "may be 300 deep"},
		"hidden":    {writeFile(t, "x.hcl", "locals { a = "+strings.Repeat(`[")", `, 1e5)), "may be 300 deep"},
		"not":       {writeFile(t, "x.hcl", "locals { a = "+strings.Repeat("!", 1e5)), "may be 300 deep"},
		"ifs":       {writeFile(t, "x.hcl", "locals { a = "+strings.Repeat("true ? 1 : ", 1e4)), "may be 300 deep"},
		"templates": {writeFile(t, "x.hcl", "locals { a = "+strings.Repeat(`"${`, 1e5)), "may be 300 deep"},
		"json":      {writeFile(t, "x.json", strings.Repeat("[", 1e5)), "may be 300 deep"},
		"jsontext":  {writeFile(t, "x.json", `{"locals": {"a": "`+strings.Repeat("${[", 1e4)+`"}}`), "may be 300 deep"},
	} {
		c1, _, diags := Load(c.path, Options{})
		if c1 != nil || !diags.HasErrors() || !strings.Contains(diags[0].Detail, c.want) {
			t.Errorf("%s: got %v, want %q", name, diags, c.want)
		}
	}
}

func TestLoadGivesUpOnEndlessLoops(t *testing.T) {
	path := writeFile(t, "x.hcl", "locals {\n  a = [for a in range(1000) : [for b in range(1000) : a + b]]\n}\n")
	_, _, diags := loadWithin(50*time.Millisecond, path, Options{})
	if len(diags) != 1 || diags[0].Summary != "Evaluation takes too long" || diags[0].Subject == nil || diags[0].Subject.Start.Line != 2 {
		t.Errorf("got %v", diags)
	}
}

// positions is the text that every argument of a cluster's sources covers.
func positions(t *testing.T, name, text string) (*Cluster, func(hcl.Range) string) {
	t.Helper()
	c, sources, diags := Load(writeFile(t, name, text), Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return c, func(r hcl.Range) string {
		f := sources[r.Filename]
		if f == nil || !r.CanSliceBytes(f.Bytes) {
			t.Fatalf("no source for %v", r)
		}
		return string(r.SliceBytes(f.Bytes))
	}
}

func TestSourcesPointAtWholeArguments(t *testing.T) {
	c, at := positions(t, "x.hcl", `
cluster "a" {
  region = "us-east-1"
  image { id = "ami-01234567" }
  network { key_name = "me" }
  group "head" {
    instance_type = "c7i.large"
    root_volume { size = 8 }
    launch { min = 1 }
  }
  dynamic "group" {
    for_each = [1]
    labels   = ["compute"]
    content {
      instance_type = "c7i.large"
      image { id = "ami-01234568" }
    }
  }
}
`)
	head, compute := c.Groups[0], c.Groups[1]
	for _, x := range []struct {
		at   hcl.Range
		want string
	}{
		{c.Source.Block, `cluster "a"`},
		{c.Source.At("region"), `region = "us-east-1"`},
		{c.Network.Source.At("key_name"), `key_name = "me"`},
		{head.Source.Block, `group "head"`},
		{head.Source.At("instance_types", "instance_type"), `instance_type = "c7i.large"`},
		{head.Source.At("count"), `group "head"`},
		{head.Image.Source.At("id"), `id = "ami-01234567"`},
		{head.RootVolume.Source.At("size"), `size = 8`},
		{head.Launch.Source.At("min"), `min = 1`},
		{compute.Source.Block, `dynamic "group"`},
		{compute.Source.At("instance_type"), `instance_type = "c7i.large"`},
		{compute.Image.Source.At("id"), `id = "ami-01234568"`},
		{compute.RootVolume.Source.At("size"), `dynamic "group"`},
		{compute.Launch.Source.At("min"), `dynamic "group"`},
	} {
		if got := at(x.at); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}

func TestSourcesInJSON(t *testing.T) {
	c, at := positions(t, "x.json", `{"cluster": {"a": {
  "region": "us-east-1",
  "image": {"id": "ami-01234567"},
  "group": {"head": {"count": 2, "instance_type": "c7i.large"}}
}}}`)
	if got := at(c.Source.At("region")); got != `"region": "us-east-1"` {
		t.Errorf("region: %q", got)
	}
	if got := at(c.Groups[0].Source.At("count")); got != `"count": 2` {
		t.Errorf("count: %q", got)
	}
	if got := c.Groups[0].Source.Block.Start.Line; got != 4 {
		t.Errorf("the group starts at line %d", got)
	}
}

func TestDiagnosticsKeepTheSecretOutOfSources(t *testing.T) {
	path := writeFile(t, "x.hcl", `
variable "key" {
  type      = list(number)
  sensitive = true
}
cluster "a" {}
`)
	_, sources, diags := Load(path, Options{Inputs: []Input{{Var: `key=["hunter2"]`}}})
	if !diags.HasErrors() {
		t.Fatal("no error")
	}
	for name, f := range sources {
		if strings.Contains(string(f.Bytes), "hunter2") {
			t.Errorf("the source %q shows the value", name)
		}
	}
	for _, d := range diags {
		if strings.Contains(diagLine(d), "hunter2") {
			t.Errorf("a diagnostic shows the value: %s", diagLine(d))
		}
	}
}

func TestErrorsCarryTheirExpression(t *testing.T) {
	path := writeFile(t, "x.hcl", `
variable "n" { default = -1 }
cluster "a" {
  image { id = "ami-01234567" }
  group "a" {
    count          = var.n
    instance_types = ["c7i.large", "m${var.n}"]
  }
}
`)
	_, _, diags := Load(path, Options{})
	if len(diags) != 2 {
		t.Fatal(diags)
	}
	for _, d := range diags {
		if d.Expression == nil || d.EvalContext == nil || len(d.Expression.Variables()) != 1 {
			t.Errorf("no values can be shown for %s", diagLine(d))
		}
	}
}

func TestClosest(t *testing.T) {
	for _, c := range []struct {
		given      string
		candidates []string
		want       string
	}{
		{"gruop", []string{"image", "group"}, "group"},
		{"instance_typ", []string{"instance_types", "instance_type"}, "instance_type"},
		{"CLUSTER", []string{"cluster"}, "cluster"},
		{"x", []string{"id"}, ""},
		{"ab", []string{"cd"}, ""},
		{"nme", []string{"name"}, "name"},
		{"security_group_list", []string{"security_groups"}, "security_groups"},
		{"same", []string{"same"}, ""},
		{"", []string{"a"}, ""},
		{strings.Repeat("x", 1000), []string{"x"}, ""},
	} {
		if got, _ := closest(c.given, c.candidates); got != c.want {
			t.Errorf("closest(%q, %q) is %q, want %q", c.given, c.candidates, got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain äöü …":      "plain äöü …",
		"\x1b[31mred\x07":  `\x1b[31mred\x07`,
		"two\n\nlines\r\n": "two lines",
		"\u202eabc\u200b":  `\u202eabc\u200b`,
		"c1 \u009b":        `c1 \x9b`,
		"\u2028":           `\u2028`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) is %q, want %q", in, got, want)
		}
	}
}
