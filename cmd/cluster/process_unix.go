//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

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
	if ok && grouped(cmd) {
		syscall.Kill(-cmd.Process.Pid, n)
		return
	}
	cmd.Process.Signal(sig)
}

// grouped says that a command has a process group of its own.
func grouped(cmd *exec.Cmd) bool { return cmd.SysProcAttr != nil && cmd.SysProcAttr.Setpgid }

// endGroup tells what a command that has ended left running in its process group to end, and says whether there
// was anything.
func endGroup(cmd *exec.Cmd) bool {
	return grouped(cmd) && syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) == nil
}

// guardScript waits for a word. Without one, its standard input has been closed by the death of who held it.
const guardScript = `read -r word || { kill -s TERM -- "$1"; sleep "$2"; kill -s KILL -- "$1"; } 2>/dev/null`

// guard starts a process that outlives this one: if this one is killed, it ends the command, with its process
// group where it has one of its own, by SIGTERM and after the grace by SIGKILL. It goes when release is called.
// The system's own way, a signal on the parent's death, reaches no more than the command itself: of a shell script
// that would be the shell, and not the solver that it waits for.
func guard(cmd *exec.Cmd, grace time.Duration) (release func(), err error) {
	whom := strconv.Itoa(cmd.Process.Pid)
	if grouped(cmd) {
		whom = "-" + whom
	}
	g := exec.Command("/bin/sh", "-c", guardScript, "sh", whom, strconv.Itoa(int(grace.Seconds())))
	g.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	word, err := g.StdinPipe()
	if err == nil {
		err = g.Start()
	}
	if err != nil {
		return func() {}, fmt.Errorf("start its guard: %w", err)
	}
	return func() {
		io.WriteString(word, "ended\n")
		word.Close()
		g.Wait()
	}, nil
}
