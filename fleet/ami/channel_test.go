package ami_test

import (
	"testing"
	"time"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"
)

func TestPromoteAndRollback(t *testing.T) {
	inWorld(t, func(w *world) {
		w.region.AddImage(ec2sim.ImageSpec{Name: "hpc-base-2026.12", Tags: map[string]string{
			ec2sim.FamilyTag: "hpc-base", ec2sim.VersionTag: "2026.12"}})
		promote := func(version string) ami.Move {
			w.Helper()
			k := w.keeper("")
			m := must[ami.Move](w)(k.Promote(w.Context(), "hpc-base", version, "stable"))
			if n, _ := k.Session.Calls(); n > 2 {
				w.Errorf("promote made %d calls, want at most 2", n)
			}
			return m
		}
		holds := func(version string) {
			w.Helper()
			if got := w.holder("hpc-base", "stable"); got != version {
				w.Errorf("stable is %q, want %q", got, version)
			}
		}
		rollback := func(from string) (ami.Move, error) {
			return w.keeper("").Rollback(w.Context(), "hpc-base", "stable", from)
		}
		holds("2026.10") // by the plain tag of the seed
		if m := promote("2026.11"); !m.Done || m.From.Version != "2026.10" || m.To.Version != "2026.11" {
			w.Errorf("moved %+v", m)
		}
		promote("2026.12")
		holds("2026.12")
		if m := promote("2026.12"); m.Done {
			w.Error("a promotion of what holds the channel writes something")
		}
		must[ami.Move](w)(rollback("2026.12"))
		holds("2026.11")
		if m := must[ami.Move](w)(rollback("2026.12")); m.Done || m.To.Version != "2026.11" {
			w.Errorf("a rollback that is repeated with --from moves on: %+v", m)
		}
		must[ami.Move](w)(rollback(""))
		holds("2026.10")
		_, err := rollback("")
		w.refused(err, "no version of hpc-base held the channel stable before 2026.10")
		_, err = rollback("2026.13")
		w.refused(err, "there is no hpc-base 2026.13")
		promote("2026.12") // again, after it was rolled back
		holds("2026.12")
		must[ami.Move](w)(rollback(""))
		holds("2026.10")
		_, err = w.keeper("").Rollback(w.Context(), "hpc-base", "gold", "")
		w.refused(err, "no version of hpc-base holds the channel gold", "next, stable")
	})
}

// A promotion counts after the one before, even if its clock is behind.
func TestPromotionsOfTheSameMoment(t *testing.T) {
	inWorld(t, func(w *world) {
		future := w.region.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
		w.region.AddImage(ec2sim.ImageSpec{Name: "hpc-base-2026.12", Tags: map[string]string{
			ec2sim.FamilyTag: "hpc-base", ec2sim.VersionTag: "2026.12", ec2sim.ChannelTag + ":stable": future}})
		for _, v := range []string{"2026.11", "2026.10", "2026.12", "2026.11"} {
			must[ami.Move](w)(w.keeper("").Promote(w.Context(), "hpc-base", v, "stable"))
			if got := w.holder("hpc-base", "stable"); got != v {
				w.Errorf("stable is %s, want %s", got, v)
			}
		}
	})
}

func TestPromotionsThatAreRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		add := func(version, state string, tags ...string) {
			m := map[string]string{ec2sim.FamilyTag: "hpc-base", ec2sim.VersionTag: version}
			if len(tags) > 0 {
				m[tags[0]] = tags[1]
			}
			w.region.AddImage(ec2sim.ImageSpec{Name: "hpc-base-" + version, State: state, Tags: m})
		}
		add("3.0", "pending")
		add("3.1", "failed")
		add("3.2", "disabled")
		add("3.3", "available", "cluster:image-revoked", "2026-11-26T10:00:00.000Z bad libfabric")
		for version, words := range map[string]string{
			"3.0": "is pending", "3.1": "is failed", "3.2": "is disabled", "3.3": "is revoked: bad libfabric",
			"3.4": "there is no hpc-base 3.4", "2026.1": "Did you mean 2026.11? The versions are: 2026.11, 2026.10, 3.3",
		} {
			_, err := w.keeper("").Promote(w.Context(), "hpc-base", version, "stable")
			w.refused(err, words)
		}
		_, err := w.keeper("").Promote(w.Context(), "hpc-bsae", "1", "stable")
		w.refused(err, `no image of the family "hpc-bsae"`, "Did you mean hpc-base?")
		if got := w.holder("hpc-base", "stable"); got != "2026.10" {
			w.Errorf("stable is %s", got)
		}
	})
}

func TestKilledPromoteConverges(t *testing.T) {
	kills := killEverywhere(t, func(*world) {}, func(w *world, k *ami.Keeper) error {
		_, err := k.Promote(w.Context(), "hpc-base", "2026.11", "stable")
		return err
	}, func(w *world, died string) {
		if got := w.holder("hpc-base", "stable"); got != "2026.11" {
			w.Errorf("killed at %s: stable is %s", died, got)
		}
		// And the way back is one step, however often it was promoted.
		if _, err := w.keeper("").Rollback(w.Context(), "hpc-base", "stable", ""); err != nil {
			w.Error(err)
		}
		if got := w.holder("hpc-base", "stable"); got != "2026.10" {
			w.Errorf("killed at %s: stable is %s after a rollback", died, got)
		}
	})
	if kills < 4 {
		t.Errorf("only %d kills: the test does not reach the calls", kills)
	}
}

// A rollback that names where from goes one step, however often it is said.
func TestKilledRollbackConverges(t *testing.T) {
	killEverywhere(t, func(w *world) {
		for _, v := range []string{"2026.11", "2026.10", "2026.11"} {
			must[ami.Move](w)(w.keeper("").Promote(w.Context(), "hpc-base", v, "gold"))
		}
	}, func(w *world, k *ami.Keeper) error {
		_, err := k.Rollback(w.Context(), "hpc-base", "gold", "2026.11")
		return err
	}, func(w *world, died string) {
		if got := w.holder("hpc-base", "gold"); got != "2026.10" {
			w.Errorf("killed at %s: gold is %q", died, got)
		}
	})
}

func TestRevokeAndRestore(t *testing.T) {
	inWorld(t, func(w *world) {
		revoke := func(reason string) bool {
			w.Helper()
			_, _, done, err := w.keeper("").Revoke(w.Context(), "hpc-base", "2026.11", reason)
			if err != nil {
				w.Fatal(err)
			}
			return done
		}
		if !revoke("bad libfabric") || revoke("bad libfabric") || !revoke("worse") {
			w.Error("a revocation is written once for each reason")
		}
		img, err := ami.PickVersion(w.family("hpc-base"), "2026.11")
		if err != nil || img.Revoked == nil || img.Revoked.Reason != "worse" || w.region.Now().Sub(img.Revoked.At).Abs() > time.Minute {
			w.Errorf("%+v, %v", img.Revoked, err)
		}
		for _, want := range []bool{true, false} {
			if _, done, err := w.keeper("").Restore(w.Context(), "hpc-base", "2026.11"); done != want || err != nil {
				w.Errorf("restore: %v, %v", done, err)
			}
		}
		if img, _ := ami.PickVersion(w.family("hpc-base"), "2026.11"); img.Revoked != nil {
			w.Errorf("still revoked: %+v", img.Revoked)
		}
	})
}
