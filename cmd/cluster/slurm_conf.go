package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cluster/fleet/export"
	"cluster/fleet/slurm"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

// A slurmConfig is what slurm conf was asked for.
type slurmConfig struct {
	out, at    string
	controller string
	release    string
	set        []string
	resume     time.Duration
	idle       time.Duration
	port       int
	partial    bool
}

func (a *app) slurmConfCommand() *cobra.Command {
	x := slurmConfig{release: "22.05", resume: 15 * time.Minute, idle: 10 * time.Minute, port: 6817}
	c := &cobra.Command{
		Use:   "conf FILE [--out DIR] [--controller NODE] [--slurm-version YY.MM] [--set NAME=VALUE]",
		Short: "Write slurm.conf and what goes with it",
		Long: `Write the slurm.conf of a cluster, without --out to standard output: its running
static nodes with their addresses, its burst capacity, a partition a group or as
the file says, and the settings of power saving. Nodes need no copy: slurmd
--conf-server CONTROLLER fetches it.

With --out the folder gets slurm.conf; gres.conf, where there are GPUs;
cluster-slurm-resume and cluster-slurm-suspend, which are this program; and
cluster-slurm.hcl, which tells them what Slurm does not. The folder belongs on
the controller: --at says where, if it is not written there. It then needs this
program as well, under its own name, and the cluster file.

For a rehearsal, --rehearse, the controller and all nodes are this computer:
rehearse with --body slurmd, and slurmctld -D with SLURM_CONF set.

EXIT STATUS
  0    written
  1    failed: an API error, or a file could not be written
  3    a static node of the file does not run
  64   the command line or the cluster file is wrong; nothing was called
  130  interrupted`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error { return a.slurmConf(c.Context(), args[0], x) },
	}
	f := c.Flags()
	f.StringVar(&x.out, "out", "", "write all files into this `folder`")
	f.StringVar(&x.at, "at", "", "where the `folder` is on the controller; else the one of --out, or /etc/slurm")
	f.StringVar(&x.controller, "controller", "", "the `node` or host that runs slurmctld; else the first static node")
	f.StringVar(&x.release, "slurm-version", x.release, "the `release` of Slurm, from 22.05 on")
	f.StringArrayVar(&x.set, "set", nil, "a setting of slurm.conf, in place of ours: NAME=`VALUE` (repeatable)")
	f.DurationVar(&x.resume, "resume-timeout", x.resume, "how long a node of burst capacity may take to register: a `time`")
	f.DurationVar(&x.idle, "suspend-time", x.idle, "the `time` without a job after which it is ended")
	f.IntVar(&x.port, "port", x.port, "in a rehearsal, the `port` of slurmctld; the nodes have those after it")
	f.BoolVar(&x.partial, "partial", false, "leave static nodes out that do not run")
	return c
}

func (a *app) slurmConf(ctx context.Context, path string, x slurmConfig) error {
	conf := slurm.Conf{Lab: a.rehearse, User: "slurm", Timeouts: slurm.Timeouts{Resume: x.resume, Suspend: 2 * time.Minute, Idle: x.idle}}
	var err error
	if conf.Release, err = slurm.ParseRelease(x.release); err != nil {
		return &usageError{message: "--slurm-version: " + err.Error()}
	}
	for _, s := range x.set {
		set, err := slurm.ParseSetting(s)
		if err != nil {
			return &usageError{message: "--set: " + err.Error(), hint: "Write: --set MaxJobCount=20000"}
		}
		conf.Set = append(conf.Set, set)
	}
	want, err := a.load(path)
	if err != nil {
		return err
	}
	if conf.Folder, err = x.folder(); err != nil {
		return err
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	if a.rehearse {
		err = a.labConf(ctx, l, want, &conf, x)
	} else {
		conf.Nodes, err = a.inventory(ctx, l, want, "", false)
	}
	if err != nil {
		return err
	}
	if conf.Controller, err = controller(conf, x.controller); err != nil {
		return err
	}
	if err := a.configurable(conf.Nodes, x.partial); err != nil {
		return err
	}
	if x.out == "" {
		a.out.Write([]byte(conf.Text()))
		return nil
	}
	settings, err := a.slurmSettings(path, conf, l)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if x.at != "" {
		// There it is another computer, and all that it needs is in the folder.
		program, settings.ClusterFile, settings.Environment, settings.Scontrol = "cluster", filepath.Base(path), nil, defaultScontrol
	}
	if err := a.writeSlurm(x.out, program, conf, settings); err != nil || !conf.Lab {
		return err
	}
	a.err.printf("Slurm of this rehearsal, once munged runs:\n  export SLURM_CONF=%s\n  slurmctld -D &\n  %s --body slurmd\n",
		shellWord(filepath.Join(conf.Folder, "slurm.conf")), a.followUp("up", path))
	return nil
}

// folder is where the files are on the controller.
func (x slurmConfig) folder() (string, error) {
	switch {
	case x.at != "":
		if !strings.HasPrefix(x.at, "/") {
			return "", &usageError{message: fmt.Sprintf("--at %s is not an absolute path", x.at), hint: "Slurm starts programs by their absolute path: --at /etc/slurm"}
		}
		return x.at, nil
	case x.out != "":
		return filepath.Abs(x.out)
	}
	return "/etc/slurm", nil
}

// labConf is what is different where all nodes are this computer: none needs to run for its address to be known.
func (a *app) labConf(ctx context.Context, l *link, want *spec.Cluster, conf *slurm.Conf, x slurmConfig) error {
	var names []string
	for _, g := range want.Groups {
		names = append(names, g.InstanceTypes...)
	}
	types, err := l.InstanceTypes(ctx, nil, names...)
	if err != nil {
		return err
	}
	conf.Nodes = export.New(want, planner.Observed{Region: l.Session.Region}, types, "").InLab(export.Lab{Address: "127.0.0.1", Port: x.port + 1})
	conf.Timeouts.Suspend = 2 * time.Second
	conf.User = strconv.Itoa(os.Getuid())
	if me, err := user.Current(); err == nil {
		conf.User = me.Username
	}
	conf.Set = append([]slurm.Setting{{Name: "SlurmctldPort", Value: strconv.Itoa(x.port)}}, conf.Set...)
	return nil
}

// controller is the value of SlurmctldHost.
func controller(conf slurm.Conf, name string) (string, error) {
	if name == "" && conf.Lab {
		return "localhost(127.0.0.1)", nil
	}
	for _, g := range conf.Nodes.Groups {
		for _, n := range g.Nodes {
			if !g.Slurm.Burst && (name == "" || n.Name == name) {
				return n.Name + "(" + n.PrivateIP + ")", nil
			}
		}
	}
	if name == "" {
		return "", &usageError{message: "no node runs that could be the controller", hint: "Launch the static nodes first: cluster up. Or name the host that runs slurmctld: --controller HOST."}
	}
	return name, nil
}

// configurable says why an inventory is not for Slurm.
func (a *app) configurable(inv export.Inventory, partial bool) error {
	burst := slices.ContainsFunc(inv.Groups, func(g export.Group) bool { return g.Like.Slots > 0 })
	if burst && (partial || len(inv.Missing()) == 0) {
		return nil
	}
	return a.exportable(inv, partial)
}
