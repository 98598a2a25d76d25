package ami

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// probeWithin is how long the first instance of an image may take to run and to pass EC2's status checks,
// which look at it every minute.
const probeWithin = 15 * time.Minute

// probe launches one instance of the image, and waits until EC2's status checks say that its system boots
// and answers. If they do not, the image goes: nobody has used it, and its version stays free. That it came
// up well is written on the image. A launch that EC2 refuses says nothing of the image, which stays.
func (b *building) probe(ctx context.Context, machines []machine) (err error) {
	img := b.done.Image
	var m machine
	if found := living(machines, img.ID); len(found) > 0 {
		m = found[0]
	} else if m, err = b.launch(ctx, "boot test", func(subnet string) *ec2.RunInstancesInput {
		in := b.input(img.ID, subnet, map[string]string{planner.TagProbe: img.ID, "Name": "test " + b.label})
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: new(img.RootDevice), Ebs: &types.EbsBlockDevice{DeleteOnTermination: new(true)}}}
		return in
	}); err != nil {
		return err
	}
	reason, byHand, err := b.watch(ctx, m)
	if err != nil {
		return err
	}
	if reason != "" {
		// Somebody who builds the same may have seen it come up before, and ended it.
		now, err := b.Describe(ctx, img.ID)
		if err == nil && now.Tested != "" {
			b.done.Image = now
			return nil
		}
		if byHand {
			return fmt.Errorf("the first instance of %s, %s, %s: somebody ended it before it had come up; run the same command again", img.Text(), m.id, reason)
		}
		e := &ProbeError{Image: img, Instance: m.id, Reason: reason}
		if err := b.discard(ctx, img, "its first instance "+reason); err != nil {
			return join(e, err)
		}
		b.done.Image = Image{}
		return e
	}
	b.tell(Event{Type: EventTested, Instance: m.id, Image: img.ID, Family: img.Family, Version: img.Version})
	return b.retag(ctx, img.ID, map[string]string{
		planner.TagImageTested: fmt.Sprintf("%s %s", b.m.InstanceType, b.Session.Now().UTC().Format(time.DateOnly)),
	})
}

// watch waits until an instance has passed its status checks. It gives the reason, a clause, if it will not,
// and whether somebody has seen to that.
func (b *building) watch(ctx context.Context, m machine) (reason string, byHand bool, err error) {
	deadline := b.Session.Now().Add(probeWithin)
	for {
		out, err := fleet.Do(ctx, b.Session, fleet.Request{Action: "DescribeInstanceStatus", Doing: "look at the status checks of " + m.id},
			b.Session.EC2.DescribeInstanceStatus, &ec2.DescribeInstanceStatusInput{
				// By id: there is no filter for it. One that is too young to be known fails the call.
				InstanceIds: []string{m.id}, IncludeAllInstances: new(true),
			})
		switch {
		case code(err) == "InvalidInstanceID.NotFound":
		case err != nil:
			return "", false, err
		case len(out.InstanceStatuses) > 0:
			s := out.InstanceStatuses[0]
			if state := planner.State(s.InstanceState.Name); state.Dead() || state == planner.Stopped || state == planner.Stopping {
				return b.demise(ctx, m.id, state)
			}
			checks := []types.SummaryStatus{checked(s.SystemStatus), checked(s.InstanceStatus)}
			if slices.Contains(checks, types.SummaryStatusImpaired) {
				return "does not pass EC2's status checks", false, nil
			}
			if checks[0] == types.SummaryStatusOk && checks[1] == types.SummaryStatusOk {
				return "", false, nil
			}
		}
		if b.Session.Now().After(deadline) {
			return fmt.Sprintf("has not passed EC2's status checks within %s", probeWithin), false, nil
		}
		if err := b.Session.Sleep(ctx, 10*time.Second); err != nil {
			return "", false, err
		}
	}
}

// demise says why an instance does not run.
func (b *building) demise(ctx context.Context, id string, state planner.State) (reason string, byHand bool, err error) {
	m, err := b.machine(ctx, id)
	if err != nil {
		return "", false, err
	}
	return fmt.Sprintf("is %s: %s", state, orNoReason(m.reason)), m.byHand, nil
}

func checked(s *types.InstanceStatusSummary) types.SummaryStatus {
	if s == nil {
		return ""
	}
	return s.Status
}
