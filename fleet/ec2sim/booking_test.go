package ec2sim_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// reserving asks for room for n instances of the type of some, for those that name it.
func reserving(n int32) *ec2.CreateCapacityReservationInput {
	return &ec2.CreateCapacityReservationInput{
		InstanceType: aws.String("c7i.large"), InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix,
		AvailabilityZone: aws.String("us-east-1a"), InstanceCount: aws.Int32(n), InstanceMatchCriteria: types.InstanceMatchCriteriaTargeted,
	}
}

func reserve(t *testing.T, c *ec2.Client, in *ec2.CreateCapacityReservationInput) string {
	t.Helper()
	out, err := c.CreateCapacityReservation(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.CapacityReservation.CapacityReservationId
}

// into is a launch of n instances into a reservation.
func into(id string, n int32) *ec2.RunInstancesInput {
	in := some(n)
	in.CapacityReservationSpecification = &types.CapacityReservationSpecification{CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: &id}}
	return in
}

// booked describes a reservation: its state, and how many of how many instances are free.
func booked(t *testing.T, c *ec2.Client, id string) string {
	t.Helper()
	out, err := c.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	r := out.CapacityReservations[0]
	return fmt.Sprintf("%s %d/%d", r.State, *r.AvailableInstanceCount, *r.TotalInstanceCount)
}

func wantBooked(t *testing.T, c *ec2.Client, id, want string) {
	t.Helper()
	if got := booked(t, c, id); got != want {
		t.Errorf("the reservation is %s, want %s", got, want)
	}
}

func TestReservationTakesRoomAndGivesItBack(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 10}})
	c := client(r)
	id := reserve(t, c, reserving(6))
	_, err := c.RunInstances(t.Context(), some(5))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
	open := run(t, c, some(4))
	inside := run(t, c, into(id, 2))
	wantBooked(t, c, id, "active 4/6")
	if got := describe(t, c, filter("capacity-reservation-id", id)); len(got) != 2 || *got[0].CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId != id {
		t.Errorf("%d instances in the reservation: %+v", len(got), got)
	}
	_, err = c.RunInstances(t.Context(), into(id, 5))
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)
	partly := into(id, 5)
	partly.MinCount = aws.Int32(1)
	if got := run(t, c, partly); len(got) != 4 {
		t.Errorf("%d instances of the 4 that there is room for", len(got))
	}
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: inside}); err != nil {
		t.Fatal(err)
	}
	wantBooked(t, c, id, "active 2/6")

	// What is in a reservation that is cancelled goes on on the open market.
	if _, err := c.CancelCapacityReservation(t.Context(), &ec2.CancelCapacityReservationInput{CapacityReservationId: &id}); err != nil {
		t.Fatal(err)
	}
	wantBooked(t, c, id, "cancelled 0/6")
	if n := len(r.Instances()); n != 8 {
		t.Errorf("%d instances live, want 8", n)
	}
	if got := describe(t, c, filter("capacity-reservation-id", id)); len(got) != 0 {
		t.Errorf("%d instances in a cancelled reservation", len(got))
	}
	_, err = c.RunInstances(t.Context(), some(3))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
	run(t, c, some(2))
	_, err = c.RunInstances(t.Context(), into(id, 1))
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)
	_, err = c.CancelCapacityReservation(t.Context(), &ec2.CancelCapacityReservationInput{CapacityReservationId: &id})
	wantCode(t, err, "InvalidCapacityReservationState", http.StatusBadRequest)
	if len(open) != 4 {
		t.Errorf("%d instances beside the reservation", len(open))
	}
}

func TestReservationEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		c := client(r)
		in := reserving(3)
		in.EndDateType, in.EndDate = types.EndDateTypeLimited, aws.Time(time.Now().Add(time.Hour))
		id := reserve(t, c, in)
		run(t, c, into(id, 3))
		time.Sleep(59 * time.Minute)
		wantBooked(t, c, id, "active 0/3")
		time.Sleep(time.Minute)
		wantBooked(t, c, id, "expired 0/3")
		if n := len(r.Instances()); n != 3 {
			t.Errorf("%d instances live, want 3", n)
		}
		time.Sleep(61 * 24 * time.Hour)
		run(t, c, some(1))
		_, err := c.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{id}})
		wantCode(t, err, "InvalidCapacityReservationId.NotFound", http.StatusBadRequest)
	})
}

func TestOpenReservationsComeFirst(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 5}})
	c := client(r)
	id := r.AddReservation(ec2sim.ReservationSpec{Type: "c7i.large", Zone: "us-east-1a", Count: 3, Open: true, Tags: map[string]string{"team": "cfd"}})
	prefer := func(n int32, p types.CapacityReservationPreference) *ec2.RunInstancesInput {
		in := some(n)
		in.CapacityReservationSpecification = &types.CapacityReservationSpecification{CapacityReservationPreference: p}
		return in
	}
	run(t, c, prefer(1, types.CapacityReservationPreferenceNone))
	wantBooked(t, c, id, "active 3/3")
	_, err := c.RunInstances(t.Context(), prefer(4, types.CapacityReservationPreferenceCapacityReservationsOnly))
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)
	two := run(t, c, prefer(2, types.CapacityReservationPreferenceCapacityReservationsOnly))
	wantBooked(t, c, id, "active 1/3")
	run(t, c, some(2)) // one into the reservation, one beside it
	wantBooked(t, c, id, "active 0/3")
	_, err = c.RunInstances(t.Context(), some(1))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)

	// A stopped instance leaves its room, and finds room again when it is started.
	stop := &ec2.StopInstancesInput{InstanceIds: two}
	if _, err := c.StopInstances(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	wantBooked(t, c, id, "active 2/3")
	if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: two}); err != nil {
		t.Fatal(err)
	}
	wantBooked(t, c, id, "active 0/3")
	if _, err := c.StopInstances(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	run(t, c, some(2))
	_, err = c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: two})
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)

	tags, err := c.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-type", "capacity-reservation")}})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "cfd" {
		t.Errorf("the reservation's tags: %+v, %v", tags, err)
	}
}

func TestReservationOfAnotherShape(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, VCPUQuota: 40})
	c := client(r)
	id := reserve(t, c, reserving(10)) // 20 vCPUs
	other := into(id, 1)
	other.InstanceType = types.InstanceTypeM7iLarge
	_, err := c.RunInstances(t.Context(), other)
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)
	other = into(id, 1)
	other.SubnetId = aws.String(ec2sim.SubnetB)
	_, err = c.RunInstances(t.Context(), other)
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)
	anywhere := into(id, 1)
	anywhere.SubnetId = nil
	run(t, c, anywhere)
	wantBooked(t, c, id, "active 9/10")

	// What is reserved counts for the quota once, used or not.
	_, err = c.RunInstances(t.Context(), some(11))
	wantCode(t, err, "VcpuLimitExceeded", http.StatusBadRequest)
	run(t, c, some(10))
	_, err = c.CreateCapacityReservation(t.Context(), reserving(1))
	wantCode(t, err, "VcpuLimitExceeded", http.StatusBadRequest)
	run(t, c, into(id, 9))

	r.SetCapacity(ec2sim.Pool{Type: "m7i.large", Zone: "us-east-1a"}, 0)
	in := reserving(1)
	in.InstanceType = aws.String("m7i.large")
	_, err = client(ec2sim.New(ec2sim.Options{Instant: true, Capacity: map[ec2sim.Pool]int{{Type: "m7i.large", Zone: "us-east-1a"}: 0}})).CreateCapacityReservation(t.Context(), in)
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
}

func TestReservationInAPlacementGroupOrAPool(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	g, err := c.CreatePlacementGroup(t.Context(), &ec2.CreatePlacementGroupInput{GroupName: aws.String("tight"), Strategy: types.PlacementStrategyCluster})
	if err != nil {
		t.Fatal(err)
	}
	in := reserving(2)
	in.PlacementGroupArn = g.PlacementGroup.GroupArn
	id := reserve(t, c, in)
	_, err = c.RunInstances(t.Context(), into(id, 1))
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)
	tight := into(id, 1)
	tight.Placement = &types.Placement{GroupName: aws.String("tight")}
	one := run(t, c, tight)
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: one}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DeletePlacementGroup(t.Context(), &ec2.DeletePlacementGroupInput{GroupName: aws.String("tight")})
	wantCode(t, err, "InvalidPlacementGroup.InUse", http.StatusBadRequest)

	const pool = "arn:aws:resource-groups:us-east-1:123456789012:group/reserved"
	member := r.AddReservation(ec2sim.ReservationSpec{Type: "c7i.large", Zone: "us-east-1a", Count: 1, Group: pool})
	from := some(1)
	from.CapacityReservationSpecification = &types.CapacityReservationSpecification{CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationResourceGroupArn: aws.String(pool)}}
	run(t, c, from)
	wantBooked(t, c, member, "active 0/1")
	from.ClientToken = nil
	_, err = c.RunInstances(t.Context(), from)
	wantCode(t, err, "ReservationCapacityExceeded", http.StatusBadRequest)
}

func TestReservationIsMadeOnce(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	with := func(n int32) *ec2.CreateCapacityReservationInput {
		in := reserving(n)
		in.ClientToken = aws.String("once")
		return in
	}
	id := reserve(t, c, with(2))
	if again := reserve(t, c, with(2)); again != id {
		t.Errorf("two reservations: %s and %s", id, again)
	}
	_, err := c.CreateCapacityReservation(t.Context(), with(3))
	wantCode(t, err, "IdempotentParameterMismatch", http.StatusBadRequest)
	reserve(t, c, reserving(1))
	reserve(t, c, reserving(1))
	seen := map[string]bool{}
	var token *string
	for {
		out, err := c.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{
			Filters: []types.Filter{filter("state", "active"), filter("instance-type", "c7i.large")}, MaxResults: aws.Int32(2), NextToken: token,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.CapacityReservations {
			seen[*r.CapacityReservationId] = true
		}
		if token = out.NextToken; token == nil {
			break
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d reservations by pages of two, want 3", len(seen))
	}
}

func TestReservationIsRefused(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	block := r.AddReservation(ec2sim.ReservationSpec{Type: "c7i.large", Zone: "us-east-1a", Count: 1, Block: true, End: r.Now().Add(time.Hour)})
	type input = ec2.CreateCapacityReservationInput
	for _, test := range []struct {
		name, want string
		change     func(*input)
	}{
		{"dry run", "DryRunOperation", func(in *input) { in.DryRun = aws.Bool(true) }},
		{"no instance", "InvalidParameterValue", func(in *input) { in.InstanceCount = aws.Int32(0) }},
		{"no zone", "MissingParameter", func(in *input) { in.AvailabilityZone = nil }},
		{"unknown zone", "InvalidParameterValue", func(in *input) { in.AvailabilityZone = aws.String("us-east-1z") }},
		{"unknown type", "InvalidParameterValue", func(in *input) { in.InstanceType = aws.String("c7i.huge") }},
		{"type that the zone has not", "Unsupported", func(in *input) {
			in.InstanceType, in.AvailabilityZone = aws.String("hpc7a.96xlarge"), aws.String("us-east-1c")
		}},
		{"limited without an end", "InvalidParameterCombination", func(in *input) { in.EndDateType = types.EndDateTypeLimited }},
		{"unlimited with an end", "InvalidParameterCombination", func(in *input) { in.EndDate = aws.Time(r.Now().Add(time.Hour)) }},
		{"an end that is past", "InvalidParameterValue", func(in *input) {
			in.EndDateType, in.EndDate = types.EndDateTypeLimited, aws.Time(r.Now().Add(-time.Hour))
		}},
		{"in the future", "UnsupportedOperation", func(in *input) { in.StartDate = aws.Time(r.Now().Add(time.Hour)) }},
		{"of one's own hardware", "UnsupportedOperation", func(in *input) { in.Tenancy = types.CapacityReservationTenancyDedicated }},
		{"unknown placement group", "InvalidPlacementGroup.Unknown", func(in *input) { in.PlacementGroupArn = aws.String("arn:aws:ec2:x") }},
		{"tags of something else", "InvalidParameterValue", func(in *input) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{tag("a", "b")}}}
		}},
	} {
		in := reserving(1)
		test.change(in)
		_, err := c.CreateCapacityReservation(t.Context(), in)
		if got, _ := code(err); got != test.want {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
	_, err := c.CancelCapacityReservation(t.Context(), &ec2.CancelCapacityReservationInput{CapacityReservationId: &block})
	wantCode(t, err, "UnsupportedOperation", http.StatusBadRequest)
	_, err = c.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{"cr-1"}})
	wantCode(t, err, "InvalidCapacityReservationId.Malformed", http.StatusBadRequest)
	_, err = c.RunInstances(t.Context(), into(block, 1))
	wantCode(t, err, "InvalidParameterValue", http.StatusBadRequest)
	both := into(block, 1)
	both.CapacityReservationSpecification.CapacityReservationPreference = types.CapacityReservationPreferenceOpen
	_, err = c.RunInstances(t.Context(), both)
	wantCode(t, err, "InvalidParameterCombination", http.StatusBadRequest)
	spot := into(block, 1)
	spot.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	_, err = c.RunInstances(t.Context(), spot)
	wantCode(t, err, "InvalidParameterCombination", http.StatusBadRequest)
}

func TestCapacityBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A block's room is its own: the pool has none, and the quota none to spare.
		r := ec2sim.New(ec2sim.Options{VCPUQuota: 1, Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 0}})
		c := client(r)
		now := r.Now()
		id := r.AddReservation(ec2sim.ReservationSpec{
			Type: "c7i.large", Zone: "us-east-1a", Count: 2, Block: true, Start: now.Add(time.Hour), End: now.Add(25 * time.Hour),
		})
		launch := func(n int32) *ec2.RunInstancesInput {
			in := into(id, n)
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeCapacityBlock}
			return in
		}
		wantBooked(t, c, id, "scheduled 0/2")
		_, err := c.RunInstances(t.Context(), launch(1))
		wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
		time.Sleep(time.Hour)
		wantBooked(t, c, id, "active 2/2")
		run(t, c, launch(2))
		_, err = c.RunInstances(t.Context(), launch(1))
		wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
		time.Sleep(23*time.Hour + 29*time.Minute)
		if got := describe(t, c, filter("instance-lifecycle", "capacity-block"), filter("instance-state-name", "running")); len(got) != 2 {
			t.Errorf("%d instances run in the block", len(got))
		}
		time.Sleep(time.Minute)
		if n := len(r.Instances()); n != 0 {
			t.Errorf("%d instances live half an hour before the block ends", n)
		}
		time.Sleep(time.Minute)
		if got := describe(t, c, filter("instance-state-name", "terminated"), filter("state-reason-code", "Server.ScheduledStop")); len(got) != 2 {
			t.Errorf("%d instances are terminated for the block's end", len(got))
		}
		_, err = c.RunInstances(t.Context(), launch(1))
		wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
	})
}

// A root volume that outlives its instance is there until somebody deletes it.
func TestVolumeIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(ec2sim.Options{}))
		in := some(1)
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)}}}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: []types.Tag{tag("cluster:name", "cfd")}}}
		id := run(t, c, in)
		time.Sleep(time.Minute)
		volumes := func(status string) []types.Volume {
			t.Helper()
			out, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("status", status), filter("tag:cluster:name", "cfd")}})
			if err != nil {
				t.Fatal(err)
			}
			return out.Volumes
		}
		used := volumes("in-use")
		if len(used) != 1 {
			t.Fatalf("volumes in use: %+v", used)
		}
		_, err := c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: used[0].VolumeId})
		wantCode(t, err, "VolumeInUse", http.StatusBadRequest)
		if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: id}); err != nil {
			t.Fatal(err)
		}
		for _, after := range []time.Duration{time.Minute, 48 * time.Hour} { // the instance is long forgotten
			time.Sleep(after)
			run(t, c, some(1))
			if left := volumes("available"); len(left) != 1 || len(left[0].Attachments) != 0 {
				t.Fatalf("volumes left behind: %+v", left)
			}
		}
		if _, err := c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: used[0].VolumeId}); err != nil {
			t.Fatal(err)
		}
		if left := volumes("available"); len(left) != 0 {
			t.Errorf("volumes after all were deleted: %+v", left)
		}
		_, err = c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: used[0].VolumeId})
		wantCode(t, err, "InvalidVolume.NotFound", http.StatusBadRequest)
	})
}
