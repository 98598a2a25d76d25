package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// A commandError is a command of the user's that ran and did not end well, or could not be started. Its code is
// the exit code of the program.
type commandError struct {
	name string
	code int    // as a shell would give it: 128+n if signal n ended it, 126 and 127 if it could not be started
	why  string // such as "exited with 7"; of one that could not be started, the reason
	said bool   // it was started: what there is to say has been said, by the command or by us
}

func (e *commandError) Error() string {
	if !e.said {
		return fmt.Sprintf("cannot start %s: %s", e.name, e.why)
	}
	return e.name + " " + e.why
}

// findCommand is where a command of the user's is, found as a shell would. That it is missing is told before
// anything is launched for it.
func findCommand(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return path, nil
	case errors.Is(err, fs.ErrPermission):
		return "", &commandError{name: name, code: exitNotRunnable, why: "it is not executable"}
	default:
		return "", &commandError{name: name, code: exitNotFound, why: "there is no such command"}
	}
}

// A userCommand is a command of the user's that the program runs in its place.
type userCommand struct {
	path string
	argv []string
	env  []string
	out  io.Writer

	// A job is ended, with all that it started, when this program is killed or its cluster is no good any more.
	job   bool
	end   <-chan string // of a job: why it is to end; nil: for no such reason
	grace time.Duration // of a job: from SIGTERM to SIGKILL
}

// foreground runs a command with the program's input, and waits for it. Until it ends, the
// program does nothing on a signal but pass the first one on, and kill the command at the second. Afterwards
// the context that it returns is the one that signals cancel.
//
// In the foreground of a terminal the command stays in our process group, which Ctrl-C goes to: it has reached
// the command already, and is not passed on a second time. Elsewhere the command has a group of its own, and all
// that it started gets the signal.
func (a *app) foreground(ctx context.Context, c userCommand) (context.Context, error) {
	cmd := exec.Command(c.path, c.argv[1:]...)
	cmd.Args[0] = c.argv[0]
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.env, a.in, c.out, a.err.destination()
	shared := inForeground()
	if !shared {
		separate(cmd)
	}
	signals := make(chan os.Signal, 4)
	notify(signals)
	defer signal.Stop(signals)
	a.deafen()
	err := context.Cause(ctx)
	if !errors.Is(err, errInterrupted) { // else the signal came just before
		err = a.startAndWait(cmd, c, shared, signals)
	}
	return a.interruptible(context.WithoutCancel(ctx)), err
}

// startAndWait runs a command, and passes signals on to it. It may share our process group.
func (a *app) startAndWait(cmd *exec.Cmd, c userCommand, shared bool, signals <-chan os.Signal) error {
	if err := cmd.Start(); err != nil {
		return &commandError{name: cmd.Args[0], code: exitNotRunnable, why: err.Error()}
	}
	if c.job {
		defer a.endWithUs(cmd, c.grace)()
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var why string
	var over <-chan time.Time
	for heard := 0; ; {
		select {
		case err := <-ended:
			if c.job && endGroup(cmd) {
				a.err.printf("%s left something running in the background, which is told to end\n", cmd.Args[0])
			}
			if err = ending(cmd, err); why != "" {
				err = &commandError{name: cmd.Args[0], code: exitNodeLost, why: "was ended, because " + why, said: true}
			}
			return err
		case why = <-c.end:
			c.end, over = nil, time.After(c.grace)
			a.err.printf("%s: %s is told to end (in %v it is killed)\n", why, cmd.Args[0], c.grace)
			pass(cmd, syscall.SIGTERM)
		case <-over:
			pass(cmd, os.Kill)
		case sig := <-signals:
			heard++
			switch {
			case heard > 1:
				pass(cmd, os.Kill)
			case shared && sig == os.Interrupt:
				a.err.printf("interrupted: waiting for %s (again: it is killed)\n", cmd.Args[0])
			default:
				a.err.printf("interrupted: passed on to %s, and waiting for it (again: it is killed)\n", cmd.Args[0])
				pass(cmd, sig)
			}
		}
	}
}

// endWithUs has a command end if this program is killed, which it cannot do itself, until release is called.
func (a *app) endWithUs(cmd *exec.Cmd, grace time.Duration) (release func()) {
	release, err := guard(cmd, grace)
	if err != nil {
		a.err.printf("%s goes on if this program is killed: %s\n", cmd.Args[0], err)
	}
	return release
}

// ending is how a command ended: nil if with 0.
func ending(cmd *exec.Cmd, err error) error {
	state := cmd.ProcessState
	if state == nil {
		return fmt.Errorf("wait for %s: %w", cmd.Args[0], err)
	}
	e := &commandError{name: cmd.Args[0], said: true}
	if s, ok := state.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		e.code, e.why = 128+int(s.Signal()), fmt.Sprintf("was ended by a signal: %v", s.Signal())
		return e
	}
	if e.code = state.ExitCode(); e.code == 0 {
		return nil
	}
	e.why = fmt.Sprintf("exited with %d", e.code)
	return e
}
