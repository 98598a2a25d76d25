package planner_test

import (
	"slices"
	"strings"
	"testing"

	"cluster/planner"
	"cluster/spec"
)

// bursting is a cluster of two static nodes and burst capacity of which slots 1 and 4 run.
func bursting() (*spec.Cluster, planner.Observed) {
	burst := computeGroup(6)
	burst.Name, burst.Slurm.Burst = "burst", true
	want := &spec.Cluster{Name: "cfd", Groups: []spec.Group{computeGroup(2), burst}}
	asked := *want
	asked.Groups = slices.Clone(want.Groups)
	asked.Groups[1] = burst.Asking(4, 1)
	have := region()
	return want, apply(planner.Diff(&asked, have), &asked, have)
}

// actionsOf are a plan's, a word each.
func actionsOf(p planner.Plan) string {
	var words []string
	for _, a := range p.Actions {
		words = append(words, a.Kind.String()+" "+a.Group+" "+a.Slots.String())
	}
	return strings.Join(words, ", ")
}

// TestBurst holds that a plan leaves burst capacity alone, except where slots of it are asked for.
func TestBurst(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*spec.Cluster, *planner.Observed)
		actions string
		want    int // nodes of the group in the plan
		proven  bool
	}{
		"as it is": {func(*spec.Cluster, *planner.Observed) {}, "", 2, true},
		"asked for": {func(c *spec.Cluster, _ *planner.Observed) {
			c.Groups[1] = c.Groups[1].Asking(4, 0, 2)
		}, "launch burst 0,2", 4, false},
		"another image": {func(c *spec.Cluster, _ *planner.Observed) {
			c.Groups[1].Image.ID = "ami-b"
		}, "", 2, false},
		"another image, and one is asked for": {func(c *spec.Cluster, _ *planner.Observed) {
			c.Groups[1].Image.ID = "ami-b"
			c.Groups[1] = c.Groups[1].Asking(4)
		}, "replace burst 4", 2, false},
		"fewer": {func(c *spec.Cluster, _ *planner.Observed) {
			c.Groups[1].Count = 3
		}, "terminate burst 4", 1, false},
		"stopped": {func(_ *spec.Cluster, have *planner.Observed) {
			state(have, "burst", 4, planner.Stopped)
		}, "", 2, true},
		"stopped and asked for": {func(c *spec.Cluster, have *planner.Observed) {
			state(have, "burst", 4, planner.Stopped)
			c.Groups[1] = c.Groups[1].Asking(4)
		}, "start burst 4", 2, false},
		"gone": {func(_ *spec.Cluster, have *planner.Observed) {
			state(have, "burst", 4, planner.Terminated)
		}, "", 1, true},
		"the static nodes are gone": {func(_ *spec.Cluster, have *planner.Observed) {
			have.Instances = slices.DeleteFunc(have.Instances, func(i planner.Instance) bool { return i.Group == "compute" })
		}, "launch compute 0-1", 2, false},
	} {
		want, have := bursting()
		c.change(want, &have)
		p := planner.Diff(want, have)
		if got := actionsOf(p); got != c.actions || len(p.Blockers) > 0 {
			t.Errorf("%s: the plan is %q, want %q; blockers %v", name, got, c.actions, p.Blockers)
		}
		if g := p.Groups[1]; g.Want != c.want || g.Most != want.Groups[1].Count {
			t.Errorf("%s: %d of at most %d nodes, want %d", name, g.Want, g.Most, c.want)
		}
		if v := planner.Verify(want, have, planner.LevelRoot); v.Identical != c.proven {
			t.Errorf("%s: identical is %v: %v", name, v.Identical, v.Mismatched)
		}
		if again := planner.Diff(want, apply(p, want, have)); !again.Empty() {
			t.Errorf("%s: once carried out, there is still to do: %s", name, actionsOf(again))
		}
	}
	want, have := bursting()
	want.Groups[1].Image.ID = "ami-b"
	if w := planner.Diff(want, have).Warnings; len(w) != 1 || !strings.Contains(w[0].Detail, "nodename=burst-[1,4] state=power_down_asap") {
		t.Errorf("the plan warns of %v", w)
	}
	if p := planner.Diff(want.Empty(), have); p.Summary().Terminate != 4 {
		t.Errorf("the end of the cluster is %s", actionsOf(p))
	}
}

func state(have *planner.Observed, group string, slot int, s planner.State) {
	for i := range have.Instances {
		if n := &have.Instances[i]; n.Group == group && n.Slot == slot {
			n.State = s
		}
	}
}
