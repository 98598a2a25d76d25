package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run FILE [--wait CONDITION] [--node-loss tell|end] [--down] [--keep-on-failure] -- COMMAND [ARGUMENT…]",
		Short: "Launch the cluster, run a command here, and terminate the cluster",
		Long: `Do what up does, run the command on this computer, and terminate the cluster
when it has ended, whatever happened. Nothing is asked: this is the line of a
job script. Standard input and output are the command's; what there is to say
about the cluster goes to standard error.

The command finds in its environment:

  CLUSTER_FILE        the cluster file, for cluster ssh and cluster exec
  CLUSTER_NAME, CLUSTER_REGION
  CLUSTER_NODES       the nodes, folded: compute-[0-61,63],head-0
  CLUSTER_NODE_COUNT  how many they are
  CLUSTER_HOSTS_FILE  a file with their private addresses, one a line
  CLUSTER_INVENTORY   a file with what status --json says
  CLUSTER_EXPORT      a folder with what cluster export writes, such as for
                      mpirun --hostfile "$CLUSTER_EXPORT"/openmpi

The files go when the command ends. It is not run if the cluster did not come
up whole and identical; fewer nodes than count will do where launch.min allows
them. What had come up is then terminated. Groups that have probes, which are
ready blocks, are waited for until they are usable, whatever launch.wait says;
--wait is for all groups, with the conditions of cluster up.

Nodes that were there before are used, and are left as they are: only what this
run launched is terminated, unless --down ends all of the cluster. That is for
jobs that are started again after a crash. A run that would have to replace or
terminate a node before the command starts is refused.

The nodes are looked at every half minute. One that dies under the command is
told at once, with EC2's reason, and again at the end; the command goes on, as
it may cope. With --node-loss end it gets SIGTERM, and SIGKILL when --grace is
over, for jobs that would wait for the lost node forever.

The first SIGINT, SIGTERM or SIGHUP is passed on to the command, the second
kills it; the cluster goes all the same. What the command leaves running in the
background gets SIGTERM when it has ended, unless it is in the foreground of a
terminal. Killed with SIGKILL, run leaves the nodes to cluster down and to their
ttl, and the command gets SIGTERM, and SIGKILL when --grace is over: started
again, the job does not meet an older self on its nodes.

` + bodyHelp + `

EXIT STATUS
  The command's, or 128+n if signal n ended it; 75 if it was ended for the loss
  of a node. 1 if it did well and terminating the cluster did not. Where the
  command never ran:
  1    failed: an API error, a time-out
  3    short: capacity or quota did not allow what was asked
  4    not identical: a node does not come from the image
  5    refused: a blocker, or nodes that would have to go first
  64   the command line or the cluster file is wrong; nothing was called
  126  the command cannot be started
  127  there is no such command; nothing was called
  130  interrupted`,
		Args: fileAndCommand,
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkLoss(o.nodeLoss); err != nil {
				return err
			}
			return a.runJob(c.Context(), args[0], args[1:], o)
		},
	}
	o.waitFlags(c)
	a.bodyFlag(c)
	c.Flags().BoolVar(&o.down, "down", false, "terminate nodes that were there before the run as well")
	c.Flags().BoolVar(&o.keepOnFailure, "keep-on-failure", false, "keep the cluster if the command fails")
	c.Flags().StringVar(&o.nodeLoss, "node-loss", lossTell, "what a node that dies means for the command: `tell|end`")
	c.Flags().DurationVar(&o.grace, "grace", 30*time.Second, "`time` from SIGTERM to SIGKILL where run ends the command")
	return c
}

type runOptions struct {
	waitOptions
	down          bool
	keepOnFailure bool
	nodeLoss      string
	grace         time.Duration
}

// fileAndCommand accepts a cluster file and, behind --, a command.
func fileAndCommand(c *cobra.Command, args []string) error {
	dash := c.ArgsLenAtDash()
	switch {
	case dash == 1 && len(args) > 1:
		return nil
	case dash < 0 || len(args) == dash:
		return &usageError{message: c.Name() + " needs a command behind --", hint: fmt.Sprintf("Write: %s FILE -- COMMAND.", c.CommandPath())}
	default:
		return oneFile(c, args[:dash])
	}
}

// A run is a cluster that is there for one command.
type run struct {
	*app
	ready  *readiness
	path   string
	want   *spec.Cluster
	before map[string]bool // ids of the live instances that were there before
	began  bool            // something may have been launched
	grace  time.Duration
	watch  *jobWatch
}

func (a *app) runJob(ctx context.Context, path string, argv []string, o runOptions) error {
	stdout := a.out.destination()
	a.out = a.err // standard output is the command's
	command, err := findCommand(argv[0])
	if err != nil {
		return err
	}
	want, err := a.load(path)
	if err != nil {
		return err
	}
	for i, g := range want.Groups {
		if len(g.Ready) > 0 {
			want.Groups[i].Launch.Wait = spec.WaitUsable
		}
	}
	ready, err := a.prepare(want, o.waitOptions)
	if err != nil {
		return err
	}
	if ready != nil {
		ready.fate = "The command was not run for that. launch { timeout = … } allows more time."
	}
	a.again = "" // what goes on after an interrupt is down, and that is done here
	r := &run{app: a, ready: ready, path: path, want: want, before: map[string]bool{}, grace: o.grace}
	r.watch = newJobWatch(r, o.nodeLoss == lossEnd)
	a.show(mortality(want))
	j, err := r.up(ctx)
	if cause := context.Cause(ctx); err == nil && errors.Is(cause, errInterrupted) {
		err = cause // too late for the launch, and before the command
	}
	if err != nil && !r.began {
		return err
	}
	if err != nil {
		return errors.Join(err, r.down(a.interruptible(context.WithoutCancel(ctx)), o))
	}
	ctx, failed := r.job(ctx, command, argv, j, stdout)
	defer func() { a.show(r.watch.sum(argv[0])) }()
	if is[*commandError](failed) && o.keepOnFailure {
		a.err.printf("%s: kept, because the command failed. To end it: %s\n", want.Name, a.followUp("down", path))
		return failed
	}
	return errors.Join(failed, r.down(ctx, o))
}

// job runs the command. The context that it returns goes on from there.
func (r *run) job(ctx context.Context, command string, argv []string, j job, stdout io.Writer) (context.Context, error) {
	var err error
	if j.File, err = filepath.Abs(r.path); err != nil {
		return ctx, fmt.Errorf("find %s: %w", slash(r.path), err)
	}
	dir, err := j.writeFiles()
	if err != nil {
		return ctx, err
	}
	defer os.RemoveAll(dir)
	name := r.want.Name
	_, keys := j.Status.runningNodes()
	r.err.printf("%s: running %s with %s\n", name, argv[0], foldNodes(keys))
	c := userCommand{
		path: command, argv: argv, env: slices.Concat(r.env, j.environment(dir)), out: stdout,
		job: true, end: r.watch.end, grace: r.grace,
	}
	stop := r.watch.begin(ctx)
	ctx, err = r.foreground(ctx, c)
	stop()
	if err == nil {
		r.err.printf("%s: %s is done\n", name, argv[0])
	} else if failed, ok := errors.AsType[*commandError](err); ok && failed.said {
		r.err.printf("%s: %s\n", name, err)
	}
	return ctx, err
}
