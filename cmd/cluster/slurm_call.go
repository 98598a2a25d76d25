package main

import (
	"context"
	"errors"
	"os"
	"time"

	"cluster/fleet/slurm"
	"cluster/spec/hostlist"

	"github.com/spf13/cobra"
)

// A slurmCall is resume or suspend as it was called.
type slurmCall struct {
	verb, list string
	wait       bool
	settings   string
}

// slurmCall takes a request of Slurm's on. What is written down is done, by this process or another; of what cannot be
// written down Slurm is told that it will not be.
func (a *app) slurmCall(ctx context.Context, root *cobra.Command, o slurmCall) error {
	nodes, err := hostlist.Expand(o.list)
	if err != nil {
		return &usageError{message: err.Error()}
	}
	s, err := a.readSlurmSettings(o.settings)
	if err != nil {
		return err
	}
	path, err := a.accept(s, slurmRequest{Verb: o.verb, Nodes: nodes, At: time.Now()})
	switch {
	case err == nil && o.wait:
		if err := a.take(s, root); err != nil {
			return err
		}
		return a.work(ctx, s, path)
	case err == nil:
		err = startWorker("slurm", "work", "--settings", s.path, path)
	}
	if err != nil && path == "" && o.verb == "resume" {
		c := control{s: s, log: a.err}
		c.run(ctx, slurm.Fail(nodes, slurm.Reason("RequestNotAccepted", err.Error())))
	}
	return err
}

// accept writes a request down. Of the jobs only Slurm's file knows, which is gone when this process is; if it cannot be
// read, the nodes are launched all the same.
func (a *app) accept(s *slurmSettings, r slurmRequest) (path string, err error) {
	if file := a.getenv("SLURM_RESUME_FILE"); file != "" && r.Verb == "resume" {
		text, err := os.ReadFile(file)
		if err == nil {
			_, err = slurm.ParseJobs(text)
		}
		if err == nil {
			r.Jobs = text
		} else {
			a.err.printf("the jobs that wait for %s are not known: %v\n", hostlist.Fold(r.Nodes), err)
		}
	}
	return spool{s.Spool}.add(r)
}

func (a *app) slurmWorkCommand() *cobra.Command {
	var settings string
	c := &cobra.Command{
		Use:    "work REQUEST",
		Short:  "Do what Slurm has asked for",
		Long:   "What resume, suspend and sync leave behind for each request.",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.readSlurmSettings(settings)
			if err != nil {
				return err
			}
			// Without a log there are nodes to be launched all the same.
			if log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640); err == nil {
				defer log.Close()
				a.out, a.err = &printer{w: stamped{log}}, &printer{w: stamped{log}}
			}
			if err := a.take(s, c.Root()); err != nil {
				return err
			}
			return a.work(c.Context(), s, args[0])
		},
	}
	settingsFlag(c, &settings)
	return c
}

// stamped writes lines of a log: each write is one.
type stamped struct{ to *os.File }

func (s stamped) Write(b []byte) (int, error) {
	if _, err := s.to.Write(append(time.Now().UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z "), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// work does what a request asks for. If another process does already, there is nothing to do.
func (a *app) work(ctx context.Context, s *slurmSettings, path string) error {
	release, err := claim(path)
	if release == nil || err != nil {
		return err
	}
	defer release()
	r, err := readRequest(path)
	if err != nil {
		// Nobody can read it the next time either.
		return errors.Join(err, os.Rename(path, path+".unreadable"))
	}
	w := &slurmWorker{app: a, s: s, spool: spool{s.Spool}, request: r, control: control{s: s, log: a.err}}
	if r.Verb == "resume" {
		err = w.resume(ctx)
	} else {
		err = w.suspend(ctx)
	}
	if err != nil {
		return err // it stays in the spool
	}
	return os.Remove(path)
}
