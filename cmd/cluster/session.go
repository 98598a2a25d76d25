package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/spec"
)

// defaultSpeed is how much faster than life a rehearsal runs unless --speed says otherwise.
const defaultSpeed = 100

// stateFile is the embedded region, in the folder of the rehearsal.
const stateFile = "region.json"

// load reads the cluster file. Its warnings are shown at once; its errors are returned together.
func (a *app) load(path string) (*spec.Cluster, error) {
	if isLock(path) {
		return nil, &usageError{message: slash(path) + " is a lock file", hint: "Name the cluster file that it belongs to."}
	}
	want, sources, diags := spec.Load(path, spec.Options{Inputs: a.inputs, Env: a.env})
	a.sources = sources
	if diags.HasErrors() {
		return nil, &fileError{diags}
	}
	a.show(diags)
	if a.region != "" {
		want.Region = a.region
	}
	return want, nil
}

// A link is a way to a region: a launcher, and whether all of it is a rehearsal.
type link struct {
	*fleet.Launcher
	rehearsal *ec2sim.Region // nil: EC2 itself, or what AWS_ENDPOINT_URL_EC2 names
}

// connect opens a session in the region of the file, the flag or the AWS configuration, or in the
// embedded region. It makes no call.
func (a *app) connect(ctx context.Context, want *spec.Cluster) (*link, error) {
	o := fleet.SessionOptions{Region: want.Region, Log: a.logger()}
	l := &link{}
	if err := a.needsRehearsal(); err != nil {
		return nil, err
	}
	if a.rehearse {
		r, err := a.openPlaying(ec2sim.Options{})
		if err == nil {
			err = a.wakeBodies()
		}
		if err != nil {
			return nil, err
		}
		l.rehearsal = r
		o.Region = cmp.Or(o.Region, a.getenv("AWS_REGION"), a.getenv("AWS_DEFAULT_REGION"), "us-east-1")
		o.HTTPClient, o.Speed, o.Now = r, a.speed, r.Now
	}
	s, err := fleet.Open(ctx, o)
	switch {
	case errors.Is(err, fleet.ErrNoRegion):
		return nil, &usageError{
			message: "no region is set",
			hint:    `Write region = "us-east-1" into the cluster block, give --region, or set AWS_REGION. Without an AWS account, use --rehearse.`,
		}
	case err != nil:
		return nil, &usageError{message: err.Error(), hint: "Without an AWS account, use --rehearse."}
	}
	l.Launcher = &fleet.Launcher{Session: s, Adopt: a.adopt}
	return l, nil
}

// close lets go of the region.
func (l *link) close() {
	if l.rehearsal != nil {
		l.rehearsal.Close()
	}
}

// openRegion opens the embedded region of this user. It lives in one file, all its AWS regions
// together, so that an image can be copied from one to another.
func (a *app) openRegion(o ec2sim.Options) (*ec2sim.Region, error) {
	if !(a.speed > 0) {
		return nil, &usageError{message: fmt.Sprintf("--speed must be more than 0, and is %v", a.speed)}
	}
	dir, err := a.rehearsalDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the rehearsal: %w", err)
	}
	bodies, err := a.bodies()
	if err != nil {
		return nil, err
	}
	if bodies != nil {
		o.Loopback, o.Console = true, consoleOf(filepath.Join(dir, bodiesFolder))
	}
	o.Speed, o.Path = a.speed, filepath.Join(dir, stateFile)
	r, err := ec2sim.Open(o)
	if err != nil {
		return nil, fmt.Errorf("%w (cluster rehearsal reset starts afresh)", err)
	}
	return r, nil
}

// rehearsalDir is where the embedded region lives: CLUSTER_REHEARSAL_DIR, or a folder of its own
// under the user's state folder.
func (a *app) rehearsalDir() (string, error) {
	if dir := a.getenv("CLUSTER_REHEARSAL_DIR"); dir != "" {
		return dir, nil
	}
	state, err := a.stateDir()
	if err != nil {
		return "", &usageError{message: "no folder for the rehearsal: " + err.Error(), hint: "Set CLUSTER_REHEARSAL_DIR."}
	}
	return filepath.Join(state, "rehearsal"), nil
}

// stateDir is where what is to be remembered lives: a folder of its own under the user's state folder.
func (a *app) stateDir() (string, error) {
	if state := a.getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "cluster"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "cluster"), err
}

// logger shows every API call on standard error; nil unless --verbose. No parameter of a call is
// shown: user data may hold secrets.
func (a *app) logger() func(fleet.Call) {
	if !a.verbose {
		return nil
	}
	return func(c fleet.Call) {
		outcome := c.Code
		switch {
		case c.Err == nil:
			outcome = "ok"
		case outcome == "":
			outcome = "no answer from " + unanswered(c.Err, "")
		}
		again := ""
		if c.Attempt > 1 {
			again = fmt.Sprintf(" (attempt %d)", c.Attempt)
		}
		request := ""
		if c.Request != "" {
			request = " request " + c.Request
		}
		a.err.printf("%sapi: %s%s %s %.1f s%s%s\n", dim, c.Action, again, outcome, c.Took.Seconds(), request, reset)
	}
}
