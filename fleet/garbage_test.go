package fleet_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ec2 is a client of somebody else's, who makes what no launcher would.
func (w *world) ec2() *ec2.Client {
	return ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid")})
}

func (w *world) findWaste() []fleet.Waste {
	w.Helper()
	found, err := w.launcher().FindWaste(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// names are kinds and clusters, as FindWaste sorts them.
func names(found []fleet.Waste) (all []string) {
	for _, f := range found {
		all = append(all, f.Kind+" of "+f.Cluster)
	}
	return all
}

// tagAll tags every instance that lives.
func (w *world) tagAll(key, value string) {
	w.Helper()
	_, err := w.ec2().CreateTags(w.Context(), &ec2.CreateTagsInput{Resources: w.region.Instances(), Tags: tagsOf(key, value)})
	if err != nil {
		w.Fatal(err)
	}
}

func tagsOf(pairs ...string) (tags []types.Tag) {
	for p := range slices.Chunk(pairs, 2) {
		tags = append(tags, types.Tag{Key: new(p[0]), Value: new(p[1])})
	}
	return tags
}

func TestWasteOfALivingClusterIsNone(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.mustUp(cluster(20, func(g *spec.Group) { g.Placement = spec.PlacementCluster }))
		w.tagAll("cluster:ttl", "8h0m0s")
		for _, after := range []time.Duration{0, time.Hour, 6*time.Hour + 50*time.Minute} {
			time.Sleep(after)
			if found := w.findWaste(); len(found) > 0 {
				w.Errorf("after %s more: %v, the first because %s", after, names(found), found[0].Why)
			}
		}
	})
}

func TestExpiredInstancesAreWaste(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.mustUp(cluster(20)) // without the timer, as if that had failed
		w.tagAll("cluster:ttl", "8h0m0s")
		time.Sleep(8*time.Hour + 20*time.Minute)
		other := cluster(3)
		other.Name = "other"
		w.mustUp(other)

		found := w.findWaste()
		if len(found) != 20 {
			w.Fatalf("found %d, want 20: %v", len(found), names(found))
		}
		for _, f := range found {
			if f.Kind != "instance" || f.Cluster != "cfd" || f.Group != "compute" || f.Since.IsZero() || !strings.HasPrefix(f.Why, "its time to live of 8h ended 2") {
				w.Fatalf("%s %s of %s, group %s, since %s: %s", f.Kind, f.ID, f.Cluster, f.Group, f.Since, f.Why)
			}
		}
		l := w.launcher()
		if gone, err := l.Clear(w.Context(), found); gone != 20 || err != nil {
			w.Errorf("cleared %d, %v", gone, err)
		}
		if calls, _ := l.Session.Calls(); calls != 1 {
			w.Errorf("%d calls for 20 instances, want 1", calls)
		}
		time.Sleep(5 * time.Minute)
		if n := len(w.living()); n != 3 {
			w.Errorf("%d instances live, want the 3 of the other cluster", n)
		}
		if found := w.findWaste(); len(found) > 0 {
			w.Errorf("still: %v", names(found))
		}
	})
}

// Nodes with the timer end themselves, and leave nothing to collect.
func TestNodesThatEndThemselvesAreNoWaste(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.mustUp(cluster(20, func(g *spec.Group) { g.TTL = 8 * time.Hour }))
		time.Sleep(7 * time.Hour)
		if n := len(w.living()); n != 20 {
			w.Errorf("%d live within their time, want 20", n)
		}
		time.Sleep(65 * time.Minute)
		if n := len(w.living()); n != 0 {
			w.Errorf("%d live after it", n)
		}
		if found := w.findWaste(); len(found) > 0 {
			w.Errorf("found %v", names(found))
		}
	})
}

func TestStuckInstancesAreWasteAfterAnHour(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Instances: []int{3}, Stuck: true})
		w.killed(cluster(5), 10, true)
		time.Sleep(50 * time.Minute)
		if found := w.findWaste(); len(found) > 0 {
			w.Errorf("within the hour: %v", names(found))
		}
		time.Sleep(20 * time.Minute)
		found := w.findWaste()
		if len(found) != 1 || !strings.HasPrefix(found[0].Why, "it has been pending for 1h") {
			w.Fatalf("found %v", names(found))
		}
		if gone, err := w.launcher().Clear(w.Context(), found); gone != 1 || err != nil {
			w.Errorf("cleared %d, %v", gone, err)
		}
		if n := len(w.living()); n != 4 {
			w.Errorf("%d live, want the 4 that run", n)
		}
	})
}

// leave makes one thing of each kind: with tags, and left behind.
func (w *world) leave(tags ...string) {
	w.Helper()
	client, ctx := w.ec2(), w.Context()
	spec := func(t types.ResourceType) []types.TagSpecification {
		return []types.TagSpecification{{ResourceType: t, Tags: tagsOf(tags...)}}
	}
	must := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	_, err := client.CreatePlacementGroup(ctx, &ec2.CreatePlacementGroupInput{
		GroupName: new("left." + tags[1]), Strategy: types.PlacementStrategyCluster, TagSpecifications: spec(types.ResourceTypePlacementGroup),
	})
	must(err)
	_, err = client.CreateCapacityReservation(ctx, &ec2.CreateCapacityReservationInput{
		InstanceType: new("c7i.large"), InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix,
		AvailabilityZone: new("us-east-1a"), InstanceCount: new(int32(2)), TagSpecifications: spec(types.ResourceTypeCapacityReservation),
	})
	must(err)
	out, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: new(ec2sim.BaseImage), InstanceType: "c7i.large", MinCount: new(int32(1)), MaxCount: new(int32(1)),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: new("/dev/sdf"), Ebs: &types.EbsBlockDevice{
			VolumeSize: new(int32(10)), DeleteOnTermination: new(false),
		}}},
		TagSpecifications: append(spec(types.ResourceTypeVolume), spec(types.ResourceTypeInstance)...),
	})
	must(err)
	time.Sleep(time.Minute)
	_, err = client.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*out.Instances[0].InstanceId}})
	must(err)
}

func TestWhatIsLeftBehindIsFoundAndNothingForeign(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.leave("project", "wind") // somebody else's
		w.leave("cluster:name", "cfd")
		time.Sleep(5 * time.Minute)
		if found := names(w.findWaste()); !slices.Equal(found, []string{"placement group of cfd", "volume of cfd"}) {
			w.Errorf("a reservation of six minutes ago may be in use: found %v", found)
		}
		time.Sleep(15 * time.Minute)
		found := w.findWaste()
		if !slices.Equal(names(found), []string{"capacity reservation of cfd", "placement group of cfd", "volume of cfd"}) {
			w.Fatalf("found %v", names(found))
		}
		if gone, err := w.launcher().Clear(w.Context(), found); gone != 3 || err != nil {
			w.Errorf("cleared %d, %v", gone, err)
		}
		if found := w.findWaste(); len(found) > 0 {
			w.Errorf("still: %v", names(found))
		}
		w.foreignRemains()
	})
}

// foreignRemains holds that nothing without our tag was touched.
func (w *world) foreignRemains() {
	w.Helper()
	ours := []types.Filter{{Name: new("tag:project"), Values: []string{"wind"}}}
	volumes, err := w.ec2().DescribeVolumes(w.Context(), &ec2.DescribeVolumesInput{Filters: ours})
	if err != nil || len(volumes.Volumes) != 1 {
		w.Errorf("somebody else's volumes: %+v, %v", volumes, err)
	}
	groups, err := w.ec2().DescribePlacementGroups(w.Context(), &ec2.DescribePlacementGroupsInput{Filters: ours})
	if err != nil || len(groups.PlacementGroups) != 1 {
		w.Errorf("somebody else's placement groups: %+v, %v", groups, err)
	}
	if n := len(w.reservations()); n != 1 {
		w.Errorf("%d active reservations, want somebody else's", n)
	}
}

// What fails is told, and the rest goes all the same; an interrupt makes no new call.
func TestClearGoesOnAfterAFailure(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.leave("cluster:name", "cfd")
		time.Sleep(20 * time.Minute)
		found := w.findWaste()

		ctx, cancel := context.WithCancelCause(w.Context())
		stop := errors.New("interrupted")
		cancel(stop)
		if gone, err := w.launcher().Clear(ctx, found); gone != 0 || !errors.Is(err, stop) {
			w.Errorf("interrupted: cleared %d, %v", gone, err)
		}

		w.region.Inject(ec2sim.Fault{Action: "DeletePlacementGroup", Call: 1, Code: "UnauthorizedOperation"})
		gone, err := w.launcher().Clear(w.Context(), found)
		if e, ok := errors.AsType[*fleet.CallError](err); !ok || gone != 2 || e.Action != "DeletePlacementGroup" {
			w.Errorf("cleared %d, %v", gone, err)
		}
		if found := w.findWaste(); len(found) != 1 {
			w.Errorf("left: %v", names(found))
		}
	})
}
