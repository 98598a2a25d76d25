package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"cluster/fleet"
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

// A body is the processes that are one instance.
type body struct {
	process  process
	boot     string
	metadata *http.Server
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

// begin starts the body of a machine. What it needs and cannot have is told on the console, and the machine is
// switched off.
func (k *keeper) begin(m ec2sim.Machine) error {
	dir := filepath.Join(k.dir, m.ID)
	work := filepath.Join(dir, bodyWork)
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("clear the folder of %s: %w", m.ID, err)
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", m.ID, err)
	}
	data := filepath.Join(dir, bodyUserData)
	if err := os.WriteFile(data, m.UserData, 0o600); err != nil {
		return fmt.Errorf("write the user data of %s: %w", m.ID, err)
	}
	console, err := os.OpenFile(filepath.Join(dir, bodyConsole), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the console of %s: %w", m.ID, err)
	}
	defer console.Close()
	b := &body{boot: m.Boot}
	endpoint, err := b.serveMetadata(k.region, m)
	if err == nil {
		env := append(append([]string{}, k.env...),
			envBodyInstance+"="+m.ID,
			envBodyNode+"="+nodeOf(m),
			envBodyAddress+"="+m.Address.String(),
			envBodyUserData+"="+data,
			envBodyDir+"="+work,
			fmt.Sprintf("%s=%d", envBodyPort, k.spec.SSHPort),
			envMetadata+"="+endpoint,
			"AWS_EC2_METADATA_DISABLED=false")
		b.process, err = startBody(k.spec.Program, work, env, console)
	}
	if err == nil {
		err = b.process.remember(filepath.Join(dir, bodyProcess), m.Boot)
	}
	if err != nil {
		fmt.Fprintf(console, "cluster: this machine cannot be: %v\n", err)
		b.process.kill()
		b.close()
		return k.region.PowerOff(m.ID)
	}
	k.bodies[m.ID] = b
	return nil
}

// serveMetadata offers the metadata of a machine at its address.
func (b *body) serveMetadata(r *ec2sim.Region, m ec2sim.Machine) (endpoint string, err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(m.Address.String(), fmt.Sprint(metadataPort)))
	if err != nil {
		return "", fmt.Errorf("serve the metadata: %w", err)
	}
	b.metadata = &http.Server{Handler: r.Metadata(m.ID), ReadHeaderTimeout: 10 * time.Second}
	go b.metadata.Serve(l) // until it is closed
	return "http://" + l.Addr().String(), nil
}

func (b *body) close() {
	if b.metadata != nil {
		b.metadata.Close()
	}
}

// end ends the bodies of instances, all at the same time, and forgets them. Their consoles stay.
func (k *keeper) end(ids ...string) {
	var all sync.WaitGroup
	for _, id := range ids {
		b := k.bodies[id]
		delete(k.bodies, id)
		all.Go(func() {
			b.process.end(bodyGrace)
			b.close()
			dir := filepath.Join(k.dir, id)
			os.Remove(filepath.Join(dir, bodyProcess))
			os.Remove(filepath.Join(dir, bodyUserData)) // it may hold secrets
			os.RemoveAll(filepath.Join(dir, bodyWork))
		})
	}
	all.Wait()
}

func (k *keeper) endAll() {
	var ids []string
	for id := range k.bodies {
		ids = append(ids, id)
	}
	k.end(ids...)
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

// nodeOf names a machine as its cluster does, or else by its id.
func nodeOf(m ec2sim.Machine) string {
	if name, ok := fleet.NodeOf(m.Tags, m.Index); ok {
		return name
	}
	return m.ID
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
