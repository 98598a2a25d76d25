package ec2sim

import (
	"crypto/rand"
	"encoding/base64"
	"net/netip"
	"time"
)

// A Machine is what an instance is to the computer that it runs on: a region only keeps the record of it, and
// whoever wants one that does something starts a program for each Machine.
type Machine struct {
	ID       string
	Boot     string // another one each time that the instance is started or rebooted
	Address  netip.Addr
	Index    int // the instance's place in the call that launched it
	Tags     map[string]string
	UserData []byte
}

// Running are the instances that are switched on, of all accounts and AWS regions, the oldest first in each.
func (r *Region) Running() (on []Machine, err error) {
	err = r.look(func() error {
		r.everyWorld(func(w *world) bool {
			for _, i := range byAge(w.Instances) {
				if w.phase(i) == running {
					on = append(on, w.machine(i))
				}
			}
			return false
		})
		return nil
	})
	return on, err
}

// Exist says of which of these instances a description can still tell: those that live, and those that ended
// within the last hour.
func (r *Region) Exist(ids []string) (known map[string]bool, err error) {
	known = map[string]bool{}
	err = r.look(func() error {
		r.everyWorld(func(w *world) bool {
			for _, id := range ids {
				if i := w.Instances[id]; i != nil && !w.forgotten(i) {
					known[id] = true
				}
			}
			return false
		})
		return nil
	})
	return known, err
}

func (w *world) machine(i *instance) Machine {
	l := w.Launches[i.Launch]
	data, _ := base64.StdEncoding.DecodeString(l.UserData) // the launch has checked it
	m := Machine{ID: i.ID, Boot: later(i.Since, i.Rebooted).UTC().Format(time.RFC3339Nano), Index: int(i.Index), Tags: w.tagsOf(i.ID), UserData: data}
	if len(i.IPs) > 0 {
		m.Address = i.IPs[0]
	}
	return m
}

// PowerOff is an instance that shuts itself down from within. One that does not run stays as it is.
func (r *Region) PowerOff(instanceID string) error {
	return r.onInstance(instanceID, func(w *world, i *instance) error {
		if w.phase(i) == running {
			w.shutDown(i, w.Launches[i.Launch], w.now)
		}
		return nil
	})
}

// loopbackAddresses draws n addresses of 127.0.0.0/8 that no instance has. They are drawn at random: other
// regions, of which this one knows nothing, draw theirs on the same computer.
func (w *world) loopbackAddresses(n int) []netip.Addr {
	used := map[netip.Addr]bool{}
	for _, other := range w.r.s.Worlds {
		for _, i := range other.Instances {
			for _, a := range i.IPs {
				used[a] = true
			}
		}
	}
	drawn := make([]netip.Addr, 0, n)
	for len(drawn) < n {
		a := [4]byte{127}
		_, _ = rand.Read(a[1:]) // it never fails
		ip := netip.AddrFrom4(a)
		// Those that start with 127.0, and the last of a block, mean something to many a program.
		if a[1] == 0 || a[3] == 0 || a[3] == 255 || used[ip] {
			continue
		}
		used[ip] = true
		drawn = append(drawn, ip)
	}
	return drawn
}

// publicAddress is the public address of an instance. On loopback it is the private one, so that it leads there.
func (w *world) publicAddress(i *instance) netip.Addr {
	if w.r.o.Loopback && i.IPs[0].IsLoopback() {
		return i.IPs[0]
	}
	return publicIP(i.Seq)
}
