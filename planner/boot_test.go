package planner_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"cluster/planner"
	"cluster/spec"

	"pgregory.net/rapid"
)

// TestProgramNodesFoldSlotsAsThePlannerDoes holds that the shell with which a node works out its slot and the planner
// read folded slots alike.
func TestProgramNodesFoldSlotsAsThePlannerDoes(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("sh is not installed")
	}
	_, text, found := strings.Cut(string((&spec.Group{SetHostname: true}).LaunchData()), "\nslot_of() {")
	text, _, ended := strings.Cut(text, "\n}\n")
	if !found || !ended {
		t.Fatal("there is no slot_of in the user data")
	}
	script := "slot_of() {" + text + "\n}\nwhile read -r slots index; do slot_of \"$slots\" \"$index\" || echo none; done\n"
	rapid.Check(t, func(t *rapid.T) {
		var in bytes.Buffer
		var want strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "lists") {
			var slots planner.Slots
			next := 0
			for range rapid.IntRange(1, 30).Draw(t, "runs") {
				next += rapid.IntRange(1, 200).Draw(t, "gap")
				for range rapid.IntRange(1, 20).Draw(t, "run") {
					slots = append(slots, next)
					next++
				}
			}
			for _, i := range []int{0, len(slots) - 1, len(slots), rapid.IntRange(0, len(slots)-1).Draw(t, "index")} {
				fmt.Fprintf(&in, "%s %d\n", slots, i)
				if i < len(slots) {
					fmt.Fprintf(&want, "%d\n", slots[i])
				} else {
					want.WriteString("none\n")
				}
			}
		}
		cmd := exec.Command("sh", "-c", script)
		asked := in.String()
		cmd.Stdin = &in
		got, err := cmd.CombinedOutput()
		if err != nil || string(got) != want.String() {
			t.Fatalf("%v\nasked for:\n%sgot:\n%swant:\n%s", err, asked, got, want.String())
		}
	})
}

// A node is replaced when what it mounts or whether it is named changed, and by nothing else of its boot.
func TestMountsAndHostNamesReplaceNodes(t *testing.T) {
	efs := spec.Mount{Path: "/shared", Kind: spec.MountEFS, From: "fs-01234567"}
	img := planner.Image{ID: "ami-1", State: "available", RootDevice: "/dev/xvda", RootSnapshot: "snap-1", Architecture: "x86_64"}
	plain := spec.Group{Name: "compute", Count: 1, InstanceTypes: []string{"c7i.large"}, Image: spec.Image{ID: "ami-1"}}
	with := func(named bool, mounts ...spec.Mount) spec.Group {
		g := plain
		g.SetHostname, g.Mounts = named, mounts
		return g
	}
	elsewhere, moved, quiet := efs, efs, efs
	elsewhere.From = "fs-89abcdef"
	moved.Path = "/data"
	quiet.Options = []string{"noatime"}
	readOnly := efs
	readOnly.ReadOnly = true
	for _, tt := range []struct {
		name          string
		before, after spec.Group
		why           string // empty: nothing to do
	}{
		{"same", with(true, efs), with(true, efs), ""},
		{"neither", plain, plain, ""},
		{"a first mount", plain, with(false, efs), "mounts changed"},
		{"no mount any more", with(false, efs), plain, "mounts changed"},
		{"another file system", with(false, efs), with(false, elsewhere), "mounts changed"},
		{"another path", with(false, efs), with(false, moved), "mounts changed"},
		{"other options", with(false, efs), with(false, quiet), "mounts changed"},
		{"read only", with(false, efs), with(false, readOnly), "mounts changed"},
		{"named", plain, with(true), "set_hostname changed"},
		{"not named any more", with(true, efs), with(false, efs), "set_hostname changed"},
	} {
		node := planner.Instance{
			ID: "i-1", State: planner.Running, Group: "compute", Slot: 0, ImageID: "ami-1", InstanceType: "c7i.large",
			Market: "on-demand", Spec: planner.Fingerprint(&tt.before, img), Tags: map[string]string{planner.TagName: "cfd"},
		}
		if n := len(node.Spec); n > 256 {
			t.Errorf("%s: the fingerprint has %d characters", tt.name, n)
		}
		p := planner.Diff(&spec.Cluster{Name: "cfd", Groups: []spec.Group{tt.after}}, planner.Observed{Instances: []planner.Instance{node}, Images: []planner.Image{img}})
		switch {
		case tt.why == "" && !p.Empty():
			t.Errorf("%s: %+v", tt.name, p.Actions)
		case tt.why != "" && (len(p.Actions) != 1 || p.Actions[0].Kind != planner.Replace || !strings.Contains(p.Actions[0].Why.Text, tt.why)):
			t.Errorf("%s: %+v, want %q", tt.name, p.Actions, tt.why)
		}
	}
}
