package fleet_test

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"cluster/fleet/ec2sim"
)

type doFunc func(*http.Request) (*http.Response, error)

func (f doFunc) Do(q *http.Request) (*http.Response, error) { return f(q) }

// TestBodiesCanOnlyBeRead holds that net/http gets no body with the SDK's WriteTo, which would make it close
// connections under answers that come at once.
func TestBodiesCanOnlyBeRead(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		var mu sync.Mutex // of seen: a plan asks several things at once
		seen := map[string]bool{}
		w.client = doFunc(func(q *http.Request) (*http.Response, error) {
			if _, ok := q.Body.(io.WriterTo); ok {
				w.Errorf("%s: the body has WriteTo: %T", actionOf(q), q.Body)
			}
			action := actionOf(q)
			mu.Lock()
			seen[action] = true
			mu.Unlock()
			return w.region.Do(q)
		})
		w.mustUp(cluster(3))
		if !seen["RunInstances"] || !seen["GetCallerIdentity"] {
			w.Errorf("only these calls were seen: %v", seen)
		}
	})
}
