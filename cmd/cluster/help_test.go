package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand calls f for every command of the program.
func eachCommand(f func(*cobra.Command)) {
	a := newApp(os.Stdin, os.Stdout, os.Stderr, nil)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		f(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(a.rootCommand())
}

// TestHelp holds that every verb says what it does, and every flag what it means.
func TestHelp(t *testing.T) {
	eachCommand(func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short help %q is empty or ends in a full stop", c.CommandPath(), c.Short)
		}
		if strings.Contains(c.UseLine(), " FILE") && !strings.Contains(c.Long, "EXIT STATUS") {
			t.Errorf("%s: its help has no section EXIT STATUS", c.CommandPath())
		}
		for line := range strings.Lines(c.Long) {
			if columns(line) > 81 {
				t.Errorf("%s: a line of its help is longer than 80 columns: %s", c.CommandPath(), line)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: nothing says what --%s is for", c.CommandPath(), f.Name)
			}
		})
	})
}

// TestScriptsUseEveryVerbAndFlag holds that nothing of the command line is without a script.
func TestScriptsUseEveryVerbAndFlag(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(b), "\n-- ")
		all.WriteString(script + "\n")
	}
	used := strings.Fields(all.String())
	words := map[string]bool{}
	for _, w := range used {
		name, _, _ := strings.Cut(w, "=")
		words[name] = true
	}
	eachCommand(func(c *cobra.Command) {
		if !c.Hidden && !strings.Contains(all.String(), c.CommandPath()) {
			t.Errorf("no script runs %s", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !words["--"+f.Name] {
				t.Errorf("no script uses --%s of %s", f.Name, c.CommandPath())
			}
		})
	})
}

// TestExitStatusIsDocumented holds that the help knows each code that exitCode gives.
func TestExitStatusIsDocumented(t *testing.T) {
	for _, code := range []string{"0", "1", "2", "3", "4", "5", "64", "130"} {
		if !strings.Contains(exitStatus, "\n  "+code+" ") {
			t.Errorf("the help does not explain exit code %s", code)
		}
	}
}
