package planner

import (
	"fmt"
	"maps"
	"slices"

	"cluster/spec"
)

// ladders finds out where each group that launches can be launched, and blocks the plan for
// those that cannot be. Groups share the addresses of a subnet, in the file's order.
func (d *differ) ladders(groups []*group) {
	for _, g := range groups {
		for _, inst := range g.leaving {
			d.around.leaving[inst.SubnetID]++
		}
	}
	for _, g := range groups {
		if !g.launches() {
			continue
		}
		d.checkNamed(g)
		l := ladder{around: d.around, g: g, all: g.spec.Launch.Subnets == spec.SubnetsAll}
		l.climb(d)
		for _, drop := range l.drops {
			switch {
			case len(l.rungs) == 0:
				d.plan.Blockers = append(d.plan.Blockers, drop.why)
			case drop.mistake || drop.preferred:
				d.plan.Warnings = append(d.plan.Warnings, drop.why)
			}
		}
		l.rungs = l.bought(d, l.rungs)
		g.plan.Rungs = l.rungs
		if len(l.rungs) > 0 {
			for id, n := range l.needs(l.rungs[0].Subnets) {
				d.around.promised[id] += n
			}
		}
	}
}

// A ladder is the search for a group's rungs.
type ladder struct {
	around *surroundings
	g      *group
	all    bool // the group is spread over all its subnets
	rungs  []Rung
	drops  []drop
}

// A drop is a rung that cannot be used. With no rung left it stops the plan; or else it is
// worth a warning if it was the better choice, or if the type can never work.
type drop struct {
	why       Blocker
	mistake   bool
	preferred bool
}

func (l *ladder) drop(mistake bool, arg string, d *differ, summary, detail string) {
	l.drops = append(l.drops, drop{
		why:     Blocker{Group: l.g.name, At: d.at(l.g.spec, arg), Summary: summary, Detail: detail},
		mistake: mistake, preferred: len(l.rungs) == 0,
	})
}

// climb tries types × subnets in the file's order.
func (l *ladder) climb(d *differ) {
	g := l.g
	subnets := l.subnets(d)
	typeArg := "instance_types"
	if _, ok := g.spec.Source.Attrs[typeArg]; !ok {
		typeArg = "instance_type"
	}
	for _, typ := range l.types() {
		if faults := l.typeFaults(typ); len(faults) > 0 {
			for _, f := range faults {
				l.drop(true, typeArg, d, f[0], f[1])
			}
			continue
		}
		var offering []Subnet
		for _, n := range subnets {
			switch {
			case !l.around.offered[Offering{Type: typ, Zone: n.Zone}]:
				l.drop(false, typeArg, d, "Type not offered in the zone", fmt.Sprintf(
					"%s is not offered in %s, the zone of %s. Name a subnet in another zone, or another type.",
					typ, n.Zone, n.ID))
			case l.all:
				offering = append(offering, n)
			default:
				l.try(d, typ, []Subnet{n})
			}
		}
		if len(offering) > 0 {
			l.try(d, typ, offering)
		}
	}
}

// types are the candidates: all of the file's, or the one that the nodes which stay have.
func (l *ladder) types() []string {
	if len(l.g.kept) > 0 {
		return []string{l.g.kept[0].InstanceType}
	}
	return l.g.spec.InstanceTypes
}

// subnets are the candidates: the file's or the default ones, without those that cannot be used
// at all. Nodes that must be close to those which stay go where those are.
func (l *ladder) subnets(d *differ) []Subnet {
	ids := l.g.spec.Subnets
	if len(ids) == 0 {
		ids = l.around.defaults
	}
	if len(ids) == 0 {
		l.drop(true, "subnets", d, "No default subnet",
			"The file names no subnets, and the region has no default ones. Name subnets in the network block.")
	}
	zone, home, pinned := l.home()
	var usable []Subnet
	elsewhere := 0
	for _, id := range ids {
		n, ok := l.around.subnets[id]
		switch {
		case !ok:
			// checkNamed says so, and the plan is blocked.
		case n.State != "" && n.State != "available":
			l.drop(false, "subnets", d, "Subnet not available", fmt.Sprintf(
				"%s is %s. Wait until it is available, or name another.", n.ID, n.State))
		case pinned && n.Zone != zone:
			elsewhere++
		default:
			usable = append(usable, n)
		}
	}
	if len(usable) == 0 && elsewhere > 0 {
		l.drop(false, "subnets", d, "No subnet in the group's zone", fmt.Sprintf(
			"The nodes of group %q are in %s and have to be close to each other, and none of the subnets is "+
				"there. Name one that is, or replace the group: %s.", l.g.name, zone, l.uproot()))
	}
	if i := slices.IndexFunc(usable, func(n Subnet) bool { return n.ID == home }); pinned && i > 0 {
		n := usable[i]
		usable = slices.Insert(slices.Delete(usable, i, i+1), 0, n)
	}
	return usable
}

// home is the zone and the subnet where most of the nodes are that stay, if the group's nodes
// have to be close. EFA reaches all of a subnet for certain, and all of a zone perhaps. While a
// group is rolled, its old nodes hold its cluster placement group in their zone.
func (l *ladder) home() (zone, subnet string, pinned bool) {
	stay := l.g.kept
	if l.g.spec.Placement == spec.PlacementCluster && len(stay) == 0 {
		stay = l.g.rolledInPlace()
	}
	if l.all || len(stay) == 0 || !(l.g.spec.EFA || l.g.spec.Placement == spec.PlacementCluster) {
		return "", "", false
	}
	zone = mostly(stay, func(n *Instance) string { return n.Zone })
	subnet = mostly(stay, func(n *Instance) string { return n.SubnetID })
	return zone, subnet, zone != ""
}

// uproot is what makes a group free to go to another zone.
func (l *ladder) uproot() string {
	if len(l.g.kept) == 0 {
		return "remove its update block, so that all of it goes at once"
	}
	return "set count = 0 first"
}

// mostly is what most of the instances have; of a draw, what sorts first.
func mostly(instances []*Instance, of func(*Instance) string) (most string) {
	count := map[string]int{}
	for _, inst := range instances {
		count[of(inst)]++
	}
	for _, value := range slices.Sorted(maps.Keys(count)) {
		if count[value] > count[most] {
			most = value
		}
	}
	return most
}

// try adds the rung if there is room for the group on it.
func (l *ladder) try(d *differ, typ string, subnets []Subnet) {
	room := true
	needs := l.needs(subnets)
	for _, n := range subnets {
		left := n.Free + l.around.leaving[n.ID] - l.around.promised[n.ID]
		if needs[n.ID] > left {
			room = false
			l.drop(false, "subnets", d, "Not enough free addresses", l.crowded(n, needs[n.ID])+l.other())
		}
	}
	if zone, n := l.spread(subnets); n > spreadMax {
		room = false
		l.drop(false, "placement", d, "Too many nodes for a spread placement group", fmt.Sprintf(
			"%d nodes of group %q would be in %s, and a spread placement group takes at most %d in a zone. "+
				"Use subnets in more zones with launch.subnets = \"all\", or lower the count.%s",
			n, l.g.name, zone, spreadMax, l.other()))
	}
	if room {
		l.rungs = append(l.rungs, Rung{Type: typ, Market: market(l.g.spec), Subnets: subnets})
	}
}

// crowded says what is free in a subnet and who needs it.
func (l *ladder) crowded(n Subnet, need int) string {
	text := fmt.Sprintf("%s has %s", n.ID, plural(n.Free, "free address", "free addresses"))
	if back := l.around.leaving[n.ID]; back > 0 {
		text += fmt.Sprintf(" and gets %d back", back)
	}
	if taken := l.around.promised[n.ID]; taken > 0 {
		text += fmt.Sprintf(", other groups take %d", taken)
	}
	return text + fmt.Sprintf(", %s. Name a larger subnet, or lower the count.",
		plural(need, "node needs one", "nodes need one each"))
}

// shares are how many of the nodes to be launched go into which subnet.
func (l *ladder) shares(subnets []Subnet) map[string]int {
	shares := map[string]int{}
	for _, slot := range l.g.fill {
		shares[subnets[slot%len(subnets)].ID]++
	}
	return shares
}

// needs are how many addresses the launch takes in which subnet, at its height.
func (l *ladder) needs(subnets []Subnet) map[string]int {
	needs := l.shares(subnets)
	for id, n := range l.surge(subnets) {
		needs[id] += n
	}
	return needs
}

// spreadMax is how many instances of a spread placement group EC2 lets run in one zone.
const spreadMax = 7

// spread is the zone that gets the most nodes of a spread group and how many; 0 for others.
func (l *ladder) spread(subnets []Subnet) (zone string, most int) {
	if l.g.spec.Placement != spec.PlacementSpread {
		return "", 0
	}
	nodes := map[string]int{}
	for _, inst := range l.g.kept {
		nodes[inst.Zone]++
	}
	for _, slot := range l.g.fill {
		nodes[subnets[slot%len(subnets)].Zone]++
	}
	if len(l.g.rolledInPlace()) > 0 {
		for id, n := range l.surge(subnets) {
			nodes[l.around.subnets[id].Zone] += n
		}
	}
	for _, n := range subnets {
		if nodes[n.Zone] > most {
			zone, most = n.Zone, nodes[n.Zone]
		}
	}
	return zone, most
}
