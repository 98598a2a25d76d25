package planner

import (
	"fmt"
	"slices"

	"cluster/spec"
)

// capacityBlock is EC2's word for the market of a capacity block.
const capacityBlock = "capacity-block"

// markets are those that a node of the group may have been bought on, in EC2's words.
func markets(g *spec.Group) []string {
	all := []string{string(market(g))}
	if g.Fallback != "" {
		all = append(all, string(g.Fallback))
	}
	if len(g.Capacity.Reservations) > 0 || g.Capacity.ReservationGroup != "" {
		all = append(all, string(spec.OnDemand))
	}
	if len(g.Capacity.Blocks) > 0 {
		all = append(all, capacityBlock)
	}
	return all
}

// bought makes the whole ladder out of the rungs of the open market: first what is reserved, in
// the file's order, then the open market, then the market to fall back on. A reservation serves
// the rungs that have its type and zone.
func (l *ladder) bought(d *differ, open []Rung) []Rung {
	g := l.g.spec
	var all []Rung
	add := func(reservation string, block bool, fits func(Rung, Subnet) bool) {
		for _, r := range open {
			r.Subnets = slices.DeleteFunc(slices.Clone(r.Subnets), func(s Subnet) bool { return !fits(r, s) })
			if len(r.Subnets) > 0 {
				r.Market, r.Reservation, r.Block = spec.OnDemand, reservation, block
				all = append(all, r)
			}
		}
	}
	reserved := func(id string, block bool) {
		res, ok := l.reservation(d, id, block)
		if !ok {
			return
		}
		before := len(all)
		add(id, block, func(r Rung, s Subnet) bool { return r.Type == res.Type && s.Zone == res.Zone })
		if len(all) == before {
			d.warn(l.g.name, g.Capacity.Source.At("reservations", "blocks"), "Reservation does not fit", fmt.Sprintf(
				"%s holds %s in %s, and the group can be launched on no such type and subnet. It is left out.", id, res.Type, res.Zone))
		}
	}
	for _, id := range g.Capacity.Reservations {
		reserved(id, false)
	}
	if arn := g.Capacity.ReservationGroup; arn != "" {
		add(arn, false, func(Rung, Subnet) bool { return true })
	}
	for _, id := range g.Capacity.Blocks {
		reserved(id, true)
	}
	if g.Capacity.Only {
		if len(all) == 0 && len(open) > 0 {
			d.block(l.g.name, g.Capacity.Source.Block, "No reservation can be used", fmt.Sprintf(
				"Group %q may only use reserved capacity, and none of it fits. Correct the capacity block, or remove only.", l.g.name))
		}
		return all
	}
	all = append(all, open...)
	if g.Fallback != "" && g.Fallback != market(g) {
		for _, r := range open {
			r.Market = g.Fallback
			all = append(all, r)
		}
	}
	return all
}

// reservation finds one that the file names, if it can be used now for the nodes to be launched.
func (l *ladder) reservation(d *differ, id string, block bool) (Reservation, bool) {
	at := l.g.spec.Capacity.Source.At("reservations", "blocks")
	for _, r := range d.have.Facts.Reservations {
		if r.ID != id {
			continue
		}
		switch {
		case r.Block != block:
			d.block(l.g.name, at, "Another kind of reservation", fmt.Sprintf(
				"%s is %s. Name it under %s.", id, kindOf(r.Block), map[bool]string{true: "blocks", false: "reservations"}[r.Block]))
		case r.State != "active":
			text := fmt.Sprintf("%s is %s, and is left out.", id, r.State)
			if r.Start.After(d.have.At) {
				text = fmt.Sprintf("%s starts at %s, and is left out until then.", id, r.Start.UTC().Format("2006-01-02 15:04 MST"))
			}
			d.warn(l.g.name, at, "Reservation not active", text)
		case r.Available+l.g.givesBack(r) < l.g.atOnce() && l.g.spec.Launch.All:
			d.warn(l.g.name, at, "Reservation too small", fmt.Sprintf(
				"%s has %d of %d instances free, and %s to be launched. It is left out.", id, r.Available, r.Total,
				plural(l.g.atOnce(), "node is", "nodes are")))
		default:
			return r, true
		}
		return Reservation{}, false
	}
	d.block(l.g.name, at, "No such reservation", fmt.Sprintf(
		"The capacity reservation %s does not exist in this region, or is not shared with this account.", id))
	return Reservation{}, false
}

func kindOf(block bool) string {
	if block {
		return "a capacity block"
	}
	return "an on-demand capacity reservation"
}
