package main

import (
	"path"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/spf13/cobra"
)

func (a *app) scenarioCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "scenario [NAME]",
		Short: "List the scenarios that have a name, or write one of them out",
		Long: `A scenario is how EC2 behaves in a rehearsal: shortages, throttles, lags, lost
replies, dying nodes. Give one to any verb that rehearses:

  cluster up cfd.hcl --rehearse --scenario bad-day

It begins when it is first given, and goes on from command to command until
another one takes its place, or until cluster rehearsal reset.

Without NAME, list them; with NAME, write the file, to copy and to change:

  cluster rehearsal scenario bad-day >mine.hcl`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return a.listScenarios()
			case 1:
				return a.writeScenario(args[0])
			}
			return &usageError{message: "rehearsal scenario takes one name", hint: helpHint(c)}
		},
	}
}

func (a *app) listScenarios() error {
	r, err := a.openRegion(ec2sim.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	var rows [][]string
	for _, name := range scenarioNames() {
		rows = append(rows, []string{name, description(name)})
	}
	a.out.table(rows)
	if name, since, ok := r.Playing(); ok {
		a.out.printf("\nThe embedded region has been playing %s for %s.\n", name, r.Now().Sub(since).Round(time.Second))
	}
	return nil
}

func (a *app) writeScenario(name string) error {
	src, err := scenarioFiles.ReadFile(path.Join("scenarios", name+".hcl"))
	if err != nil {
		return a.noScenario(name, err)
	}
	_, err = a.out.Write(src)
	return err
}

// description is what a scenario that has a name says of itself.
func description(name string) string {
	src, err := scenarioFiles.ReadFile(path.Join("scenarios", name+".hcl"))
	if err != nil {
		panic(err) // it is part of the program
	}
	x := &scenarioReader{}
	x.scenario(x.parse(name, src))
	return x.about
}
