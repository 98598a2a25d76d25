package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cluster/fleet"
	"cluster/fleet/export"
	"cluster/planner"
	"cluster/spec"
	"cluster/spec/hostlist"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

// An exporting is what export was asked for.
type exporting struct {
	out     string   // path; empty: standard output
	groups  []string // empty: all
	slots   string   // empty: as the file says
	partial bool
}

func (a *app) exportCommand() *cobra.Command {
	var x exporting
	c := &cobra.Command{
		Use:   "export [FORMAT FILE] [--out PATH]",
		Short: "Write host files, inventories and the like of a running cluster",
		Long: `Write the running nodes of a cluster in the format of what runs jobs on them, or
looks after them. Without a format, list the formats. Names of nodes are the
file's, such as compute-17; ssh_config and hosts make them known, here and on
the nodes. known_hosts and ssh_config read the host keys of the nodes on their
consoles, once; ssh then takes no others. up --export and run write those that
have been read before, as up --wait reachable does.

A slot is the place of one process: a physical core, as the nodes were launched,
unless slots_per of the group or --slots says thread. A head node is a node like
others; --group names those that jobs are to run on.

A job must not start on half a cluster unawares: if a node that the file wants
does not run, nothing is written, and the exit status is 3. With --partial, what
runs is written, with a warning. A cluster without nodes is never written, since
MPI takes an empty host file for this computer.

EXIT STATUS
  0    written, or the formats listed
  1    failed: an API error, or the file could not be written
  3    a node that the file wants does not run
  64   the command line or the cluster file is wrong; nothing was called
  130  interrupted`,
		Args: formatAndFile,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				a.listFormats()
				return nil
			}
			return a.export(c.Context(), args[0], args[1], x)
		},
	}
	c.Flags().StringVar(&x.out, "out", "", "write this `file`, whole or not at all, instead of standard output")
	c.Flags().StringArrayVar(&x.groups, "group", nil, "only the nodes of this `group` (repeatable)")
	c.Flags().StringVar(&x.slots, "slots", "", "count a slot per `core` or thread, whatever the file says")
	c.Flags().BoolVar(&x.partial, "partial", false, "write the nodes that run even if others do not")
	return c
}

// formatAndFile accepts nothing, or a format and a cluster file.
func formatAndFile(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if _, ok := export.Find(args[0]); !ok {
		var names []string
		for _, f := range export.Formats {
			names = append(names, f.Name)
		}
		e := &usageError{message: fmt.Sprintf("there is no format %q", args[0])}
		if near := spec.Nearest(args[0], names); near != "" {
			e.hint = fmt.Sprintf("Did you mean %s? ", near)
		}
		e.hint += "The formats are " + strings.Join(names, ", ") + "."
		return e
	}
	if len(args) == 1 {
		return &usageError{
			message: fmt.Sprintf("export %s needs a cluster file", args[0]),
			hint:    fmt.Sprintf("Write: cluster export %s FILE", args[0]),
		}
	}
	return oneFile(c, args[1:])
}

// listFormats says what there is, and for what.
func (a *app) listFormats() {
	rows := [][]string{{"FORMAT", "READ BY"}}
	for _, f := range export.Formats {
		rows = append(rows, []string{f.Name, f.For})
	}
	a.out.table(rows)
}

func (a *app) export(ctx context.Context, format, path string, x exporting) error {
	per := spec.SlotsPer(x.slots)
	if per != "" && per != spec.SlotCore && per != spec.SlotThread {
		return &usageError{message: fmt.Sprintf("--slots is core or thread, and not %q", x.slots)}
	}
	want, err := a.load(path)
	if err != nil {
		return err
	}
	for _, g := range x.groups {
		if _, ok := want.Group(g); !ok {
			return noGroup(want, g)
		}
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	f, _ := export.Find(format)
	inv, err := a.inventory(ctx, l, want, per, f.HostKeys)
	if err != nil {
		return err
	}
	if len(x.groups) > 0 {
		inv = inv.Only(x.groups...)
	}
	if err := a.exportable(inv, x.partial); err != nil {
		return err
	}
	if x.out == "" {
		a.out.Write(f.Render(inv))
		return nil
	}
	if err := replaceFile(x.out, f.Render(inv), 0o644); err != nil {
		return err
	}
	a.err.printf("%s written: %s\n", slash(x.out), plural(len(inv.Nodes()), "node"))
	return nil
}

// noGroup says which groups there are instead.
func noGroup(want *spec.Cluster, group string) error {
	var names []string
	for _, g := range want.Groups {
		names = append(names, g.Name)
	}
	e := &usageError{message: fmt.Sprintf("cluster %s has no group %q", want.Name, group), hint: "The file has no groups."}
	if near := spec.Nearest(group, names); near != "" {
		e.hint = fmt.Sprintf("Did you mean %s?", near)
	} else if len(names) > 0 {
		e.hint = "The groups are " + strings.Join(names, ", ") + "."
	}
	return e
}

// inventory looks at the nodes of a cluster, and at what EC2 says of their types. Host keys that are not known are looked
// for if that is wanted: it takes a call a node.
func (a *app) inventory(ctx context.Context, l *link, want *spec.Cluster, per spec.SlotsPer, learn bool) (export.Inventory, error) {
	have, err := l.Observe(ctx, want, fleet.Nodes)
	if err != nil {
		return export.Inventory{}, err
	}
	if learn {
		nodes := targets(newStatusDoc(want, have, l), have)
		if err := a.keyring(l, want.Name).learn(ctx, pointers(nodes)...); err != nil {
			return export.Inventory{}, err
		}
		a.tellKeyless(nodes)
	}
	return a.inventoryOf(ctx, l, want, have, per)
}

// inventoryOf is the inventory of nodes that were looked at.
func (a *app) inventoryOf(ctx context.Context, l *link, want *spec.Cluster, have planner.Observed, per spec.SlotsPer) (export.Inventory, error) {
	var burst []string
	for _, g := range want.Groups {
		if g.Slurm.Burst {
			burst = append(burst, g.InstanceTypes...)
		}
	}
	types, err := l.InstanceTypes(ctx, have.Instances, burst...)
	if err != nil {
		return export.Inventory{}, err
	}
	inv := export.New(want, have, types, per).WithHostKeys(a.keyring(l, want.Name).read)
	login, err := a.login()
	if login != (export.Login{}) {
		inv.Login = login
	}
	return inv, err
}

// exportable says why an inventory is not for jobs: with partial, only if it is empty.
func (a *app) exportable(inv export.Inventory, partial bool) error {
	missing := inv.Missing()
	nodes := len(inv.Nodes())
	switch {
	case nodes == 0:
		return &refusedError{short: true,
			message: fmt.Sprintf("no node of cluster %s runs, so there is nothing to export", inv.Cluster),
			hint:    "Launch it first: cluster up.",
		}
	case len(missing) == 0:
		return nil
	}
	what := fmt.Sprintf("%d of %s of cluster %s run, not %s", nodes, plural(nodes+len(missing), "node"), inv.Cluster, hostlist.Fold(missing))
	if !partial {
		return &refusedError{short: true, message: what,
			hint: "Nothing is written, so that no job starts on half a cluster unawares. cluster up launches the rest; --partial writes what runs.",
		}
	}
	d := problem(hcl.Range{}, sentence(what), "The others are left out, because of --partial.")
	d[0].Severity = hcl.DiagWarning
	a.show(d)
	return nil
}

// exportDir makes the folder of up --export, before anything is launched for it.
func exportDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return &usageError{message: fmt.Sprintf("the folder of --export cannot be made: %s", rootCause(err))}
	}
	return nil
}

// exportAll writes a cluster that is up in all formats into a folder.
func (a *app) exportAll(ctx context.Context, l *link, want *spec.Cluster, dir string) error {
	inv, err := a.inventory(ctx, l, want, "", false)
	if err != nil {
		return err
	}
	if err := a.exportable(inv, false); err != nil {
		return err
	}
	for _, f := range export.Formats {
		if err := replaceFile(filepath.Join(dir, f.File), f.Render(inv), 0o644); err != nil {
			return err
		}
	}
	if a.stream == nil {
		a.err.printf("%s exported to %s in %s\n", plural(len(inv.Nodes()), "node"), slash(dir), plural(len(export.Formats), "format"))
	}
	return nil
}
