package ec2sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// booking is a capacity reservation or a capacity block: room for instances of one type in one zone that
// was bought before. (EC2 calls the outcome of a launch call a reservation too; here that is a launch.)
type booking struct {
	ID       string
	Type     string
	Zone     string
	Count    int
	Platform types.CapacityReservationInstancePlatform
	Criteria types.InstanceMatchCriteria
	Group    string `json:",omitzero"` // name of the cluster placement group that it was made in
	Pool     string `json:",omitzero"` // ARN of the resource group that it belongs to
	Block    bool   `json:",omitzero"`
	EBS      bool   `json:",omitzero"`
	Created  time.Time
	Start    time.Time
	End      time.Time `json:",omitzero"` // zero: none
	Gone     time.Time `json:",omitzero"` // when it was cancelled
	Token    string    `json:",omitzero"`
	Hash     string    `json:",omitzero"` // of the parameters that came with the token
}

const (
	// blockEnds is how long before the end of a capacity block EC2 terminates what still runs in it.
	blockEnds = 30 * time.Minute

	// bookingListed is how long a reservation is described after its end.
	bookingListed = 60 * 24 * time.Hour
)

// ReservationSpec is a capacity reservation, or a capacity block, that somebody has bought.
type ReservationSpec struct {
	Type, Zone     string
	Count          int
	Open           bool      // takes instances that match by themselves; else they must name it
	Block          bool      // a capacity block: launched into with its id and the market type capacity-block only
	Start, End     time.Time // of the region's time; zero: now, and never. A block has an end
	PlacementGroup string    // the cluster placement group that it was made in; "" for none
	Group          string    // ARN of a resource group that it belongs to; "" for none
	Tags           map[string]string
}

// AddReservation adds a capacity reservation to the region, whether or not its pool had the room. It panics if
// there is no such type or zone, or if it has no room at all. A block's room is outside the pool.
func (r *Region) AddReservation(s ReservationSpec) (id string) {
	err := r.change(func(w *world) error {
		h, ok := typeTable()[s.Type]
		z, known := w.zoneNamed(s.Zone)
		if !ok || !known || !h.offeredIn(z.name) || s.Count < 1 || s.Block && s.End.IsZero() {
			return fmt.Errorf("a reservation that cannot be: %+v", s)
		}
		b := &booking{
			Type: s.Type, Zone: z.name, Count: s.Count, Block: s.Block, Group: s.PlacementGroup, Pool: s.Group, EBS: true,
			Platform: types.CapacityReservationInstancePlatformLinuxUnix, Criteria: types.InstanceMatchCriteriaTargeted,
			Created: w.now, Start: w.now, End: s.End,
		}
		if s.Open {
			b.Criteria = types.InstanceMatchCriteriaOpen
		}
		if !s.Start.IsZero() {
			b.Start = s.Start
		}
		id = w.book(b, s.Tags)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return id
}

// book keeps a booking under an id of its own.
func (w *world) book(b *booking, tags map[string]string) string {
	b.ID = w.newID(bookingKind.prefix)
	w.Bookings[b.ID] = b
	if len(tags) > 0 {
		w.Tags[b.ID] = maps.Clone(tags)
	}
	return b.ID
}

// bookings are the region's, in an order that the seed gives.
func (w *world) bookings() []*booking {
	return slices.SortedFunc(maps.Values(w.Bookings), func(a, b *booking) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
}

// state is what a booking is now.
func (b *booking) state(now time.Time) types.CapacityReservationState {
	switch {
	case !b.Gone.IsZero():
		return types.CapacityReservationStateCancelled
	case !b.End.IsZero() && !now.Before(b.End):
		return types.CapacityReservationStateExpired
	case now.Before(b.Start):
		return types.CapacityReservationStateScheduled
	}
	return types.CapacityReservationStateActive
}

func (b *booking) active(now time.Time) bool {
	return b.state(now) == types.CapacityReservationStateActive
}

// over is when a booking ended; zero if it has not.
func (b *booking) over(now time.Time) time.Time {
	switch b.state(now) {
	case types.CapacityReservationStateCancelled:
		return b.Gone
	case types.CapacityReservationStateExpired:
		return b.End
	}
	return time.Time{}
}

// bookingOf is the booking whose room an instance uses; nil for none. What was launched into one that has
// ended since is like any other instance.
func (w *world) bookingOf(i *instance) *booking {
	if b := w.Bookings[i.Booking]; b != nil && b.active(w.now) {
		return b
	}
	return nil
}

// free is how many more instances a booking has room for.
func (w *world) free(b *booking) int {
	if !b.active(w.now) {
		return 0
	}
	n := b.Count
	for _, i := range w.Instances {
		if i.Booking == b.ID && w.takesRoom(i) {
			n--
		}
	}
	return max(0, n)
}

// takesRoom tells an instance that is on some host.
func (w *world) takesRoom(i *instance) bool {
	p := w.phase(i)
	return p != terminated && p != stopped
}

// forgetBookings drops what EC2 no longer describes.
func (w *world) forgetBookings() {
	for id, b := range w.Bookings {
		if end := b.over(w.now); !end.IsZero() && w.now.After(end.Add(bookingListed)) {
			delete(w.Bookings, id)
			delete(w.Tags, id)
		}
	}
}
