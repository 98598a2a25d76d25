package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"cluster/fleet/slurm"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

// TestMain makes the test binary the program as well: scripts run real processes of it, so that exit
// codes, streams and signals are real.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cluster": main, slurm.ResumeProgram: main, slurm.SuspendProgram: main})
}

// TestScript runs the golden scripts, which are the specification of the program. Besides the verbs of
// testscript they use
//
//	exits N cmd…          run cmd; it must exit with N
//	json FILE PATH VALUE  the value at a path such as groups.0.nodes.3.name of a JSON document
//	jsonlines FILE        each line is an event, the first is version and the last summary
//	event FILE TYPE N     there are N events of a type
//	region [key=value…]   serve an embedded EC2 over HTTP, and let AWS_ENDPOINT_URL_EC2 name it
//	capacity TYPE@ZONE=N  limit what that region has, or else that of the rehearsal
//	addimage FAMILY VERSION… [field=value…]
//	                      add images to that region, or else to that of the rehearsal
//	fault key=value…      inject a fault, in the same place
//	calm                  take faults and limits back, in the same place
//	calls MAX [ACTION]    that region had at most MAX calls since the last time
//	hold ACTION FILE [N]  the next, or N-th next, call of that action makes FILE and waits for a signal to be heard
//	interrupted N SIG FILE cmd…
//	                      run cmd, send it a signal when FILE is there; it must exit with N
//	atonce CODES cmd… -- cmd…
//	                      run commands at the same time; they must exit with these codes
//	terminal FILE cmd…    run cmd on a terminal, and keep in FILE what that got
//	owner ARN             make every instance somebody's
//	later DURATION        let time pass in the rehearsal
//	halt N                stop the n-th instance
//	die N                 terminate it, as EC2 does when the hardware fails
//	reservation NAME TYPE@ZONE=N [open] [block] [group=ARN] [cluster=NAME]
//	                      buy room for instances; its id is in the variable NAME
//	subnet NAME ZONE CIDR add a subnet; its id is in the variable NAME
//	tag KEY=VALUE…        tag every instance that lives
//	retag ID KEY=VALUE…   tag an image, or whatever has that id
//	deregister IMAGE      make an image go
//	waitfile FILE         wait until a file is there
//	holds FILE REGEXP [N] wait until it has that, N times
//	controller prepare|start|kill
//	                      a munged and a slurmctld of the script's own
//	node HOSTLIST STATE   wait until Slurm says that of its nodes
//	answers DIR           write what the nodes answer to verify --level node
//	forge HOW REPORT      make the identity document in one of those answers a bad one
//
// See commands_test.go for what they take.
func TestScript(t *testing.T) {
	// Whoever runs the tests may have a signal ignored, as nohup does; what is started here must not inherit that.
	// One that is caught is not caught any more in a new program.
	for _, sig := range []os.Signal{syscall.SIGHUP, os.Interrupt} {
		if signal.Ignored(sig) {
			heard := make(chan os.Signal, 1)
			signal.Notify(heard, sig)
			t.Cleanup(func() { signal.Stop(heard) })
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"addimage":    addImage,
			"answers":     nodeAnswers,
			"atonce":      atOnce,
			"calls":       calls,
			"calm":        calm,
			"controller":  controllerCommand,
			"holds":       waitText,
			"node":        nodeState,
			"capacity":    capacity,
			"event":       event,
			"exits":       exits,
			"fault":       fault,
			"forge":       forge,
			"hold":        hold,
			"interrupted": interrupted,
			"json":        jsonValue,
			"jsonlines":   jsonLines,
			"owner":       owner,
			"later":       later,
			"region":      serveRegion,
			"reservation": reservation,
			"halt":        halt,
			"die":         die,
			"subnet":      subnet,
			"tag":         tag,
			"retag":       retag,
			"deregister":  deregister,
			"terminal":    terminal,
			"waitfile":    waitFile,
		},
	})
}

// setUp gives a script a home, a rehearsal and an AWS configuration of its own, and no way to the real one.
func setUp(env *testscript.Env) error {
	vars := sandbox(env.WorkDir)
	for k, v := range vars {
		env.Setenv(k, v)
	}
	env.Values[regionKey{}] = &served{}
	env.Values[labKey{}] = &lab{}
	return os.WriteFile(vars["AWS_CONFIG_FILE"], nil, 0o600)
}

// sandbox is the environment of the scripts that work in a folder.
func sandbox(dir string) map[string]string {
	empty := filepath.Join(dir, ".empty")
	return map[string]string{
		"HOME":                        filepath.Join(dir, ".home"),
		"ESC":                         "\x1b[2J",
		"NO_COLOR":                    "1",
		"TZ":                          "UTC",
		"AWS_ACCESS_KEY_ID":           "AKIAIOSFODNN7EXAMPLE",
		"AWS_SECRET_ACCESS_KEY":       "not-a-secret",
		"AWS_REGION":                  "us-east-1",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_CONFIG_FILE":             empty,
		"AWS_SHARED_CREDENTIALS_FILE": empty,
		"CLUSTER_REHEARSAL_DIR":       filepath.Join(dir, "rehearsal"),
	}
}

// exits runs a command that must exit with one certain code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N cmd…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		status, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = status.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
