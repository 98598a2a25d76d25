package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cluster/fleet"
	"cluster/planner"
)

// A screen is as much of a terminal as the live view needs: text, line breaks, cursor up, erase below.
type screen struct {
	t     *testing.T
	width int

	mu   sync.Mutex
	rows []string
	row  int
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(b)
	for text != "" {
		var n int
		switch {
		case strings.HasPrefix(text, "\x1b[J"):
			s.rows = s.rows[:min(len(s.rows), s.row)]
			text = text[3:]
		case strings.HasPrefix(text, "\x1b["):
			if _, err := fmt.Sscanf(text, "\x1b[%dA", &n); err != nil || n > s.row {
				s.t.Errorf("cursor up %d in row %d (%v)", n, s.row, err)
				n = s.row
			}
			s.row -= n
			text = text[strings.Index(text, "A")+1:]
		case text[0] == '\r':
			text = text[1:]
		default:
			line, rest, ended := strings.Cut(text, "\n")
			if !ended {
				s.t.Errorf("a line without an end: %q", text)
			}
			for len(line) > s.width { // the terminal folds what is too long
				s.put(line[:s.width])
				line = line[s.width:]
			}
			s.put(line)
			text = rest
		}
	}
	return len(b), nil
}

func (s *screen) put(line string) {
	s.rows = append(s.rows[:s.row], line)
	s.row++
}

// resize makes the terminal narrower: it folds the rows that it has.
func (s *screen) resize(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.rows
	s.width, s.rows, s.row = width, nil, 0
	for _, line := range old {
		for len(line) > width {
			s.put(line[:width])
			line = line[width:]
		}
		s.put(line)
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.rows, "\n")
}

func (s *screen) columns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.width
}

func TestLiveView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term := &screen{t: t, width: 80}
		out := &printer{w: term}
		out.printf("before\n")
		v := newLiveView(out, planner.Plan{Groups: []planner.GroupPlan{
			{Name: "head", Want: 1}, {Name: "compute", Want: 1000},
		}}, time.Now, term.columns)
		v.event(fleet.Event{Type: fleet.EventLaunchStart, Group: "compute", Asked: 1000})
		v.event(fleet.Event{Type: fleet.EventWaiting, Counts: []fleet.GroupCount{
			{Group: "head", Want: 1, Running: 1}, {Group: "compute", Want: 1000, Pending: 750, Running: 250},
		}})
		time.Sleep(12 * time.Second)
		want := `before
head     [#######]  asked    1  pending    0  running    1  verified    0  12 s
compute  [#------]  asked 1000  pending  750  running  250  verified    0  12 s`
		if got := term.text(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
		// What is printed meanwhile stands above, and a narrower terminal leaves no fragments.
		out.printf("api: RunInstances ok\n")
		term.resize(50)
		time.Sleep(time.Second)
		for row := range strings.SplitSeq(term.text(), "\n") {
			if len(row) > 50 {
				t.Errorf("a row is wider than the terminal: %s", row)
			}
		}
		v.close()
		if got, want := term.text(), "before\napi: RunInstances ok"; got != want {
			t.Errorf("after the end there is:\n%s\nwant:\n%s", got, want)
		}
		out.printf("after\n")
		if !strings.HasSuffix(term.text(), "\nafter") {
			t.Errorf("the printer did not get the terminal back:\n%s", term.text())
		}
	})
}

// TestLineViewIsQuiet holds that a thousand nodes are a few lines, whatever they do.
func TestLineViewIsQuiet(t *testing.T) {
	var b bytes.Buffer
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	v := newLineView(&printer{w: &b}, planner.Plan{Groups: []planner.GroupPlan{{Name: "compute", Want: 1000}}}, func() time.Time { return start })
	v.event(fleet.Event{Type: fleet.EventLaunchStart, Group: "compute", Asked: 1000, InstanceType: "c7i.large", Zone: "us-east-1a"})
	for range 10 {
		v.event(fleet.Event{Type: fleet.EventLaunchDone, Group: "compute", Asked: 100, Got: 100})
	}
	for look := range 3 {
		for i := range 500 * look {
			v.event(fleet.Event{Type: fleet.EventNodeRunning, Group: "compute", Node: planner.NodeName("compute", i)})
		}
		v.event(fleet.Event{Type: fleet.EventWaiting, Counts: []fleet.GroupCount{{Group: "compute", Want: 1000, Running: 500 * look, Pending: 1000 - 500*look}}})
	}
	v.event(fleet.Event{Type: fleet.EventWaiting, Counts: []fleet.GroupCount{{Group: "compute", Want: 1000, Running: 1000}}})
	v.close()
	want := `  0 s  compute: asking for 1000 c7i.large in us-east-1a
  0 s  compute: 1000 granted
  0 s  compute: 0 of 1000 running
  0 s  compute: 500 of 1000 running
  0 s  compute: 1000 of 1000 running
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
