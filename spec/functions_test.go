package spec

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functionCases are calls and their results, as jsonencode writes them.
var functionCases = []struct{ call, want string }{
	{`abs(-2)`, `2`},
	{`alltrue([true, "true"])`, `true`},
	{`alltrue([true, null])`, `false`},
	{`alltrue([])`, `true`},
	{`anytrue([false, true])`, `true`},
	{`anytrue([])`, `false`},
	{`base64decode("aGk=")`, `"hi"`},
	{`base64encode("hi")`, `"aGk="`},
	{`base64sha256("hi")`, `"j0NDRmSPa5bfid2pAcUXaxCm2Dlh3TwayItZstwyeqQ="`},
	{`length(base64sha512("hi"))`, `88`},
	{`basename("a/b.sh")`, `"b.sh"`},
	{`can(parseint("x", 10))`, `false`},
	{`ceil(1.2)`, `2`},
	{`chomp("a\n")`, `"a"`},
	{`chunklist([1, 2, 3], 2)`, `[[1,2],[3]]`},
	{`cidrcontains("10.0.0.0/8", "10.1.2.3")`, `true`},
	{`cidrcontains("10.0.0.0/8", "10.0.0.0/7")`, `false`},
	{`cidrhost("10.1.2.0/24", 5)`, `"10.1.2.5"`},
	{`cidrhost("10.1.2.0/24", -1)`, `"10.1.2.255"`},
	{`cidrhost("fd00::/64", 1)`, `"fd00::1"`},
	{`cidrnetmask("10.0.0.0/12")`, `"255.240.0.0"`},
	{`cidrsubnet("10.0.0.0/16", 8, 3)`, `"10.0.3.0/24"`},
	{`cidrsubnet("10.0.0.0/16", 0, 0)`, `"10.0.0.0/16"`},
	{`cidrsubnet("fd00::/56", 8, 255)`, `"fd00:0:0:ff::/64"`},
	{`cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)`, `["10.1.0.0/20","10.1.16.0/20","10.1.32.0/24","10.1.48.0/20"]`},
	{`cidrsubnets("0.0.0.0/0", 1, 1)`, `["0.0.0.0/1","128.0.0.0/1"]`},
	{`can(cidrsubnets("0.0.0.0/0", 1, 1, 1))`, `false`},
	{`cidrsubnets("10.0.0.0/8")`, `[]`},
	{`coalesce(null, "", "a")`, `"a"`},
	{`coalescelist([], [1])`, `[1]`},
	{`compact(["a", "", null])`, `["a"]`},
	{`concat([1], [2])`, `[1,2]`},
	{`contains(["a"], "a")`, `true`},
	{`convert("3", number)`, `3`},
	{`convert([1], list(string))`, `["1"]`},
	{`csvdecode("a,b\n1,2\n")`, `[{"a":"1","b":"2"}]`},
	{`dirname("a/b.sh")`, `"a"`},
	{`distinct([1, 1, 2])`, `[1,2]`},
	{`element([1, 2], 3)`, `2`},
	{`endswith("abc", "bc")`, `true`},
	{`file("hello.txt")`, `"hello\n"`},
	{`filebase64("hello.txt")`, `"aGVsbG8K"`},
	{`filebase64sha256("hello.txt") == base64sha256("hello\n")`, `true`},
	{`filebase64sha512("hello.txt") == base64sha512("hello\n")`, `true`},
	{`fileexists("hello.txt")`, `true`},
	{`fileexists("dir")`, `false`},
	{`filemd5("hello.txt") == md5("hello\n")`, `true`},
	{`fileset(".", "*.txt")`, `["hello.txt"]`},
	{`fileset(".", "**/*.t?t")`, `["dir/deep/c.txt","hello.txt"]`},
	{`fileset("dir", "**")`, `["deep/c.txt"]`},
	{`fileset("dir", "x*")`, `[]`},
	{`filesha1("hello.txt") == sha1("hello\n")`, `true`},
	{`filesha256("hello.txt") == sha256("hello\n")`, `true`},
	{`filesha512("hello.txt") == sha512("hello\n")`, `true`},
	{`flatten([[1], [2, [3]]])`, `[1,2,3]`},
	{`floor(1.8)`, `1`},
	{`format("%s-%03d", "n", 7)`, `"n-007"`},
	{`formatdate("YYYY", "2026-11-23T00:00:00Z")`, `"2026"`},
	{`formatlist("n%d", [1, 2])`, `["n1","n2"]`},
	{`indent(2, "a\nb")`, `"a\n  b"`},
	{`index(["a", "b"], "b")`, `1`},
	{`issensitive(sensitive(1))`, `true`},
	{`issensitive(nonsensitive(sensitive(1)))`, `false`},
	{`join(",", ["a", "b"])`, `"a,b"`},
	{`jsondecode("{\"a\":[1]}")`, `{"a":[1]}`},
	{`jsonencode({ a = 1 })`, `"{\"a\":1}"`},
	{`keys({ b = 1, a = 2 })`, `["a","b"]`},
	{`length("größe")`, `5`},
	{`length([1, 2])`, `2`},
	{`length({ a = 1 })`, `1`},
	{`length(toset([1, 1]))`, `1`},
	{`log(8, 2)`, `3`},
	{`lookup({ a = 1 }, "a")`, `1`},
	{`lookup({ a = 1 }, "b", 7)`, `7`},
	{`lookup({ a = 1 }, "b", null)`, `null`},
	{`lower("AB")`, `"ab"`},
	{`matchkeys(["i-1", "i-2"], ["a", "b"], ["b"])`, `["i-2"]`},
	{`matchkeys(["i-1"], [1], ["2"])`, `[]`},
	{`max(1, 3)`, `3`},
	{`md5("hi")`, `"49f68a5c8493ec2c0bf489821c21fc3b"`},
	{`merge({ a = 1 }, { b = 2 })`, `{"a":1,"b":2}`},
	{`min(1, 3)`, `1`},
	{`nodeset("n[001-003,7],login")`, `["n001","n002","n003","n7","login"]`},
	{`nodeset("r1n[08-10]-ib")`, `["r1n08-ib","r1n09-ib","r1n10-ib"]`},
	{`nodeset("r[1-2]n[1-2],r1n1")`, `["r1n1","r1n2","r2n1","r2n2"]`},
	{`one([])`, `null`},
	{`one(["a"])`, `"a"`},
	{`parseint("ff", 16)`, `255`},
	{`pow(2, 10)`, `1024`},
	{`range(3)`, `[0,1,2]`},
	{`range_hosts("n", 1, 3)`, `["n1","n2","n3"]`},
	{`range_hosts("n", 3, 1)`, `[]`},
	{`regex("[0-9]+", "a12")`, `"12"`},
	{`regexall("[0-9]", "a12")`, `["1","2"]`},
	{`replace("a.b", ".", "-")`, `"a-b"`},
	{`replace("a12", "/[0-9]+/", "n")`, `"an"`},
	{`replace("ab", "/(a)(b)/", "$2$1")`, `"ba"`},
	{`reverse([1, 2])`, `[2,1]`},
	{`setintersection(["a", "b"], ["b"])`, `["b"]`},
	{`setproduct(["a"], [1, 2])`, `[["a",1],["a",2]]`},
	{`setsubtract(["a", "b"], ["b"])`, `["a"]`},
	{`setunion(["a"], ["b"])`, `["a","b"]`},
	{`sha1("hi")`, `"c22b5f9178342609428d6f51b2c5af4c0bde6a42"`},
	{`substr(sha256("hi"), 0, 8)`, `"8f434346"`},
	{`substr(sha512("hi"), 0, 8)`, `"150a14ed"`},
	{`signum(-3)`, `-1`},
	{`slice([1, 2, 3], 1, 2)`, `[2]`},
	{`sort(["b", "a"])`, `["a","b"]`},
	{`split(",", "a,b")`, `["a","b"]`},
	{`startswith("abc", "ab")`, `true`},
	{`strcontains("abc", "b")`, `true`},
	{`strrev("ab")`, `"ba"`},
	{`sum([1, 2.5])`, `3.5`},
	{`sum([])`, `0`},
	{`templatefile("t.tftpl", { names = ["a", "b"] })`, `"a b "`},
	{`timeadd("2026-11-23T00:00:00Z", "1h")`, `"2026-11-23T01:00:00Z"`},
	{`timecmp("2026-11-23T00:00:00Z", "2026-11-23T01:00:00+01:00")`, `0`},
	{`title("ab cd")`, `"Ab Cd"`},
	{`tobool("true")`, `true`},
	{`tolist(["a", 1])`, `["a","1"]`},
	{`tomap({ a = 1, b = "x" })`, `{"a":"1","b":"x"}`},
	{`tonumber("1.5")`, `1.5`},
	{`toset(["a", "a"])`, `["a"]`},
	{`tostring(true)`, `"true"`},
	{`transpose({ a = ["x", "y"], b = ["x"] })`, `{"x":["a","b"],"y":["a"]}`},
	{`transpose({})`, `{}`},
	{`trim("?a?", "?")`, `"a"`},
	{`trimprefix("ab", "a")`, `"b"`},
	{`trimspace(" a ")`, `"a"`},
	{`trimsuffix("ab", "b")`, `"a"`},
	{`try(parseint("x", 10), 7)`, `7`},
	{`upper("ab")`, `"AB"`},
	{`urlencode("a b&c")`, `"a+b%26c"`},
	{`values({ b = 1, a = 2 })`, `[2,1]`},
	{`zipmap(["a"], [1])`, `{"a":1}`},
}

func TestFunctions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"hello.txt":      "hello\n",
		"dir/deep/c.txt": "c",
		"t.tftpl":        "%{ for n in names }${n} %{ endfor }",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := newLoader(filepath.Join(dir, "x.hcl"), clusterLanguage)
	l.ctx = &hcl.EvalContext{Functions: l.functions(), Variables: map[string]cty.Value{}}
	called := map[string]bool{}
	for _, c := range functionCases {
		name, _, _ := strings.Cut(c.call, "(")
		called[name] = true
		expr, diags := hclsyntax.ParseExpression([]byte(c.call), "x", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(c.call, diags)
		}
		v, diags := expr.Value(l.ctx)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.call, diags)
			continue
		}
		v, _ = v.UnmarkDeep()
		got, err := stdlib.JSONEncode(v)
		if err != nil || got.AsString() != c.want {
			t.Errorf("%s is %s, want %s (%v)", c.call, got.GoString(), c.want, err)
		}
	}
	// Those that are called inside another case, or change nothing that JSON shows.
	for _, name := range []string{"sensitive", "nonsensitive", "base64sha512", "sha256", "sha512", "cidrsubnets"} {
		called[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(l.ctx.Functions)) {
		if !called[name] {
			t.Errorf("no case calls %s", name)
		}
	}
	for name := range leftOut {
		if _, ok := l.ctx.Functions[name]; ok && name != "templatefile" {
			t.Errorf("%s is said to be left out, and is there", name)
		}
	}
}

func TestFileFunctionsStayInTheFolder(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	l := newLoader(filepath.Join(dir, "x.hcl"), clusterLanguage)
	for _, name := range []string{"link/secret", "../x", "/etc/passwd", "a/../../x", "~/x"} {
		if b, err := l.readBelow(name); err == nil {
			t.Errorf("%s was read: %q", name, b)
		}
	}
}
