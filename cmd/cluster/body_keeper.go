package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/spf13/cobra"
)

// A keeper gives the instances of an embedded region their bodies. There is one for each rehearsal, in a process of
// its own or in that of rehearsal serve. Only its own goroutine touches it.
type keeper struct {
	region *ec2sim.Region
	dir    string // the folder of the bodies, absolute
	spec   *bodySpec
	env    []string
	bodies map[string]*body // by instance
}

func newKeeper(r *ec2sim.Region, dir string, s *bodySpec, env []string) *keeper {
	return &keeper{region: r, dir: dir, spec: s, env: env, bodies: map[string]*body{}}
}

func (a *app) keepCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "keep",
		Short:  "Start and end the bodies of a rehearsal",
		Long:   "What cluster up --body leaves behind: it goes when no instance is left.",
		Hidden: true,
		Args:   noArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return a.keep(c.Context()) },
	}
}

// keep is the life of a keeper in a process of its own.
func (a *app) keep(ctx context.Context) error {
	a.quiet.Store(true)
	dir, err := a.bodiesDir()
	if err != nil {
		return err
	}
	for {
		unlock, err := tryLockKeeper(dir)
		if unlock == nil || err != nil {
			return err // somebody else keeps them
		}
		s, err := readBodies(dir)
		if s == nil || err != nil {
			unlock()
			return err
		}
		r, err := a.openRegion(ec2sim.Options{})
		if err == nil {
			k := newKeeper(r, dir, s, a.env)
			k.adopt()
			err = k.watch(ctx)
			r.Close()
		}
		unlock()
		// Whoever launched something just now has found a keeper, and relies on it.
		info, gone := os.Stat(filepath.Join(dir, bodySettings))
		if err != nil || ctx.Err() != nil || gone != nil || time.Since(info.ModTime()) > keeperPatient {
			return err
		}
	}
}

// keepBodies is the life of a keeper in the process that serves the region, until the context is done.
func (a *app) keepBodies(ctx context.Context, r *ec2sim.Region) error {
	dir, err := a.bodiesDir()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		s, err := readBodies(dir)
		switch {
		case err != nil:
			return err
		case s == nil: // it has none, or has been reset
			<-ctx.Done()
			return nil
		}
		unlock, err := lockKeeper(ctx, dir)
		if err != nil {
			break // there was another all the time
		}
		k := newKeeper(r, dir, s, a.env)
		k.adopt()
		err = k.watch(ctx)
		unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// watch starts and ends bodies until nobody needs them any more: until the rehearsal is reset or gone, or has had no
// instance for a while. A context that is done ends them all, like a power cut; the next keeper starts them again.
func (k *keeper) watch(ctx context.Context) error {
	tick := time.NewTicker(bodyEvery)
	defer tick.Stop()
	sweep := time.NewTicker(keeperSweep)
	defer sweep.Stop()
	needed := time.Now()
	for {
		awake, err := os.Stat(filepath.Join(k.dir, bodySettings))
		if errors.Is(err, fs.ErrNotExist) {
			k.endAll()
			return nil
		}
		if err == nil {
			err = k.look()
		}
		if err != nil {
			return err
		}
		if len(k.bodies) > 0 {
			needed = time.Now()
		}
		if needed = latest(needed, awake.ModTime()); time.Since(needed) > keeperPatient {
			return nil
		}
		select {
		case <-ctx.Done():
			k.endAll()
			return nil
		case <-sweep.C:
			if err := k.sweep(); err != nil {
				return err
			}
		case <-tick.C:
		}
	}
}

// look does what became due since the last look.
func (k *keeper) look() error {
	machines, err := k.region.Running()
	if err != nil {
		return err
	}
	on := map[string]ec2sim.Machine{}
	for _, m := range machines {
		on[m.ID] = m
	}
	var ended []string
	for id, b := range k.bodies {
		m, runs := on[id]
		if gone := b.process.gone(); !gone && runs && m.Boot == b.boot {
			continue
		} else if gone && runs && m.Boot == b.boot {
			if err := k.region.PowerOff(id); err != nil {
				return err
			}
			delete(on, id)
		}
		ended = append(ended, id)
	}
	k.end(ended...)
	for _, m := range machines {
		if _, still := on[m.ID]; still && k.bodies[m.ID] == nil && m.Address.IsLoopback() {
			if err := k.begin(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// adopt takes over the bodies that a keeper left that was killed.
func (k *keeper) adopt() {
	files, _ := filepath.Glob(filepath.Join(k.dir, "i-*", bodyProcess))
	for _, f := range files {
		p, boot, err := recall(f)
		if err != nil || p.gone() {
			os.Remove(f)
			continue
		}
		b := &body{process: p, boot: boot}
		k.bodies[filepath.Base(filepath.Dir(f))] = b
	}
	if k.region == nil {
		return
	}
	machines, err := k.region.Running()
	if err != nil {
		return // the first look says so
	}
	for _, m := range machines {
		if b := k.bodies[m.ID]; b != nil {
			// Should its port be taken, a node that asks finds nobody, and says so.
			_, _ = b.serveMetadata(k.region, m)
		}
	}
}

// sweep removes what is left of instances that the region has forgotten.
func (k *keeper) sweep() error {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return fmt.Errorf("look for what instances left: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "i-") && k.bodies[e.Name()] == nil {
			ids = append(ids, e.Name())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := k.region.Exist(ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !known[id] {
			os.RemoveAll(filepath.Join(k.dir, id))
		}
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
