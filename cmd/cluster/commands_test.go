package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
	action string // a call of which is held
	skip   int    // calls of it that go through first
	marker string
	gate   chan struct{}
}

func regionOf(ts *testscript.TestScript) *served { return ts.Value(regionKey{}).(*served) }

// inRegion does something to the script's served region or, if there is none, to that of its rehearsal.
func inRegion(ts *testscript.TestScript, do func(*ec2sim.Region)) {
	if r := regionOf(ts).region; r != nil {
		do(r)
		return
	}
	dir := ts.Getenv("CLUSTER_REHEARSAL_DIR")
	ts.Check(os.MkdirAll(dir, 0o700))
	r, err := ec2sim.Open(ec2sim.Options{Path: filepath.Join(dir, stateFile), Speed: defaultSpeed})
	ts.Check(err)
	do(r)
	ts.Check(r.Close())
}

// serveRegion serves an embedded EC2 without delays and throttles. It knows quota=N.
func serveRegion(ts *testscript.TestScript, neg bool, args []string) {
	s := regionOf(ts)
	o := ec2sim.Options{Instant: true, Hook: s.hook}
	for k, v := range pairs(ts, args) {
		n, err := strconv.Atoi(v)
		ts.Check(err)
		if k != "quota" {
			ts.Fatalf("region: unknown setting %s", k)
		}
		o.VCPUQuota = n
	}
	s.region, s.told = ec2sim.New(o), 0
	server := httptest.NewServer(s.region)
	ts.Defer(server.Close)
	ts.Setenv("AWS_ENDPOINT_URL_EC2", server.URL)
}

// capacity limits what a zone has of a type: capacity c7i.large@us-east-1a=3.
func capacity(ts *testscript.TestScript, neg bool, args []string) {
	inRegion(ts, func(r *ec2sim.Region) {
		for k, v := range pairs(ts, args) {
			kind, zone, _ := strings.Cut(k, "@")
			n, err := strconv.Atoi(v)
			ts.Check(err)
			r.SetCapacity(ec2sim.Pool{Type: kind, Zone: zone}, n)
		}
	})
}

// fault injects a Fault. Its fields are given as JSON: fault Code='"X"' Instances='[3]'.
func fault(ts *testscript.TestScript, neg bool, args []string) {
	var f ec2sim.Fault
	fill(ts, args, &f)
	inRegion(ts, func(r *ec2sim.Region) { r.Inject(f) })
}

// addImage adds images of a family: addimage FAMILY VERSION… [field=value…], with fields of an ImageSpec. Each
// is a day older than the one after it, the last a day old, unless they say Created.
func addImage(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: addimage FAMILY VERSION… [field=value…]")
	}
	n := slices.IndexFunc(args, func(s string) bool { return strings.Contains(s, "=") })
	if n < 0 {
		n = len(args)
	}
	inRegion(ts, func(r *ec2sim.Region) {
		for k, version := range args[1:n] {
			s := ec2sim.ImageSpec{Name: args[0] + "-" + version, Created: r.Now().AddDate(0, 0, k+1-n)}
			fill(ts, args[n:], &s)
			if s.Tags == nil {
				s.Tags = map[string]string{}
			}
			s.Tags[ec2sim.FamilyTag], s.Tags[ec2sim.VersionTag] = args[0], version
			r.AddImage(s)
		}
	})
}

// fill sets the fields of a struct from key=value arguments; what is no JSON is a string.
func fill(ts *testscript.TestScript, args []string, to any) {
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
	ts.Check(d.Decode(to))
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

// hold makes the next call of an action, or the n-th from now on, write a file and wait.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	nth := 1
	if len(args) == 3 {
		var err error
		nth, err = strconv.Atoi(args[2])
		ts.Check(err)
	} else if len(args) != 2 {
		ts.Fatalf("usage: hold ACTION FILE [N]")
	}
	s := regionOf(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.action, s.skip, s.marker, s.gate = args[0], nth-1, ts.MkAbs(args[1]), make(chan struct{})
}

// interrupted runs a command, sends it signals when a file is there, and checks its exit code. A call that
// is held goes on after the first signal was heard, which is when the command says so, unless there are
// two signals or it is KILL, for which the exit code is -1. What it wrote is in the files out and err.
func interrupted(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: interrupted N SIGNAL[,SIGNAL] FILE cmd…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var out, errs bytes.Buffer
	heard := make(chan struct{})
	path, err := exec.LookPath(args[3])
	ts.Check(err)
	cmd := exec.Command(path, args[4:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
	detach(cmd)
	cmd.Stdout, cmd.Stderr = &out, &listener{to: &errs, word: "interrupted", heard: heard}
	ts.Check(cmd.Start())
	waitFile(ts, false, args[2:3])
	signals := strings.Split(args[1], ",")
	for _, name := range signals {
		sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}[name]
		if name == "KILL" {
			ts.Check(cmd.Process.Kill())
			continue
		}
		ts.Check(cmd.Process.Signal(sig))
		<-heard // two signals of a kind may merge into one unless the first was heard
	}
	if len(signals) == 1 && signals[0] != "KILL" {
		regionOf(ts).goOn()
	}
	err = cmd.Wait()
	regionOf(ts).goOn()
	ts.Check(os.WriteFile(ts.MkAbs("out"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), errs.Bytes(), 0o600))
	ts.Logf("[out]\n%s[err]\n%s", out.String(), errs.String())
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d (%v), want %d", got, err, want)
	}
}

// goOn lets a held call go on.
func (s *served) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

// A listener passes text on, and tells when it heard a word.
type listener struct {
	to    *bytes.Buffer
	word  string
	heard chan struct{}
	done  bool
}

func (l *listener) Write(b []byte) (int, error) {
	l.to.Write(b)
	if !l.done && bytes.Contains(l.to.Bytes(), []byte(l.word)) {
		l.done = true
		close(l.heard)
	}
	return len(b), nil
}

// environment is what the commands of a script see.
func environment(ts *testscript.TestScript) []string {
	env := os.Environ()
	for _, name := range append(slices.Sorted(maps.Keys(sandbox(""))), "AWS_ENDPOINT_URL_EC2", "CLUSTER_REHEARSE", "CLUSTER_SSH", "SLURM_CONF", "TERM") {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func (s *served) hook(c *ec2sim.Call) error {
	s.mu.Lock()
	gate, marker := s.gate, s.marker
	held := s.action != "" && s.action == c.Action
	if held && s.skip > 0 {
		s.skip--
		held = false
	}
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
	deadline := time.Now().Add(2 * time.Minute)
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
