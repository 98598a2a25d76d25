package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// terminal runs a command with a terminal of 80 columns as its standard output and error, and writes what
// the terminal got to a file. With ! the command must fail.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: terminal FILE cmd…")
	}
	ours, theirs, err := openPTY()
	ts.Check(err)
	defer ours.Close()
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
	cmd.Stdout, cmd.Stderr = theirs, theirs
	ts.Check(cmd.Start())
	theirs.Close()
	var got bytes.Buffer
	// The read ends with EIO when the last process lets go of the terminal.
	io.Copy(&got, ours)
	err = cmd.Wait()
	ts.Logf("%s", got.String())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), got.Bytes(), 0o600))
	if _, failed := errors.AsType[*exec.ExitError](err); failed && neg {
		return
	} else if err == nil && neg {
		ts.Fatalf("it worked, and must not")
	}
	ts.Check(err)
}

// detach keeps a command that is to be started away from the terminal that the test may run on.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func openPTY() (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(ours.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		return nil, nil, err
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	return ours, theirs, err
}
