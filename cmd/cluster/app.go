package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"cluster/spec"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// An app is one run of the program: its streams, its environment, its flags.
type app struct {
	in       *os.File
	out, err *printer
	env      []string
	inTTY    bool // standard input is a terminal: there is somebody to ask
	errTTY   bool // standard error is a terminal: there is somebody to watch
	width    func() int

	inputs   []spec.Input // --var and --var-file, in the order of the command line
	region   string
	rehearse bool
	speed    float64
	body     string // --body; empty leaves the rehearsal as it is
	scenario string // of a rehearsal: a name or a file; empty leaves the one that is played
	noColor  bool
	verbose  bool
	adopt    bool
	upgrade  bool // --upgrade-image

	format  format
	sources spec.Sources // texts that diagnostics may point into
	stream  *eventStream // of up --json and down --json; nil before the first event
	again   string       // the command that goes on after an interrupt; empty: none has to
	quiet   atomic.Bool  // a signal is nothing to talk about
	unhear  func()       // ends the listening to signals; nil: nobody listens
}

// format is what a verb writes to standard output.
type format int

const (
	text     format = iota
	document        // one JSON document
	events          // one JSON event a line
)

func newApp(in, out, errs *os.File, env []string) *app {
	a := &app{
		in:     in,
		out:    &printer{w: out},
		err:    &printer{w: errs},
		env:    env,
		inTTY:  term.IsTerminal(int(in.Fd())),
		errTTY: term.IsTerminal(int(errs.Fd())),
	}
	plain := a.getenv("NO_COLOR") != "" || a.getenv("TERM") == "dumb"
	a.out.colour = !plain && term.IsTerminal(int(out.Fd()))
	a.err.colour = !plain && a.errTTY
	a.width = func() int {
		if w, _, err := term.GetSize(int(errs.Fd())); err == nil && w > 0 {
			return w
		}
		return 80
	}
	return a
}

// getenv is the value of a variable of the environment; empty if it is not set.
func (a *app) getenv(name string) string {
	for _, kv := range slices.Backward(a.env) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}

// run carries out one command line and returns the exit code.
func (a *app) run(args []string) int {
	ctx := a.interruptible(context.Background())
	defer a.deafen()
	a.again = repeat(args)
	ours := args // what follows -- is somebody else's command
	if n := slices.Index(args, "--"); n >= 0 {
		ours = args[:n]
	}
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if is[*usageError](err) && a.format == text && slices.Contains(ours, "--json") {
		a.format = document // the command line was given up before its --json was read
	}
	// A verb that was interrupted reports whatever call it was in; the reason is the signal.
	if err != nil && err != errStopped && errors.Is(context.Cause(ctx), errInterrupted) && !errors.Is(err, errInterrupted) {
		err = errors.Join(err, errInterrupted)
	}
	a.report(err)
	code := exitCode(err)
	if a.stream != nil {
		a.stream.summary(code)
	}
	if code == exitDone && a.out.err != nil {
		a.err.printf("write the result: %s\n", a.out.err)
		return exitFailed
	}
	return code
}

// rootCommand is the whole command line.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "cluster",
		Short:         "N identical EC2 instances from one file, proven identical",
		Long:          rootHelp,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          a.unknownVerb,
		RunE: func(c *cobra.Command, _ []string) error {
			return &usageError{message: "no command", hint: "The commands are: " + strings.Join(verbs(c), ", ") + ". Run cluster help for more."}
		},
		PersistentPreRun: func(*cobra.Command, []string) {
			if a.noColor {
				a.out.colour, a.err.colour = false, false
			}
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(a.usage)
	root.SetHelpFunc(a.help)
	root.SetHelpCommand(a.helpCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	a.commonFlags(root)
	root.AddCommand(
		a.initCommand(), a.validateCommand(), a.fmtCommand(),
		a.planCommand(), a.upCommand(), a.statusCommand(), a.verifyCommand(), a.traceCommand(), a.downCommand(),
		a.runCommand(), a.sshCommand(), a.execCommand(), a.copyCommand(),
		a.exportCommand(), a.slurmCommand(), a.policyCommand(), a.gcCommand(),
		a.imageCommand(),
		a.rehearsalCommand(), a.completionCommand(), a.versionCommand(),
	)
	return root
}

// repeat is the command line to type again. A saved plan is left out: what was done of it has made it stale.
func repeat(args []string) string {
	words := []string{"cluster"}
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--plan":
			i++
		case strings.HasPrefix(args[i], "--plan="):
		default:
			words = append(words, shellWord(args[i]))
		}
	}
	return strings.Join(words, " ")
}
