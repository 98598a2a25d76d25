package ec2sim_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func TestTheNthCallFails(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	r.Inject(ec2sim.Fault{Action: "RunInstances", Call: 2, Code: "InsufficientInstanceCapacity", Message: "none"})
	r.Inject(ec2sim.Fault{Action: "DescribeInstances", Code: "Unavailable"})
	run(t, c, some(1))
	_, err := c.RunInstances(t.Context(), some(1))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
	run(t, c, some(1))
	for range 2 {
		_, err = c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		wantCode(t, err, "Unavailable", http.StatusServiceUnavailable)
	}
	if n := len(r.Instances()); n != 2 {
		t.Errorf("%d instances", n)
	}
	r.Calm()
	if n := len(describe(t, c)); n != 2 {
		t.Errorf("%d instances", n)
	}
}

// The reply is lost and the SDK asks again with the same token: there is one launch.
func TestALostReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		r.Inject(ec2sim.Fault{Action: "RunInstances", Call: 1, LoseReply: true})
		_, err := client(r).RunInstances(t.Context(), tokened(4, "a"))
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v", err)
		}
		o := client(r).Options()
		o.Retryer = retry.NewStandard()
		out, err := ec2.New(o).RunInstances(t.Context(), tokened(4, "a"))
		if err != nil || len(out.Instances) != 4 {
			t.Fatal(out, err)
		}
		r.Inject(ec2sim.Fault{Action: "RunInstances", Call: 1, LoseReply: true})
		if _, err := ec2.New(o).RunInstances(t.Context(), some(3)); err != nil {
			t.Fatal(err)
		}
		if n := len(r.Instances()); n != 7 {
			t.Errorf("%d instances", n)
		}
		last := r.Journal()[len(r.Journal())-1]
		if last.Attempt != 2 || last.Instances != 3 || last.Lost {
			t.Errorf("%+v", last)
		}
	})
}

func TestInstancesThatGoWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		c := client(r)
		r.Inject(ec2sim.Fault{Instances: []int{1}, Stuck: true})
		r.Inject(ec2sim.Fault{Instances: []int{2}, Dies: "Server.InternalError", Message: "Client.VolumeLimitExceeded: Volume limit exceeded"})
		r.Inject(ec2sim.Fault{Instances: []int{3}, BootImage: ec2sim.BaseImageBefore})
		r.Inject(ec2sim.Fault{Instances: []int{7}, RootSnapshot: ec2sim.RootSnapshot(ec2sim.LookAlikeImage)})
		r.Inject(ec2sim.Fault{Call: 2, EqualIndexes: true, Protected: true})
		all := append(run(t, c, some(5)), run(t, c, some(3))...)
		time.Sleep(30 * time.Second)
		got := map[string]types.Instance{}
		for _, i := range describe(t, c) {
			got[*i.InstanceId] = i
		}
		var states []types.InstanceStateName
		for _, id := range all {
			states = append(states, got[id].State.Name)
		}
		if want := []types.InstanceStateName{"pending", "terminated", "running", "running", "running", "running", "running", "running"}; !slices.Equal(states, want) {
			t.Errorf("got %v, want %v", states, want)
		}
		if s := got[all[1]].StateReason; *s.Code != "Server.InternalError" || *s.Message != "Client.VolumeLimitExceeded: Volume limit exceeded" {
			t.Errorf("%+v", s)
		}
		if i := got[all[2]]; *i.ImageId != ec2sim.BaseImageBefore {
			t.Errorf("%+v", i)
		}
		if *got[all[7]].AmiLaunchIndex != 0 || *got[all[4]].AmiLaunchIndex != 4 {
			t.Error("launch indexes")
		}
		for i, want := range map[int]string{2: ec2sim.BaseImageBefore, 6: ec2sim.LookAlikeImage, 7: ec2sim.BaseImage} {
			out, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("attachment.instance-id", all[i])}})
			if err != nil || *out.Volumes[0].SnapshotId != ec2sim.RootSnapshot(want) {
				t.Errorf("instance %d: %v %v", i, out, err)
			}
		}
		_, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: all[7:]})
		wantCode(t, err, "OperationNotPermitted", http.StatusBadRequest)
		if err := r.Kill(all[7]); err != nil {
			t.Error(err)
		}
		if err := r.Stop(all[6]); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if n := len(describe(t, c, filter("instance-state-name", "stopped", "terminated"))); n != 3 {
			t.Errorf("%d are stopped or terminated", n)
		}
	})
}

func TestHook(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, Hook: func(c *ec2sim.Call) error {
		if c.Params.Get("ImageId") == ec2sim.BaseImage {
			return ec2sim.Error("UnauthorizedOperation", "not this one", 0)
		}
		return nil
	}})
	_, err := client(r).RunInstances(t.Context(), some(1))
	wantCode(t, err, "UnauthorizedOperation", http.StatusForbidden)
	other := some(1)
	other.ImageId = aws.String(ec2sim.BaseImageBefore)
	run(t, client(r), other)
}

// Who gives up waiting may find the call done.
func TestGivingUpWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client(r).RunInstances(ctx, some(2))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if n := len(r.Instances()); n != 2 {
			t.Errorf("%d instances", n)
		}
	})
}
