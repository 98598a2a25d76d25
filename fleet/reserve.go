package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// reservations describes the capacity reservations of the types of a file. EC2 has no filter for
// their ids, and asking by id fails as a whole for an unknown one; the planner picks.
func (s *Session) reservations(ctx context.Context, typeNames []string, f *planner.Facts) error {
	return s.eachReservation(ctx, []types.Filter{Filter("instance-type", typeNames...)}, func(r types.CapacityReservation) {
		f.Reservations = append(f.Reservations, planner.Reservation{
			ID: value(r.CapacityReservationId), Type: value(r.InstanceType), Zone: value(r.AvailabilityZone),
			State: string(r.State), Block: r.ReservationType == types.CapacityReservationTypeCapacityBlock,
			Total: int(value(r.TotalInstanceCount)), Available: int(value(r.AvailableInstanceCount)),
			Start: value(r.StartDate), End: value(r.EndDate),
		})
	})
}

func (s *Session) eachReservation(ctx context.Context, by []types.Filter, use func(types.CapacityReservation)) error {
	return Pages(func(token *string) (*string, error) {
		out, err := Do(ctx, s, Request{Action: "DescribeCapacityReservations", Doing: "look up capacity reservations"},
			s.EC2.DescribeCapacityReservations, &ec2.DescribeCapacityReservationsInput{
				Filters: by, MaxResults: new(int32(page)), NextToken: token,
			})
		if err != nil {
			return nil, err
		}
		for _, r := range out.CapacityReservations {
			use(r)
		}
		return out.NextToken, nil
	})
}

// leftovers are the active reservations that an earlier run made for this cluster and could not
// give back.
func (s *Session) leftovers(ctx context.Context, cluster string) (ids []string, err error) {
	err = s.eachReservation(ctx, []types.Filter{Filter("state", string(types.CapacityReservationStateActive))}, func(r types.CapacityReservation) {
		if FromTags(r.Tags)[tagName] == cluster {
			ids = append(ids, value(r.CapacityReservationId))
		}
	})
	slices.Sort(ids)
	return ids, err
}

// reserve asks for room for the whole rung before anything is launched: it is had as a whole or
// not at all, and costs nothing if it is not. It ends by itself a while after the launch may have
// taken its time, should this program not live to give it back.
func (c *climb) reserve(ctx context.Context, r planner.Rung) (id string, err error) {
	end := c.a.s.now().Add(max(c.group.Launch.Timeout, 15*time.Minute) + 15*time.Minute).UTC().Truncate(time.Second)
	nodes := c.group.Name + "[" + c.slots.String() + "]"
	h := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %s %s", c.a.want.Name, nodes, r.Type, r.Subnets[0].Zone, end))
	tags := map[string]string{tagName: c.a.want.Name, tagGroup: c.group.Name}
	out, err := Do(ctx, c.a.s, Request{Action: "CreateCapacityReservation", Doing: "reserve capacity for " + nodes, At: c.group.Launch.Source.At("reserve")},
		c.a.s.EC2.CreateCapacityReservation, &ec2.CreateCapacityReservationInput{
			InstanceType: new(r.Type), InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix,
			AvailabilityZone: new(r.Subnets[0].Zone), InstanceCount: new(int32(len(c.slots))),
			InstanceMatchCriteria: types.InstanceMatchCriteriaTargeted,
			EndDateType:           types.EndDateTypeLimited, EndDate: new(end),
			PlacementGroupArn: c.placementARN(),
			ClientToken:       new(hex.EncodeToString(h[:])),
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeCapacityReservation, Tags: ToTags(tags)}},
		})
	if err != nil {
		return "", err
	}
	return value(out.CapacityReservation.CapacityReservationId), nil
}

// placementARN is that of the group's cluster placement group, in which its room must be reserved
// to be of use; nil for other groups, which cannot be reserved in.
func (c *climb) placementARN() *string {
	for _, p := range c.a.have.PlacementGroups {
		if p.Name == c.plan.PlacementGroup && p.Strategy == string(spec.PlacementCluster) && p.ARN != "" {
			return new(p.ARN)
		}
	}
	return nil
}

// reservable says that a rung's room can be reserved first: it is not reserved already, and it
// is one zone's on-demand capacity.
func (c *climb) reservable(r planner.Rung) bool {
	return c.group.Launch.Reserve && r.Reservation == "" && r.Market != spec.Spot && len(r.Subnets) == 1
}

// unreserve gives a reservation back, an interrupt notwithstanding: it is billed. Instances that were
// launched into it stay.
func (s *Session) unreserve(ctx context.Context, id string) error {
	_, err := Do(context.WithoutCancel(ctx), s, Request{Action: "CancelCapacityReservation", Doing: "give back capacity reservation " + id},
		s.EC2.CancelCapacityReservation, &ec2.CancelCapacityReservationInput{CapacityReservationId: new(id)})
	if e, _ := split(err); e != nil && strings.HasPrefix(e.Code, "InvalidCapacityReservation") {
		return nil // ended by itself
	}
	return err
}

// unreserveLeftovers gives back what a run that was killed had reserved, for a file that reserves.
func (a *apply) unreserveLeftovers(ctx context.Context) error {
	if !features(a.want).reserve {
		return nil
	}
	_, err := a.l.Unreserve(ctx, a.want.Name)
	return err
}

// Unreserve gives back the capacity reservations that an earlier run made for a cluster (launch.reserve) and did
// not live to give back, and returns how many. Instances in them stay. Apply does so by itself, for a file that
// reserves; this is for a cluster that needs nothing else, or is to end.
func (l *Launcher) Unreserve(ctx context.Context, cluster string) (n int, err error) {
	ids, err := l.Session.leftovers(ctx, cluster)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, l.Session.unreserve(ctx, id))
	}
	return len(ids), errors.Join(errs...)
}
