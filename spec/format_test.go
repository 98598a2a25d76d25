package spec

import "testing"

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"alignment", "a=1\nlonger   = 2\n", "a      = 1\nlonger = 2\n"},
		{"indentation", "cluster \"a\" {\nregion=\"x\"\n  group \"b\" {\ncount=1\n}\n}", "cluster \"a\" {\n  region = \"x\"\n  group \"b\" {\n    count = 1\n  }\n}\n"},
		{"empty lines", "\n\na = 1\n\n\n\nb = 2\n\n\n", "a = 1\n\nb = 2\n"},
		{"inside brackets", "a {\n\n  b = [\n\n    1,\n\n\n    2,\n\n  ]\n\n}\n", "a {\n  b = [\n    1,\n\n    2,\n  ]\n}\n"},
		{"comments", "# one\n\n\n\n# two\na = 1 # three\n/* four */\n", "# one\n\n# two\na = 1 # three\n/* four */\n"},
		{"heredoc", "a = <<-EOT\n    x\n\n\n\n    y\n  EOT\n\n\n\nb = 1\n", "a = <<-EOT\n    x\n\n\n\n    y\n  EOT\n\nb = 1\n"},
		{"last heredoc", "a = <<EOT\nx\n\n\nEOT\n", "a = <<EOT\nx\n\n\nEOT\n"},
		{"windows", "a=1\r\n\r\n\r\nb=2\r\n", "a = 1\r\n\r\nb = 2\r\n"},
		{"byte order mark", "\ufeffa=1", "a = 1\n"},
		{"empty", "", ""},
		{"only empty lines", "\n\n\n", ""},
		{"one line", "locals { a=1 }", "locals { a = 1 }\n"},
	} {
		got, diags := Format([]byte(c.in), "x.hcl")
		if diags.HasErrors() || string(got) != c.want {
			t.Errorf("%s: got %q, want %q (%v)", c.name, got, c.want, diags)
		}
		again, _ := Format(got, "x.hcl")
		if string(again) != string(got) {
			t.Errorf("%s: a second time gives %q", c.name, again)
		}
	}
}

func TestFormatRefuses(t *testing.T) {
	for name, c := range map[string]struct{ src, file, want string }{
		"syntax": {"a = ", "x.hcl", "Missing expression"},
		"json":   {"{}", "x.json", "JSON is not formatted"},
	} {
		out, diags := Format([]byte(c.src), c.file)
		if out != nil || len(diags) == 0 || diags[0].Summary != c.want {
			t.Errorf("%s: got %q, %v", name, out, diags)
		}
	}
}
