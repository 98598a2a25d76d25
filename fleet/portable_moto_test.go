package fleet_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// startMoto starts a moto server on a port that it finds for itself, and ends it with the test.
func startMoto(t *testing.T, path string) (url string) {
	said := filepath.Join(t.TempDir(), "moto.log")
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", "0")
	// What TestPortable sets is for the launcher; moto reads it too, and stumbles over an empty profile.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(cmd.Env, "PYTHONUNBUFFERED=1")
	ended := start(t, cmd, said)
	for range 1200 {
		if m := motoListens.FindStringSubmatch(read(t, said)); m != nil {
			return m[1]
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %v\n%s", path, cmd.ProcessState, read(t, said))
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not answer after a minute:\n%s", path, read(t, said))
	return ""
}

// motoListens is what moto's server says when it is ready.
var motoListens = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// start starts a command that writes to a file, and ends it with the test. If the test fails, it shows the end of
// the file. The channel is closed when the command has ended.
func start(t *testing.T, cmd *exec.Cmd, said string) (ended chan struct{}) {
	log, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	dieToo(cmd)
	began := make(chan error)
	ended = make(chan struct{})
	go func() {
		// dieToo means the thread, which Go may end before the process.
		runtime.LockOSThread()
		defer close(ended)
		err := errors.Join(cmd.Start(), log.Close())
		began <- err
		if err == nil {
			// How it ended is in cmd.ProcessState; the test ends it with a kill.
			_ = cmd.Wait()
		}
	}()
	if err := <-began; err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		// It may have ended by itself; then there is nothing to kill.
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s ends its log with:\n%s", filepath.Base(cmd.Path), lastLines(read(t, said), 40))
		}
	})
	return ended
}

func read(t *testing.T, path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(raw)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
