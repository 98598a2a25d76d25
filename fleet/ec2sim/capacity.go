package ec2sim

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// SetCapacity changes what a pool holds, in this region and for every process that shares it. A negative n
// makes it what the Options say.
func (r *Region) SetCapacity(p Pool, n int) {
	err := r.locked(func() error {
		fill(&r.s.Capacity)
		if key := p.Type + "/" + p.Zone; n < 0 {
			delete(r.s.Capacity, key)
		} else {
			r.s.Capacity[key] = n
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
}

// unlimited is what a pool holds that nobody has limited.
const unlimited = 1 << 30

// capacity is how many more instances of a type a zone has on the open market. What is reserved is taken,
// used or not; a capacity block was never part of it.
func (w *world) capacity(h hardware, zone string) int {
	if !h.offeredIn(zone) {
		return 0
	}
	n, ok := w.limit(h.name, zone)
	if !ok {
		return unlimited
	}
	for _, i := range w.Instances {
		l := w.Launches[i.Launch]
		if l.Type == h.name && l.Zone == zone && !l.Block && w.takesRoom(i) && w.bookingOf(i) == nil {
			n--
		}
	}
	for _, b := range w.Bookings {
		if b.Type == h.name && b.Zone == zone && !b.Block && b.active(w.now) {
			n -= b.Count
		}
	}
	return max(0, n)
}

// choose is the zone that EC2 takes for a launch that names none: the first that has all of it, else the
// one that has most.
func (w *world) choose(l *launch, h hardware, most int) string {
	best, found := "", -1
	for _, z := range w.zones() {
		all, _ := w.roomFor(l, z.name)
		if n := min(most, all); h.offeredIn(z.name) && n > found {
			best, found = z.name, n
		}
	}
	return best
}

// grant says where the instances of a launch go, between least and most of them, or why none does: the
// booking of each, "" for the open market.
func (w *world) grant(l *launch, anywhere bool, least, most int) (places []string, err error) {
	h := typeTable()[l.Type]
	all, booked := w.roomFor(l, l.Zone)
	if !l.reservedOnly() {
		if err := w.withinQuota(h, l.Spot, max(0, most-booked)); err != nil {
			return nil, err
		}
	}
	n := min(most, all)
	if n < least {
		return nil, w.noRoom(l, anywhere, least)
	}
	if n = min(n, w.spreadRoom(l)); n < least {
		return nil, fail("InsufficientInstanceCapacity", "We currently do not have sufficient capacity for your request: it would exceed the limit of instances in this spread placement group (%d running instances in the Availability Zone %s).", spreadLimit, l.Zone)
	}
	for subnet, each := range l.addressesWanted() {
		if w.room(subnet) < each*n {
			return nil, fail("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", subnet)
		}
	}
	for _, s := range w.seats(l, l.Zone) {
		places = append(places, slices.Repeat([]string{s.booking}, min(s.free, n-len(places)))...)
	}
	return places, nil
}

// withinQuota checks the vCPUs of all that runs or will and of all that is reserved, by the bucket of the
// type and the market. Capacity blocks have quotas of their own.
func (w *world) withinQuota(h hardware, spot bool, n int) error {
	used := 0
	for _, i := range w.Instances {
		l := w.Launches[i.Launch]
		other := typeTable()[l.Type]
		if p := w.phase(i); other.bucket() == h.bucket() && l.Spot == spot && !l.Block && (p == pending || p == running) && w.bookingOf(i) == nil {
			used += int(other.vcpus)
		}
	}
	for _, b := range w.Bookings {
		if other := typeTable()[b.Type]; other.bucket() == h.bucket() && !spot && !b.Block && b.active(w.now) {
			used += b.Count * int(other.vcpus)
		}
	}
	if used+n*int(h.vcpus) <= w.r.o.VCPUQuota {
		return nil
	}
	if spot {
		return fail("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
	}
	return fail("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of %d allows for the instance bucket that the specified instance type belongs to. "+
		"Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.", w.r.o.VCPUQuota)
}

// shortage says that a pool does not have enough, and which do.
func (w *world) shortage(h hardware, zone string, anywhere bool, least int) error {
	if anywhere {
		return fail("InsufficientInstanceCapacity", "We currently do not have sufficient %s capacity in the region %s. Our system will be working on provisioning additional capacity.", h.name, w.Name)
	}
	var others []string
	for _, z := range w.zones() {
		if z.name != zone && w.capacity(h, z.name) >= least {
			others = append(others, z.name)
		}
	}
	hint := ""
	if len(others) > 0 {
		hint = fmt.Sprintf(" You can currently get %s capacity by not specifying an Availability Zone in your request or choosing %s.", h.name, zoneList(others))
	}
	return fail("InsufficientInstanceCapacity", "We currently do not have sufficient %s capacity in the Availability Zone you requested (%s). "+
		"Our system will be working on provisioning additional capacity.%s", h.name, zone, hint)
}

// notOffered refuses a type in a zone that never has it.
func (w *world) notOffered(h hardware, zone string) error {
	var others []string
	for _, z := range w.zones() {
		if h.offeredIn(z.name) {
			others = append(others, z.name)
		}
	}
	return fail("Unsupported", "Your requested instance type (%s) is not supported in your requested Availability Zone (%s). "+
		"Please retry your request by not specifying an Availability Zone or choosing %s.", h.name, zone, zoneList(others))
}

// spreadRoom is how many more instances the placement group of a launch takes in its zone.
func (w *world) spreadRoom(l *launch) int {
	g := w.Groups[value(l.Placement.GroupName)]
	if g == nil || g.Strategy != types.PlacementStrategySpread {
		return unlimited
	}
	n := spreadLimit
	for _, i := range w.members(*g.GroupName) {
		if p := w.phase(i); w.Launches[i.Launch].Zone == l.Zone && (p == pending || p == running) {
			n--
		}
	}
	return max(0, n)
}
