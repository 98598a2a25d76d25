package ec2sim_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func at(d time.Duration) ec2sim.Range { return ec2sim.Range{Min: d, Max: d} }

// slow is a region in which everything happens at a time of its own.
func slow() ec2sim.Options {
	s := time.Second
	return ec2sim.Options{Timing: ec2sim.Timing{Visible: at(2 * s), Devices: at(4 * s), Pending: at(10 * s), ShuttingDown: at(30 * s), Stopping: at(20 * s), Starting: at(8 * s), Call: 1}}
}

func TestTheLifeOfAnInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(slow()))
		begin := time.Now()
		out, err := c.RunInstances(t.Context(), some(1))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 1500*time.Millisecond {
			t.Errorf("the launch took %v", took)
		}
		i := out.Instances[0]
		if i.State.Name != "pending" || len(i.BlockDeviceMappings) > 0 || *i.PrivateDnsName != "" || i.PublicIpAddress != nil || i.PrivateIpAddress == nil {
			t.Errorf("the answer shows %+v", i)
		}
		id := *i.InstanceId
		look := func() (*types.Instance, error) {
			out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
			if err != nil {
				return nil, err
			}
			return &out.Reservations[0].Instances[0], nil
		}
		until := func(d time.Duration) { time.Sleep(time.Until(begin.Add(d))) }

		until(3 * time.Second)
		_, err = look()
		wantCode(t, err, "InvalidInstanceID.NotFound", http.StatusBadRequest)
		if got := describe(t, c, filter("instance-id", id)); len(got) != 0 {
			t.Error("a filter shows an instance that is not visible yet")
		}
		_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "InvalidInstanceID.NotFound", http.StatusBadRequest)

		for _, step := range []struct {
			at      time.Duration
			state   types.InstanceStateName
			devices int
			named   bool
		}{
			{4 * time.Second, "pending", 0, false},
			{6 * time.Second, "pending", 1, false},
			{11 * time.Second, "running", 1, true},
		} {
			until(step.at)
			i, err := look()
			if err != nil {
				t.Fatal(err)
			}
			if i.State.Name != step.state || len(i.BlockDeviceMappings) != step.devices || (*i.PrivateDnsName != "") != step.named || (i.PublicIpAddress != nil) != step.named {
				t.Errorf("after %v: %s, %d devices, %q, %v", step.at, i.State.Name, len(i.BlockDeviceMappings), *i.PrivateDnsName, i.PublicIpAddress)
			}
		}

		if _, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		wantState := func(want types.InstanceStateName) {
			t.Helper()
			if i, err := look(); err != nil || i.State.Name != want {
				t.Errorf("got %v, %v, want %s", i.State.Name, err, want)
			}
		}
		wantState("stopping")
		_, err = c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "IncorrectInstanceState", http.StatusBadRequest)
		time.Sleep(20 * time.Second)
		wantState("stopped")
		if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		wantState("pending")
		time.Sleep(8 * time.Second)
		wantState("running")

		change, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		if err != nil || change.TerminatingInstances[0].PreviousState.Name != "running" || change.TerminatingInstances[0].CurrentState.Name != "shutting-down" {
			t.Fatalf("%v %v", change, err)
		}
		wantState("shutting-down")
		time.Sleep(30 * time.Second)
		wantState("terminated")
		if i, _ := look(); *i.StateReason.Code != "Client.UserInitiatedShutdown" || len(i.BlockDeviceMappings) > 0 || i.PrivateIpAddress != nil {
			t.Errorf("a terminated instance shows %+v", i)
		}
		time.Sleep(time.Hour)
		_, err = look()
		wantCode(t, err, "InvalidInstanceID.NotFound", http.StatusBadRequest)
	})
}

// Half of the instances of a launch may be seen before the other half.
func TestInstancesAppearOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(ec2sim.Options{}))
		all := run(t, c, some(100))
		time.Sleep(time.Second)
		if n := len(describe(t, c)); n < 30 || n > 80 {
			t.Errorf("%d of 100 are visible after a second of two", n)
		}
		time.Sleep(time.Second)
		if n := len(describe(t, c)); n != 100 {
			t.Errorf("%d of 100 are visible after two seconds", n)
		}
		time.Sleep(20 * time.Second)
		if n := len(describe(t, c, filter("instance-state-name", "running"), filter("instance-id", all...))); n != 100 {
			t.Errorf("%d of 100 run", n)
		}
	})
}

func TestVolumesAreMadeFromTheImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(slow())
		c := client(r)
		in := some(2)
		in.BlockDeviceMappings = []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(50), Encrypted: aws.Bool(true)}},
			{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(10), VolumeType: types.VolumeTypeGp2}},
		}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: []types.Tag{tag("a", "b")}}}
		all := run(t, c, in)
		volumes := func(filters ...types.Filter) []types.Volume {
			out, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: filters})
			if err != nil {
				t.Fatal(err)
			}
			return out.Volumes
		}
		time.Sleep(3 * time.Second)
		if got := volumes(); len(got) != 0 {
			t.Errorf("%d volumes are there too early", len(got))
		}
		time.Sleep(2 * time.Second)
		root := volumes(filter("attachment.device", "/dev/xvda"), filter("tag:a", "b"), filter("attachment.instance-id", all[0]))
		if len(root) != 1 || *root[0].SnapshotId != ec2sim.RootSnapshot(ec2sim.BaseImage) || *root[0].Size != 50 || !*root[0].Encrypted || root[0].VolumeType != "gp3" {
			t.Errorf("root volumes: %+v", root)
		}
		if err := r.SwapRootVolume(all[0]); err != nil {
			t.Fatal(err)
		}
		swapped := volumes(filter("attachment.device", "/dev/xvda"), filter("attachment.instance-id", all[0]))
		if len(swapped) != 1 || *swapped[0].SnapshotId == *root[0].SnapshotId || *swapped[0].VolumeId == *root[0].VolumeId {
			t.Errorf("swapped: %+v", swapped)
		}
		if err := r.SetImage(all[1], ec2sim.Ubuntu); err != nil {
			t.Fatal(err)
		}
		if got := describe(t, c, filter("image-id", ec2sim.Ubuntu)); len(got) != 1 || *got[0].InstanceId != all[1] || *got[0].BlockDeviceMappings[0].DeviceName != "/dev/sda1" {
			t.Errorf("with another image: %+v", got)
		}
		if got := volumes(filter("snapshot-id", ec2sim.RootSnapshot(ec2sim.Ubuntu))); len(got) != 1 {
			t.Errorf("volumes of another image: %+v", got)
		}

		if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: all}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second)
		// The root goes with the instance; another volume stays unless it was told to go as well.
		if got := volumes(); len(got) != 2 || got[0].State != "available" || len(got[0].Attachments) > 0 {
			t.Errorf("left: %+v", got)
		}
		time.Sleep(2 * time.Hour)
		run(t, c, some(1))
		if got := volumes(); len(got) != 2 {
			t.Errorf("left two hours later: %d", len(got))
		}
	})
}

func TestStatusChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(slow()))
		all := run(t, c, some(2))
		for _, step := range []struct {
			wait   time.Duration
			status types.SummaryStatus
			shown  int
		}{{5 * time.Second, "not-applicable", 0}, {5 * time.Second, "initializing", 2}, {2 * time.Minute, "ok", 2}} {
			time.Sleep(step.wait)
			out, err := c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: all})
			if err != nil || len(out.InstanceStatuses) != step.shown {
				t.Fatalf("%v %v", out, err)
			}
			out, err = c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: all, IncludeAllInstances: aws.Bool(true)})
			if err != nil || len(out.InstanceStatuses) != 2 || out.InstanceStatuses[0].SystemStatus.Status != step.status {
				t.Errorf("want %s: %+v %v", step.status, out, err)
			}
		}
		_, err := c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: make([]string, 101)})
		wantCode(t, err, "InvalidParameterValue", http.StatusBadRequest)
	})
}
