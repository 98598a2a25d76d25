package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// atOnce runs commands at the same time, with -- between them, and checks their exit codes: atonce 0,0|1
// cmd… -- cmd… wants 0 of the first, and 0 or 1 of the second. What the n-th wrote is in out.n and err.n.
func atOnce(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: atonce CODES cmd… -- cmd…")
	}
	codes := strings.Split(args[0], ",")
	var cmds []*exec.Cmd
	for i, line := range split(args[1:]) {
		path, err := exec.LookPath(line[0])
		ts.Check(err)
		cmd := exec.Command(path, line[1:]...)
		cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
		out, err := os.Create(ts.MkAbs(fmt.Sprintf("out.%d", i)))
		ts.Check(err)
		errs, err := os.Create(ts.MkAbs(fmt.Sprintf("err.%d", i)))
		ts.Check(err)
		defer out.Close()
		defer errs.Close()
		cmd.Stdout, cmd.Stderr = out, errs
		ts.Check(cmd.Start())
		cmds = append(cmds, cmd)
	}
	if len(cmds) != len(codes) {
		ts.Fatalf("%d commands and %d exit codes", len(cmds), len(codes))
	}
	var wrong []string
	for i, cmd := range cmds {
		cmd.Wait()
		got := fmt.Sprint(cmd.ProcessState.ExitCode())
		ts.Logf("[%s: exit %s]\n%s%s", strings.Join(cmd.Args[1:], " "), got, ts.ReadFile(fmt.Sprintf("out.%d", i)), ts.ReadFile(fmt.Sprintf("err.%d", i)))
		if !slices.Contains(strings.Split(codes[i], "|"), got) {
			wrong = append(wrong, fmt.Sprintf("command %d: exit code %s, want %s", i, got, codes[i]))
		}
	}
	if len(wrong) > 0 {
		ts.Fatalf("%s", strings.Join(wrong, "; "))
	}
}

// split parts arguments at each --.
func split(args []string) (lines [][]string) {
	for {
		i := slices.Index(args, "--")
		if i < 0 {
			return append(lines, args)
		}
		lines, args = append(lines, args[:i]), args[i+1:]
	}
}
