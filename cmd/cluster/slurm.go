package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) slurmCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "slurm",
		Short: "Configure Slurm, and start and end nodes for it",
		Long: `Hand a cluster over to Slurm. A group of the cluster file is static, and its
nodes are those that up launches; or, with slurm { burst = true }, it is burst
capacity: Slurm has a node launched when a job waits for it, and ended when no
job has needed it for a while.

  cluster slurm conf FILE --out DIR   write slurm.conf and what goes with it

In that folder are also cluster-slurm-resume and cluster-slurm-suspend, which
Slurm starts, and cluster-slurm.hcl, in which these find what they need to know.
cluster slurm sync, once a minute, repairs what a crash has left.`,
		Args: a.unknownVerb,
		RunE: func(c *cobra.Command, _ []string) error {
			return &usageError{message: "slurm needs a command", hint: "Write: cluster slurm conf, resume, suspend or sync."}
		},
	}
	c.AddCommand(a.slurmConfCommand(), a.slurmCallCommand("resume"), a.slurmCallCommand("suspend"), a.slurmSyncCommand(), a.slurmWorkCommand())
	return c
}

// slurmCallCommand is one of the verbs that Slurm calls.
func (a *app) slurmCallCommand(verb string) *cobra.Command {
	long := map[string]string{
		"resume": `What Slurm starts as cluster-slurm-resume, by its ResumeProgram: launch the
nodes of a list such as burst-[0-3]. The nodes of a job that waits for several
come all or none. When they run, Slurm is told their addresses; when they cannot
be had, that they are down and why, and so is each job.

It returns at once, as Slurm needs: the request is in the spool, and a process
of its own works on it. Its log says what became of it. Called again for nodes
that are there, or on their way, it launches nothing.`,
		"suspend": `What Slurm starts as cluster-slurm-suspend, by its SuspendProgram and its
ResumeFailProgram: end the instances of the nodes of a list such as burst-[0-3].
Nodes without an instance are no mistake, and those that are not burst capacity
are left alone.

It returns at once, as Slurm needs: the request is in the spool, and a process
of its own works on it.`,
	}
	var o slurmCall
	c := &cobra.Command{
		Use:   verb + " HOSTLIST [--wait] [--settings FILE]",
		Short: map[string]string{"resume": "Launch nodes for Slurm", "suspend": "End nodes for Slurm"}[verb],
		Long: long[verb] + `

EXIT STATUS
  0    accepted; with --wait, done
  1    failed
  64   the command line or cluster-slurm.hcl is wrong`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{message: fmt.Sprintf("%s takes one list of nodes", c.CommandPath()), hint: fmt.Sprintf("Write: %s 'burst-[0-3]'", c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.verb, o.list = verb, args[0]
			return a.slurmCall(c.Context(), c.Root(), o)
		},
	}
	c.Flags().BoolVar(&o.wait, "wait", false, "work on it here, and say what happens")
	settingsFlag(c, &o.settings)
	return c
}

// settingsFlag adds --settings to a verb.
func settingsFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "settings", "", "the cluster-slurm.hcl `file`; else the one beside SLURM_CONF, or in /etc/slurm")
}
