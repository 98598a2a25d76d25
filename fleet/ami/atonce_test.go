package ami_test

import (
	"net/http"
	"testing"
	"time"

	"cluster/fleet/ami"
)

// Whoever says the same while it is under way, at any moment, gets the same image, and so does the first.
func TestCaptureTwiceAtOnce(t *testing.T) {
	for _, when := range []ami.EventType{
		ami.EventStopping, ami.EventStopped, ami.EventCreating, ami.EventProgress, ami.EventAvailable, ami.EventStarted,
	} {
		inWorld(t, func(w *world) {
			id := w.node()
			k := w.keeper("")
			k.Notify = w.meanwhile(when, func() error {
				_, err := w.keeper("").Capture(w.Context(), capture(id))
				return err
			})
			must[ami.Captured](w)(k.Capture(w.Context(), capture(id)))
			w.captured(id, "no call, and twice at "+string(when))
		})
	}
}

// Two who capture at the same pace: the one who is late finds the instance started again by the other, and
// does not wait for it to stop.
func TestCaptureFindsTheInstanceStartedByAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node()
		looks := 0
		w.client = clientFunc(func(q *http.Request) (*http.Response, error) {
			if actionOf(q) == "StopInstances" {
				if looks++; looks == 1 { // before it is asked to stop, the other is through
					must[ami.Captured](w)(w.keeperVia(w.region).Capture(w.Context(), capture(id)))
				}
			}
			return w.region.Do(q)
		})
		k := w.keeper("")
		must[ami.Captured](w)(k.Capture(w.Context(), capture(id)))
		w.captured(id, "no call")
		if took := k.Session.Elapsed(); took > 10*time.Minute {
			w.Errorf("it took %s", took)
		}
	})
	// And it was asked to stop, but the other one, who waited for the same, was faster.
	inWorld(t, func(w *world) {
		id := w.node()
		stopped, other := false, false
		w.client = clientFunc(func(q *http.Request) (*http.Response, error) {
			action := actionOf(q)
			if action == "DescribeInstances" && stopped && !other {
				other = true
				must[ami.Captured](w)(w.keeperVia(w.region).Capture(w.Context(), capture(id)))
			}
			stopped = stopped || action == "StopInstances"
			return w.region.Do(q)
		})
		k := w.keeper("")
		must[ami.Captured](w)(k.Capture(w.Context(), capture(id)))
		w.captured(id, "no call")
		if took := k.Session.Elapsed(); took > 10*time.Minute {
			w.Errorf("it took %s", took)
		}
	})
}

type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(q *http.Request) (*http.Response, error) { return f(q) }

// keeperVia is a fresh process that talks through a client of its own.
func (w *world) keeperVia(c httpClient) *ami.Keeper {
	w.Helper()
	before := w.client
	w.client = c
	defer func() { w.client = before }()
	return w.keeper("")
}

// meanwhile does something once, at the first event of a type.
func (w *world) meanwhile(when ami.EventType, do func() error) func(ami.Event) {
	w.Helper()
	done := false
	return func(e ami.Event) {
		if done || e.Type != when {
			return
		}
		done = true
		if err := do(); err != nil {
			w.Errorf("meanwhile, at %s: %v", when, err)
		}
	}
}
