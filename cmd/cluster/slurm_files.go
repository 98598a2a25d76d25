package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"cluster/fleet/slurm"
)

// defaultScontrol is where packages of Slurm have it.
const defaultScontrol = "/usr/bin/scontrol"

// slurmSettings is the cluster-slurm.hcl that goes with a slurm.conf.
func (a *app) slurmSettings(path string, conf slurm.Conf, l *link) (*slurmSettings, error) {
	file, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &slurmSettings{
		ClusterFile: file, Arguments: []string{"--region", l.Session.Region}, Environment: a.passedOn(),
		Spool: "/var/spool/cluster-slurm", Log: "/var/log/slurm/cluster-slurm.log",
		Scontrol: defaultScontrol, ResumeTimeout: conf.Timeouts.Resume.String(),
	}
	if found, err := exec.LookPath("scontrol"); err == nil {
		s.Scontrol = found
	}
	for _, in := range a.inputs {
		word, value := "--var", in.Var
		if in.File != "" {
			word = "--var-file"
			if value, err = filepath.Abs(in.File); err != nil {
				return nil, err
			}
		}
		s.Arguments = append(s.Arguments, word, value)
	}
	if a.rehearse {
		dir, err := a.rehearsalDir()
		if err == nil {
			dir, err = filepath.Abs(dir)
		}
		if err != nil {
			return nil, err
		}
		s.Arguments = append(s.Arguments, "--rehearse", "--speed", strconv.FormatFloat(a.speed, 'g', -1, 64))
		s.Environment["CLUSTER_REHEARSAL_DIR"] = dir
		s.Spool, s.Log = "spool", "cluster-slurm.log"
	}
	return s, nil
}

// writeSlurm writes what goes into the folder of Slurm. It calls a program, the path of this one.
func (a *app) writeSlurm(dir, program string, conf slurm.Conf, s *slurmSettings) error {
	folders := []string{dir}
	if conf.Lab {
		folders = append(folders, filepath.Join(dir, "state"))
	}
	for _, d := range folders {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return &usageError{message: fmt.Sprintf("the folder of --out cannot be made: %s", rootCause(err))}
		}
	}
	files := map[string][]byte{"slurm.conf": []byte(conf.Text()), settingsFile: s.text()}
	if gres := conf.Gres(); gres != "" {
		files["gres.conf"] = []byte(gres)
	}
	for name, text := range files {
		if err := replaceFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{slurm.ResumeProgram, slurm.SuspendProgram} {
		link := filepath.Join(dir, name)
		if now, err := os.Readlink(link); err == nil && now == program {
			continue
		}
		os.Remove(link)
		if err := os.Symlink(program, link); err != nil {
			return fmt.Errorf("name this program for Slurm: %w", err)
		}
	}
	static, burst := 0, 0
	for _, g := range conf.Nodes.Groups {
		if g.Slurm.Burst {
			burst += g.Want
		} else {
			static += len(g.Nodes)
		}
	}
	a.err.printf("%s written: %s, %s of burst capacity\n", slash(filepath.Join(dir, "slurm.conf")), plural(static, "static node"), plural(burst, "node"))
	return nil
}
