package spec

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

func TestLockPath(t *testing.T) {
	for cluster, want := range map[string]string{
		"cfd.hcl":              "cfd.cluster.lock.hcl",
		"cfd.cluster.hcl":      "cfd.cluster.lock.hcl",
		"cfd.json":             "cfd.cluster.lock.hcl",
		"cfd.hcl.json":         "cfd.cluster.lock.hcl",
		"cfd.cluster.hcl.json": "cfd.cluster.lock.hcl",
		"jobs.d/cfd":           "jobs.d/cfd.cluster.lock.hcl",
		"../a.b.hcl":           "../a.b.cluster.lock.hcl",
	} {
		if got := filepath.ToSlash(LockPath(filepath.FromSlash(cluster))); got != want {
			t.Errorf("%s is locked by %s, want %s", cluster, got, want)
		}
	}
}

// words draws texts as an image or a file may have them, in the form that HCL keeps them in.
func words(least int) *rapid.Generator[string] {
	return rapid.Map(rapid.OneOf(
		rapid.StringN(least, 40, -1),
		rapid.SampledFrom([]string{"hpc-*", "${x}", "%{if}", "$${", `"\`, "a\nb\x1b[2J", "\u202e", "e\u0301"}),
	), func(s string) string { return cty.StringVal(strings.ToValidUTF8(s, "?")).AsString() })
}

func questions() *rapid.Generator[Image] {
	text := words(1)
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) Image { return Image{ID: text.Draw(t, "id")} }),
		rapid.Custom(func(t *rapid.T) Image {
			return Image{Name: text.Draw(t, "name"), Owners: rapid.SliceOfNDistinct(text, 1, 3, rapid.ID).Draw(t, "owners")}
		}),
		rapid.Custom(func(t *rapid.T) Image { return Image{Family: text.Draw(t, "family"), Version: text.Draw(t, "version")} }),
		rapid.Custom(func(t *rapid.T) Image { return Image{Family: text.Draw(t, "family"), Channel: text.Draw(t, "channel")} }),
	)
}

func entries(t *rapid.T) []LockedImage {
	text, more := words(1), words(0)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) LockedImage {
		e := LockedImage{
			Region:    rapid.SampledFrom([]string{"us-east-1", "eu-central-1"}).Draw(t, "region"),
			Rehearsal: rapid.Bool().Draw(t, "rehearsal"),
			Asked:     questions().Draw(t, "asked"),
			ID:        text.Draw(t, "id"), Name: more.Draw(t, "image name"), Owner: more.Draw(t, "owner"),
			Created:      time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "created"), 0).UTC(),
			RootSnapshot: text.Draw(t, "snapshot"),
			Family:       more.Draw(t, "family"), Version: more.Draw(t, "version"),
			Ancestors: rapid.SliceOfNDistinct(text, 0, 3, rapid.ID).Draw(t, "ancestors"),
		}
		if e.Asked.ID != "" {
			e.ID = e.Asked.ID
		}
		return e
	}), 0, 6).Draw(t, "entries")
}

// TestLockRoundTrip holds that what is written is what is read, that equal entries give equal bytes in
// whatever order they come, and that the layout is the one of cluster fmt.
func TestLockRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x"+LockSuffix)
	rapid.Check(t, func(t *rapid.T) {
		lock := (&Lock{}).With("nowhere", false, entries(t))
		text := lock.Bytes()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, diags := ReadLock(path)
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, text)
		}
		same := cmp.Options{cmpopts.IgnoreFields(LockedImage{}, "Source"), cmpopts.EquateEmpty()}
		if d := cmp.Diff(lock, got, same); d != "" {
			t.Fatalf("read something else (-written +read):\n%s\n%s", d, text)
		}
		slices.Reverse(got.Images)
		if again := got.Bytes(); string(again) != string(text) {
			t.Fatalf("written differently again:\n%s", cmp.Diff(string(text), string(again)))
		}
		if laid, diags := Format(text, path); diags.HasErrors() || string(laid) != string(text) {
			t.Fatalf("not in canonical layout:\n%s", cmp.Diff(string(text), string(laid)))
		}
		for _, e := range got.Images {
			if f := got.Find(e.Region, e.Rehearsal, e.Asked); f == nil || f.ID != e.ID || f.Place() == "" {
				t.Fatalf("%s is not found: %v", e.Asked, f)
			}
		}
	})
}

func TestLockKeepsOtherRegions(t *testing.T) {
	asked := Image{Family: "hpc", Channel: "stable"}
	named := Image{Name: "hpc-*", Owners: []string{"self", "amazon"}}
	entry := func(region string, rehearsal bool, q Image, id string) LockedImage {
		return LockedImage{Region: region, Rehearsal: rehearsal, Asked: q, ID: id, RootSnapshot: "snap-" + id}
	}
	lock := (&Lock{}).
		With("us-east-1", false, []LockedImage{entry("us-east-1", false, asked, "1"), entry("us-east-1", false, named, "2")}).
		With("us-east-1", true, []LockedImage{entry("us-east-1", true, asked, "3")}).
		With("us-west-2", false, []LockedImage{entry("us-west-2", false, asked, "4")}).
		With("us-east-1", false, []LockedImage{entry("us-east-1", false, named, "5")})
	var ids []string
	for _, e := range lock.Images {
		ids = append(ids, e.ID)
	}
	if got := strings.Join(ids, " "); got != "5 3 4" {
		t.Errorf("the lock has %s", got)
	}
	if e := lock.Find("us-east-1", false, asked); e != nil {
		t.Errorf("a question that is asked no more is still answered by %s", e.ID)
	}
	named.Owners = []string{"amazon", "self"}
	if e := lock.Find("us-east-1", false, named); e == nil || e.ID != "5" {
		t.Errorf("the order of owners matters: %v", e)
	}
	if e := lock.Find("us-east-1", true, asked); e == nil || e.ID != "3" {
		t.Errorf("the rehearsal's entry is %v", e)
	}
}

func TestNoLockIsAnEmptyLock(t *testing.T) {
	lock, _, diags := ReadLock(filepath.Join(t.TempDir(), "x"+LockSuffix))
	if len(diags) > 0 || lock == nil || len(lock.Images) > 0 {
		t.Errorf("%v, %v", lock, diags)
	}
	if _, _, diags = ReadLock(t.TempDir()); !diags.HasErrors() || !strings.Contains(diags[0].Detail, "it is a folder") {
		t.Errorf("a folder is a lock file: %v", diags)
	}
}

// FuzzReadLock holds that no text makes ReadLock panic, hang or say what cannot be shown, and that what
// it takes can be written and read again.
func FuzzReadLock(f *testing.F) {
	f.Add([]byte(`image "us-east-1" { asked = { id = "ami-1" }` + "\n" + `id = "ami-1"` + "\n" + `root_snapshot = "snap-1" }`))
	f.Add([]byte("image \"a\" {\n  asked = { name = \"x*\", owners = [\"self\"] }\n  id = \"b\"\n  root_snapshot = \"c\"\n  ancestors = [\"d\"]\n}\n"))
	f.Add([]byte(`image "a" { asked = { family = "f", version = "1" } }`))
	f.Add([]byte(`image "a" { asked = { for k in ["id"] : k => "x" } }`))
	f.Add([]byte(`image "a" { asked = [{}][0] }`))
	path := filepath.Join(f.TempDir(), "x"+LockSuffix)
	f.Fuzz(func(t *testing.T, src []byte) {
		if err := os.WriteFile(path, src, 0o600); err != nil {
			t.Fatal(err)
		}
		lock, sources, diags := ReadLock(path)
		for _, d := range diags {
			checkDiag(t, d, sources)
		}
		if (lock == nil) != diags.HasErrors() {
			t.Fatalf("lock %v with %v", lock, diags)
		}
		if lock == nil {
			return
		}
		text := lock.Bytes()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if again, _, diags := ReadLock(path); diags.HasErrors() || string(again.Bytes()) != string(text) {
			t.Fatalf("%v\n%s", diags, text)
		}
	})
}
