package ami_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"
)

// tempest is what goes wrong at every turn: refusals, lost replies, snapshots that fail and images whose
// instances die.
func (w *world) tempest() {
	for _, f := range []ec2sim.Fault{
		{Action: "*", Share: 0.1, Code: "RequestLimitExceeded"},
		{Action: "*", Share: 0.04, Code: "InternalError"},
		{Action: "*", Share: 0.04, Code: "InternalError", Done: true},
		{Action: "*", Share: 0.04, LoseReply: true},
		{Action: "CreateImage", Share: 0.4, LoseReply: true},
		{Action: "RunInstances", Share: 0.4, LoseReply: true},
		{Action: "CopyImage", Share: 0.4, LoseReply: true},
		{Action: "StartInstances", Share: 0.4, LoseReply: true},
		{Action: "DeregisterImage", Share: 0.4, LoseReply: true},
		{Action: "C*Image", Share: 0.3, Fails: "The volume could not be read"},
		{Action: "StartInstances", Share: 0.2, Code: "InsufficientInstanceCapacity"},
		{Action: "RunInstances", Share: 0.2, Code: "InsufficientInstanceCapacity"},
		{Image: "md-*", Share: 0.2, Dies: "Server.InternalError"},
		{Image: "md-*", Share: 0.2, Impaired: true},
		{Image: "hpc-base-*", Share: 0.2, Stuck: true},
	} {
		w.region.Inject(f)
	}
}

// Whatever goes wrong, run again and again, each verb ends with exactly what was asked for.
func TestStormsOfImages(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for name, verb := range map[string]struct {
		prepare func(*world) (run func() error, check func())
	}{
		"capture": {func(w *world) (func() error, func()) {
			id := w.node()
			return func() error { _, err := w.keeper("").Capture(w.Context(), capture(id)); return err },
				func() { w.captured(id, "no call") }
		}},
		"build": {func(w *world) (func() error, func()) {
			return func() error { _, err := w.build(recipe()); return err }, func() { w.built("no call") }
		}},
		"copy": {func(w *world) (func() error, func()) {
			w.original()
			must[ami.Shared](w)(w.keeper(elsewhere).Share(w.Context(), "md", "1.0.0", ami.Grants{Accounts: []string{"111122223333"}}))
			x := w.transfer()
			return func() error { _, err := w.keeper("").Transfer(w.Context(), x); return err },
				func() { w.transferred(x, "no call") }
		}},
	} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := ec2sim.New(ec2sim.Options{Seed: uint64(seed)})
					w := &world{T: t, region: r, client: r}
					run, check := verb.prepare(w)
					w.tempest()
					tries := 0
					var err error
					for tries = 1; tries <= 40; tries++ {
						if err = run(); err == nil {
							break
						}
					}
					w.region.Calm()
					if err != nil {
						w.Logf("after %d runs: %v", tries, err)
					}
					if err := run(); err != nil {
						w.Fatalf("in calm: %v", err)
					}
					check()
					t.Logf("%d runs", tries)
				})
			})
		}
	}
}
