package fleet_test

import (
	"errors"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// reservations are the ids of the region's active capacity reservations.
func (w *world) reservations() (active []string) {
	w.Helper()
	client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid")})
	out, err := client.DescribeCapacityReservations(w.Context(), &ec2.DescribeCapacityReservationsInput{})
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range out.CapacityReservations {
		if r.State == "active" {
			active = append(active, *r.CapacityReservationId)
		}
	}
	return active
}

func reserving(count int) *spec.Cluster {
	return cluster(count, func(g *spec.Group) {
		g.Launch.Reserve = true
		g.Subnets = []string{ec2sim.SubnetA, ec2sim.SubnetB}
	})
}

func TestReserveFirstCostsNothingWhereThereIsNoRoom(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{
		{Type: "c7i.large", Zone: "us-east-1a"}: 149,
		{Type: "c7i.large", Zone: "us-east-1b"}: 149,
	}}
	inWorld(t, o, func(w *world) {
		r, err := w.up(reserving(150))
		if _, ok := errors.AsType[*fleet.ShortError](err); !ok {
			w.Fatalf("up ended with %v", err)
		}
		if n := r.ByAction["RunInstances"]; n != 0 {
			w.Errorf("%d launch calls, want none", n)
		}
		if len(w.instances())+len(w.reservations()) != 0 {
			w.Errorf("left: %d instances, %v", len(w.instances()), w.reservations())
		}
	})
}

func TestReserveFirstLaunchesIntoIt(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 149}}
	inWorld(t, o, func(w *world) {
		want := reserving(150)
		w.mustUp(want)
		w.check(want)
		if left := w.reservations(); len(left) > 0 {
			w.Errorf("not given back: %v", left)
		}
		for _, i := range w.living() {
			if *i.Placement.AvailabilityZone != "us-east-1b" {
				w.Fatalf("%s is in %s", *i.InstanceId, *i.Placement.AvailabilityZone)
			}
		}
	})
}

// A reservation serves a cluster placement group only if it was made in it.
func TestReserveFirstInAPlacementGroup(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := reserving(20)
		want.Groups[0].Placement = spec.PlacementCluster
		w.mustUp(want)
		w.check(want)
		if left := w.reservations(); len(left) > 0 {
			w.Errorf("not given back: %v", left)
		}
	})
}

func TestReservationOfAKilledRunIsGivenBack(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := reserving(150)
		calls := 0
		for at := 1; calls == 0; at++ { // the first request that leaves a reservation behind
			died := w.killed(want, at, true)
			if died == "" {
				w.Fatal("no kill left a reservation behind")
			}
			calls = len(w.reservations())
		}
		w.mustUp(want)
		w.check(want)
		if left := w.reservations(); len(left) > 0 {
			w.Errorf("not given back: %v", left)
		}
	})
}

func TestReservedCapacityAndFallbackAreRungs(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		cr := w.region.AddReservation(ec2sim.ReservationSpec{Type: "c7i.large", Zone: "us-east-1a", Count: 10})
		cb := w.region.AddReservation(ec2sim.ReservationSpec{Type: "m7i.large", Zone: "us-east-1a", Count: 10, Block: true, End: w.region.Now().Add(24 * time.Hour)})
		w.region.SetCapacity(ec2sim.Pool{Type: "c7i.large", Zone: "us-east-1a"}, 0)
		w.region.SetCapacity(ec2sim.Pool{Type: "m7i.large", Zone: "us-east-1a"}, 0)
		want := cluster(10, func(g *spec.Group) { g.Capacity.Reservations = []string{cr} })
		block := cluster(10, func(g *spec.Group) {
			g.Name, g.InstanceTypes, g.Capacity.Blocks = "block", []string{"m7i.large"}, []string{cb}
		}).Groups[0]
		want.Groups = append(want.Groups, block)
		w.mustUp(want)
		w.check(want)
		lifecycles := map[string]int{}
		for _, i := range w.living() {
			lifecycles[string(i.InstanceLifecycle)]++
		}
		if lifecycles[""] != 10 || lifecycles["capacity-block"] != 10 {
			w.Errorf("bought as %v", lifecycles)
		}
		l := w.launcher()
		if _, p := w.plan(l, want); !p.Empty() {
			w.Errorf("still to do: %+v", p.Actions)
		}
	})
}

// Spot has no room for one reason or another, and the group comes up on demand.
func TestFallbackToOnDemand(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Action: "RunInstances", Call: 1, Code: "MaxSpotInstanceCountExceeded", Message: "Max spot instance count exceeded"})
		want := cluster(10, func(g *spec.Group) { g.Market, g.Fallback = spec.Spot, spec.OnDemand })
		w.mustUp(want)
		w.check(want)
		for _, i := range w.living() {
			if i.InstanceLifecycle != "" {
				w.Errorf("%s is %s", *i.InstanceId, i.InstanceLifecycle)
			}
		}
		if _, p := w.plan(w.launcher(), want); !p.Empty() {
			w.Errorf("still to do: %+v", p.Actions)
		}
	})
}

func TestTimeToLive(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(5, func(g *spec.Group) { g.TTL = 2 * time.Hour })
		w.mustUp(want)
		w.check(want)
		waste, err := w.launcher().FindWaste(w.Context())
		if err != nil || len(waste) > 0 {
			w.Errorf("waste within the time to live: %v %v", waste, err)
		}
		want.Groups[0].TTL = 3 * time.Hour
		if r := w.mustUp(want); r.Groups[0].Retagged != 5 || r.Groups[0].Launched > 0 {
			w.Errorf("moving the end: %+v", r.Groups[0])
		}
		time.Sleep(150 * time.Minute)
		if n := len(w.living()); n != 5 {
			w.Errorf("%d live before the moved end, want 5", n)
		}
		time.Sleep(time.Hour)
		if n := len(w.living()); n != 0 {
			w.Errorf("%d live after their time", n)
		}
	})
}
