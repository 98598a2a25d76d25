//go:build !unix

package main

import (
	"os"
	"os/exec"
	"time"
)

// inForeground says yes: here Ctrl-C goes to all programs of a console.
func inForeground() bool { return true }

// separate does nothing: there are no process groups here.
func separate(*exec.Cmd) {}

// pass ends a command. Most signals cannot be sent here.
func pass(cmd *exec.Cmd, sig os.Signal) {
	if cmd.Process.Signal(sig) != nil {
		cmd.Process.Kill()
	}
}

// endGroup does nothing: there are no process groups here.
func endGroup(*exec.Cmd) bool { return false }

// guard does nothing: here a command outlives a program that is killed.
func guard(*exec.Cmd, time.Duration) (release func(), err error) { return func() {}, nil }
