package planner

import (
	"cmp"
	"fmt"
	"slices"

	"cluster/spec"
)

// surroundings are the facts of a launch, indexed.
type surroundings struct {
	types    map[string]InstanceType
	offered  map[Offering]bool
	subnets  map[string]Subnet
	defaults []string       // ids of the default subnets, by zone
	leaving  map[string]int // addresses that this plan's terminations give back, by subnet
	promised map[string]int // addresses that groups before this one need, by subnet
}

// survey indexes facts. It is nil if there are none.
func survey(f *Facts) *surroundings {
	if f == nil {
		return nil
	}
	s := &surroundings{
		types: map[string]InstanceType{}, offered: map[Offering]bool{}, subnets: map[string]Subnet{},
		leaving: map[string]int{}, promised: map[string]int{},
	}
	for _, t := range f.Types {
		s.types[t.Name] = t
	}
	for _, o := range f.Offerings {
		s.offered[o] = true
	}
	for _, n := range f.Subnets {
		s.subnets[n.ID] = n
		if n.Default {
			s.defaults = append(s.defaults, n.ID)
		}
	}
	slices.SortFunc(s.defaults, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.subnets[a].Zone, s.subnets[b].Zone), cmp.Compare(a, b))
	})
	s.defaults = slices.Compact(s.defaults)
	return s
}

// zones are those of the subnets, each once; empty unless all are known.
func (s *surroundings) zones(ids []string) []string {
	if s == nil {
		return nil
	}
	var zones []string
	for _, id := range ids {
		n, ok := s.subnets[id]
		if !ok || n.Zone == "" {
			return nil
		}
		if !slices.Contains(zones, n.Zone) {
			zones = append(zones, n.Zone)
		}
	}
	return zones
}

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
		g.plan.Rungs = l.rungs
		if len(l.rungs) > 0 {
			for id, n := range l.shares(l.rungs[0].Subnets) {
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
		var usable []Subnet
		for _, n := range subnets {
			if l.around.offered[Offering{Type: typ, Zone: n.Zone}] {
				usable = append(usable, n)
				continue
			}
			l.drop(false, typeArg, d, "Type not offered in the zone", fmt.Sprintf(
				"%s is not offered in %s, the zone of %s. Name a subnet in another zone, or another type.",
				typ, n.Zone, n.ID))
		}
		if l.all && len(usable) > 0 {
			l.try(d, typ, usable)
			continue
		}
		for _, n := range usable {
			l.try(d, typ, []Subnet{n})
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
	zone, pinned := l.zone()
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
				"there. Name one that is, or replace the group: set count = 0 first.", l.g.name, zone))
	}
	return usable
}

// zone is where nearly all of the nodes are that stay, if the group's nodes have to be close.
func (l *ladder) zone() (zone string, pinned bool) {
	if l.all || len(l.g.kept) == 0 || !(l.g.spec.EFA || l.g.spec.Placement == spec.PlacementCluster) {
		return "", false
	}
	nodes := map[string]int{}
	for _, inst := range l.g.kept {
		nodes[inst.Zone]++
	}
	for z, n := range nodes {
		if n > nodes[zone] || n == nodes[zone] && z < zone {
			zone = z
		}
	}
	return zone, zone != ""
}

// try adds the rung if there is room for the group on it.
func (l *ladder) try(d *differ, typ string, subnets []Subnet) {
	room := true
	shares := l.shares(subnets)
	for _, n := range subnets {
		left := n.Free + l.around.leaving[n.ID] - l.around.promised[n.ID]
		if shares[n.ID] > left {
			room = false
			l.drop(false, "subnets", d, "Not enough free addresses", l.crowded(n, shares[n.ID]))
		}
	}
	if zone, n := l.spread(subnets); n > spreadMax {
		room = false
		l.drop(false, "placement", d, "Too many nodes for a spread placement group", fmt.Sprintf(
			"%d nodes of group %q would be in %s, and a spread placement group takes at most %d in a zone. "+
				"Use subnets in more zones with launch.subnets = \"all\", or lower the count.",
			n, l.g.name, zone, spreadMax))
	}
	if room {
		l.rungs = append(l.rungs, Rung{Type: typ, Subnets: subnets})
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
	for _, n := range subnets {
		if nodes[n.Zone] > most {
			zone, most = n.Zone, nodes[n.Zone]
		}
	}
	return zone, most
}

// typeFaults are summary and detail of everything that keeps the group from being launched on
// a type, wherever that is.
func (l *ladder) typeFaults(typ string) [][2]string {
	t, ok := l.around.types[typ]
	if !ok {
		return [][2]string{{"No such instance type", fmt.Sprintf(
			"EC2 has no instance type %s in this region. Check the spelling and the region.", typ)}}
	}
	var faults [][2]string
	fault := func(summary, format string, args ...any) {
		faults = append(faults, [2]string{summary, fmt.Sprintf(format, args...)})
	}
	g := l.g.spec
	if arch := l.g.image.Architecture; arch != "" && len(t.Architectures) > 0 && !slices.Contains(t.Architectures, arch) {
		fault("Architecture does not fit", "The image is %s, %s is %s. Use an image or a type of the other's architecture.",
			arch, typ, series(slices.Sorted(slices.Values(t.Architectures)), "and"))
	}
	if g.EFA && !t.EFA {
		fault("No EFA", "%s has no EFA. Remove efa, or use a type that has it.", typ)
	}
	if m := string(market(g)); len(t.Markets) > 0 && !slices.Contains(t.Markets, m) {
		fault("Type not in the market", "%s cannot be had in the market %s. Use another market or another type.", typ, m)
	}
	switch p := string(strategy(g)); {
	case p == string(spec.PlacementCluster) && t.Burstable:
		fault("Type not in a placement group", "%s is burstable, and EC2 takes no burstable types into a cluster "+
			"placement group. Remove placement, or use another type.", typ)
	case g.Placement != "" && g.Placement != spec.PlacementNone && len(t.Placements) > 0 && !slices.Contains(t.Placements, p):
		fault("Type not in a placement group", "%s cannot be in a placement group of the strategy %s. Use another "+
			"placement or another type.", typ, p)
	}
	return faults
}
