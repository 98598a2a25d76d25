package fleet_test

import (
	"errors"
	"testing"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
)

// The figures that the README shows: API calls, and the region's seconds.
func TestThousandNodesInFewCalls(t *testing.T) {
	large(t)
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(1000)
		up := w.mustUp(want)
		w.Logf("up: %d calls, %s: %v", up.Calls, up.Elapsed, up.ByAction)
		if up.Calls > 27 {
			w.Errorf("up took %d calls, want at most 27: %v", up.Calls, up.ByAction)
		}
		w.check(want)

		again := w.mustUp(want)
		w.Logf("up again: %d calls: %v", again.Calls, again.ByAction)
		if again.Calls > 5 || again.Groups[0].Launched > 0 {
			w.Errorf("up again took %d calls, want at most 5: %v", again.Calls, again.ByAction)
		}

		down, err := w.up(want.Empty())
		if err != nil {
			w.Fatal(err)
		}
		w.Logf("down: %d calls, %s: %v", down.Calls, down.Elapsed, down.ByAction)
		if down.Calls > 12 {
			w.Errorf("down took %d calls, want at most 12: %v", down.Calls, down.ByAction)
		}
		if left := w.living(); len(left) > 0 {
			w.Errorf("down left %d instances", len(left))
		}
		if n := w.throttled(); n > 0 {
			w.Errorf("%d requests were throttled", n)
		}
	})
}

func TestOneWrongNodeIsFound(t *testing.T) {
	large(t)
	for name, fault := range map[string]ec2sim.Fault{
		"image":         {Instances: []int{618}, BootImage: ec2sim.BaseImageBefore},
		"root_snapshot": {Instances: []int{618}, RootSnapshot: "snap-0123456789abcdef0"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				w.region.Inject(fault)
				_, err := w.up(cluster(1000))
				wrong, ok := errors.AsType[*fleet.IdentityError](err)
				if !ok {
					w.Fatalf("up ended with %v, want an IdentityError", err)
				}
				instances := map[string]bool{}
				checks := map[string]bool{}
				for _, m := range wrong.Verdict.Mismatched {
					instances[m.Instance], checks[m.Check] = true, true
				}
				if len(instances) != 1 || !checks[name] {
					w.Errorf("found %+v, want one instance, check %s", wrong.Verdict.Mismatched, name)
				}
				if n := len(w.living()); n != 1000 {
					w.Errorf("%d instances live, want all 1000 untouched", n)
				}
			})
		})
	}
}

func TestChangesInPlace(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.mustUp(cluster(20))
		grown := cluster(30)
		if r := w.mustUp(grown); r.Groups[0].Launched != 10 {
			w.Errorf("launched %d, want 10", r.Groups[0].Launched)
		}
		w.check(grown)

		shrunk := cluster(12)
		if r := w.mustUp(shrunk); r.Groups[0].Terminated != 18 {
			w.Errorf("terminated %d, want 18", r.Groups[0].Terminated)
		}
		w.check(shrunk)

		tagged := cluster(12)
		tagged.Groups[0].Tags = map[string]string{"project": "wind"}
		if r := w.mustUp(tagged); r.Groups[0].Retagged != 12 || r.Groups[0].Launched > 0 {
			w.Errorf("retagged %d, launched %d, want 12 and 0", r.Groups[0].Retagged, r.Groups[0].Launched)
		}
		for _, i := range w.living() {
			tags := map[string]string{}
			for _, t := range i.Tags {
				tags[*t.Key] = *t.Value
			}
			if tags["project"] != "wind" {
				w.Errorf("%s has no new tag: %v", *i.InstanceId, tags)
			}
		}

		moved := cluster(12)
		moved.Groups[0].Tags = tagged.Groups[0].Tags
		moved.Groups[0].Image.ID = ec2sim.BaseImageBefore
		if r := w.mustUp(moved); r.Groups[0].Launched != 12 || r.Groups[0].Terminated != 12 {
			w.Errorf("launched %d, terminated %d, want 12 and 12", r.Groups[0].Launched, r.Groups[0].Terminated)
		}
		w.check(moved)

		victim := *w.living()[3].InstanceId
		w.region.Stop(victim)
		if r := w.mustUp(moved); r.Groups[0].Started != 1 || r.Groups[0].Launched > 0 {
			w.Errorf("started %d, launched %d, want 1 and 0", r.Groups[0].Started, r.Groups[0].Launched)
		}
		w.region.Kill(victim)
		if r := w.mustUp(moved); r.Groups[0].Launched != 1 {
			w.Errorf("launched %d into the hole, want 1", r.Groups[0].Launched)
		}
		w.check(moved)
		l := w.launcher()
		if _, p := w.plan(l, moved); !p.Empty() {
			w.Errorf("still to do: %+v", p.Actions)
		}
	})
}
