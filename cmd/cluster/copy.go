package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) copyCommand() *cobra.Command {
	var o copyOptions
	c := &cobra.Command{
		Use:   "copy FILE [--group GROUP] [--nodes LIST] [--recursive] SOURCE… TARGET",
		Short: "Copy files to many nodes, or from them",
		Long: `Copy files from here to nodes, many at a time, or from nodes to here. What is on
nodes is written with a colon:

  compute-3:PATH          on that node
  compute-[0-61,63]:PATH  on these, or with the name of a group, on its nodes
  :PATH                   on all running nodes, or on those that --group and
                          --nodes select

A PATH that is not absolute begins in the home folder. What comes from one node
by its name goes to TARGET, and else into a folder for each, TARGET/compute-3. A
local name with a colon is written with a folder before it, ./a:b. What scp says
is gathered as by cluster exec.

Your own scp does the talking, so your configuration, agent and keys work;
CLUSTER_SCP names another program. Nothing is asked.

` + hostKeyHelp + `

EXIT STATUS
  0    everything was copied
  1    failed: an API error, or a node that was named does not run
  5    refused: a rehearsal has nothing to connect to
  64   the command line or the cluster file is wrong, or there is no such node,
       or no such file here; nothing was called
  127  there is no scp
  130  interrupted
  Else the highest of the nodes: scp's, 124 if its time was over, 255 if a node
  could not be reached.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 2 {
				return nil
			}
			return &usageError{message: "copy takes a cluster file, what to copy, and where to", hint: "Write: cluster copy FILE SOURCE… TARGET, such as: cluster copy FILE input.dat :/scratch"}
		},
		RunE: func(c *cobra.Command, args []string) error { return a.copy(c.Context(), args[0], args[1:], o) },
	}
	o.remoteOptions.flags(c)
	o.fanOut.flags(c)
	c.Flags().BoolVarP(&o.recursive, "recursive", "r", false, "copy folders with what is in them")
	return c
}

type copyOptions struct {
	remoteOptions
	fanOut
	recursive bool
}

// A copying is what is copied, and where to. One of the two sides is here, the other on nodes.
type copying struct {
	nodes   string   // a node, a list or a group; empty: what --group and --nodes say
	push    bool     // to nodes
	sources []string // names, without the nodes
	target  string
}

// readCopy sorts out the arguments of copy, and looks at what is here.
func readCopy(args []string, recursive bool) (c copying, err error) {
	sources, target := args[:len(args)-1], args[len(args)-1]
	targetNodes, targetPath, onNodes := remoteName(target)
	c = copying{nodes: targetNodes, push: onNodes, target: targetPath}
	for i, s := range sources {
		nodes, path, there := remoteName(s)
		switch {
		case there && c.push:
			return c, &usageError{message: "copy goes from here to nodes or from nodes to here, and not between them", hint: "A local name with a colon is written with a folder before it: ./a:b."}
		case !there && !c.push:
			return c, &usageError{message: fmt.Sprintf("neither %s nor %s is on a node", s, target), hint: "Write compute-3:PATH for a path on that node, :PATH for one on all nodes."}
		case there && i > 0 && nodes != c.nodes:
			return c, &usageError{message: "everything that is copied here comes from the same nodes", hint: "Copy from one list of nodes after the other."}
		}
		if there {
			c.nodes = nodes
		}
		c.sources = append(c.sources, path)
	}
	if !c.push {
		c.target = target
		return c, nil
	}
	for _, s := range c.sources {
		info, err := os.Stat(s)
		if err != nil {
			return c, &usageError{message: fmt.Sprintf("%s cannot be copied: %s", slash(s), rootCause(err))}
		}
		if info.IsDir() && !recursive {
			return c, &usageError{message: slash(s) + " is a folder", hint: "--recursive copies it with what is in it."}
		}
	}
	return c, nil
}

// remoteName parts the nodes of a name from the path there. As for scp, a colon behind a slash is part of a name here.
func remoteName(s string) (nodes, path string, ok bool) {
	nodes, path, ok = strings.Cut(s, ":")
	if !ok || strings.ContainsAny(nodes, `/\`) {
		return "", s, false
	}
	return nodes, path, true
}

// localName is a name here so that scp takes it for nothing else.
func localName(s string) string {
	if strings.ContainsRune(s, filepath.Separator) {
		return s
	}
	return "." + string(filepath.Separator) + s
}

func (a *app) copy(ctx context.Context, path string, args []string, o copyOptions) error {
	if err := o.fanOut.check(); err != nil {
		return err
	}
	c, err := readCopy(args, o.recursive)
	if err != nil {
		return err
	}
	if c.nodes != "" && o.group+o.nodes != "" {
		return &usageError{message: fmt.Sprintf("%s: names the nodes, and so do the flags", c.nodes), hint: "Write :PATH with --group and --nodes."}
	}
	way, err := a.sshWay("CLUSTER_SCP")
	if err != nil {
		return err
	}
	scp, err := findCommand(cmp.Or(a.getenv("CLUSTER_SCP"), "scp"))
	if err != nil {
		return err
	}
	r, err := a.reach(ctx, path, way, o.remoteOptions)
	if err != nil {
		return err
	}
	defer r.close()
	if _, ok := r.want.Group(c.nodes); ok {
		o.group = c.nodes
	} else if c.nodes != "" {
		o.nodes = c.nodes
	}
	nodes, err := r.choose(o.group, o.nodes)
	if err != nil {
		return err
	}
	if err := r.way.check(nodes); err != nil {
		return err
	}
	single := len(nodes) == 1 && nodes[0].is(c.nodes)
	if !c.push && !single {
		if err := c.folders(nodes); err != nil {
			return err
		}
	}
	if err := r.learn(ctx, nodes); err != nil {
		return err
	}
	answers, err := a.askAll(ctx, r, nodes, o.fanOut, func(ctx context.Context, t target) *exec.Cmd {
		args := slices.Concat(r.way.scpOptions(t, batch), c.names(r.way.address(t), t, single))
		if o.recursive {
			args = append([]string{"-r"}, args...)
		}
		if a.getenv("CLUSTER_SSH") != "" {
			args = append([]string{"-S", r.way.program}, args...)
		}
		return exec.CommandContext(ctx, scp, args...)
	})
	if !c.push && !single {
		for _, t := range nodes {
			os.Remove(c.folder(t)) // if nothing came
		}
	}
	if err != nil {
		return err
	}
	a.reportAnswers(answers, false)
	return worst(answers)
}

// folder is where goes what comes from a node that is one of several.
func (c copying) folder(t target) string { return filepath.Join(c.target, t.node.String()) }

func (c copying) folders(nodes []target) error {
	for _, t := range nodes {
		if err := os.MkdirAll(c.folder(t), 0o777); err != nil {
			return fmt.Errorf("make a folder for what comes from %s: %w", t.node, err)
		}
	}
	return nil
}

// names are the last arguments of scp for a node: what is copied, and where to.
func (c copying) names(address string, t target, single bool) []string {
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	args := []string{"--"}
	if c.push {
		for _, s := range c.sources {
			args = append(args, localName(s))
		}
		return append(args, address+":"+c.target)
	}
	for _, s := range c.sources {
		args = append(args, address+":"+s)
	}
	if single {
		return append(args, localName(c.target))
	}
	return append(args, localName(c.folder(t)))
}
