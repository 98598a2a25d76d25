//go:build !linux

package main

import (
	"os/exec"

	"github.com/rogpeppe/go-internal/testscript"
)

// terminal needs a way to make one that is known here for Linux only; the scripts skip it elsewhere.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	ts.Fatalf("no pseudo-terminal on this system")
}

// detach does nothing: Ctrl-C of the terminal that the test runs on is not told apart here.
func detach(*exec.Cmd) {}
