package slurm

import (
	"fmt"
	"path"
	"strings"
	"time"

	"cluster/fleet/export"
	"cluster/spec/hostlist"
)

// A Conf is what a slurm.conf is made from.
type Conf struct {
	Release    Release
	Nodes      export.Inventory
	Controller string   // value of SlurmctldHost
	Folder     string   // of slurm.conf and of our programs on the controller
	Lab        bool     // all on this computer, in the folder, for a rehearsal
	User       string   // that slurmctld runs as
	Timeouts   Timeouts // of burst capacity
	Set        []Setting
}

// Timeouts are for how long Slurm waits.
type Timeouts struct {
	Resume  time.Duration // for a node to register
	Suspend time.Duration // for a node to be gone
	Idle    time.Duration // until a node without a job is suspended
}

// A Setting is a line of slurm.conf that takes the place of ours of the same name.
type Setting struct{ Name, Value string }

// ParseSetting reads Name=Value.
func ParseSetting(s string) (Setting, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) || strings.ContainsAny(value, "\n\r") {
		return Setting{}, fmt.Errorf("%q is not Name=Value", s)
	}
	return Setting{name, value}, nil
}

// The programs that slurm.conf names: they are this one under other names, because Slurm takes no arguments there.
const (
	ResumeProgram  = "cluster-slurm-resume"
	SuspendProgram = "cluster-slurm-suspend"
)

// Text is the slurm.conf.
func (c Conf) Text() string {
	settings := c.general()
	if c.bursts() {
		settings = append(settings, c.powerSaving()...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Cluster %s, for Slurm %s. Written by cluster slurm conf: what is changed here is lost the next time.\n", c.Nodes.Cluster, c.Release)
	used := map[string]bool{}
	for _, s := range settings {
		for _, own := range c.Set {
			if strings.EqualFold(own.Name, s.Name) {
				s, used[own.Name] = own, true
			}
		}
		fmt.Fprintf(&b, "%s=%s\n", s.Name, s.Value)
	}
	for _, own := range c.Set {
		if !used[own.Name] {
			fmt.Fprintf(&b, "%s=%s\n", own.Name, own.Value)
		}
	}
	nodes, _ := export.Find("slurm-nodes")
	b.Write(nodes.Render(c.Nodes))
	return b.String()
}

// Gres is the gres.conf; empty without GPUs.
func (c Conf) Gres() string {
	gres, _ := export.Find("slurm-gres")
	return string(gres.Render(c.Nodes))
}

func (c Conf) bursts() bool {
	for _, g := range c.Nodes.Groups {
		if g.Slurm.Burst {
			return true
		}
	}
	return false
}

// general is what a cluster needs that never changes. The nodes have no slurm.conf of their own: they are started
// with slurmd --conf-server.
func (c Conf) general() []Setting {
	parameters := []string{"enable_configless"}
	if c.bursts() {
		parameters = append(parameters, "idle_on_node_suspend")
		switch {
		case c.Lab:
			parameters = append(parameters, "power_save_interval=1")
		case !c.Release.From(Release{23, 11}):
			parameters = append(parameters, "cloud_reg_addrs") // afterwards it is not an option any more
		}
	}
	settings := []Setting{
		{"ClusterName", c.Nodes.Cluster},
		{"SlurmctldHost", c.Controller},
		{"SlurmUser", c.User},
		{"AuthType", "auth/munge"},
		{"AuthInfo", "cred_expire=70"}, // a job that is requeued waits for as long
		{"SlurmctldParameters", strings.Join(parameters, ",")},
		{"StateSaveLocation", "/var/spool/slurmctld"},
		{"SlurmdSpoolDir", "/var/spool/slurmd"},
		{"SlurmctldPidFile", "/run/slurm/slurmctld.pid"},
		{"SlurmdPidFile", "/run/slurm/slurmd.pid"},
		{"SlurmctldLogFile", "/var/log/slurm/slurmctld.log"},
		{"SlurmdLogFile", "/var/log/slurm/slurmd.log"},
		{"ProctrackType", "proctrack/cgroup"},
		{"TaskPlugin", "task/affinity,task/cgroup"},
		{"SelectType", "select/cons_tres"},
		{"SelectTypeParameters", "CR_Core_Memory"},
	}
	if m := c.Nodes.SlurmMemory(); m > 0 {
		settings = append(settings, Setting{"DefMemPerCPU", fmt.Sprint(m)})
	} else {
		settings[len(settings)-1].Value = "CR_Core"
	}
	settings = append(settings, Setting{"ReturnToService", "2"}, Setting{"SlurmdTimeout", "180"})
	if c.Lab {
		settings = c.lab(settings)
	}
	return settings
}

// lab changes the settings for nodes that are all this computer.
func (c Conf) lab(settings []Setting) []Setting {
	for i, s := range settings {
		if value, ok := map[string]string{
			"StateSaveLocation": path.Join(c.Folder, "state"),
			"SlurmdSpoolDir":    path.Join(c.Folder, "spool-%n"),
			"SlurmctldPidFile":  path.Join(c.Folder, "slurmctld.pid"),
			"SlurmdPidFile":     path.Join(c.Folder, "slurmd-%n.pid"),
			"SlurmctldLogFile":  path.Join(c.Folder, "slurmctld.log"),
			"SlurmdLogFile":     path.Join(c.Folder, "slurmd-%n.log"),
			"ProctrackType":     "proctrack/linuxproc",
			"TaskPlugin":        "task/none",
		}[s.Name]; ok {
			settings[i].Value = value
		}
	}
	// This computer is no instance of the type.
	return append(settings, Setting{"SlurmdUser", c.User}, Setting{"SlurmdParameters", "config_overrides"}, Setting{"MailProg", "/bin/true"})
}

// powerSaving is what has Slurm start and end burst capacity.
func (c Conf) powerSaving() []Setting {
	seconds := func(d time.Duration) string { return fmt.Sprint(int(d.Seconds())) }
	settings := []Setting{
		{"PrivateData", "cloud"}, // before 23.02 nodes that are off do not show without it
		{"ResumeProgram", path.Join(c.Folder, ResumeProgram)},
		{"SuspendProgram", path.Join(c.Folder, SuspendProgram)},
		{"ResumeFailProgram", path.Join(c.Folder, SuspendProgram)},
		{"ResumeTimeout", seconds(c.Timeouts.Resume)},
		{"SuspendTimeout", seconds(c.Timeouts.Suspend)},
		{"SuspendTime", seconds(c.Timeouts.Idle)},
		{"ResumeRate", "0"},
		{"SuspendRate", "0"},
		{"BatchStartTimeout", "180"},
	}
	if !c.Release.From(Release{23, 11}) {
		settings = append(settings, Setting{"TreeWidth", "65533"}) // the nodes do not know each other's addresses
	}
	var static []string
	for _, g := range c.Nodes.Groups {
		for _, n := range g.Nodes {
			if !g.Slurm.Burst {
				static = append(static, n.Name)
			}
		}
	}
	if len(static) > 0 {
		settings = append(settings, Setting{"SuspendExcNodes", hostlist.Fold(static)})
	}
	return settings
}
