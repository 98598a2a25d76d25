//go:build !linux

package fleet_test

import "os/exec"

// dieToo is Linux's. Elsewhere a server outlives a test that is killed.
func dieToo(*exec.Cmd) {}
