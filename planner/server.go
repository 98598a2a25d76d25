package planner

import (
	"fmt"
	"strings"
	"time"
)

// serverPatience is for how long a node waits at its boot for the address of the one that serves it, and a little.
const serverPatience = 20 * time.Minute

// serves says that the group is the node that has the volumes of the cluster.
func (g *group) serves() bool { return g.spec != nil && len(g.spec.Serves()) > 0 }

// ServerTag is the value of TagServer on the nodes that an instance serves. EC2 may give its address to the one that
// comes after it, which has another volume; so the instance's id is in it as well.
func ServerTag(inst *Instance) string { return inst.PrivateIP + "/" + inst.ID }

// address is the ServerTag of the group's first node, if it stays; empty if there is none yet.
func (g *group) address() string {
	for _, inst := range g.kept {
		if inst.Slot == 0 {
			return ServerTag(inst)
		}
	}
	return ""
}

// server is a node that mounts what a node serves that is gone or goes, or that gave up waiting for one: it
// mounts once, when it boots.
func (c *comparer) server(faults []Reason, inst *Instance) []Reason {
	name := c.g.spec.Server()
	if name == "" {
		return faults
	}
	was, now := inst.Tags[TagServer], c.d.server
	r := Reason{What: "server", Old: was, New: now, At: c.g.plan.Source}
	for _, m := range c.g.spec.Mounts {
		if m.From == name {
			r.At = m.Source.Block
			break
		}
	}
	waited := c.d.have.At.Sub(inst.Launched)
	oldAddress, oldID, _ := strings.Cut(was, "/")
	address, id, _ := strings.Cut(now, "/")
	switch {
	case was == now, was == "" && (inst.Launched.IsZero() || waited <= serverPatience):
		return faults
	case was == "":
		r.Text = fmt.Sprintf("it has waited for %s in vain", NodeName(name, 0))
	case now == "":
		r.Text = fmt.Sprintf("%s, which serves it from %s, goes or is gone", NodeName(name, 0), oldAddress)
	default:
		r.Text = fmt.Sprintf("%s is now %s at %s, and no longer %s at %s", NodeName(name, 0), id, address, oldID, oldAddress)
	}
	return append(faults, r)
}

// boot compares what a node is given at its first boot, besides user data: mounts, a host name, a timer.
func (c *comparer) boot(faults []Reason, inst *Instance) []Reason {
	g := c.g.spec
	if c.imprint(inst).altered(c.want, partMounts) {
		at := g.Source.Block
		if len(g.Mounts) > 0 {
			at = g.Mounts[0].Source.Block
		}
		faults = append(faults, altered("mounts", at))
	}
	if c.imprint(inst).altered(c.want, partHostname) {
		faults = append(faults, altered("set_hostname", c.d.at(g, "set_hostname")))
	}
	if was := c.imprint(inst); g.TTL > 0 && was != nil && was[partTimer] == "" {
		faults = append(faults, Reason{
			What: "ttl", New: g.TTL.String(), At: c.d.at(g, "ttl"),
			Text: "it was launched without a time to live, and has no timer",
		})
	}
	return faults
}

// warnServer says what goes with a node that has volumes.
func (d *differ) warnServer(g *group) {
	if len(g.leaving) == 0 {
		return
	}
	for _, m := range g.spec.Serves() {
		d.warn(g.name, m.Source.Block, "Data goes with a node", fmt.Sprintf(
			"%s has the volume of %s, which is deleted with it, and all that is on it. Save what is of use first.", NodeName(g.name, 0), m.Path))
	}
}
