package ec2sim

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	maxPlacementGroups = 500
	maxPartitions      = 7
)

// members are the instances of a placement group that are not gone.
func (w *world) members(group string) []*instance {
	var all []*instance
	for _, i := range w.Instances {
		if value(w.Launches[i.Launch].Placement.GroupName) == group && w.phase(i) != terminated {
			all = append(all, i)
		}
	}
	return all
}

func (w *world) createPlacementGroup(in *ec2.CreatePlacementGroupInput) (*ec2.CreatePlacementGroupOutput, error) {
	name := value(in.GroupName)
	switch {
	case name == "":
		return nil, fail("MissingParameter", "The request must contain the parameter GroupName")
	case len(name) > 255:
		return nil, fail("InvalidParameterValue", "The name of a placement group has at most 255 characters.")
	case w.Groups[name] != nil:
		return nil, fail("InvalidPlacementGroup.Duplicate", "The Placement Group '%s' already exists.", name)
	case len(w.Groups) >= maxPlacementGroups:
		return nil, fail("PlacementGroupLimitExceeded", "You have reached the limit of %d placement groups.", maxPlacementGroups)
	case in.LinkedGroupId != nil || in.ParentGroupId != nil || in.Operator != nil:
		return nil, unmodelled("linked and managed placement groups")
	}
	g := &types.PlacementGroup{GroupName: new(name), State: types.PlacementGroupStateAvailable, Strategy: cmp.Or(in.Strategy, types.PlacementStrategyCluster)}
	switch g.Strategy {
	case types.PlacementStrategyCluster:
	case types.PlacementStrategySpread:
		g.SpreadLevel = cmp.Or(in.SpreadLevel, types.SpreadLevelRack)
		if g.SpreadLevel != types.SpreadLevelRack {
			return nil, fail("InvalidParameterValue", "The spread level '%s' is for Outposts only.", g.SpreadLevel)
		}
	case types.PlacementStrategyPartition:
		g.PartitionCount = new(cmp.Or(value(in.PartitionCount), 2))
		if n := *g.PartitionCount; n < 1 || n > maxPartitions {
			return nil, fail("InvalidParameterValue", "Value (%d) for parameter partitionCount is invalid. Specify a value between 1 and %d.", n, maxPartitions)
		}
	default:
		return nil, unmodelled("the placement strategy " + string(g.Strategy))
	}
	if in.PartitionCount != nil && g.Strategy != types.PlacementStrategyPartition {
		return nil, fail("InvalidParameterCombination", "The parameter partitionCount is valid only with the strategy partition.")
	}
	tags, err := tagSpecifications(in.TagSpecifications, false, types.ResourceTypePlacementGroup)
	if err != nil {
		return nil, err
	}
	g.GroupId = new(w.newID("pg-"))
	g.GroupArn = new(w.arn("placement-group/" + name))
	w.Groups[name] = g
	if t := tags[string(types.ResourceTypePlacementGroup)]; t != nil {
		w.Tags[*g.GroupId] = t
	}
	out := *g
	out.Tags = w.tags(*g.GroupId)
	return &ec2.CreatePlacementGroupOutput{PlacementGroup: &out}, nil
}

func (w *world) deletePlacementGroup(in *ec2.DeletePlacementGroupInput) (*ec2.DeletePlacementGroupOutput, error) {
	g := w.Groups[*in.GroupName]
	if g == nil {
		return nil, placeKind.absent(*in.GroupName)
	}
	if len(w.members(*g.GroupName)) > 0 {
		return nil, fail("InvalidPlacementGroup.InUse", "The placement group '%s' is in use and may not be deleted.", *g.GroupName)
	}
	for _, b := range w.Bookings {
		if b.Group == *g.GroupName && b.active(w.now) {
			return nil, fail("InvalidPlacementGroup.InUse", "The placement group '%s' is in use by the capacity reservation '%s' and may not be deleted.", *g.GroupName, b.ID)
		}
	}
	delete(w.Groups, *g.GroupName)
	delete(w.Tags, *g.GroupId)
	return &ec2.DeletePlacementGroupOutput{}, nil
}

func (w *world) describePlacementGroups(in *ec2.DescribePlacementGroupsInput) (*ec2.DescribePlacementGroupsOutput, error) {
	for _, name := range in.GroupNames {
		if w.Groups[name] == nil {
			return nil, placeKind.absent(name)
		}
	}
	all, err := pick(w.groupsByID(), in.GroupIds, placeKind, nil)
	if err != nil {
		return nil, err
	}
	var rows []*types.PlacementGroup
	for _, g := range all {
		if len(in.GroupNames) == 0 || slices.Contains(in.GroupNames, *g.GroupName) {
			row := *g
			row.Tags = w.tags(*g.GroupId)
			rows = append(rows, &row)
		}
	}
	rows, err = filtered(w, rows, in.Filters)
	return &ec2.DescribePlacementGroupsOutput{PlacementGroups: deref(rows)}, err
}

func (w *world) groupsByID() map[string]*types.PlacementGroup {
	m := map[string]*types.PlacementGroup{}
	for _, g := range w.Groups {
		m[*g.GroupId] = g
	}
	return m
}
