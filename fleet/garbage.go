package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Waste is one thing in a region that carries our tags and should not be there any more.
type Waste struct {
	Kind    string // instance, builder, volume, placement group, capacity reservation
	ID      string // EC2's id, or the name of a placement group
	Cluster string // of the cluster:name tag; empty for a builder
	Group   string // of the cluster:group tag; may be empty
	Image   string // FAMILY/VERSION that a builder was launched for
	Since   time.Time
	Why     string // a clause, such as "its time to live of 8h ended 20m ago"

	instance planner.Instance
}

// The kinds of waste.
const (
	wasteInstance    = "instance"
	wasteBuilder     = "builder" // an instance that an image is built on or tried on
	wasteVolume      = "volume"
	wastePlacement   = "placement group"
	wasteReservation = "capacity reservation"
)

// pendingTooLong is when an instance that never came up counts as half-dead, whatever its file
// allows: EC2 gives up on most within minutes.
const pendingTooLong = time.Hour

// FindWaste looks through the region for what our tags are on and nobody needs: instances whose time
// to live is over or that are pending for an hour, volumes and placement groups whose instances are
// gone, capacity reservations that a killed run left behind, and builders of images after their time.
// Nothing without a cluster:name or cluster:image-build tag is ever in the answer. It is sorted by cluster, kind and id.
func (l *Launcher) FindWaste(ctx context.Context) ([]Waste, error) {
	s := l.Session
	instances, err := s.tagged(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var found []Waste
	placed := map[string]bool{} // names of placement groups with instances
	for _, i := range instances {
		if i.State != planner.Terminated {
			placed[i.PlacementGroup] = true
		}
		if why := useless(i, now); why != "" {
			w := Waste{Kind: wasteInstance, ID: i.ID, Cluster: i.Tags[tagName], Group: i.Group, Since: i.Launched, Why: why, instance: i}
			if w.Image = i.Tags[planner.TagBuild]; w.Image != "" {
				w.Kind = wasteBuilder
			}
			found = append(found, w)
		}
	}
	for _, more := range []func(context.Context, map[string]bool) ([]Waste, error){s.wastedVolumes, s.wastedPlacements, s.wastedReservations} {
		w, err := more(ctx, placed)
		if err != nil {
			return nil, err
		}
		found = append(found, w...)
	}
	slices.SortFunc(found, func(a, b Waste) int {
		return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return found, nil
}

// useless says why an instance should not be there; empty if it may.
func useless(i planner.Instance, now time.Time) string {
	if i.State.Dead() {
		return ""
	}
	if at, ok := i.Expires(); ok && now.After(at) {
		return fmt.Sprintf("its time to live of %s ended %s ago", brief(at.Sub(i.Launched)), brief(now.Sub(at)))
	}
	if i.State == planner.Pending && now.Sub(i.Launched) > pendingTooLong {
		return fmt.Sprintf("it has been pending for %s", brief(now.Sub(i.Launched)))
	}
	return ""
}

// brief is a duration to the minute, or to the second below one, without the zeros at its end: 8h, 1h30m, 20s.
func brief(d time.Duration) string {
	unit := time.Minute
	if d < time.Minute {
		unit = time.Second
	}
	s := d.Round(unit).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// tagged are all instances of the region that are of a cluster or were launched to build an image.
func (s *Session) tagged(ctx context.Context) ([]planner.Instance, error) {
	return s.instances(ctx, Filter("tag-key", tagName, planner.TagBuild), "look for what clusters left behind")
}

func (s *Session) wastedVolumes(ctx context.Context, _ map[string]bool) (found []Waste, err error) {
	err = Pages(func(token *string) (*string, error) {
		out, err := Do(ctx, s, Request{Action: "DescribeVolumes", Doing: "look for volumes that clusters left behind"},
			s.EC2.DescribeVolumes, &ec2.DescribeVolumesInput{
				Filters:    []types.Filter{Filter("tag-key", tagName), Filter("status", string(types.VolumeStateAvailable))},
				MaxResults: new(int32(page)), NextToken: token,
			})
		if err != nil {
			return nil, err
		}
		for _, v := range out.Volumes {
			tags := FromTags(v.Tags)
			found = append(found, Waste{
				Kind: wasteVolume, ID: value(v.VolumeId), Cluster: tags[tagName], Group: tags[tagGroup], Since: value(v.CreateTime),
				Why: "its instance is gone",
			})
		}
		return out.NextToken, nil
	})
	return found, err
}

func (s *Session) wastedPlacements(ctx context.Context, placed map[string]bool) (found []Waste, err error) {
	out, err := Do(ctx, s, Request{Action: "DescribePlacementGroups", Doing: "look for placement groups that clusters left behind"},
		s.EC2.DescribePlacementGroups, &ec2.DescribePlacementGroupsInput{Filters: []types.Filter{
			Filter("tag-key", tagName), Filter("state", string(types.PlacementGroupStateAvailable)),
		}})
	if err != nil {
		return nil, err
	}
	for _, g := range out.PlacementGroups {
		if tags := FromTags(g.Tags); !placed[value(g.GroupName)] {
			found = append(found, Waste{
				Kind: wastePlacement, ID: value(g.GroupName), Cluster: tags[tagName], Group: tags[tagGroup], Why: "no instance is in it",
			})
		}
	}
	return found, nil
}

func (s *Session) wastedReservations(ctx context.Context, _ map[string]bool) (found []Waste, err error) {
	err = s.eachReservation(ctx, []types.Filter{Filter("state", string(types.CapacityReservationStateActive))}, func(r types.CapacityReservation) {
		tags := FromTags(r.Tags)
		if tags[tagName] == "" || s.now().Sub(value(r.CreateDate)) < 15*time.Minute {
			return // somebody else's, or a launch may be under way
		}
		found = append(found, Waste{
			Kind: wasteReservation, ID: value(r.CapacityReservationId), Cluster: tags[tagName], Group: tags[tagGroup], Since: value(r.CreateDate),
			Why: "the launch that it was made for is over",
		})
	})
	return found, err
}

// Clear ends what FindWaste found, in as few calls as EC2 allows, and returns how many things went.
// Instances are not waited for.
func (l *Launcher) Clear(ctx context.Context, waste []Waste) (gone int, err error) {
	s := l.Session
	var instances []planner.Instance
	for _, w := range waste {
		if w.Kind == wasteInstance || w.Kind == wasteBuilder {
			instances = append(instances, w.instance)
		}
	}
	var errs []error
	if len(instances) > 0 {
		n, err := s.terminate(ctx, instances)
		gone += n
		errs = append(errs, err)
	}
	for _, w := range waste {
		if ctx.Err() != nil {
			return gone, errors.Join(append(errs, context.Cause(ctx))...)
		}
		var err error
		switch w.Kind {
		case wasteVolume:
			_, err = Do(ctx, s, Request{Action: "DeleteVolume", Doing: "delete volume " + w.ID}, s.EC2.DeleteVolume, &ec2.DeleteVolumeInput{VolumeId: new(w.ID)})
		case wastePlacement:
			_, err = Do(ctx, s, Request{Action: "DeletePlacementGroup", Doing: "delete placement group " + w.ID},
				s.EC2.DeletePlacementGroup, &ec2.DeletePlacementGroupInput{GroupName: new(w.ID)})
		case wasteReservation:
			err = s.unreserve(ctx, w.ID)
		default:
			continue
		}
		if err == nil {
			gone++
		}
		errs = append(errs, err)
	}
	return gone, errors.Join(errs...)
}
