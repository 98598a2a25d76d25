package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// capacity decodes a capacity block: room that was bought before.
func (x *groupBody) capacity(b *hcl.Block) {
	a, _ := x.open(b, b.Body, capacityBlock)
	c := &x.g.Capacity
	c.Source = a.src
	c.Reservations = x.ids(a, "reservations", "cr")
	c.Blocks = x.ids(a, "blocks", "cr")
	if t, ok := a.text("reservation_group"); ok {
		c.ReservationGroup = t.string
		if !strings.HasPrefix(t.string, "arn:") || !strings.Contains(t.string, ":resource-groups:") {
			x.errorf(t.at, "Invalid reservation_group", "A group of reservations is named by its ARN, arn:aws:resource-groups:…, and %s is none.", quote(t.string))
		}
	}
	c.Only, _ = a.flag("only")
	if !a.has("reservations") && !a.has("blocks") && !a.has("reservation_group") {
		a.missing("No reservation", `The capacity block names no capacity. Add reservations = ["cr-…"], a reservation_group, or blocks.`)
	}
}

// fallback decodes the market that a group turns to when its own has no room.
func (x *groupBody) fallback() {
	w, ok := x.a.oneOf("fallback", string(OnDemand))
	if !ok {
		return
	}
	x.g.Fallback = Market(w)
	if x.g.Market != Spot {
		x.errorf(x.a.at("fallback"), "Fallback without Spot", `fallback is what Spot turns to when it has no room, and group %q is bought on demand already. Add market = "spot", or remove fallback.`, x.g.Name)
	}
}

// checkBuying checks what the market, the capacity and the launch block mean together.
func (x *groupBody) checkBuying() {
	g := &x.g
	if !g.Launch.Reserve {
		return
	}
	at := g.Launch.Source.At("reserve")
	if g.Market == Spot {
		x.errorf(at, "Spot cannot be reserved", `reserve = true reserves on-demand capacity first, and group %q is bought on Spot. Remove one of them.`, g.Name)
	}
	if g.Launch.Subnets == SubnetsAll && len(g.Subnets) != 1 {
		x.errorf(at, "Reservation over several subnets", `A reservation lies in one zone, and subnets = "all" spreads group %q over several. Remove one of them.`, g.Name)
	}
}
