package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const page = 1000 // the most that describe calls give at once

// Pages calls f with the token of each page, until EC2 has no more.
func Pages(f func(token *string) (next *string, err error)) error {
	var token *string
	for {
		next, err := f(token)
		if err != nil || value(next) == "" {
			return err
		}
		token = next
	}
}

// Filter is a filter of a describe call: the values of one name are alternatives.
func Filter(name string, values ...string) types.Filter {
	return types.Filter{Name: new(name), Values: values}
}

// look describes every instance that carries the cluster's name tag: dead ones too, because
// only they tell a node that died from one that cannot be seen yet. Sorted by id.
func (s *Session) look(ctx context.Context, cluster string) ([]planner.Instance, error) {
	return s.instances(ctx, Filter("tag:"+tagName, cluster), "look at cluster "+cluster)
}

// instances describes the instances that a filter lets through, sorted by id.
func (s *Session) instances(ctx context.Context, by types.Filter, doing string) ([]planner.Instance, error) {
	var found []planner.Instance
	err := Pages(func(token *string) (*string, error) {
		out, err := Do(ctx, s, Request{Action: "DescribeInstances", Doing: doing},
			s.EC2.DescribeInstances, &ec2.DescribeInstancesInput{
				Filters:    []types.Filter{by},
				MaxResults: new(int32(page)),
				NextToken:  token,
			})
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				p := toInstance(i, value(r.ReservationId))
				p.Account = value(r.OwnerId)
				found = append(found, p)
			}
		}
		return out.NextToken, nil
	})
	slices.SortFunc(found, func(a, b planner.Instance) int { return strings.Compare(a.ID, b.ID) })
	return found, err
}

func toInstance(i types.Instance, reservation string) planner.Instance {
	tags := FromTags(i.Tags)
	slot, size := slotOf(tags, int(value(i.AmiLaunchIndex)))
	p := planner.Instance{
		ID:           value(i.InstanceId),
		StateReason:  stateReason(i),
		Launched:     value(i.LaunchTime),
		Group:        tags[tagGroup],
		Slot:         slot,
		Spec:         tags[tagSpec],
		ClientToken:  value(i.ClientToken),
		Reservation:  reservation,
		CallSize:     size,
		LaunchIndex:  int(value(i.AmiLaunchIndex)),
		ImageID:      value(i.ImageId),
		InstanceType: string(i.InstanceType),
		Architecture: string(i.Architecture),
		SubnetID:     value(i.SubnetId),
		PrivateIP:    value(i.PrivateIpAddress),
		PrivateDNS:   value(i.PrivateDnsName),
		PublicIP:     value(i.PublicIpAddress),
		Market:       "on-demand",
		Tags:         tags,
	}
	if i.State != nil {
		p.State = planner.State(i.State.Name)
	}
	if i.Placement != nil {
		p.Zone, p.PlacementGroup = value(i.Placement.AvailabilityZone), value(i.Placement.GroupName)
	}
	if c := i.CpuOptions; c != nil {
		p.Cores, p.ThreadsPerCore = int(value(c.CoreCount)), int(value(c.ThreadsPerCore))
	}
	if i.InstanceLifecycle != "" {
		p.Market = string(i.InstanceLifecycle)
	}
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && value(m.DeviceName) == value(i.RootDeviceName) {
			p.RootVolumeID = value(m.Ebs.VolumeId)
		}
	}
	return p
}

// stateReason joins EC2's reasons: code and message may contradict each other, and a person
// needs both to see what happened.
func stateReason(i types.Instance) string {
	var parts []string
	if r := i.StateReason; r != nil {
		code, msg := value(r.Code), value(r.Message)
		if code != "" && !strings.HasPrefix(msg, code) {
			parts = append(parts, code)
		}
		if msg != "" {
			parts = append(parts, msg)
		}
	}
	if t := value(i.StateTransitionReason); t != "" {
		parts = append(parts, t)
	}
	return strings.Join(parts, ": ")
}

// roots fills in what the root volumes of live instances were made from. It asks by the cluster's
// tag, a call a thousand volumes; a root volume that was swapped carries no tag of ours, so those
// still missing are asked for by id.
func (s *Session) roots(ctx context.Context, cluster string, instances []planner.Instance) error {
	volumes := map[string]types.Volume{}
	ask := func(in ec2.DescribeVolumesInput) error {
		return Pages(func(token *string) (*string, error) {
			in.NextToken = token
			out, err := Do(ctx, s, Request{Action: "DescribeVolumes", Doing: "look at the root volumes of cluster " + cluster},
				s.EC2.DescribeVolumes, &in)
			if err != nil {
				return nil, err
			}
			for _, v := range out.Volumes {
				volumes[value(v.VolumeId)] = v
			}
			return out.NextToken, nil
		})
	}
	if err := ask(ec2.DescribeVolumesInput{
		Filters: []types.Filter{Filter("tag:"+tagName, cluster)}, MaxResults: new(int32(page)),
	}); err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, i := range instances {
		if _, ok := volumes[i.RootVolumeID]; !ok && i.RootVolumeID != "" && !i.State.Dead() {
			missing[i.RootVolumeID] = true
		}
	}
	// As filter values, not as ids: one id that EC2 does not show yet would fail the whole call.
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(missing)), 200) {
		if err := ask(ec2.DescribeVolumesInput{
			Filters: []types.Filter{Filter("volume-id", ids...)}, MaxResults: new(int32(page)),
		}); err != nil {
			return err
		}
	}
	for k := range instances {
		i := &instances[k]
		if v, ok := volumes[i.RootVolumeID]; ok {
			i.RootSnapshot, i.RootSize = value(v.SnapshotId), int(value(v.Size))
			i.RootType, i.RootEncrypted = string(v.VolumeType), value(v.Encrypted)
			i.RootVolumeCopied = value(v.SourceVolumeId) != ""
		}
	}
	return nil
}

// placements describes the placement groups that carry the cluster's name tag, sorted by name.
func (s *Session) placements(ctx context.Context, cluster string) ([]planner.PlacementGroup, error) {
	out, err := Do(ctx, s, Request{Action: "DescribePlacementGroups", Doing: fmt.Sprintf("look at the placement groups of cluster %s", cluster)},
		s.EC2.DescribePlacementGroups, &ec2.DescribePlacementGroupsInput{
			Filters: []types.Filter{Filter("tag:"+tagName, cluster)},
		})
	if err != nil {
		return nil, err
	}
	groups := []planner.PlacementGroup{}
	for _, g := range out.PlacementGroups {
		groups = append(groups, planner.PlacementGroup{
			Name: value(g.GroupName), Strategy: string(g.Strategy), State: string(g.State),
			Group: FromTags(g.Tags)[tagGroup], ARN: value(g.GroupArn),
		})
	}
	slices.SortFunc(groups, func(a, b planner.PlacementGroup) int { return strings.Compare(a.Name, b.Name) })
	return groups, nil
}
