package fleet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"
)

var errKilled = errors.New("the process is gone")

// A mortal client stands for a process that is killed at its n-th request: before the request
// reaches EC2, or after EC2 did it and before the answer arrives. Nothing passes from then on.
type mortal struct {
	next  httpClient
	at    int
	after bool

	mu   sync.Mutex
	sent int
	last string        // the action it died at; empty: it lives
	dead chan struct{} // closed at the kill
}

func (m *mortal) Do(q *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.sent++
	n := m.sent
	if n == m.at {
		m.last = actionOf(q)
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

// killed runs an up that dies at its at-th request, and returns at that very moment. It returns
// the action it died at; empty if it came to its end before.
func (w *world) killed(want *spec.Cluster, at int, after bool) string {
	return w.killedThrough(w.region, want, at, after)
}

func (w *world) killedThrough(network httpClient, want *spec.Cluster, at int, after bool) string {
	m := &mortal{next: network, at: at, after: after, dead: make(chan struct{})}
	w.client = m
	l := w.launcher()
	l.Notify = nil
	w.client = w.region
	done := make(chan error, 1)
	go func() {
		have, err := l.Observe(w.Context(), want, fleet.Placing)
		if err == nil {
			_, err = l.Apply(w.Context(), want, have, planner.Diff(want, have))
		}
		done <- err
	}()
	var err error
	select {
	case <-m.dead:
	case err = <-done: // at the moment of its death, it may be either
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && m.last == "" {
		w.Fatalf("a run that nobody killed: %v", err)
	}
	return m.last
}

// actionOf reads a request's action, and leaves the request as it was.
func actionOf(q *http.Request) string {
	body, _ := io.ReadAll(q.Body)
	q.Body = io.NopCloser(bytes.NewReader(body))
	if _, action, ok := strings.Cut(q.Header.Get("X-Amz-Target"), "."); ok {
		return action
	}
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action")
}

// The kill matrix: a 300-node up is killed at every request, before it and after it took effect;
// then the same command runs once more, at once. With -v it prints the table of calls and outcomes;
// questions that are asked side by side may change places in it.
func TestKilledAtEveryCallConverges(t *testing.T) {
	nodes := 300
	if testing.Short() {
		nodes = 12
	}
	table := map[int][]string{} // by request: the action, then the outcome of the kill before and after it
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			died, outcome := "", "red"
			t.Run(fmt.Sprintf("after=%v/%d", after, at), func(t *testing.T) {
				inWorld(t, ec2sim.Options{}, func(w *world) {
					want := cluster(nodes)
					died = w.killed(want, at, after)
					up := w.mustUp(want)
					w.check(want)
					n := len(w.instances())
					if n != nodes {
						w.Errorf("killed at %s: %d instances were ever launched, want %d", died, n, nodes)
					}
					outcome = fmt.Sprintf("%d run, %d of them found at once", up.Verdict.Nodes, nodes-up.Groups[0].Launched)
				})
			})
			if died == "" {
				break
			}
			if table[at] == nil {
				table[at] = []string{died}
			}
			table[at] = append(table[at], outcome)
		}
	}
	for at := 1; at <= len(table); at++ {
		t.Logf("%3d  %-30s  before: %-40s after: %s", at, table[at][0], table[at][1], table[at][len(table[at])-1])
	}
}

// A thousand nodes, killed at five moments, and the next run starts at once.
func TestKilledDuringThousand(t *testing.T) {
	large(t)
	for _, at := range []int{7, 9, 12, 16, 19} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := cluster(1000)
				if died := w.killed(want, at, at%2 == 0); died == "" {
					w.Fatal("up was over before it was killed")
				}
				w.mustUp(want)
				w.check(want)
			})
		})
	}
}

func TestKilledDownIsFinishedByTheNext(t *testing.T) {
	nodes := 300
	if testing.Short() {
		nodes = 12
	}
	for at := 1; at <= 6; at++ {
		for _, after := range []bool{false, true} {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := cluster(nodes)
				w.mustUp(want)
				w.killed(want.Empty(), at, after)
				if _, err := w.up(want.Empty()); err != nil {
					w.Fatal(err)
				}
				time.Sleep(5 * time.Minute)
				if n := len(w.living()); n != 0 {
					w.Errorf("%d instances are left", n)
				}
			})
		}
	}
}
