package ami_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"
	"cluster/spec"
)

// A script that fails leaves nothing, says why, and the next run of a better one builds.
func TestBuildWhoseScriptFails(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.build(recipe(script("#!/bin/bash\nexit 12\n")))
		e, ok := errors.AsType[*ami.ProvisionError](err)
		if !ok || e.Code != "12" || len(e.Console) == 0 {
			w.Fatalf("%v: %+v", err, e)
		}
		w.nothingRuns("no call")
		if images, snapshots := w.stock("", "md"); len(images)+len(snapshots) > 0 {
			w.Errorf("left: %v %v", images, snapshots)
		}
		// The same again: EC2 remembers the client token of the builder that is gone.
		if _, err = w.build(recipe(script("#!/bin/bash\nexit 12\n"))); err == nil {
			w.Error("it worked the second time")
		}
		must[ami.Built](w)(w.build(recipe()))
		w.built("no call")
	})
}

// An image that does not boot is taken away again, and what was there before is as it was.
func TestBuildThatDoesNotBoot(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.build(recipe(script("#!/bin/bash\n# cluster-sim: breaks boot\n")))
		if _, ok := errors.AsType[*ami.ProbeError](err); !ok {
			w.Fatal(err)
		}
		w.nothingRuns("no call")
		if images, snapshots := w.stock("", "md"); len(images)+len(snapshots) > 0 {
			w.Errorf("left: %v %v", images, snapshots)
		}
		w.region.Inject(ec2sim.Fault{Image: "md-1.0.0", Impaired: true})
		if _, err = w.build(recipe()); err == nil || !strings.Contains(err.Error(), "status checks") {
			w.Errorf("impaired: %v", err)
		}
		w.region.Calm()
		must[ami.Built](w)(w.build(recipe()))
		w.built("no call")
	})
}

// A builder of an earlier state of the file is ended, whoever has left it there.
func TestBuildEndsTheBuilderOfAnEarlierFile(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dies(8, true, func(k *ami.Keeper) error {
			_, err := k.Build(w.Context(), recipe(script("#!/bin/bash\nfirst\n")), nil)
			return err
		})
		if n := len(w.instances()); n != 1 {
			w.Fatalf("%d instances, want the builder", n)
		}
		must[ami.Built](w)(w.build(recipe()))
		w.built("no call")
	})
}

// A builder that does not come to an end is ended at its time, and one that cannot be had in one subnet is
// launched in the next.
func TestBuildTimesOut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.region.SetCapacity(ec2sim.Pool{Type: "c7i.large", Zone: "us-east-1a"}, 0)
		w.region.Inject(ec2sim.Fault{Action: "RunInstances", Call: 2, Stuck: true})
		start := w.region.Now()
		_, err := w.build(recipe(func(m *spec.Build) { m.Timeout = 10 * time.Minute }))
		e, ok := errors.AsType[*ami.ProvisionError](err)
		if !ok || !strings.Contains(e.Why, "within 10m0s") {
			w.Fatalf("%v", err)
		}
		if took := w.region.Now().Sub(start); took < 10*time.Minute || took > 20*time.Minute {
			w.Errorf("it took %s", took)
		}
		w.nothingRuns("no call")
	})
}
