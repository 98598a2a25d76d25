package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cluster/spec"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commonFlags are the flags that every verb takes.
func (a *app) commonFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.SortFlags = false
	f.Var(&inputFlag{to: &a.inputs, of: func(s string) spec.Input { return spec.Input{Var: s} }}, "var", "set a variable of the file: name=`value` (repeatable)")
	f.Var(&inputFlag{to: &a.inputs, of: func(s string) spec.Input { return spec.Input{File: s} }}, "var-file", "set variables from a `file` (repeatable; later wins)")
	f.StringVar(&a.region, "region", "", "the AWS `region`; wins over the file's")
	f.BoolVar(&a.rehearse, "rehearse", a.rehearseByDefault(), "use the embedded EC2 region (or CLUSTER_REHEARSE=1)")
	f.Float64Var(&a.speed, "speed", defaultSpeed, "`factor` by which a rehearsal runs faster than life")
	f.StringVar(&a.scenario, "scenario", "", "how EC2 behaves in a rehearsal: a `file`, or "+strings.Join(scenarioNames(), ", "))
	f.BoolVar(&a.noColor, "no-color", false, "no colours (or NO_COLOR)")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show every node, and every API call on standard error")
}

// rehearseByDefault reads CLUSTER_REHEARSE. What is no boolean counts as true: whoever sets it
// wants to be kept away from the real EC2.
func (a *app) rehearseByDefault() bool {
	v := a.getenv("CLUSTER_REHEARSE")
	on, err := strconv.ParseBool(v)
	return v != "" && (on || err != nil)
}

// adoptFlag adds --adopt to a verb that changes a cluster or plans to.
func (a *app) adoptFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.adopt, "adopt", false, "go on with a cluster of this name that somebody else launched")
}

// jsonFlag adds --json to a verb; as is what it then writes.
func (a *app) jsonFlag(c *cobra.Command, as format, usage string) {
	c.Flags().BoolFunc("json", usage, func(v string) error {
		on, err := strconv.ParseBool(v)
		if on {
			a.format = as
		}
		return err
	})
}

// An inputFlag is --var or --var-file. Both append to one list, because their order on the command
// line decides which value wins.
type inputFlag struct {
	to *[]spec.Input
	of func(string) spec.Input
}

func (f *inputFlag) String() string { return "" }
func (f *inputFlag) Type() string   { return "string" }

func (f *inputFlag) Set(s string) error {
	*f.to = append(*f.to, f.of(s))
	return nil
}

// upgradeFlag adds --upgrade-image to a verb that writes the lock file.
func (a *app) upgradeFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.upgrade, "upgrade-image", false, "take the image that the file means now, and move the lock file to it")
}

// oneFile accepts exactly one argument, the cluster file. A pattern such as *.hcl may bring its lock
// file along, which is moved behind it.
func oneFile(c *cobra.Command, args []string) error {
	slices.SortStableFunc(args, func(x, y string) int { return compareBools(isLock(x), isLock(y)) })
	files := len(args)
	if n := slices.IndexFunc(args, isLock); n > 0 {
		files = n
	}
	switch files {
	case 1:
		return nil
	case 0:
		hint := fmt.Sprintf("Write: %s FILE. To start a new one: cluster init.", c.CommandPath())
		found, err := fs.Glob(os.DirFS("."), "*.hcl")
		if found = slices.DeleteFunc(found, isLock); err == nil && len(found) == 1 {
			hint = fmt.Sprintf("Write: %s %s", c.CommandPath(), found[0])
		}
		return &usageError{message: c.Name() + " needs a cluster file", hint: hint}
	default:
		return &usageError{
			message: fmt.Sprintf("%s takes one cluster file, not %d", c.Name(), files),
			hint:    "One file is one cluster; flags may stand before or after it.",
		}
	}
}

// noArgs accepts none.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{message: fmt.Sprintf("%s takes no arguments, and got %q", c.CommandPath(), args[0]), hint: helpHint(c)}
}

// unknownVerb refuses arguments of a command that only has commands below it.
func (a *app) unknownVerb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := &usageError{message: fmt.Sprintf("unknown command %q for %s", args[0], c.CommandPath()), hint: helpHint(c)}
	if near := spec.Nearest(args[0], verbs(c)); near != "" {
		e.hint = fmt.Sprintf("Did you mean %s %s?", c.CommandPath(), near)
	}
	return e
}

// verbs are the names of a command's commands, as help lists them.
func verbs(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

var unknownFlag = regexp.MustCompile(`^unknown flag: --(\S*)$`)

// flagError turns what pflag says into a usage error, with a suggestion for an unknown flag.
func flagError(c *cobra.Command, err error) error {
	e := &usageError{message: err.Error(), hint: helpHint(c)}
	if m := unknownFlag.FindStringSubmatch(err.Error()); m != nil {
		e.message = fmt.Sprintf("unknown flag --%s for %s", m[1], c.CommandPath())
		var names []string
		collect := func(f *pflag.Flag) { names = append(names, f.Name) }
		c.LocalFlags().VisitAll(collect)
		c.InheritedFlags().VisitAll(collect)
		slices.Sort(names)
		if near := spec.Nearest(m[1], names); near != "" {
			e.hint = fmt.Sprintf("Did you mean --%s?", near)
		}
	}
	return e
}

func helpHint(c *cobra.Command) string { return fmt.Sprintf("Run %s --help.", c.CommandPath()) }

// shellWord quotes an argument where a shell would not read it as one word. It is for commands that
// we tell people to type.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:@%+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// slash is a path as messages show it.
func slash(path string) string { return filepath.ToSlash(path) }
