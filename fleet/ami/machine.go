package ami

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A machine is an instance that an image is made from or tried on.
type machine struct {
	id           string
	state        planner.State
	reason       string // EC2's, for the state
	byHand       bool   // somebody stopped or ended it, so that the state says nothing of its image
	image        string // id
	architecture string
	rootDevice   string
	onEBS        bool     // the root device is an EBS volume
	kept         []string // device names of volumes that would outlive it
	launched     time.Time
	tags         map[string]string
}

func toMachine(i types.Instance) machine {
	m := machine{
		id: value(i.InstanceId), image: value(i.ImageId), architecture: string(i.Architecture), rootDevice: value(i.RootDeviceName),
		onEBS: i.RootDeviceType != types.DeviceTypeInstanceStore, launched: value(i.LaunchTime), tags: fleet.FromTags(i.Tags),
	}
	if i.State != nil {
		m.state = planner.State(i.State.Name)
	}
	if r := i.StateReason; r != nil {
		m.reason = cmp.Or(value(r.Message), value(r.Code))
		m.byHand = strings.HasPrefix(value(r.Code), "Client.UserInitiated")
	}
	for _, b := range i.BlockDeviceMappings {
		if b.Ebs != nil && !value(b.Ebs.DeleteOnTermination) {
			m.kept = append(m.kept, value(b.DeviceName))
		}
	}
	slices.Sort(m.kept)
	return m
}

// machines describes the instances that a filter lets through, the oldest first.
func (k *Keeper) machines(ctx context.Context, by types.Filter, doing string) (found []machine, err error) {
	err = fleet.Pages(func(token *string) (*string, error) {
		out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeInstances", Doing: doing}, k.Session.EC2.DescribeInstances,
			&ec2.DescribeInstancesInput{Filters: []types.Filter{by}, MaxResults: new(int32(page)), NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				found = append(found, toMachine(i))
			}
		}
		return out.NextToken, nil
	})
	slices.SortFunc(found, func(a, b machine) int { return cmp.Or(a.launched.Compare(b.launched), compare(a.id, b.id)) })
	return found, err
}

// machine describes one instance. One that EC2 does not know, because there is none or it has been
// terminated for long, is as terminated as any, and has no time of launch.
func (k *Keeper) machine(ctx context.Context, id string) (machine, error) {
	// By filter and not by id: an unknown one is then no error, and a young one not either.
	found, err := k.machines(ctx, fleet.Filter("instance-id", id), "look at "+id)
	if err != nil || len(found) == 0 {
		return machine{id: id, state: planner.Terminated}, err
	}
	return found[0], nil
}

// How often an instance in the middle of a change is looked at, and for how long.
const (
	lookEvery  = 5 * time.Second
	changeTime = 15 * time.Minute

	// askedLately is for how long a look may not show yet what a call has begun.
	askedLately = 15 * time.Second
)

// retag writes tags on one thing.
func (k *Keeper) retag(ctx context.Context, id string, tags map[string]string) error {
	_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "CreateTags", Doing: "tag " + id}, k.Session.EC2.CreateTags,
		&ec2.CreateTagsInput{Resources: []string{id}, Tags: fleet.ToTags(tags)})
	return err
}

// untag takes tags away, whatever their values.
func (k *Keeper) untag(ctx context.Context, id string, keys ...string) error {
	in := &ec2.DeleteTagsInput{Resources: []string{id}}
	for _, key := range keys {
		in.Tags = append(in.Tags, types.Tag{Key: new(key)})
	}
	_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DeleteTags", Doing: "take the tag " + keys[0] + " from " + id}, k.Session.EC2.DeleteTags, in)
	return err
}
