package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"cluster/spec"
)

// An allowance is what the account's vCPU quotas leave for a plan. It counts only what is certain,
// because a plan that it blocks is not carried out at all: this cluster's nodes, and the least that
// the groups before need. What else runs in the account counts as well, and is not known.
type allowance struct {
	types  map[string]InstanceType
	limits map[string]Quota // by code; those that could be read
	taken  map[string]int   // vCPUs, by code
	needs  map[string]int   // vCPUs, by code, for Plan.Quotas
}

// allow checks the groups' rungs against the quotas. It runs after the ladders are made and takes no
// rung away: a quota may be raised between a plan and its launch.
func (d *differ) allow(groups []*group) {
	if len(d.have.Facts.Quotas) == 0 || !slices.ContainsFunc(groups, (*group).launches) {
		return
	}
	a := allowance{types: d.around.types, limits: map[string]Quota{}, taken: map[string]int{}, needs: map[string]int{}}
	for _, q := range d.have.Facts.Quotas {
		a.limits[q.Code] = q
	}
	for _, g := range groups {
		a.keep(g)
	}
	// Where more runs than is allowed, what was read is not what holds.
	maps.DeleteFunc(a.limits, func(code string, q Quota) bool { return a.taken[code] > q.VCPUs })
	for _, g := range groups {
		if g.launches() && len(g.plan.Rungs) > 0 {
			a.check(d, g)
		}
	}
	for code, q := range a.limits {
		if need := a.needs[code]; need > 0 {
			d.plan.Quotas = append(d.plan.Quotas, QuotaUse{q, need})
		}
	}
	slices.SortFunc(d.plan.Quotas, func(a, b QuotaUse) int { return cmp.Compare(a.Code, b.Code) })
}

// keep counts the nodes that stay. Those of a group that has reserved capacity may be in it, and that
// counts for who owns it.
func (a *allowance) keep(g *group) {
	if g.spec == nil || reserved(g.spec) {
		return
	}
	for _, inst := range g.kept {
		m := cmp.Or(spec.Market(inst.Market), market(g.spec))
		if q, v := a.of(Rung{Type: inst.InstanceType, Market: m}); v > 0 {
			a.taken[q.Code] += v
			a.needs[q.Code] += v
		}
	}
}

// reserved says that a group names capacity that was bought before.
func reserved(g *spec.Group) bool {
	return len(g.Capacity.Reservations)+len(g.Capacity.Blocks) > 0 || g.Capacity.ReservationGroup != ""
}

// of is the quota that limits a rung, and the vCPUs of one node; 0 if none that was read does.
func (a *allowance) of(r Rung) (Quota, int) {
	if r.Reservation != "" {
		return Quota{}, 0
	}
	q, _ := QuotaOf(r.Type, r.Market)
	limit, ok := a.limits[q.Code]
	if !ok {
		return Quota{}, 0
	}
	return limit, a.types[r.Type].VCPUs
}

// room is how many nodes fit on a rung, at most n.
func (a *allowance) room(r Rung, n int) int {
	q, v := a.of(r)
	if v == 0 {
		return n
	}
	return min(n, max(0, q.VCPUs-a.taken[q.Code])/v)
}

// check says what of a group does not fit.
func (a *allowance) check(d *differ, g *group) {
	rungs, all := g.plan.Rungs, len(g.fill)
	least := all
	if !g.spec.Launch.All {
		least = min(all, max(0, g.spec.Launch.Min-len(g.kept)))
	}
	most, first := 0, -1 // nodes that fit on the roomiest rung, and the first rung for all of them
	for i, r := range rungs {
		n := a.room(r, all)
		if n == all && first < 0 {
			first = i
		}
		most = max(most, n)
	}
	at := g.spec.Source.At("count", "instance_types", "instance_type")
	switch {
	case first == 0:
	case first > 0:
		d.warn(g.name, at, "First choice exceeds the vCPU quota", a.excess(g, rungs[0], all)+fmt.Sprintf(
			" All fit as %s, %s, which comes later.", rungs[first].Type, rungs[first].Market)+a.remedy(rungs[0], all))
	case most >= least:
		r := rungs[slices.IndexFunc(rungs, func(r Rung) bool { return a.room(r, all) == most })]
		d.warn(g.name, at, fmt.Sprintf("Only %d of %s the vCPU quota", most, plural(all, "node fits", "nodes fit")),
			a.excess(g, r, all)+a.remedy(r, all))
	default:
		for _, r := range a.cheapest(rungs) {
			d.block(g.name, at, "Launch exceeds the vCPU quota", a.excess(g, r, least)+
				" Lower count, or use types of another quota."+a.remedy(r, least))
			d.plan.Blockers[len(d.plan.Blockers)-1].Short = true
		}
	}
	if n := all + g.beside(); n > all && first == 0 && a.room(rungs[0], n) < n {
		d.warn(g.name, at, "Launching first exceeds the vCPU quota", a.excess(g, rungs[0], n)+
			` order = "terminate-first" in the update block needs no more than the nodes there are.`+a.remedy(rungs[0], n))
	}
	if q, v := a.of(rungs[0]); v > 0 {
		a.needs[q.Code] += all * v
	}
	if cheap := a.cheapest(rungs); len(cheap) == 1 {
		if q, v := a.of(cheap[0]); v > 0 {
			a.taken[q.Code] += least * v
		}
	}
}

// cheapest are, of the rungs that each quota limits, the one with the fewest vCPUs a node; rungs that
// none does come together as one.
func (a *allowance) cheapest(rungs []Rung) []Rung {
	var cheap []Rung
	for _, r := range rungs {
		q, v := a.of(r)
		i := slices.IndexFunc(cheap, func(c Rung) bool { other, _ := a.of(c); return other.Code == q.Code })
		switch {
		case i < 0:
			cheap = append(cheap, r)
		case v < a.types[cheap[i].Type].VCPUs:
			cheap[i] = r
		}
	}
	return cheap
}

// excess says what n nodes need on a rung, and what there is.
func (a *allowance) excess(g *group, r Rung, n int) string {
	q, v := a.of(r)
	text := fmt.Sprintf("%s %d vCPUs, and the account's quota %q is %d",
		plural(n, "node of "+r.Type+" needs", "nodes of "+r.Type+" need"), n*v, q.Name, q.VCPUs)
	if taken := a.taken[q.Code]; taken > 0 {
		text += fmt.Sprintf(", of which other nodes of this cluster need %d", taken)
	}
	return text + "."
}

// remedy is how to ask for room for n nodes on a rung.
func (a *allowance) remedy(r Rung, n int) string {
	q, v := a.of(r)
	return fmt.Sprintf(" To ask for more: aws service-quotas request-service-quota-increase --service-code ec2 "+
		"--quota-code %s --desired-value %d", q.Code, a.taken[q.Code]+n*v)
}
