package ec2sim

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// prepareReservation reads which reservations a launch is for.
func (w *world) prepareReservation(in *ec2.RunInstancesInput, l *launch) error {
	l.Reservation = types.CapacityReservationPreferenceOpen
	only := false
	if c := in.CapacityReservationSpecification; c != nil {
		only = c.CapacityReservationPreference == types.CapacityReservationPreferenceCapacityReservationsOnly
		l.Reservation = cmp.Or(c.CapacityReservationPreference, l.Reservation)
		if t := c.CapacityReservationTarget; t != nil {
			if c.CapacityReservationPreference != "" && !only {
				return fail("InvalidParameterCombination", "A capacity reservation target goes with the preference capacity-reservations-only alone.")
			}
			l.Target, l.Pool = value(t.CapacityReservationId), value(t.CapacityReservationResourceGroupArn)
		}
	}
	switch {
	case l.Target != "" && l.Pool != "":
		return fail("InvalidParameterCombination", "Specify either a capacity reservation or a resource group of them, not both.")
	case l.Spot && (l.Target != "" || l.Pool != "" || only):
		return fail("InvalidParameterCombination", "Spot Instances cannot run in a capacity reservation.")
	case l.Block && l.Target == "":
		return fail("InvalidParameterCombination", "The market type capacity-block needs the id of a Capacity Block as the capacity reservation target.")
	case l.Pool != "" && !w.poolExists(l.Pool):
		return fail("InvalidParameterValue", "The resource group '%s' does not exist, or has no capacity reservations.", l.Pool)
	case l.Target == "":
		return nil
	}
	found, err := pick(w.Bookings, []string{l.Target}, bookingKind, nil)
	if err != nil {
		return err
	}
	if b := found[0]; b.Block != l.Block {
		return fail("InvalidParameterValue", "The market type (purchasing) option is not valid. Choose a different market type and try again.")
	} else if l.Zone == "" {
		l.Zone = b.Zone
	}
	return nil
}

func (w *world) poolExists(arn string) bool {
	for _, b := range w.Bookings {
		if b.Pool == arn {
			return true
		}
	}
	return false
}

// takes tells whether instances of a launch may go into a booking, if that has room.
func (b *booking) takes(w *world, l *launch, zone string) bool {
	switch {
	case b.Type != l.Type || b.Zone != zone || b.Platform != types.CapacityReservationInstancePlatformLinuxUnix:
		return false
	case b.Block:
		return l.Target == b.ID && w.now.Before(b.End.Add(-blockEnds))
	case !w.sameGroup(b, l):
		return false
	case l.Target != "":
		return l.Target == b.ID
	case l.Pool != "":
		return l.Pool == b.Pool
	}
	return b.Criteria == types.InstanceMatchCriteriaOpen && l.Reservation != types.CapacityReservationPreferenceNone && !l.Spot
}

// sameGroup tells whether a booking and a launch are in the same cluster placement group, or in none.
// Reservations do not serve other strategies at all.
func (w *world) sameGroup(b *booking, l *launch) bool { return b.Group == value(l.Placement.GroupName) }

// reservedOnly tells a launch that does not go to the open market.
func (l *launch) reservedOnly() bool {
	return l.Target != "" || l.Pool != "" || l.Reservation == types.CapacityReservationPreferenceCapacityReservationsOnly
}

// seats is room for instances of a launch: in a booking, or on the open market.
type seats struct {
	booking string // "" for the open market
	free    int
}

// pool tells seats of different launches apart that are the same ones.
func (s seats) pool(l *launch) string { return cmp.Or(s.booking, l.Type+" "+l.Zone) }

// seats is where instances of a launch can go in a zone: what is reserved comes first.
func (w *world) seats(l *launch, zone string) (all []seats) {
	for _, b := range w.bookings() {
		if b.takes(w, l, zone) {
			if n := w.free(b); n > 0 {
				all = append(all, seats{b.ID, n})
			}
		}
	}
	if !l.reservedOnly() {
		all = append(all, seats{"", w.capacity(typeTable()[l.Type], zone)})
	}
	return all
}

// roomFor is how many instances of a launch a zone has room for, and how many of them in bookings.
func (w *world) roomFor(l *launch, zone string) (all, booked int) {
	for _, s := range w.seats(l, zone) {
		all += s.free
		if s.booking != "" {
			booked += s.free
		}
	}
	return all, booked
}

// noRoom is what EC2 says of a launch of at least so many instances that found no room.
func (w *world) noRoom(l *launch, anywhere bool, least int) error {
	switch b := w.Bookings[l.Target]; {
	case l.Block && b.state(w.now) == types.CapacityReservationStateScheduled:
		return fail("InsufficientInstanceCapacity", "Your Capacity Block reservation %s is not active yet.", b.ID)
	case l.Block:
		return fail("InsufficientInstanceCapacity", "Your Capacity Block reservation %s does not have sufficient available capacity for this request.", b.ID)
	case l.reservedOnly():
		return fail("ReservationCapacityExceeded", "The requested reservation does not have sufficient compatible and available capacity for this request.")
	}
	return w.shortage(typeTable()[l.Type], l.Zone, anywhere, least)
}
