package slurm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cluster/fleet/slurm"
	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
)

// lent is a cluster with a head and two groups of burst capacity.
func lent() *spec.Cluster {
	burst := spec.Slurm{Burst: true}
	return &spec.Cluster{Name: "cfd", Groups: []spec.Group{
		{Name: "head", Count: 1}, {Name: "burst", Count: 12, Slurm: burst}, {Name: "gpu-big", Count: 4, Slurm: burst},
	}}
}

// TestParseJobs reads files that real releases have written.
func TestParseJobs(t *testing.T) {
	want := []slurm.Job{{ID: 1, Nodes: []string{"burst-1", "burst-2", "burst-3"}}}
	for release, file := range map[string]string{
		"22.05": `{"jobs":[{"job_id":1,"nodes":"burst-[1-3]"}],"all_nodes":"burst-[1-3]"}`,
		"24.11": `{"jobs":[{"extra":null,"job_id":1,"features":null,"nodes_alloc":"burst-[0-3]","nodes_resume":"burst-[1-3]","oversubscribe":"OK","partition":"p","reservation":null}],"all_nodes_resume":"burst-[1-3]"}`,
	} {
		got, err := slurm.ParseJobs([]byte(file))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", release, err, diff)
		}
	}
	if got, err := slurm.ParseJobs([]byte(`{"jobs":[],"all_nodes":"burst-1"}`)); err != nil || len(got) > 0 {
		t.Errorf("no job: %v, %v", got, err)
	}
	for _, bad := range []string{``, `[]`, `{"jobs":[{"job_id":1,"nodes":"burst-[3-1]"}]}`} {
		if got, err := slurm.ParseJobs([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

// TestUnits holds that a job of several nodes is one unit, that the rest come together, and that each node is in one.
func TestUnits(t *testing.T) {
	nodes := []string{"burst-0", "burst-1", "burst-2", "burst-3", "burst-4", "burst-5"}
	jobs := []slurm.Job{
		{ID: 1, Nodes: []string{"burst-0"}},
		{ID: 2, Nodes: []string{"burst-1", "burst-2", "burst-9"}}, // burst-9 runs already
		{ID: 3, Nodes: []string{"burst-2", "burst-3", "burst-4"}}, // shares a node
		{ID: 4, Nodes: []string{"burst-4", "burst-3"}},
	}
	want := []slurm.Unit{
		{Nodes: []string{"burst-1", "burst-2"}, All: true},
		{Nodes: []string{"burst-3", "burst-4"}, All: true},
		{Nodes: []string{"burst-0", "burst-5"}},
	}
	if diff := cmp.Diff(want, slurm.Units(nodes, jobs)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{2, 3}, slurm.Waiting(jobs, []string{"burst-2"})); diff != "" {
		t.Error(diff)
	}
}

// TestLocate holds that nothing but burst capacity of the cluster is Slurm's to start and end.
func TestLocate(t *testing.T) {
	for name, want := range map[string]string{
		"burst-0": "burst 0", "burst-11": "burst 11", "gpu-big-3": "gpu-big 3",
		"burst-12": "", "head-0": "", "burst": "", "burst-": "", "burst-01": "", "burst--1": "", "gpu-3": "", "": "",
	} {
		got := ""
		if g, slot, ok := slurm.Locate(lent(), name); ok {
			got = fmt.Sprintf("%s %d", g.Name, slot)
		}
		if got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// TestPart holds what a unit asks of the planner.
func TestPart(t *testing.T) {
	c := lent()
	part := slurm.Part(c, slurm.Unit{Nodes: []string{"burst-3", "gpu-big-0", "burst-1", "head-0"}, All: true})
	var got []string
	for _, g := range part.Groups {
		got = append(got, fmt.Sprintf("%s %v all=%v min=%d %q", g.Name, g.Asked, g.Launch.All, g.Launch.Min, g.Launch.Together))
	}
	want := []string{`burst [1 3] all=true min=2 "unit"`, `gpu-big [0] all=true min=1 "unit"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.Groups[1].Asked != nil || c.Groups[1].Launch.Together != "" {
		t.Error("the cluster itself was changed")
	}
	for slot, within := range map[int]bool{1: true, 2: false, 3: true} {
		if got := slurm.Within(part, planner.Instance{Group: "burst", Slot: slot}); got != within {
			t.Errorf("burst-%d is within the part: %v", slot, got)
		}
	}
	some := slurm.Part(c, slurm.Unit{Nodes: []string{"burst-3", "burst-4"}})
	if g := some.Groups[0]; g.Launch.All || g.Launch.Min != 1 {
		t.Errorf("of jobs of one node each, as many as there is room for: %+v", g.Launch)
	}
}

// TestCommands holds the words that scontrol is given.
func TestCommands(t *testing.T) {
	nodes := []string{"burst-10", "burst-2", "burst-3"}
	reason := slurm.Reason("InsufficientInstanceCapacity", "no \"room\"\nin\x1b[2J us-east-1a")
	var got []string
	for _, c := range append(slurm.Fail(nodes, reason), slurm.Places([]slurm.Place{
		{Node: "burst-10", Address: "10.0.0.10", Host: "ip-10-0-0-10"}, {Node: "burst-2", Address: "10.0.0.2"},
	})...) {
		got = append(got, strings.Join(c, " "))
	}
	got = append(got, strings.Join(slurm.Tell(7, "sorry")[0], " "), strings.Join(slurm.Tell(7, "sorry")[1], " "))
	want := []string{
		"update nodename=burst-[2-3,10] state=down reason=(Code:InsufficientInstanceCapacity) no room in [2J us-east-1a",
		"update nodename=burst-[2-3,10] state=power_down_force",
		"update nodename=burst-2,burst-10 nodeaddr=10.0.0.2,10.0.0.10 nodehostname=10.0.0.2,ip-10-0-0-10",
		"notify 7 sorry",
		"update jobid=7 admincomment=sorry",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var many []string
	for i := range 250 {
		many = append(many, fmt.Sprintf("burst-%d", i))
	}
	if n := len(slurm.PowerDown(many)); n != 3 {
		t.Errorf("%d commands for 250 nodes", n)
	}
	if r := slurm.Reason("", strings.Repeat("é", 1000)); len([]rune(r)) > 250 {
		t.Errorf("a reason of %d characters", len([]rune(r)))
	}
}

// shown is what scontrol show nodes --oneliner writes of 22.05, shortened.
const shown = `NodeName=burst-0 Arch=x86_64 CoresPerSocket=1 CPUAlloc=0 State=IDLE+CLOUD+POWERED_DOWN ThreadsPerCore=1 Partitions=burst 
NodeName=burst-1 Arch=x86_64 State=DOWN*+CLOUD+POWERED_DOWN+NOT_RESPONDING Partitions=burst Reason=(Code:X) no room [root@2026-11-26T13:42:29]
`

func TestParseNodes(t *testing.T) {
	want := []slurm.Node{
		{Name: "burst-0", State: "IDLE", Flags: []string{"CLOUD", "POWERED_DOWN"}},
		{Name: "burst-1", State: "DOWN", Flags: []string{"CLOUD", "POWERED_DOWN", "NOT_RESPONDING"}, Reason: "(Code:X) no room [root@2026-11-26T13:42:29]"},
	}
	if diff := cmp.Diff(want, slurm.ParseNodes(shown)); diff != "" {
		t.Error(diff)
	}
}

// TestRepairs goes through the states of a node with and without an instance.
func TestRepairs(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	const none, young, old = "none", "young", "old"
	for _, c := range []struct {
		node, state, instance string
		busy                  bool
		want                  string // what of the repair; empty: none
	}{
		{"burst-1", "IDLE+CLOUD+POWERED_DOWN", none, false, ""},
		{"burst-1", "IDLE+CLOUD+POWERED_DOWN", young, false, ""},
		{"burst-1", "IDLE+CLOUD+POWERED_DOWN", old, false, "it is ended"},
		{"burst-1", "IDLE+CLOUD+POWERED_DOWN", old, true, ""},
		{"burst-1", "IDLE+CLOUD+POWERED_DOWN+POWERING_UP", old, false, ""},
		{"", "", old, false, "it is ended"}, // Slurm does not know burst-1
		{"burst-1", "IDLE+CLOUD", old, false, ""},
		{"burst-1", "IDLE+CLOUD", none, false, "down and off"},
		{"burst-1", "ALLOCATED+CLOUD", none, false, "down and off"},
		{"burst-1", "ALLOCATED+CLOUD+NOT_RESPONDING+POWERING_UP", none, false, ""},
		{"burst-1", "IDLE+CLOUD+POWERING_DOWN", none, false, ""},
		{"burst-1", "ALLOCATED+CLOUD", none, true, ""},
		{"burst-1", "DOWN+CLOUD+POWERED_DOWN", none, false, "powered down once more"},
		{"burst-1", "IDLE+CLOUD+NOT_RESPONDING+POWERED_DOWN", none, false, "powered down once more"},
		{"head-0", "IDLE", old, false, ""},
		{"head-0", "IDLE", none, false, ""},
		{"head-0", "IDLE+POWERED_DOWN", old, false, "powered up"},
		{"head-0", "IDLE+POWERED_DOWN", none, false, ""},
		{"elsewhere-0", "IDLE+POWERED_DOWN", none, false, ""},
	} {
		have := planner.Observed{At: now}
		name := c.node
		if name == "" {
			name = "burst-1"
		}
		if c.instance != none {
			group, slot := name[:len(name)-2], int(name[len(name)-1]-'0')
			age := map[string]time.Duration{young: time.Minute, old: time.Hour}[c.instance]
			have.Instances = append(have.Instances,
				planner.Instance{ID: "i-1", State: planner.Running, Group: group, Slot: slot, Launched: now.Add(-age), Tags: map[string]string{planner.TagName: "cfd"}},
				planner.Instance{ID: "i-2", State: planner.Running, Group: group, Slot: slot, Tags: map[string]string{planner.TagName: "other"}},
				planner.Instance{ID: "i-3", State: planner.Terminated, Group: group, Slot: slot, Tags: map[string]string{planner.TagName: "cfd"}})
		}
		var nodes []slurm.Node
		if c.node != "" {
			nodes = slurm.ParseNodes("NodeName=" + c.node + " State=" + c.state + "\n")
		}
		var busy []string
		if c.busy {
			busy = []string{name}
		}
		got := slurm.Repairs(lent(), nodes, have, busy)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0].What, name+": ") || !strings.HasSuffix(got[0].What, c.want)) {
			t.Errorf("%s %s, instance %s, busy %v: %+v, want %q", c.node, c.state, c.instance, c.busy, got, c.want)
		}
		if c.want == "it is ended" && cmp.Diff([]string{"i-1"}, got[0].End) != "" {
			t.Errorf("%s: %v is ended", name, got[0].End)
		}
	}
}

func TestRelease(t *testing.T) {
	for text, want := range map[string]string{"22.05": "22.05", "23.11.4": "23.11", "26.5": "26.05", "22.04": "", "24": "", "24.13": "", "x.y": "", "": ""} {
		got := ""
		if r, err := slurm.ParseRelease(text); err == nil {
			got = r.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for _, bad := range []string{"", "=1", "A B=1", "A", "A=1\nB=2"} {
		if s, err := slurm.ParseSetting(bad); err == nil {
			t.Errorf("%q is %v", bad, s)
		}
	}
}
