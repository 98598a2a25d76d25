package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
)

func (a *app) sshCommand() *cobra.Command {
	var o remoteOptions
	c := &cobra.Command{
		Use:   "ssh FILE NODE [--user USER] [--jump NODE] [--public] [-- COMMAND]",
		Short: "Log in to a node, or run a command on it",
		Long: `Connect to a node, named like compute-17 or by its instance's id, at its private
address. Nodes that only another node can reach are reached through that one
with --jump. A COMMAND of one word is a line for the shell of the node; the
words of a longer one arrive as they are.

` + remoteHelp + `

EXIT STATUS
  that of ssh: the command's, or 255 without a connection. Before that:
  1    failed: an API error, or the node does not run
  5    refused: a rehearsal has nothing to connect to
  64   the command line or the cluster file is wrong, or there is no such node
  127  there is no ssh
  130  interrupted`,
		Args: func(c *cobra.Command, args []string) error {
			if dash := c.ArgsLenAtDash(); dash == 2 || dash < 0 && len(args) == 2 {
				return nil
			}
			return &usageError{
				message: "ssh takes a cluster file and a node",
				hint:    "Write: cluster ssh FILE NODE, or cluster ssh FILE NODE -- COMMAND.",
			}
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.ssh(c.Context(), args[0], args[1], args[2:], o)
		},
	}
	o.flags(c)
	return c
}

func (a *app) ssh(ctx context.Context, path, node string, command []string, o remoteOptions) error {
	way, err := a.sshWay("CLUSTER_SSH")
	if err != nil {
		return err
	}
	r, err := a.reach(ctx, path, way, o)
	if err != nil {
		return err
	}
	defer r.close()
	i := slices.IndexFunc(r.nodes, func(t target) bool { return t.is(node) })
	if i < 0 {
		return r.absent(node)
	}
	if err := r.way.check(r.nodes[i : i+1]); err != nil {
		return err
	}
	if err := r.learn(ctx, r.nodes[i:i+1]); err != nil {
		return err
	}
	argv := append([]string{r.way.program}, r.way.args(r.nodes[i], nil, command)...)
	_, err = a.foreground(ctx, userCommand{path: r.way.program, argv: argv, env: a.env, out: a.out.destination()})
	if failed, ok := errors.AsType[*commandError](err); ok && failed.code == exitUnreachable {
		a.keylessHint(r, r.nodes[i:i+1])
	}
	return err
}
