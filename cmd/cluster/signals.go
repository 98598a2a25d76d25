package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interruptible is a context that the first SIGINT, SIGTERM or SIGHUP cancels: the verb then makes
// no new call, waits for those in flight and says what exists. The second signal ends the program
// at once; nothing is lost by that, because the launch call itself has written the tags. It takes over
// from an earlier one, and no signal is missed between the two; a.deafen ends it.
func (a *app) interruptible(parent context.Context) context.Context {
	// Writing to a pipe that nobody reads must not kill a launch half way.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	notify(signals)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
		case <-done:
			return
		}
		if !a.quiet.Load() {
			a.err.printf("interrupted: no new calls, finishing those in flight (again: out at once)\n")
		}
		cancel(errInterrupted)
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	a.deafen()
	a.unhear = sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	})
	return ctx
}

// deafen ends what interruptible began, if it did.
func (a *app) deafen() {
	if a.unhear != nil {
		a.unhear()
	}
}

// notify has the signals that end a program sent to a channel. SIGHUP stays ignored if it was when the
// program started, which is how nohup asks for it. SIGINT does not: a shell ignores it for whatever a script
// starts in the background, and scripts send it there all the same.
func notify(signals chan<- os.Signal) {
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
}
