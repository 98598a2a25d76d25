package ami_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"cluster/fleet"
	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

type httpClient interface {
	Do(*http.Request) (*http.Response, error)
}

// A world is an embedded region in a synctest bubble, and keepers of its images.
type world struct {
	*testing.T
	region *ec2sim.Region
	client httpClient // what keepers talk through; the region unless a test puts something between
}

// inWorld runs f in a bubble of its own.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		f(&world{T: t, region: r, client: r})
	})
}

// keeper is a fresh process in a region; us-east-1 if it is empty.
func (w *world) keeper(region string) *ami.Keeper {
	w.Helper()
	s, err := fleet.Open(w.Context(), fleet.SessionOptions{HTTPClient: w.client, Now: w.region.Now, Region: region})
	if err != nil {
		w.Fatal(err)
	}
	return &ami.Keeper{Session: s}
}

// ec2 is a client of somebody else's, in us-east-1.
func (w *world) ec2() *ec2.Client {
	return ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid")})
}

// must fails the test on an error.
func must[T any](w *world) func(v T, err error) T {
	return func(v T, err error) T {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
		return v
	}
}

// refused fails the test unless err is a *ami.RefusedError with these words.
func (w *world) refused(err error, words ...string) {
	w.Helper()
	e, ok := errors.AsType[*ami.RefusedError](err)
	if !ok {
		w.Fatalf("not refused: %v", err)
	}
	for _, s := range words {
		if !strings.Contains(e.Message+"\n"+e.Hint, s) {
			w.Errorf("refused with %q, %q; want %q", e.Message, e.Hint, s)
		}
	}
}

// family is one look at a family, by a fresh process.
func (w *world) family(name string) []ami.Image {
	w.Helper()
	return must[[]ami.Image](w)(w.keeper("").Find(w.Context(), name))
}

// holder is the version that holds a channel.
func (w *world) holder(family, channel string) string {
	w.Helper()
	img, err := ami.Pick(w.family(family), channel)
	if err != nil {
		return ""
	}
	return img.Version
}

var errKilled = errors.New("the process is gone")

// A mortal client stands for a process that is killed at its n-th request: before the request reaches
// EC2, or after EC2 did it and before the answer arrives. Nothing passes from then on.
type mortal struct {
	next  httpClient
	at    int
	after bool

	mu   sync.Mutex
	sent int
	died string        // the action it died at; empty: it lives
	dead chan struct{} // closed at the kill
}

func (m *mortal) Do(q *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.sent++
	n := m.sent
	if n == m.at {
		m.died = actionOf(q)
		if !m.after {
			close(m.dead)
		}
	}
	m.mu.Unlock()
	if n > m.at || n == m.at && !m.after {
		return nil, errKilled
	}
	resp, err := m.next.Do(q)
	if n == m.at {
		close(m.dead)
		return nil, errKilled
	}
	return resp, err
}

// actionOf reads a request's action, and leaves the request as it was.
func actionOf(q *http.Request) string {
	body, _ := io.ReadAll(q.Body)
	q.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action")
}

// killed runs a verb that dies at its at-th request, and returns at that moment with the action; empty
// if it came to its end before.
func (w *world) killed(at int, after bool, verb func(*ami.Keeper) error) string {
	w.Helper()
	m := &mortal{next: w.region, at: at, after: after, dead: make(chan struct{})}
	w.client = m
	k := w.keeper("")
	w.client = w.region
	done := make(chan error, 1)
	go func() { done <- verb(k) }()
	var err error
	select {
	case <-m.dead:
	case err = <-done: // at the moment of its death, it may be either
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && m.died == "" {
		w.Fatalf("a run that nobody killed: %v", err)
	}
	return m.died
}

// killEverywhere runs a verb in world after world, killed at every request before it and after it took
// effect, runs it once more, and has the result checked. It returns at how many requests it was killed.
func killEverywhere(t *testing.T, prepare func(*world), verb func(*world, *ami.Keeper) error, check func(w *world, died string)) (kills int) {
	t.Helper()
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			if testing.Short() && at > 12 {
				at += 3 // what waits long makes many calls that are alike
			}
			died := ""
			inWorld(t, func(w *world) {
				prepare(w)
				died = w.killed(at, after, func(k *ami.Keeper) error { return verb(w, k) })
				if died == "" {
					return
				}
				kills++
				if err := verb(w, w.keeper("")); err != nil {
					w.Errorf("killed at %s (after=%v), and the next run: %v", died, after, err)
				}
				check(w, died)
			})
			if died == "" {
				break
			}
		}
	}
	return kills
}
