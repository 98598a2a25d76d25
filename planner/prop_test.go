package planner_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawCluster draws a file's worth of groups from few values, so that they meet often.
func drawCluster(t *rapid.T) *spec.Cluster {
	types := []string{"c7i.large", "c7i.xlarge", "hpc7a.96xlarge"}
	subnets := []string{"subnet-a", "subnet-b", "subnet-c"}
	var groups []spec.Group
	for _, name := range rapid.SampledFrom([][]string{nil, {"compute"}, {"head", "compute"}, {"zeta", "head", "compute"}}).Draw(t, "groups") {
		g := spec.Group{
			Name:          name,
			Count:         rapid.IntRange(0, 7).Draw(t, "count"),
			InstanceTypes: rapid.SliceOfNDistinct(rapid.SampledFrom(types), 1, 3, rapid.ID).Draw(t, "types"),
			Image:         spec.Image{ID: rapid.SampledFrom([]string{"ami-a", "ami-b"}).Draw(t, "image")},
			Subnets:       rapid.SliceOfNDistinct(rapid.SampledFrom(subnets), 0, 3, rapid.ID).Draw(t, "subnets"),
			Placement:     rapid.SampledFrom([]spec.Placement{"", spec.PlacementNone, spec.PlacementCluster, spec.PlacementSpread}).Draw(t, "placement"),
			Market:        rapid.SampledFrom([]spec.Market{spec.OnDemand, spec.Spot}).Draw(t, "market"),
			UserData:      rapid.SampledFrom([][]byte{nil, []byte("a"), []byte("b")}).Draw(t, "user data"),
			Tags:          rapid.SampledFrom([]map[string]string{nil, {"project": "wind"}, {"project": "sea", "owner": "me"}}).Draw(t, "tags"),
			RootVolume:    spec.RootVolume{Size: rapid.SampledFrom([]int{0, 8, 20}).Draw(t, "size")},
		}
		g.Launch = spec.Launch{All: true, Min: g.Count}
		if rapid.Bool().Draw(t, "update") {
			g.Update = spec.Update{
				MaxUnavailable: rapid.IntRange(1, 8).Draw(t, "max_unavailable"),
				Order:          rapid.SampledFrom([]spec.UpdateOrder{spec.TerminateFirst, spec.LaunchFirst}).Draw(t, "order"),
			}
		}
		if rapid.Bool().Draw(t, "all subnets") && g.Placement != spec.PlacementCluster {
			g.Launch.Subnets = spec.SubnetsAll
		}
		groups = append(groups, g)
	}
	return clusterOf(groups...)
}

// drawObserved draws instances that fit some group, or nearly, or not at all.
func drawObserved(t *rapid.T, want *spec.Cluster) planner.Observed {
	have := region()
	if rapid.Bool().Draw(t, "no facts") {
		have.Facts = nil
	}
	groups := append(slices.Clone(drawCluster(t).Groups), want.Groups...)
	groups = append(groups, computeGroup(3))
	states := []planner.State{
		planner.Running, planner.Running, planner.Running, planner.Pending, planner.Stopped,
		planner.Stopping, planner.ShuttingDown, planner.Terminated,
	}
	for i := range rapid.IntRange(0, 14).Draw(t, "instances") {
		g := groups[rapid.IntRange(0, len(groups)-1).Draw(t, "like")]
		n := node(have, &g, rapid.IntRange(-1, 9).Draw(t, "slot"))
		n.ID = fmt.Sprintf("i-%03d", i)
		n.State = rapid.SampledFrom(states).Draw(t, "state")
		n.Launched = epoch.Add(-time.Duration(rapid.IntRange(1, 3).Draw(t, "hours")) * time.Hour)
		n.InstanceType = rapid.SampledFrom(g.InstanceTypes).Draw(t, "type")
		switch rapid.IntRange(0, 14).Draw(t, "oddity") {
		case 0:
			n.Tags[planner.TagName] = "other"
		case 1:
			delete(n.Tags, planner.TagName)
		case 2:
			n.Group = rapid.SampledFrom([]string{"", "gone"}).Draw(t, "group")
		case 3:
			n.Spec = rapid.SampledFrom([]string{"", "0 old", "1 ud", "1 ud=ffffffff"}).Draw(t, "spec")
		case 4:
			n.RootVolumeCopied = true
		case 5:
			n.RootSnapshot = "snap-x"
		case 6:
			n.PlacementGroup = "somebody's"
		}
		have.Instances = append(have.Instances, n)
	}
	for _, g := range groups {
		if name := planner.PlacementName("cfd", g.Name, g.Placement); name != "" && rapid.Bool().Draw(t, "placement group") {
			have.PlacementGroups = append(have.PlacementGroups, planner.PlacementGroup{
				Name: name, Strategy: string(g.Placement), Group: g.Name,
				State: rapid.SampledFrom([]string{"available", "pending", "deleting"}).Draw(t, "pg state"),
			})
		}
	}
	return have
}

func TestApplyAndDiffAgainIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCluster(t)
		have := drawObserved(t, want)
		plan := planner.Diff(want, have)
		if len(plan.Blockers) > 0 {
			t.Skip("blocked")
		}
		after := apply(plan, want, have)
		again := planner.Diff(want, after)
		if !again.Empty() || len(again.Blockers) > 0 {
			t.Fatalf("first plan:\n%s\nand then:\n%s", text(plan), text(again))
		}
		live := map[string]int{}
		for _, n := range after.Instances {
			if !n.State.Dead() && n.Tags[planner.TagName] == want.Name {
				live[n.Group]++
			}
		}
		for _, g := range want.Groups {
			if live[g.Name] != g.Count {
				t.Fatalf("group %s has %d nodes of %d", g.Name, live[g.Name], g.Count)
			}
		}
	})
}

func TestShufflingChangesNoByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCluster(t)
		have := drawObserved(t, want)
		other := have
		rng := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		if have.Facts != nil {
			have.Facts.Quotas = quotas(rapid.IntRange(0, 400).Draw(t, "vcpus"))
		}
		other.Instances = shuffled(rng, have.Instances)
		other.Images = shuffled(rng, have.Images)
		other.PlacementGroups = shuffled(rng, have.PlacementGroups)
		if have.Facts != nil {
			other.Facts = &planner.Facts{
				Types: shuffled(rng, have.Facts.Types), Offerings: shuffled(rng, have.Facts.Offerings),
				Subnets: shuffled(rng, have.Facts.Subnets), SecurityGroups: shuffled(rng, have.Facts.SecurityGroups),
				KeyPairs: shuffled(rng, have.Facts.KeyPairs), Quotas: shuffled(rng, have.Facts.Quotas),
			}
		}
		before, _ := json.Marshal(have)
		if diff := cmp.Diff(asJSON(planner.Diff(want, have)), asJSON(planner.Diff(want, other))); diff != "" {
			t.Fatalf("another order, another plan:\n%s", diff)
		}
		if diff := cmp.Diff(asJSON(planner.Verify(want, have, planner.LevelRoot)), asJSON(planner.Verify(want, other, planner.LevelRoot))); diff != "" {
			t.Fatalf("another order, another verdict:\n%s", diff)
		}
		if after, _ := json.Marshal(have); string(before) != string(after) {
			t.Fatal("Diff or Verify changed the observation")
		}
	})
}

func shuffled[T any](rng *rand.Rand, s []T) []T {
	s = slices.Clone(s)
	rng.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}

func asJSON(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestForeignInstancesAreNeverNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCluster(t)
		have := drawObserved(t, want)
		ours := map[string]bool{}
		for _, n := range have.Instances {
			ours[n.ID] = n.Tags[planner.TagName] == want.Name
		}
		for _, a := range planner.Diff(want, have).Actions {
			if a.Instance != "" && !ours[a.Instance] {
				t.Fatalf("%s %s is not ours", a.Kind, a.Instance)
			}
		}
		for _, m := range planner.Verify(want, have, planner.LevelRoot).Mismatched {
			if m.Instance != "" && !ours[m.Instance] {
				t.Fatalf("%v is not ours", m)
			}
		}
		alone := have
		alone.Instances = slices.DeleteFunc(slices.Clone(have.Instances), func(n planner.Instance) bool { return !ours[n.ID] })
		if diff := cmp.Diff(asJSON(planner.Diff(want, alone)), asJSON(planner.Diff(want, have))); diff != "" {
			t.Fatalf("foreign instances change the plan:\n%s", diff)
		}
	})
}

func TestZeroCountsTerminateExactlyOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCluster(t)
		have := drawObserved(t, want)
		var ours []string
		for _, n := range have.Instances {
			if n.Tags[planner.TagName] == want.Name && !n.State.Dead() {
				ours = append(ours, n.ID)
			}
		}
		zero := *want
		zero.Groups = slices.Clone(want.Groups)
		for i := range zero.Groups {
			zero.Groups[i].Count = 0
		}
		for _, c := range []*spec.Cluster{want.Empty(), &zero} {
			p := planner.Diff(c, have)
			var got []string
			for _, a := range p.Actions {
				if a.Kind != planner.Terminate {
					t.Fatalf("%s in a plan for nothing", a.Kind)
				}
				got = append(got, a.Instance)
			}
			slices.Sort(got)
			if !slices.Equal(got, ours) {
				t.Fatalf("terminates %v, ours are %v", got, ours)
			}
			for _, ch := range p.Placements {
				if !ch.Delete {
					t.Fatalf("creates placement group %s", ch.Name)
				}
			}
			if len(p.Blockers) > 0 {
				t.Fatalf("nothing stands in the way of an end: %v", p.Blockers)
			}
		}
	})
}

func TestEveryInstanceAndSlotIsActedOnOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCluster(t)
		p := planner.Diff(want, drawObserved(t, want))
		filled, gone, kept := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, a := range p.Actions {
			if a.Why.Text == "" || a.Why.What == "" {
				t.Fatalf("%v has no reason", a)
			}
			switch a.Kind {
			case planner.Launch, planner.Replace:
				for _, slot := range a.Slots {
					name := planner.NodeName(a.Group, slot)
					if filled[name] {
						t.Fatalf("%s is launched twice", name)
					}
					filled[name] = true
				}
			case planner.Start, planner.Retag:
				kept[a.Instance] = true
			}
			if a.Kind == planner.Terminate || a.Kind == planner.Replace {
				if gone[a.Instance] {
					t.Fatalf("%s goes twice", a.Instance)
				}
				gone[a.Instance] = true
			}
		}
		for id := range kept {
			if gone[id] {
				t.Fatalf("%s stays and goes", id)
			}
		}
		for _, g := range p.Groups {
			if g.Unchanged > g.Have || g.Want > 0 && g.Unchanged > g.Want {
				t.Fatalf("group %s: %d unchanged of %d, wants %d", g.Name, g.Unchanged, g.Have, g.Want)
			}
		}
	})
}

func TestAnIdenticalClusterIsVerified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCluster(t)
		have := drawObserved(t, want)
		plan := planner.Diff(want, have)
		if len(plan.Blockers) > 0 {
			t.Skip("blocked")
		}
		after := apply(plan, want, have)
		for i := range after.Instances {
			if after.Instances[i].State == planner.Pending {
				after.Instances[i].State = planner.Running
			}
		}
		v := planner.Verify(want, after, planner.LevelRoot)
		nodes := 0
		for _, g := range want.Groups {
			nodes += g.Count
		}
		if !v.Identical || v.Nodes != nodes {
			t.Fatalf("after the plan: %+v", v)
		}
	})
}

func TestSlotsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.MapOf(rapid.IntRange(0, 300), rapid.Just(true)).Draw(t, "slots")
		slots := planner.Slots(slices.Sorted(maps.Keys(set)))
		got, err := planner.ParseSlots(slots.String())
		if err != nil || !slices.Equal(got, slots) {
			t.Fatalf("%v folds to %q and unfolds to %v, %v", []int(slots), slots, got, err)
		}
	})
}
