package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bodiesPossible says why a program cannot be the body of an instance here; nil if it can.
func bodiesPossible(program string) error {
	if bodyMakers[program] != nil {
		_, err := findDaemon(program)
		return err
	}
	return nil
}

// startKeeper starts a process that keeps the bodies in a folder. If there is one, it goes at once.
func startKeeper(dir string, env []string, speed float64) error {
	unlock, err := tryLockKeeper(dir)
	if unlock == nil || err != nil {
		return err
	}
	unlock()
	log, err := os.OpenFile(filepath.Join(dir, keeperLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start the keeper of the bodies: %w", err)
	}
	defer log.Close()
	cmd := ourselves("rehearsal", "keep", "--speed", strconv.FormatFloat(speed, 'g', -1, 64))
	cmd.Env = append(append([]string{}, env...), "CLUSTER_REHEARSAL_DIR="+filepath.Dir(dir))
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, dir
	if err := startDetached(cmd); err != nil {
		return fmt.Errorf("start the keeper of the bodies: %w", err)
	}
	return nil
}

// ourselves is a command that is this program, whatever became of its file.
func ourselves(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = "cluster"
	return cmd
}

// tryLockKeeper makes this process the only keeper of a folder; a nil unlock says that another is.
func tryLockKeeper(dir string) (unlock func(), err error) {
	return holdKeeper(dir, false)
}

// lockKeeper waits until the keeper of a folder has gone.
func lockKeeper(ctx context.Context, dir string) (unlock func(), err error) {
	type locked struct {
		unlock func()
		err    error
	}
	done := make(chan locked, 1)
	go func() {
		unlock, err := holdKeeper(dir, true)
		done <- locked{unlock, err}
	}()
	select {
	case l := <-done:
		return l.unlock, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// holdKeeper locks a folder for its keeper. For people, the file of the lock says who that is.
func holdKeeper(dir string, wait bool) (unlock func(), err error) {
	path := filepath.Join(dir, keeperLock)
	unlock, err = holdFile(path, true, wait)
	if unlock != nil {
		_ = os.WriteFile(path, fmt.Appendln(nil, os.Getpid()), 0o600)
	}
	return unlock, err
}

// A process is a body's first: all that it starts is below it. The zero value has never been.
type process struct {
	pid   int
	start string // when it began, in the kernel's ticks: a number that is given again begins at another time
}

// startBody starts the body of a machine, in a session of its own and, for root, with a host name of its own.
func startBody(program, work string, env []string, console *os.File) (process, error) {
	start := func(flags uintptr) (*exec.Cmd, error) {
		cmd := ourselves("rehearsal", "body", program)
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, work, console, console
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: flags}
		if flags != 0 {
			cmd.Env = append(cmd.Env, envBodyNamed+"=1")
		}
		return cmd, cmd.Start()
	}
	var flags uintptr
	if os.Geteuid() == 0 {
		flags = unix.CLONE_NEWUTS
	}
	cmd, err := start(flags)
	if errors.Is(err, unix.EPERM) && flags != 0 {
		cmd, err = start(0) // a container may forbid it
	}
	if err != nil {
		return process{}, fmt.Errorf("start %s: %w", program, err)
	}
	p := process{pid: cmd.Process.Pid}
	p.start, _ = startOf(p.pid)
	go cmd.Wait() // nobody else takes note of its end
	return p, nil
}

// startOf is when a process began, and its parent; "" if it is gone, or only not taken note of.
func startOf(pid int) (start string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name is in parentheses, and may contain anything. See proc(5).
	n := strings.LastIndexByte(string(text), ')')
	if err != nil || n < 0 {
		return "", 0
	}
	f := strings.Fields(string(text[n+1:]))
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return "", 0
	}
	parent, _ = strconv.Atoi(f[1])
	return f[19], parent
}

func (p process) gone() bool {
	if p.pid == 0 {
		return true
	}
	start, _ := startOf(p.pid)
	return start != p.start
}

// end asks a body to end, and kills what is left of it after a while.
func (p process) end(grace time.Duration) {
	if p.gone() {
		return
	}
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err == nil {
		defer unix.Close(fd)
		unix.Kill(p.pid, unix.SIGTERM)
		for until := time.Now().Add(grace); ; {
			left := time.Until(until)
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(max(left, 0).Milliseconds())); !errors.Is(err, unix.EINTR) || left <= 0 {
				break
			}
		}
	}
	p.kill()
}

// kill ends a process and all below it at once.
func (p process) kill() {
	if !p.gone() {
		killBelow(p.pid)
		unix.Kill(p.pid, unix.SIGKILL)
	}
}

// killBelow kills the processes below one, until there are none: each may have started another meanwhile. One that the
// kernel does not let go is not waited for long.
func killBelow(pid int) {
	for until := time.Now().Add(bodyGrace); time.Now().Before(until); {
		below := descendants(pid)
		if len(below) == 0 {
			return
		}
		for _, p := range below {
			unix.Kill(p, unix.SIGKILL)
		}
	}
}

// descendants are the processes below one that still run.
func descendants(pid int) (below []int) {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			if start, parent := startOf(n); start != "" {
				children[parent] = append(children[parent], n)
			}
		}
	}
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		below = append(below, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return below
}

// remember writes down which process a body is, for a keeper that comes after this one.
func (p process) remember(file, boot string) error {
	return replaceFile(file, fmt.Appendf(nil, "%d %s %s\n", p.pid, p.start, boot), 0o600)
}

// recall reads what remember wrote.
func recall(file string) (p process, boot string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return p, "", err
	}
	f := strings.Fields(string(text))
	if len(f) != 3 {
		return p, "", fs.ErrInvalid
	}
	p.pid, err = strconv.Atoi(f[0])
	p.start = f[1]
	return p, f[2], err
}
