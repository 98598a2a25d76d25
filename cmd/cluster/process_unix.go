//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// inForeground says that this process is in the foreground of a terminal, whose Ctrl-C it gets.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// separate gives a command that is to be started a process group of its own.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// pass sends a signal to a command, and to all of its process group if it has one of its own. One that has
// ended meanwhile does not mind.
func pass(cmd *exec.Cmd, sig os.Signal) {
	n, ok := sig.(syscall.Signal)
	if ok && cmd.SysProcAttr != nil && cmd.SysProcAttr.Setpgid {
		syscall.Kill(-cmd.Process.Pid, n)
		return
	}
	cmd.Process.Signal(sig)
}
