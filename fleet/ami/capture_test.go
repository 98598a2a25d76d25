package ami_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// node launches an instance that is nothing of ours, and waits until it runs.
func (w *world) node(edit ...func(*ec2.RunInstancesInput)) string {
	w.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: new(ec2sim.BaseImage), InstanceType: "c7i.large", MinCount: new(int32(1)), MaxCount: new(int32(1)), SubnetId: new(ec2sim.SubnetA),
	}
	for _, e := range edit {
		e(in)
	}
	out, err := w.ec2().RunInstances(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	time.Sleep(time.Minute)
	return *out.Instances[0].InstanceId
}

// instances are those that live, in any state, by id.
func (w *world) instances() map[string]types.Instance {
	w.Helper()
	out, err := w.ec2().DescribeInstances(w.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		w.Fatal(err)
	}
	found := map[string]types.Instance{}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if i.State.Name != types.InstanceStateNameTerminated && i.State.Name != types.InstanceStateNameShuttingDown {
				found[*i.InstanceId] = i
			}
		}
	}
	return found
}

// tagOf is the value of a tag; empty if it is not there.
func tagOf(tags []types.Tag, key string) string {
	for _, t := range tags {
		if *t.Key == key {
			return *t.Value
		}
	}
	return ""
}

// stock is what our account has of a family in a region: its images, and the ids of all snapshots with
// its tag.
func (w *world) stock(region, family string) (images []ami.Image, snapshots []string) {
	w.Helper()
	images = must[[]ami.Image](w)(w.keeper(region).Find(w.Context(), family))
	c := ec2.New(ec2.Options{Region: region, HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid")})
	out, err := c.DescribeSnapshots(w.Context(), &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: new("tag:cluster:image-family"), Values: []string{family}}},
	})
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range out.Snapshots {
		snapshots = append(snapshots, *s.SnapshotId)
	}
	slices.Sort(snapshots)
	return images, snapshots
}

// only says that a region has one image of a family, available, and no snapshot but its own.
func (w *world) only(region, family string) ami.Image {
	w.Helper()
	images, snapshots := w.stock(region, family)
	if len(images) != 1 || images[0].State != "available" {
		w.Fatalf("%s has %d images of %s: %+v", region, len(images), family, images)
	}
	if want := slices.Sorted(slices.Values(images[0].Snapshots())); !slices.Equal(snapshots, want) {
		w.Errorf("%s has the snapshots %v, want %v", region, snapshots, want)
	}
	return images[0]
}

func capture(instance string) ami.Capture {
	return ami.Capture{Family: "md", Version: "1.0.0", Instance: instance, Tags: map[string]string{"project": "wind"}}
}

// captured says that there is exactly the image of a capture, and that its instance runs as before.
func (w *world) captured(instance, died string) {
	w.Helper()
	img := w.only("", "md")
	if img.Version != "1.0.0" || img.From != instance || img.Parent != ec2sim.BaseImage || img.Tags["project"] != "wind" {
		w.Errorf("killed at %s: the image is %+v", died, img)
	}
	i := w.instances()[instance]
	if i.State == nil || i.State.Name != types.InstanceStateNameRunning {
		w.Errorf("killed at %s: the instance is %+v, want running", died, i.State)
	}
	if tag := tagOf(i.Tags, "cluster:image-capturing"); tag != "" {
		w.Errorf("killed at %s: the instance is still held, for %s", died, tag)
	}
}

func TestCapture(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node()
		var told []ami.EventType
		last := 0
		k := w.keeper("")
		k.Notify = func(e ami.Event) {
			if e.Type == ami.EventProgress {
				if e.Percent < last || e.Percent > 100 {
					w.Errorf("%d %% after %d %%", e.Percent, last)
				}
				last = e.Percent
			}
			if len(told) == 0 || told[len(told)-1] != e.Type {
				told = append(told, e.Type)
			}
		}
		done := must[ami.Captured](w)(k.Capture(w.Context(), capture(id)))
		w.captured(id, "no call")
		if done.Already || done.Stopped || done.Image.ID == "" {
			w.Errorf("it came to %+v", done)
		}
		want := []ami.EventType{ami.EventStopping, ami.EventStopped, ami.EventCreating, ami.EventProgress, ami.EventAvailable, ami.EventStarted}
		if !slices.Equal(told, want) {
			w.Errorf("told %v, want %v", told, want)
		}
		if last == 0 {
			w.Error("no progress was told")
		}

		// Again: nothing to do, and the same of another instance is refused.
		k = w.keeper("")
		done = must[ami.Captured](w)(k.Capture(w.Context(), capture(id)))
		if !done.Already || done.Image.Version != "1.0.0" {
			w.Errorf("again: %+v", done)
		}
		if calls, by := k.Session.Calls(); calls > 3 {
			w.Errorf("again: %d calls, want at most 3: %v", calls, by)
		}
		_, err := w.keeper("").Capture(w.Context(), capture(w.node()))
		w.refused(err, "md 1.0.0", "exists already", "was made of "+id)
	})
}

func TestCaptureIsKilledAnywhere(t *testing.T) {
	var id string
	kills := killEverywhere(t, func(w *world) { id = w.node() },
		func(w *world, k *ami.Keeper) error {
			_, err := k.Capture(w.Context(), capture(id))
			return err
		},
		func(w *world, died string) { w.captured(id, died) })
	if kills < 30 {
		t.Errorf("it was killed %d times only", kills)
	}
	t.Logf("killed %d times", kills)
}

// An instance that was stopped before stays stopped, and one that is left running is not touched.
func TestCaptureLeavesTheInstanceAsItWas(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node()
		c := capture(id)
		c.NoReboot = true
		k := w.keeper("")
		must[ami.Captured](w)(k.Capture(w.Context(), c))
		w.captured(id, "no call")
		if _, by := k.Session.Calls(); by["StopInstances"]+by["StartInstances"]+by["CreateTags"] > 0 {
			w.Errorf("it touched an instance that should run on: %v", by)
		}
		if _, err := w.ec2().StopInstances(w.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
			w.Fatal(err)
		}
		c = capture(id)
		c.Version = "1.1.0"
		must[ami.Captured](w)(w.keeper("").Capture(w.Context(), c)) // that it is still stopping is waited for
		if s := w.instances()[id].State.Name; s != types.InstanceStateNameStopped {
			w.Errorf("an instance that was stopped is %s", s)
		}
	})
}

// A volume that would outlive the instance is captured, and does not outlive those made of the image.
func TestCaptureLeavesNoVolumesBehind(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node(func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: new("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: new(int32(100)), DeleteOnTermination: new(false)}}}
		})
		must[ami.Captured](w)(w.keeper("").Capture(w.Context(), capture(id)))
		img := w.only("", "md")
		if len(img.Disks) != 2 || img.Size() != 120 {
			t.Errorf("it has %+v", img.Disks)
		}
		for _, d := range img.Disks {
			if !d.DeleteOnTermination {
				t.Errorf("%s would be left behind", d.Device)
			}
		}
	})
}

// A Spot instance does not stop: it is refused, with the way that remains, and nothing is left on it.
func TestCaptureOfSpot(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node(func(in *ec2.RunInstancesInput) {
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
		})
		_, err := w.keeper("").Capture(w.Context(), capture(id))
		w.refused(err, "cannot be stopped", "--no-reboot")
		c := capture(id)
		c.NoReboot = true
		must[ami.Captured](w)(w.keeper("").Capture(w.Context(), c))
		w.captured(id, "no call")
	})
}

func TestCaptureRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.keeper("").Capture(w.Context(), capture("i-0123456789abcdef0"))
		w.refused(err, "there is no instance i-0123456789abcdef0")

		id := w.node()
		_, err = w.ec2().CreateTags(w.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: new("cluster:image-capturing"), Value: new("md/0.9")}}})
		if err != nil {
			w.Fatal(err)
		}
		_, err = w.keeper("").Capture(w.Context(), capture(id))
		w.refused(err, "is being captured as md 0.9", "cluster image capture md 0.9 --from "+id)

		w.region.AddImage(ec2sim.ImageSpec{Name: "md-1.0.0"})
		_, err = w.keeper("").Capture(w.Context(), capture(id))
		w.refused(err, "there is an image named md-1.0.0 already")

		refusal := errors.New("no")
		c := capture(w.node())
		c.Version, c.Consent = "2", func() error { return refusal }
		k := w.keeper("")
		if _, err = k.Capture(w.Context(), c); !errors.Is(err, refusal) {
			w.Errorf("without consent: %v", err)
		}
		if _, by := k.Session.Calls(); by["CreateTags"]+by["StopInstances"]+by["CreateImage"] > 0 {
			w.Errorf("without consent: %v", by)
		}
	})
}

// What goes wrong between stop and start does not leave the instance stopped.
func TestCaptureStartsTheInstanceAgainWhateverFails(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node()
		w.region.Inject(ec2sim.Fault{Action: "CreateImage", Code: "UnauthorizedOperation", Call: 1})
		done, err := w.keeper("").Capture(w.Context(), capture(id))
		if err == nil || done.Stopped {
			w.Errorf("%v, %+v", err, done)
		}
		i := w.instances()[id]
		if i.State.Name != types.InstanceStateNameRunning || tagOf(i.Tags, "cluster:image-capturing") != "" {
			w.Errorf("the instance is %s, with the tag %q", i.State.Name, tagOf(i.Tags, "cluster:image-capturing"))
		}
	})
}

// dies is killed for a verb whose errors are no matter.
func (w *world) dies(at int, after bool, verb func(*ami.Keeper) error) string {
	w.Helper()
	return w.killed(at, after, func(k *ami.Keeper) error { verb(k); return nil })
}
