package planner_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// steps are the steps of a plan that is rolled, as the golden files hold them; empty for other plans.
func steps(p planner.Plan, have planner.Observed) string {
	first, batches := planner.Roll(p, have, nil)
	if len(batches) == 0 {
		return ""
	}
	var b strings.Builder
	for n, s := range append([]planner.Plan{first}, batches...) {
		fmt.Fprintf(&b, "step %d:", n)
		for i := 0; i < len(s.Actions); {
			a := s.Actions[i]
			var slots planner.Slots
			for ; i < len(s.Actions) && s.Actions[i].Kind == a.Kind && s.Actions[i].Group == a.Group; i++ {
				slots = append(slots, s.Actions[i].Slots...)
			}
			slices.Sort(slots)
			fmt.Fprintf(&b, " %s %s[%s]", a.Kind, a.Group, slots)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// drawRolled draws a plan that often has something to roll.
func drawRolled(t *rapid.T) (*spec.Cluster, planner.Observed, planner.Plan) {
	want := drawCluster(t)
	have := drawObserved(t, want)
	have.Facts = region().Facts
	return want, have, planner.Diff(want, have)
}

func TestBatchesAreThePlan(t *testing.T) {
	rolled := 0
	rapid.Check(t, func(t *rapid.T) {
		_, have, p := drawRolled(t)
		first, batches := planner.Roll(p, have, nil)
		var all []planner.Action
		for n, s := range append([]planner.Plan{first}, batches...) {
			if n > 0 && len(s.Actions) == 0 {
				t.Fatalf("batch %d is empty", n)
			}
			all = append(all, s.Actions...)
		}
		byText := func(a, b planner.Action) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
		whole := slices.Clone(p.Actions)
		slices.SortFunc(all, byText)
		slices.SortFunc(whole, byText)
		if diff := cmp.Diff(whole, all); diff != "" {
			t.Fatalf("the steps are not the plan:\n%s", diff)
		}
		for _, a := range first.Actions {
			if g := groupPlan(p, a.Group); a.Kind == planner.Replace && g.Rolling.Most > 0 {
				t.Fatalf("%s[%s] is replaced at once", a.Group, a.Slots)
			}
		}
		rolled += len(batches)
	})
	if rolled == 0 {
		t.Error("nothing was ever rolled")
	}
}

func groupPlan(p planner.Plan, name string) planner.GroupPlan {
	i := slices.IndexFunc(p.Groups, func(g planner.GroupPlan) bool { return g.Name == name })
	return p.Groups[i]
}

// Carrying out the steps one by one, no group that terminates first ever lacks more of its nodes than the
// file allows, counted from what ran when the batches began; and no slot is given up while what holds it
// next does not run.
func TestBatchesKeepToTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// What is pending comes up before the first batch; Roll is asked again for each, by what runs then.
		want, have, _ := drawRolled(t)
		have = settled(have)
		p := planner.Diff(want, have)
		if len(p.Blockers) > 0 {
			t.Skip("blocked")
		}
		first, batches := planner.Roll(p, have, nil)
		have = settled(apply(first, want, have))
		for n, batch := range batches {
			lost := map[string]int{}
			for _, a := range batch.Actions {
				i := slices.IndexFunc(have.Instances, func(i planner.Instance) bool { return i.ID == a.Instance })
				runs := have.Instances[i].State == planner.Running
				g := groupPlan(p, a.Group)
				switch {
				case a.Kind == planner.Terminate && holders(have, a.Group, a.Slots[0]) < 2:
					t.Fatalf("batch %d: %s is given up", n+1, planner.NodeName(a.Group, a.Slots[0]))
				case a.Kind == planner.Replace && runs:
					lost[a.Group]++
				}
				if lost[a.Group] > g.Rolling.Most {
					t.Fatalf("batch %d takes %d nodes of %s, allowed are %d", n+1, lost[a.Group], a.Group, g.Rolling.Most)
				}
			}
			for _, g := range p.Groups {
				if g.Rolling.Order != spec.TerminateFirst || g.Rolling.Most == 0 {
					continue
				}
				if down := missing(have, g) + lost[g.Name]; lost[g.Name] > 0 && down > g.Rolling.Most {
					t.Fatalf("batch %d: %d of %s are down, allowed are %d", n+1, down, g.Name, g.Rolling.Most)
				}
			}
			have = settled(apply(batch, want, have))
		}
		if again := planner.Diff(want, have); len(again.Actions) > 0 {
			t.Fatalf("then there is still to do:\n%s", text(again))
		}
	})
}

// settled is what is observed once everything has come up: without a timeout in the file, nothing is taken for stuck.
func settled(have planner.Observed) planner.Observed {
	for i := range have.Instances {
		if have.Instances[i].State == planner.Pending {
			have.Instances[i].State = planner.Running
		}
	}
	return have
}

// holders are how many instances of the cluster run in a slot.
func holders(have planner.Observed, group string, slot int) (n int) {
	for _, i := range have.Instances {
		if i.Tags[planner.TagName] == "cfd" && i.Group == group && i.Slot == slot && i.State == planner.Running {
			n++
		}
	}
	return n
}

// missing are the wanted slots of a group in which nothing runs.
func missing(have planner.Observed, g planner.GroupPlan) (n int) {
	for slot := range g.Want {
		if holders(have, g.Name, slot) == 0 {
			n++
		}
	}
	return n
}

func TestShufflingRollsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, have, p := drawRolled(t)
		other := have
		other.Instances = shuffled(rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))), have.Instances)
		before := asJSON(p)
		a, as := planner.Roll(p, have, nil)
		b, bs := planner.Roll(p, other, nil)
		if asJSON(append(as, a)) != asJSON(append(bs, b)) {
			t.Fatal("another order, other batches")
		}
		if asJSON(p) != before {
			t.Fatal("Roll changed the plan")
		}
	})
}

// rolledGroup is a group of ten that was brought up from another image than it is to have.
func rolledGroup(u spec.Update) (*spec.Cluster, planner.Observed, planner.Plan) {
	g := computeGroup(10)
	have := running(clusterOf(g))
	g.Image.ID, g.Update = "ami-b", u
	want := clusterOf(g)
	return want, have, planner.Diff(want, have)
}

func TestNodesThatAreMissingMakeBatchesSmaller(t *testing.T) {
	for _, c := range []struct {
		order spec.UpdateOrder
		down  int
		want  []int
	}{
		{spec.TerminateFirst, 0, []int{3, 3, 3, 1}},
		{spec.TerminateFirst, 1, []int{2, 2, 2, 2, 2}},
		{spec.TerminateFirst, 3, nil},
		{spec.TerminateFirst, 9, nil},
		{spec.LaunchFirst, 0, []int{3, 3, 3, 1}},
		{spec.LaunchFirst, 9, []int{3, 3, 3, 1}},
	} {
		_, have, p := rolledGroup(spec.Update{MaxUnavailable: 3, Order: c.order})
		_, batches := planner.Roll(p, have, map[string]int{"compute": c.down})
		var got []int
		for _, b := range batches {
			got = append(got, len(b.Actions))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s with %d down: batches of %v, want %v", c.order, c.down, got, c.want)
		}
	}
}

func TestNodesThatDoNotRunGoFirst(t *testing.T) {
	want, have, _ := rolledGroup(spec.Update{MaxUnavailable: 3, Order: spec.TerminateFirst})
	for _, slot := range []int{5, 8} {
		have.Instances[slot].State = planner.Stopped
	}
	p := planner.Diff(want, have)
	for down, first := range map[int]string{0: "0,5,8", 2: "5", 3: "5,8"} {
		_, batches := planner.Roll(p, have, map[string]int{"compute": down})
		var slots planner.Slots
		for _, a := range batches[0].Actions {
			slots = append(slots, a.Slots...)
		}
		slices.Sort(slots)
		if slots.String() != first {
			t.Errorf("with %d down the first batch is %s, want %s", down, slots, first)
		}
	}
}

// A new node that a killed run launched does not drive the old one out before it runs.
func TestOldNodesServeUntilTheNewOnesRun(t *testing.T) {
	for _, order := range []spec.UpdateOrder{spec.LaunchFirst, spec.TerminateFirst} {
		want, have, _ := rolledGroup(spec.Update{MaxUnavailable: 3, Order: order})
		for slot, state := range []planner.State{planner.Pending, planner.Running} {
			n := node(have, &want.Groups[0], slot)
			n.ID, n.State, n.Launched = fmt.Sprintf("i-new%d", slot), state, epoch.Add(-time.Second)
			have.Instances = append(have.Instances, n)
		}
		first, batches := planner.Roll(planner.Diff(want, have), have, nil)
		var now, later []string
		for _, a := range first.Actions {
			now = append(now, a.Kind.String()+" "+a.Instance)
		}
		for _, a := range batches[0].Actions {
			later = append(later, a.Kind.String()+" "+a.Instance)
		}
		if order == spec.LaunchFirst && (!slices.Equal(now, []string{"terminate i-c0001"}) || !slices.Equal(later, []string{"terminate i-c0000"})) {
			t.Errorf("at once: %v; later: %v", now, later)
		}
		if order == spec.TerminateFirst && len(now) != 2 {
			t.Errorf("at once: %v, want both old ones", now)
		}
	}
}

func TestLaunchingFirstNeedsRoom(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*spec.Group, *planner.Observed)
		block string // the summary of the blocker; empty: none
		warn  string
	}{
		{"plenty", func(*spec.Group, *planner.Observed) {}, "", ""},
		{"addresses", func(_ *spec.Group, have *planner.Observed) { have.Facts.Subnets[0].Free = 2 }, "Not enough free addresses", ""},
		{"enough addresses", func(_ *spec.Group, have *planner.Observed) { have.Facts.Subnets[0].Free = 3 }, "", ""},
		{"terminate first", func(g *spec.Group, have *planner.Observed) {
			g.Update.Order, have.Facts.Subnets[0].Free = spec.TerminateFirst, 0
		}, "", ""},
		{"cluster", func(g *spec.Group, have *planner.Observed) { placed(g, have, spec.PlacementCluster) }, "", "Launch first in a cluster placement group"},
		{"quota", func(_ *spec.Group, have *planner.Observed) {
			have.Facts.Quotas = []planner.Quota{{Code: "L-1216C47A", VCPUs: 51}}
		}, "", "Launching first exceeds the vCPU quota"},
		{"enough quota", func(_ *spec.Group, have *planner.Observed) {
			have.Facts.Quotas = []planner.Quota{{Code: "L-1216C47A", VCPUs: 52}}
		}, "", ""},
		{"another zone", func(g *spec.Group, have *planner.Observed) {
			placed(g, have, spec.PlacementCluster)
			g.Subnets = []string{"subnet-b"}
		}, "No subnet in the group's zone", "Launch first in a cluster placement group"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, have, _ := rolledGroup(spec.Update{MaxUnavailable: 3, Order: spec.LaunchFirst})
			c.edit(&want.Groups[0], &have)
			p := planner.Diff(want, have)
			if got := summaries(p.Blockers); got != c.block {
				t.Errorf("blockers: %v, want %q", p.Blockers, c.block)
			}
			if got := summaries(p.Warnings); got != c.warn {
				t.Errorf("warnings: %v, want %q", p.Warnings, c.warn)
			}
		})
	}
}

// A reservation that the old nodes fill has room for the new ones once the old are gone.
func TestFullReservationIsRolledInPlace(t *testing.T) {
	for _, c := range []struct {
		update spec.Update
		free   int
		used   bool
	}{
		{spec.Update{}, 0, true},
		{spec.Update{MaxUnavailable: 3, Order: spec.TerminateFirst}, 0, true},
		{spec.Update{MaxUnavailable: 3, Order: spec.LaunchFirst}, 0, false},
		{spec.Update{MaxUnavailable: 3, Order: spec.LaunchFirst}, 3, true},
	} {
		want, have, _ := rolledGroup(c.update)
		want.Groups[0].Capacity.Reservations = []string{"cr-a"}
		have.Facts.Reservations = []planner.Reservation{
			{ID: "cr-a", Type: "c7i.large", Zone: "us-east-1a", State: "active", Total: 10 + c.free, Available: c.free},
		}
		p := planner.Diff(want, have)
		if used := p.Groups[0].Rungs[0].Reservation != ""; used != c.used {
			t.Errorf("%+v with %d free: %+v, %v", c.update, c.free, p.Groups[0].Rungs, p.Warnings)
		}
	}
}

func TestSpreadHasNoRoomForBoth(t *testing.T) {
	for order, blocked := range map[spec.UpdateOrder]bool{spec.LaunchFirst: true, spec.TerminateFirst: false} {
		g := computeGroup(7)
		have := running(clusterOf(g))
		placed(&g, &have, spec.PlacementSpread)
		g.Image.ID, g.Update = "ami-b", spec.Update{MaxUnavailable: 1, Order: order}
		p := planner.Diff(clusterOf(g), have)
		if got := len(p.Blockers) > 0; got != blocked {
			t.Errorf("%s: blockers %v", order, p.Blockers)
		}
	}
}

// placed moves a group and its nodes into a placement group.
func placed(g *spec.Group, have *planner.Observed, how spec.Placement) {
	g.Placement = how
	name := planner.PlacementName("cfd", g.Name, how)
	for i := range have.Instances {
		have.Instances[i].PlacementGroup = name
		have.Instances[i].Spec = ""
	}
	have.PlacementGroups = []planner.PlacementGroup{{Name: name, Strategy: string(how), State: "available", Group: g.Name}}
}

func summaries(list []planner.Blocker) string {
	var all []string
	for _, b := range list {
		if b.Summary != "Nodes compared only in part" {
			all = append(all, b.Summary)
		}
	}
	return strings.Join(all, ", ")
}

func TestTheUpdateBlockIsNoReasonToReplace(t *testing.T) {
	g := computeGroup(3)
	have := running(clusterOf(g))
	g.Update = spec.Update{MaxUnavailable: 1, Order: spec.LaunchFirst}
	if p := planner.Diff(clusterOf(g), have); !p.Empty() {
		t.Errorf("to do: %s", text(p))
	}
}

func TestVersionsOfAFamilyAreTheReason(t *testing.T) {
	version := func(img planner.Image, family, version string) planner.Image {
		img.Tags = map[string]string{planner.TagImageFamily: family, planner.TagImageVersion: version}
		return img
	}
	for _, c := range []struct{ family, before, want string }{
		{"hpc", "1.4.0", "image 1.4.0 -> 1.5.0 (ami-a -> ami-b)"},
		{"hpc", "", "image base-1 (ami-a) -> base-2 (ami-b)"},
		{"other", "1.4.0", "image base-1 (ami-a) -> base-2 (ami-b)"},
		{"", "1.4.0", "image base-1 (ami-a) -> base-2 (ami-b)"},
	} {
		want, have, _ := rolledGroup(spec.Update{})
		have.Former = []planner.Image{version(have.Images[0], c.family, c.before)}
		have.Images = []planner.Image{version(have.Images[1], "hpc", "1.5.0")}
		if got := planner.Diff(want, have).Actions[0].Why.Text; got != c.want {
			t.Errorf("%+v: because %s", c, got)
		}
	}
}
