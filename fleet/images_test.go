package fleet_test

import (
	"testing"

	"cluster/fleet/ec2sim"
	"cluster/spec"
)

// EC2 shows no alias for one's own images, and the region has a stranger's of the same name.
func TestOwnImagesAreFoundByTheirOwner(t *testing.T) {
	for name, owners := range map[string][]string{
		"alone": {"self"}, "among others": {"amazon", "self"}, "by account too": {"self", "999999999999"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := cluster(1)
				want.Groups[0].Image = spec.Image{Name: "hpc-base-*", Owners: owners}
				have, p := w.plan(w.launcher(), want)
				img := p.Groups[0].Image
				if img.ID != ec2sim.BaseImage || img.Owner != have.Account || have.Account == "" {
					t.Errorf("%s of %s is taken, account %q", img.ID, img.Owner, have.Account)
				}
			})
		})
	}
}
