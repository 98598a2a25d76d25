package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"

	"github.com/spf13/cobra"
)

func (a *app) execCommand() *cobra.Command {
	var o execOptions
	c := &cobra.Command{
		Use:   "exec FILE [--group GROUP] [--nodes LIST] [--timeout D] [--at-once N] [--raw] -- COMMAND",
		Short: "Run a command on many nodes, and gather what they say",
		Long: `Run a command on all running nodes, or on those that --group and --nodes select,
many at a time, and write what they said: nodes that said the same and ended the
same are shown once, as compute-[0-61,63]: ok. Control characters are escaped
unless --raw. A COMMAND of one word is a line for the shell of the nodes; the
words of a longer one arrive as they are. It reads no input.

` + remoteHelp + `
Nothing is asked: a node whose key is not known is unreachable.

EXIT STATUS
  0    the command did well on every node
  1    failed: an API error, or a node that was named does not run
  5    refused: a rehearsal has nothing to connect to
  64   the command line or the cluster file is wrong, or there is no such node
  127  there is no ssh
  130  interrupted
  Else the highest of the nodes: the command's, 124 if its time was over, 255
  if a node could not be reached.`,
		Args: fileAndCommand,
		RunE: func(c *cobra.Command, args []string) error {
			return a.exec(c.Context(), args[0], args[1:], o)
		},
	}
	o.remoteOptions.flags(c)
	o.fanOut.flags(c)
	c.Flags().BoolVar(&o.raw, "raw", false, "write what the nodes say as it is")
	return c
}

type execOptions struct {
	remoteOptions
	fanOut
	raw bool
}

func (a *app) exec(ctx context.Context, path string, command []string, o execOptions) error {
	if err := o.fanOut.check(); err != nil {
		return err
	}
	way, err := a.sshWay("CLUSTER_SSH")
	if err != nil {
		return err
	}
	r, err := a.reach(ctx, path, way, o.remoteOptions)
	if err != nil {
		return err
	}
	defer r.close()
	nodes, err := r.choose(o.group, o.nodes)
	if err != nil {
		return err
	}
	if err := r.way.check(nodes); err != nil {
		return err
	}
	if err := r.learn(ctx, nodes); err != nil {
		return err
	}
	answers, err := a.askAll(ctx, r, nodes, o.fanOut, func(ctx context.Context, t target) *exec.Cmd {
		return exec.CommandContext(ctx, r.way.program, r.way.args(t, batch, command)...)
	})
	if err != nil {
		return err
	}
	a.reportAnswers(answers, o.raw)
	return worst(answers)
}

// choose are the nodes of a group and of a list; an empty one chooses all.
func (r *reached) choose(group, list string) (nodes []target, err error) {
	named := map[nodeKey]bool{}
	if list != "" {
		keys, err := parseNodes(list)
		if err != nil {
			return nil, &usageError{message: "--nodes: " + err.Error(), hint: "Write a list such as compute-[0-61,63],head-0."}
		}
		for _, k := range keys {
			named[k] = true
		}
	}
	if _, ok := r.want.Group(group); group != "" && !ok {
		return nil, noGroup(r.want, group)
	}
	for _, t := range r.nodes {
		if (group == "" || t.node.Group == group) && (list == "" || named[t.node]) {
			nodes = append(nodes, t)
		}
		delete(named, t.node)
	}
	var missing []string
	for k := range named {
		missing = append(missing, k.String())
	}
	if len(missing) > 0 {
		return nil, r.absent(slices.Min(missing))
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("no such node of cluster %s runs", r.want.Name)
	}
	return nodes, nil
}
