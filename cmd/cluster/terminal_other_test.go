//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// terminal needs a way to make one that is known here for Linux only; the scripts skip it elsewhere.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	ts.Fatalf("no pseudo-terminal on this system")
}
