package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
)

// TestLockThatCannotBeWritten holds that a folder which takes no file costs a warning and nothing else, and
// that a file which does has the mode of any other source file.
func TestLockThatCannotBeWritten(t *testing.T) {
	var out bytes.Buffer
	a := &app{err: &printer{w: &out}}
	l := &link{Launcher: &fleet.Launcher{Session: &fleet.Session{Region: "us-east-1"}}}
	want := &spec.Cluster{Name: "cfd", Groups: []spec.Group{{Name: "compute", Count: 1, Image: spec.Image{ID: "ami-1"}}}}
	have := planner.Observed{Images: []planner.Image{{ID: "ami-1", State: "available", RootDevice: "/dev/xvda", RootSnapshot: "snap-1"}}}
	dir := t.TempDir()

	a.writeLock(&lockFile{path: filepath.Join(dir, "gone", "cfd"+spec.LockSuffix), lock: &spec.Lock{}}, want, have, l)
	if s := out.String(); !strings.Contains(s, "Warning: The lock file cannot be written") || !strings.Contains(s, "launches another") {
		t.Errorf("the warning is %q", s)
	}
	out.Reset()
	path := filepath.Join(dir, "cfd"+spec.LockSuffix)
	a.writeLock(&lockFile{path: path, lock: &spec.Lock{}}, want, have, l)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 || out.Len() > 0 {
		t.Errorf("%v, %v, and the program says %q", info, err, out.String())
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the folder has %v", left)
	}
}

func TestDrift(t *testing.T) {
	node := func(name, id string) manifestNode {
		return manifestNode{Name: name, Instance: id, Image: "ami-a", Snapshot: "snap-a", Volume: "vol-" + id, InstanceType: "c7i.large", Zone: "us-east-1a"}
	}
	with := func(n manifestNode, f func(*manifestNode)) manifestNode { f(&n); return n }
	then := []manifestNode{node("web-0", "i-0"), node("web-1", "i-1"), node("web-1", "i-twin"), node("web-2", "i-2")}
	for _, tt := range []struct {
		name string
		now  []manifestNode
		want []string
	}{
		{"the same, in another order", []manifestNode{then[3], then[2], then[1], then[0]}, nil},
		{"state, address and age are no matter", []manifestNode{
			with(then[0], func(n *manifestNode) { n.State, n.PrivateIP = "stopped", "10.0.0.9" }), then[1], then[2], then[3],
		}, nil},
		{"all gone", nil, []string{"web-0 (i-0): gone.", "web-1 (i-1): gone.", "web-1 (i-twin): gone.", "web-2 (i-2): gone."}},
		{"the twin is gone", []manifestNode{then[0], then[1], then[3]}, []string{"web-1 (i-twin): gone."}},
		{"the node is gone and the twin is not", []manifestNode{then[0], then[2], then[3]}, []string{"web-1 (i-1): gone."}},
		{"two new", append([]manifestNode{node("web-9", "i-9"), node("web-2", "i-22")}, then...),
			[]string{"web-9 (i-9): new.", "web-2 (i-22): new."}},
		{"another instance", []manifestNode{then[0], then[1], then[2], with(node("web-2", "i-3"), func(n *manifestNode) { n.Zone = "us-east-1b" })},
			[]string{"web-2 (i-3): instance was i-2 and is i-3.", "web-2 (i-3): zone was us-east-1a and is us-east-1b."}},
		{"everything else", []manifestNode{with(then[0], func(n *manifestNode) {
			n.Image, n.Snapshot, n.Volume, n.InstanceType = "ami-b", "", "vol-b", "c7i.xlarge"
		}), then[1], then[2], then[3]}, []string{
			"web-0 (i-0): image was ami-a and is ami-b.", "web-0 (i-0): root snapshot was snap-a and is unproven.",
			"web-0 (i-0): volume was vol-i-0 and is vol-b.", "web-0 (i-0): instance type was c7i.large and is c7i.xlarge.",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, d := range (&manifestDoc{Nodes: then}).drift("m.json", tt.now).Differences {
				got = append(got, difference(d))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestManifestOrder holds that the order of a manifest is that of the file and the slots, whatever order EC2
// answers in, and that it has neither the dead nor strangers.
func TestManifestOrder(t *testing.T) {
	want := &spec.Cluster{Name: "cfd", Groups: []spec.Group{{Name: "web"}, {Name: "db"}}}
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	inst := func(id, group string, slot int) planner.Instance {
		return planner.Instance{
			ID: id, Group: group, Slot: slot, State: planner.Running, Launched: at,
			Tags: map[string]string{planner.TagName: "cfd", "secret": "hunter2"},
		}
	}
	dead, foreign, younger := inst("i-6", "web", 0), inst("i-7", "web", 0), inst("i-0", "web", 1)
	dead.State, foreign.Tags, younger.Launched = planner.Terminated, nil, at.Add(time.Second)
	all := []planner.Instance{
		inst("i-1", "web", 10), inst("i-2", "web", 9), inst("i-3", "db", 0), inst("i-4", "old", 0), inst("i-5", "web", 1), dead, foreign, younger,
		inst("i-8", "aged", 3),
	}
	for range 20 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var got []string
		for _, n := range manifestNodes(want, planner.Observed{Instances: all}) {
			got = append(got, n.Name+" "+n.Instance)
		}
		order := []string{"web-1 i-5", "web-1 i-0", "web-9 i-2", "web-10 i-1", "db-0 i-3", "aged-3 i-8", "old-0 i-4"}
		if d := cmp.Diff(order, got); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	}
}
