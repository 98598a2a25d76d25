package ami_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// recipe is an image file.
func recipe(edit ...func(*spec.Build)) *spec.Build {
	m := &spec.Build{
		Family: "md", Version: "1.0.0", Base: spec.Image{Family: "hpc-base", Channel: "stable"}, InstanceType: "c7i.large",
		Script: []byte("#!/bin/bash\ndnf install -y gromacs\n"), Network: spec.Network{Subnets: []string{ec2sim.SubnetA, ec2sim.SubnetB}},
		RootVolume: spec.RootVolume{Size: 30}, Tags: map[string]string{"project": "wind"}, BootTest: true, Timeout: time.Hour,
	}
	for _, e := range edit {
		e(m)
	}
	return m
}

func script(text string) func(*spec.Build) { return func(m *spec.Build) { m.Script = []byte(text) } }

// build is one run of it, by a fresh process.
func (w *world) build(m *spec.Build) (ami.Built, error) {
	w.Helper()
	return w.keeper("").Build(w.Context(), m, nil)
}

// built says that there is exactly the image of the recipe, tried, and nothing that made it.
func (w *world) built(died string) ami.Image {
	w.Helper()
	img := w.only("", "md")
	if img.Version != "1.0.0" || img.Parent != ec2sim.BaseImageBefore || img.Tags["project"] != "wind" || img.Source == "" || img.Size() != 30 {
		w.Errorf("killed at %s: the image is %+v", died, img)
	}
	if !strings.HasPrefix(img.Tags["cluster:image-tested"], "c7i.large ") {
		w.Errorf("killed at %s: the image was not tried: %v", died, img.Tags)
	}
	w.nothingRuns(died)
	return img
}

func (w *world) nothingRuns(died string) {
	w.Helper()
	for id, i := range w.instances() {
		w.Errorf("killed at %s: %s is %s, %v", died, id, i.State.Name, fleet.FromTags(i.Tags))
	}
}

// ever is how many instances there are and were in the last hour.
func (w *world) ever() (n int) {
	w.Helper()
	out, err := w.ec2().DescribeInstances(w.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range out.Reservations {
		n += len(r.Instances)
	}
	return n
}

// launches is how many launch calls were granted.
func (w *world) launches() (n int) {
	for _, c := range w.region.Journal() {
		if c.Action == "RunInstances" && c.Code == "" {
			n++
		}
	}
	return n
}

func TestBuild(t *testing.T) {
	inWorld(t, func(w *world) {
		var told []string
		k := w.keeper("")
		k.Notify = func(e ami.Event) {
			if e.Type != ami.EventProgress {
				told = append(told, string(e.Type))
			}
		}
		asked := ""
		done := must[ami.Built](w)(k.Build(w.Context(), recipe(), func(base planner.Image) error { asked = base.ID; return nil }))
		img := w.built("no call")
		if done.Already || len(done.Launched) > 0 || done.Image.ID != img.ID || asked != ec2sim.BaseImageBefore {
			w.Errorf("it came to %+v, and asked for %s", done, asked)
		}
		if want := "launched provisioned creating available launched tested ended ended"; strings.Join(told, " ") != want {
			w.Errorf("told %s, want %s", told, want)
		}
		calls, by := k.Session.Calls()
		t.Logf("%d calls, %s: %v", calls, k.Session.Elapsed().Round(time.Second), by)

		// Again: nothing to do. Where the builder runs does not matter to the image.
		k = w.keeper("")
		other := recipe(func(m *spec.Build) { m.InstanceType, m.Timeout = "c7i.xlarge", time.Minute })
		if done = must[ami.Built](w)(k.Build(w.Context(), other, nil)); !done.Already {
			w.Errorf("again: %+v", done)
		}
		if calls, by := k.Session.Calls(); calls > 3 {
			w.Errorf("again: %d calls, want at most 3: %v", calls, by)
		}

		// Anything else needs another version.
		_, err := w.build(recipe(script("#!/bin/bash\ntrue\n")))
		w.refused(err, "md 1.0.0", "its script, root volume or tags were others", "raise version")
		_, err = w.build(recipe(func(m *spec.Build) { m.Base.Channel = "next" }))
		w.refused(err, "another base", ec2sim.BaseImageBefore+" then, "+ec2sim.BaseImage+" now")
		if w.launches() != 2 {
			w.Errorf("%d instances were launched, want 2", w.launches())
		}
	})
}

func TestBuildIsKilledAnywhere(t *testing.T) {
	kills := killEverywhere(t, func(*world) {},
		func(w *world, k *ami.Keeper) error {
			_, err := k.Build(w.Context(), recipe(), nil)
			return err
		},
		func(w *world, died string) {
			w.built(died)
			if n := w.ever(); n != 2 {
				w.Errorf("killed at %s: %d instances were ever launched, want the builder and its test", died, n)
			}
		})
	if kills < 40 {
		t.Errorf("it was killed %d times only", kills)
	}
	t.Logf("killed %d times", kills)
}

// Whoever says the same while it is under way, at any moment, gets the same image, and so does the first.
func TestBuildTwiceAtOnce(t *testing.T) {
	for _, when := range []ami.EventType{
		ami.EventLaunched, ami.EventProvisioned, ami.EventCreating, ami.EventProgress, ami.EventAvailable, ami.EventTested, ami.EventEnded,
	} {
		inWorld(t, func(w *world) {
			k := w.keeper("")
			k.Notify = w.meanwhile(when, func() error { _, err := w.build(recipe()); return err })
			must[ami.Built](w)(k.Build(w.Context(), recipe(), nil))
			w.built("no call, and twice at " + string(when))
		})
	}
	// The boot test's own instance is launched by an event of its own.
	inWorld(t, func(w *world) {
		k := w.keeper("")
		again := w.meanwhile(ami.EventLaunched, func() error { _, err := w.build(recipe()); return err })
		k.Notify = func(e ami.Event) {
			if e.Message == "boot test" {
				again(e)
			}
		}
		must[ami.Built](w)(k.Build(w.Context(), recipe(), nil))
		w.built("no call, and twice at the boot test")
	})
}

// An instance of the boot test that somebody ends says nothing of the image, which stays to be tried again.
func TestBuildWhoseBootTestIsEndedByHand(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keeper("")
		k.Notify = func(e ami.Event) {
			if e.Message == "boot test" {
				must[struct{}](w)(struct{}{}, k.Session.Terminate(w.Context(), e.Instance))
			}
		}
		if _, err := k.Build(w.Context(), recipe(), nil); err == nil || !strings.Contains(err.Error(), "somebody") {
			w.Errorf("%v", err)
		}
		w.only("", "md")
		w.nothingRuns("no call")
		must[ami.Built](w)(w.build(recipe()))
		w.built("no call")
	})
}

func TestBuildRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.build(recipe(func(m *spec.Build) { m.Base = spec.Image{Family: "hpc-base", Version: "9"} }))
		if e, ok := errors.AsType[*ami.BlockedError](err); !ok || e.Blockers[0].Summary != "No such image" {
			w.Errorf("a base that is not there: %v", err)
		}
		no := errors.New("no")
		if _, err := w.keeper("").Build(w.Context(), recipe(), func(planner.Image) error { return no }); !errors.Is(err, no) {
			w.Errorf("without consent: %v", err)
		}
		if w.launches() > 0 {
			w.Error("without consent, it launched")
		}
		w.region.AddImage(ec2sim.ImageSpec{Name: "md-1.0.0"})
		_, err = w.build(recipe())
		w.refused(err, "was not built from a file")
	})
}

// Each call of builds that end well and of those that fail is allowed by the file's policy, and nothing is
// allowed that is never called.
func TestBuildPolicyIsWhatTheCallsNeed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.region.Inject(ec2sim.Fault{Action: "CreateImage", Call: 1, Fails: "broken"})
		for _, m := range []*spec.Build{recipe(), recipe(script("exit 1\n")), recipe(script("# cluster-sim: breaks boot\n")), recipe(), recipe()} {
			w.build(m)
		}
		w.built("no call")
		allowed := fleet.BuildPolicyFor(recipe(), "us-east-1").Actions()
		seen := map[string]bool{"ec2:DeleteSnapshot": true} // EC2 says it may leave snapshots of an image that goes; here it never does
		for _, c := range w.region.Journal() {
			if seen["ec2:"+c.Action] = true; !slices.Contains(allowed, "ec2:"+c.Action) {
				w.Errorf("%s was called and is not allowed", c.Action)
			}
		}
		for _, a := range allowed {
			if !seen[a] {
				w.Errorf("%s is allowed and was never called", a)
			}
		}
	})
}

// A builder that nobody comes back for is found as waste once its time is over, and not before.
func TestBuilderLeftBehindIsWaste(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dies(8, true, func(k *ami.Keeper) error {
			_, err := k.Build(w.Context(), recipe(), nil)
			return err
		})
		l := &fleet.Launcher{Session: w.keeper("").Session}
		time.Sleep(90 * time.Minute)
		if found := must[[]fleet.Waste](w)(l.FindWaste(w.Context())); len(found) > 0 {
			w.Errorf("in its time: %+v", found)
		}
		time.Sleep(time.Hour)
		found := must[[]fleet.Waste](w)(l.FindWaste(w.Context()))
		if len(found) != 1 || found[0].Kind != "builder" || found[0].Image != "md/1.0.0" || !strings.Contains(found[0].Why, "its time to live of 2h") {
			w.Fatalf("after its time: %+v", found)
		}
		if n := must[int](w)(l.Clear(w.Context(), found)); n != 1 {
			w.Errorf("%d cleared", n)
		}
		w.nothingRuns("RunInstances")
	})
}
