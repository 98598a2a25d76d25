package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
)

// A body is the processes that are one instance.
type body struct {
	process  process
	boot     string
	metadata *http.Server
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
		if k.spec.Slurm != "" {
			env = append(env, "SLURM_CONF="+k.spec.Slurm)
		}
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

// nodeOf names a machine as its cluster does, or else by its id.
func nodeOf(m ec2sim.Machine) string {
	if name, ok := fleet.NodeOf(m.Tags, m.Index); ok {
		return name
	}
	return m.ID
}
