package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/rogpeppe/go-internal/testscript"
)

type regionKey struct{}

// served is a script's embedded EC2.
type served struct {
	region *ec2sim.Region
	told   int // calls that the journal had at the last calls

	mu     sync.Mutex
	action string // that the next call of is held
	marker string
	gate   chan struct{}
}

func regionOf(ts *testscript.TestScript) *served { return ts.Value(regionKey{}).(*served) }

// serveRegion serves an embedded EC2 without delays and throttles. It knows capacity.TYPE@ZONE=N and
// quota=N.
func serveRegion(ts *testscript.TestScript, neg bool, args []string) {
	s := regionOf(ts)
	o := ec2sim.Options{Instant: true, Capacity: map[ec2sim.Pool]int{}, Hook: s.hook}
	for k, v := range pairs(ts, args) {
		n, err := strconv.Atoi(v)
		ts.Check(err)
		switch pool, isPool := strings.CutPrefix(k, "capacity."); {
		case isPool:
			kind, zone, _ := strings.Cut(pool, "@")
			o.Capacity[ec2sim.Pool{Type: kind, Zone: zone}] = n
		case k == "quota":
			o.VCPUQuota = n
		default:
			ts.Fatalf("region: unknown setting %s", k)
		}
	}
	s.region = ec2sim.New(o)
	server := httptest.NewServer(s.region)
	ts.Defer(server.Close)
	ts.Setenv("AWS_ENDPOINT_URL_EC2", server.URL)
}

// fault injects a Fault. Its fields are given as JSON: fault Code='"X"' Instances='[3]'.
func fault(ts *testscript.TestScript, neg bool, args []string) {
	fields := map[string]json.RawMessage{}
	for k, v := range pairs(ts, args) {
		if !json.Valid([]byte(v)) {
			v = strconv.Quote(v)
		}
		fields[k] = json.RawMessage(v)
	}
	b, err := json.Marshal(fields)
	ts.Check(err)
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	var f ec2sim.Fault
	ts.Check(d.Decode(&f))
	if r := regionOf(ts).region; r != nil {
		r.Inject(f)
		return
	}
	dir := ts.Getenv("CLUSTER_REHEARSAL_DIR")
	ts.Check(os.MkdirAll(dir, 0o700))
	r, err := ec2sim.Open(ec2sim.Options{Path: filepath.Join(dir, stateFile), Speed: defaultSpeed})
	ts.Check(err)
	r.Inject(f)
	ts.Check(r.Close())
}

// calls bounds how many calls a region had since the last time, or checks with ! that it had more.
func calls(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: calls MAX [ACTION]")
	}
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	s := regionOf(ts)
	journal := s.region.Journal()
	var names []string
	for _, c := range journal[s.told:] {
		if len(args) == 1 || c.Action == args[1] {
			names = append(names, c.Action)
		}
	}
	s.told = len(journal)
	if (len(names) > most) != neg {
		ts.Fatalf("%d calls, and the bound is %d: %s", len(names), most, strings.Join(names, " "))
	}
}

// hold makes the next call of an action write a file and wait.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: hold ACTION FILE")
	}
	s := regionOf(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.action, s.marker, s.gate = args[0], ts.MkAbs(args[1]), make(chan struct{})
}

// release lets a held call go on.
func release(ts *testscript.TestScript, neg bool, args []string) {
	s := regionOf(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.gate)
}

func (s *served) hook(c *ec2sim.Call) error {
	s.mu.Lock()
	gate, marker := s.gate, s.marker
	held := s.action != "" && s.action == c.Action
	if held {
		s.action = ""
	}
	s.mu.Unlock()
	if held {
		if err := os.WriteFile(marker, nil, 0o600); err != nil {
			return err
		}
		<-gate
	}
	return nil
}

// waitFile waits until a file is there. It looks again and again, because what makes the file is
// another process.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never came", args[0])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// jsonValue compares one value of a JSON document with an expected one. The path is names and indexes
// with dots between; # at its end is the length of a list.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &v); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, step := range strings.Split(args[1], ".") {
		switch x := v.(type) {
		case map[string]any:
			inner, ok := x[step]
			if !ok && !neg {
				ts.Fatalf("%s: nothing is called %s", args[1], step)
			}
			v = inner
		case []any:
			if step == "#" {
				v = len(x)
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				ts.Fatalf("%s: no item %s of %d", args[1], step, len(x))
			}
			v = x[i]
		default:
			ts.Fatalf("%s: %s leads into %v", args[1], step, x)
		}
	}
	if (fmt.Sprint(v) == args[2]) == neg {
		ts.Fatalf("%s is %v, and %s was compared", args[1], v, args[2])
	}
}

// jsonLines checks the shape of a stream of events.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	types := eventTypes(ts, args[0])
	if n := len(types); n < 2 || types[0] != "version" || types[n-1] != "summary" {
		ts.Fatalf("a stream starts with version and ends with summary; this is %v", types)
	}
}

// event counts the events of a type.
func event(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: event FILE TYPE N")
	}
	n := 0
	for _, t := range eventTypes(ts, args[0]) {
		if t == args[1] {
			n++
		}
	}
	if (strconv.Itoa(n) == args[2]) == neg {
		ts.Fatalf("%d events of type %s, and %s were expected", n, args[1], args[2])
	}
}

func eventTypes(ts *testscript.TestScript, file string) []string {
	var types []string
	for line := range strings.Lines(ts.ReadFile(file)) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			ts.Fatalf("not JSON: %s", line)
		}
		for _, name := range []string{"@level", "@message", "@timestamp", "type"} {
			if s, ok := e[name].(string); !ok || s == "" {
				ts.Fatalf("an event without %s: %s", name, line)
			}
		}
		types = append(types, e["type"].(string))
	}
	return types
}

// pairs reads key=value arguments.
func pairs(ts *testscript.TestScript, args []string) map[string]string {
	m := map[string]string{}
	for _, a := range args {
		k, v, ok := strings.Cut(a, "=")
		if !ok {
			ts.Fatalf("%s is not key=value", a)
		}
		m[k] = v
	}
	return m
}
