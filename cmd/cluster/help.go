package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Help is written by code and not by cobra's templates: a program that links text/template keeps every
// method of the EC2 client, because a template could call it by name, and is twice the size.

// usage writes how a command is called, what is below it, and its flags.
func (a *app) usage(c *cobra.Command) error {
	line := c.UseLine()
	if c.HasAvailableSubCommands() {
		line = c.CommandPath() + " COMMAND"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n", strings.TrimSuffix(line, " [flags]"))
	if c.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(&b, "  %-*s  %s\n", c.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	if c.HasAvailableLocalFlags() {
		fmt.Fprintf(&b, "\nFlags:\n%s", c.LocalFlags().FlagUsages())
	}
	if c.HasAvailableInheritedFlags() {
		fmt.Fprintf(&b, "\nCommon flags:\n%s", c.InheritedFlags().FlagUsages())
	}
	_, err := a.out.Write([]byte(b.String()))
	return err
}

// help writes what a command does, and its usage.
func (a *app) help(c *cobra.Command, _ []string) {
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	a.out.Write([]byte(strings.TrimSpace(long) + "\n\n"))
	a.usage(c)
}

// helpCommand is help as a verb.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil || found == nil || len(rest) > 0 {
				return a.unknownVerb(c.Root(), args)
			}
			found.InitDefaultHelpFlag()
			found.InitDefaultVersionFlag()
			a.help(found, nil)
			return nil
		},
	}
}

// completionCommand writes the scripts by which shells complete our verbs and flags.
func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Write a script by which a shell completes verbs and flags",
		Long: `Write a script by which a shell completes verbs and flags. For bash, in this
shell:  source <(cluster completion bash)`,
		ValidArgs: shells,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch strings.Join(args, " ") {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			case "fish":
				return root.GenFishCompletion(a.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.out)
			}
			return &usageError{message: "completion needs one shell", hint: "The shells are " + strings.Join(shells, ", ") + "."}
		},
	}
}

const rootHelp = `cluster turns one HCL file into N identical EC2 instances, proves that they
are identical, or leaves nothing behind.

  cluster init cfd.hcl              a commented cluster file to start from
  cluster plan cfd.hcl --rehearse   what would be done, and why
  cluster up cfd.hcl --rehearse     do it on an embedded EC2 region: no account
  cluster up cfd.hcl                do it on EC2

Results go to standard output, progress and diagnostics to standard error.

` + exitStatus
