package ami_test

import (
	"testing"
	"time"

	"cluster/fleet/ami"
)

func TestDeprecate(t *testing.T) {
	inWorld(t, func(w *world) {
		deprecate := func(at time.Time, never bool) (time.Time, bool, error) {
			img, done, err := w.keeper("").Deprecate(w.Context(), "hpc-base", "2026.10", at, never)
			return img.Deprecated, done, err
		}
		date := func() time.Time {
			img, err := ami.PickVersion(w.family("hpc-base"), "2026.10")
			if err != nil {
				t.Fatal(err)
			}
			return img.Deprecated
		}
		now := w.region.Now()
		next := time.Date(now.Year()+1, 1, 31, 18, 0, 20, 0, time.UTC)
		for _, want := range []bool{true, false} {
			if at, done, err := deprecate(next, false); done != want || err != nil || !at.Equal(next.Truncate(time.Minute)) || !date().Equal(at) {
				t.Errorf("at a date: %v, %v, %v; EC2 says %v", at, done, err, date())
			}
		}
		if _, done, err := deprecate(time.Time{}, false); !done || err != nil || date().Sub(w.region.Now()).Abs() > 2*time.Minute {
			t.Errorf("now: %v, %v; EC2 says %v", done, err, date())
		}
		time.Sleep(2 * time.Minute)
		if _, done, err := deprecate(time.Time{}, false); done || err != nil {
			t.Errorf("now, again: %v, %v", done, err)
		}
		for _, want := range []bool{true, false} {
			if _, done, err := deprecate(time.Time{}, true); done != want || err != nil || !date().IsZero() {
				t.Errorf("never: %v, %v; EC2 says %v", done, err, date())
			}
		}
		_, _, err := deprecate(now.AddDate(0, 0, -1), false)
		w.refused(err, "in the past")
		_, _, err = deprecate(now.AddDate(11, 0, 0), false)
		w.refused(err, "more than 10 years off")
	})
}

func TestProtect(t *testing.T) {
	inWorld(t, func(w *world) {
		w.old("0.1", "0.2")
		protect := func(off, want bool) {
			w.Helper()
			if _, done, err := w.keeper("").Protect(w.Context(), "old", "0.1", off); done != want || err != nil {
				w.Errorf("off=%v: %v, %v", off, done, err)
			}
		}
		goes := func(n int) {
			w.Helper()
			p, err := w.keeper("").PlanPrune(w.Context(), "old", 1, nil)
			if err != nil || len(p.Remove) != n {
				w.Errorf("%d would go, want %d (%v)", len(p.Remove), n, err)
			}
		}
		goes(1)
		protect(true, false)
		protect(false, true)
		protect(false, false)
		goes(0)
		protect(true, true)
		goes(0) // for a day
		protect(true, false)
		time.Sleep(25 * time.Hour)
		goes(1)
	})
}
