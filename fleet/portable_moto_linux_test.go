package fleet_test

import (
	"os/exec"
	"syscall"
)

// dieToo has the kernel kill a command when the thread that started it is gone: no server outlives a test that
// was killed itself.
func dieToo(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
