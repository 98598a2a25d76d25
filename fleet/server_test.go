package fleet_test

import (
	"testing"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"
)

// served is a cluster whose head has a volume that the others mount.
func served(nodes int) *spec.Cluster {
	want := cluster(nodes)
	head := want.Groups[0]
	head.Name, head.Count, head.Launch.Min = "head", 1, 1
	want.Groups = []spec.Group{want.Groups[0], head}
	for i := range want.Groups {
		want.Groups[i].Mounts = []spec.Mount{{Path: "/data", Kind: spec.MountVolume, From: "head", Volume: spec.RootVolume{Size: 100, Type: "gp3"}}}
	}
	return want
}

// serverOf is what every node of compute was told; it must be that of the head.
func serverOf(w *world, want *spec.Cluster) string {
	w.Helper()
	have, err := w.launcher().Observe(w.Context(), want, fleet.Nodes)
	if err != nil {
		w.Fatal(err)
	}
	address := ""
	for _, i := range have.Instances {
		if i.Group == "head" && i.State == planner.Running {
			address = planner.ServerTag(&i)
		}
	}
	for _, i := range have.Instances {
		if i.Group == "compute" && i.State == planner.Running && i.Tags[planner.TagServer] != address {
			w.Errorf("%s was told %q, and the head is at %q", i.ID, i.Tags[planner.TagServer], address)
		}
	}
	if address == "" {
		w.Error("the head has no address")
	}
	return address
}

// TestNodesAreToldTheirServer holds that whoever mounts what the head serves knows its address when up ends: after a first
// launch, after a crash, and with another head.
func TestNodesAreToldTheirServer(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := served(5)
		r := w.mustUp(want)
		if n := r.ByAction["CreateTags"]; n < 1 || n > 2 {
			t.Errorf("%d calls of CreateTags for five nodes", n)
		}
		serverOf(w, want)
		for _, i := range w.instances() {
			disks := len(i.BlockDeviceMappings)
			for _, tag := range i.Tags {
				if *tag.Key == planner.TagGroup && disks != map[string]int{"head": 2, "compute": 1}[*tag.Value] {
					t.Errorf("%s of %s has %d disks", *i.InstanceId, *tag.Value, disks)
				}
			}
		}
		if _, p := w.plan(w.launcher(), want); !p.Empty() {
			t.Errorf("there is something to do: %+v", p.Actions)
		}

		// The head dies: all who mounted from it are replaced with it, and told the new address.
		before := serverOf(w, want)
		for _, i := range w.instances() {
			for _, tag := range i.Tags {
				if *tag.Key == planner.TagGroup && *tag.Value == "head" {
					w.region.Kill(*i.InstanceId)
				}
			}
		}
		if r := w.mustUp(want); r.Groups[0].Launched != 5 || r.Groups[1].Launched != 1 {
			t.Errorf("launched: %+v", r.Groups)
		}
		if serverOf(w, want) == before {
			t.Error("the new head is the old one")
		}
		if _, p := w.plan(w.launcher(), want); !p.Empty() {
			t.Errorf("there is something to do: %+v", p.Actions)
		}
	})

	// Somebody is killed between the launch and the tags: the next up tells.
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := served(3)
		w.region.Inject(ec2sim.Fault{Action: "CreateTags", Call: 1, Code: "UnauthorizedOperation"})
		if _, err := w.up(want); err == nil {
			t.Fatal("up did not fail")
		}
		if r := w.mustUp(want); r.Groups[0].Launched > 0 || r.Groups[0].Retagged != 3 {
			t.Errorf("%+v", r.Groups)
		}
		serverOf(w, want)
	})

	// A rolling replacement of both.
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := served(4)
		w.mustUp(want)
		for i := range want.Groups {
			want.Groups[i].KeyName = ec2sim.KeyName
			want.Groups[i].Update = spec.Update{MaxUnavailable: 1, Order: spec.TerminateFirst}
		}
		w.mustUp(want)
		serverOf(w, want)
		if _, p := w.plan(w.launcher(), want); !p.Empty() {
			t.Errorf("there is something to do: %+v", p.Actions)
		}
	})
}
