package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// runBody is the first process of a body. It starts the program and adopts whatever that leaves behind, so that
// nothing of a machine outlives it, and ends when the program does.
func (a *app) runBody(ctx context.Context, program string) error {
	a.quiet.Store(true) // to be told to stop is how this ends
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become what this machine starts from: %w", err)
	}
	if a.getenv(envBodyNamed) != "" {
		if err := unix.Sethostname([]byte(a.getenv(envBodyNode))); err != nil {
			return fmt.Errorf("set the host name: %w", err)
		}
	}
	path, prepare := program, bodyMakers[program]
	if prepare != nil {
		var err error
		if path, err = findDaemon(program); err != nil {
			return err
		}
	}
	cmd := exec.Command(path)
	cmd.Env = a.env
	if prepare != nil {
		if err := prepare(a, cmd); err != nil {
			return err
		}
	}
	cmd.Stdout, cmd.Stderr = a.out.destination(), a.err.destination()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	status, err := reap(cmd.Process.Pid)
	killBelow(os.Getpid())
	switch {
	case err != nil:
		return fmt.Errorf("wait for %s: %w", program, err)
	case ctx.Err() != nil:
		return errStopped
	case status.Signaled():
		a.err.printf("%s was ended by a signal: %v\n", filepath.Base(program), status.Signal())
	default:
		a.err.printf("%s exited with %d\n", filepath.Base(program), status.ExitStatus())
	}
	return errStopped
}

// reap takes note of the end of processes until that of one.
func reap(pid int) (status unix.WaitStatus, err error) {
	for {
		ended, err := unix.Wait4(-1, &status, 0, nil)
		if err != nil && err != unix.EINTR {
			return status, err
		}
		if ended == pid {
			return status, nil
		}
	}
}
