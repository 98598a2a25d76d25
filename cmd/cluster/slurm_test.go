package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A lab is a script's Slurm: its own munged and slurmctld, on ports of their own.
type lab struct {
	ctld *exec.Cmd // nil: it does not run
}

type labKey struct{}

// controller starts what a script needs of Slurm:
//
//	controller prepare  start munged, and set SLURM_CONF, SLURM_PORT and MUNGE
//	controller start    start slurmctld, and wait until it answers
//	controller kill     kill -9 it
func controllerCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: controller prepare|start|kill")
	}
	l := ts.Value(labKey{}).(*lab)
	switch args[0] {
	case "prepare":
		l.prepare(ts)
	case "start":
		l.start(ts)
	case "kill":
		l.kill()
	default:
		ts.Fatalf("controller: no such thing as %s", args[0])
	}
}

func (l *lab) prepare(ts *testscript.TestScript) {
	socket := ts.MkAbs("munge.sock")
	ts.Check(os.WriteFile(ts.MkAbs("munge.key"), []byte(strings.Repeat("rehearse", 128)), 0o400))
	ts.Setenv("SLURM_CONF", ts.MkAbs("slurm/slurm.conf"))
	ts.Setenv("SLURM_PORT", freePorts(ts, 12))
	ts.Setenv("MUNGE", socket)
	munged := exec.Command("munged", "--foreground", "--force", "--key-file", ts.MkAbs("munge.key"), "--socket", socket,
		"--pid-file", ts.MkAbs("munged.pid"), "--seed-file", ts.MkAbs("munge.seed"))
	l.daemon(ts, munged)
	ts.Defer(func() {
		logs, _ := filepath.Glob(ts.MkAbs("slurm/*.log"))
		for _, name := range logs {
			text, _ := os.ReadFile(name)
			ts.Logf("[%s]\n%s", filepath.Base(name), text)
		}
		// Whatever the script left behind: its nodes are processes.
		path, err := exec.LookPath("cluster")
		if err == nil {
			reset := exec.Command(path, "rehearsal", "reset")
			reset.Dir, reset.Env = ts.MkAbs("."), environment(ts)
			err = reset.Run()
		}
		if err != nil {
			ts.Logf("cluster rehearsal reset: %v", err)
		}
	})
	awaited(ts, "munged", func() bool {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (l *lab) start(ts *testscript.TestScript) {
	l.ctld = exec.Command("slurmctld", "-D", "-f", ts.Getenv("SLURM_CONF"))
	l.daemon(ts, l.ctld)
	awaited(ts, "slurmctld", func() bool {
		ping := exec.Command("scontrol", "ping")
		ping.Env = environment(ts)
		out, err := ping.Output()
		return err == nil && strings.Contains(string(out), "UP")
	})
}

func (l *lab) kill() {
	l.ctld.Process.Kill()
	l.ctld.Wait()
}

// daemon starts a program that ends with the script, and shows then what it said.
func (l *lab) daemon(ts *testscript.TestScript, c *exec.Cmd) {
	log, err := os.Create(ts.MkAbs(fmt.Sprintf(".%s-%d", filepath.Base(c.Path), time.Now().UnixNano())))
	ts.Check(err)
	c.Stdout, c.Stderr, c.Env = log, log, environment(ts)
	ts.Check(c.Start())
	ts.Defer(func() {
		c.Process.Kill()
		c.Wait()
		log.Close()
		text, _ := os.ReadFile(log.Name())
		ts.Logf("[%s]\n%s", filepath.Base(c.Path), text)
	})
}

// labPorts is how many ports scripts of this process have taken: they run at the same time.
var labPorts atomic.Int32

// freePorts is the first of some ports in a row that nobody listens at. Those that the system gives to clients are
// above them.
func freePorts(ts *testscript.TestScript, n int) string {
	for range 100 {
		first := 20000 + (os.Getpid()*61+int(labPorts.Add(int32(n))))%12000
		free := true
		for port := first; port < first+n && free; port++ {
			l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
			if free = err == nil; free {
				l.Close()
			}
		}
		if free {
			return fmt.Sprint(first)
		}
	}
	ts.Fatalf("no free ports")
	return ""
}

// node waits until Slurm says of some nodes that they are in a state: node burst-[0-2] 'idle~'.
func nodeState(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: node HOSTLIST STATE")
	}
	want, err := regexp.Compile("^(" + args[1] + "\n)+$")
	ts.Check(err)
	var got string
	awaited(ts, args[0]+" "+args[1], func() bool {
		sinfo := exec.Command("sinfo", "-h", "-N", "-n", args[0], "-o", "%T")
		sinfo.Env = environment(ts)
		out, err := sinfo.Output()
		got = string(out)
		return err == nil && want.MatchString(got)
	})
}

// waitText waits until a file has a line with something: holds FILE REGEXP [N], N times of it.
func waitText(ts *testscript.TestScript, neg bool, args []string) {
	n := 1
	if len(args) == 3 {
		_, err := fmt.Sscan(args[2], &n)
		ts.Check(err)
	} else if len(args) != 2 {
		ts.Fatalf("usage: holds FILE REGEXP [N]")
	}
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	awaited(ts, args[0]+" "+args[1], func() bool {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		return len(want.FindAll(text, -1)) >= n
	})
}

// awaited waits until something that another process does has happened.
func awaited(ts *testscript.TestScript, what string, happened func() bool) {
	deadline := time.Now().Add(3 * time.Minute)
	for !happened() {
		if time.Now().After(deadline) {
			ts.Fatalf("%s never came", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
