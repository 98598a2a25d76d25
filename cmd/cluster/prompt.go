package main

import (
	"bufio"
	"context"
	"strings"
)

// confirm asks the person at the terminal, and returns nil only for exactly the answer wanted.
// Where nobody can be asked it refuses, and names the flag that answers beforehand.
func (a *app) confirm(ctx context.Context, question, answer string) error {
	if !a.inTTY {
		return &refusedError{message: "nobody to ask: standard input is no terminal", hint: "Look at what is shown, then say --yes."}
	}
	a.err.printf("%s\nOnly %q is taken as consent: ", question, answer)
	line := make(chan string, 1)
	go func() {
		// A read from a terminal cannot be cancelled. After an interrupt the program ends, and
		// this goroutine with it.
		s, _ := bufio.NewReader(a.in).ReadString('\n')
		line <- s
	}()
	select {
	case <-ctx.Done():
		a.err.printf("\n")
		return context.Cause(ctx)
	case s := <-line:
		if strings.TrimSpace(s) != answer {
			return &refusedError{message: "not confirmed", hint: "Nothing was done."}
		}
		return nil
	}
}
