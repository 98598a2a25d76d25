package ec2sim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// modelledBooking is what a reservation may ask for here: room for now, on shared hardware.
var modelledBooking = []string{
	"AvailabilityZone", "AvailabilityZoneId", "ClientToken", "DryRun", "EbsOptimized", "EndDate", "EndDateType", "InstanceCount",
	"InstanceMatchCriteria", "InstancePlatform", "InstanceType", "PlacementGroupArn", "TagSpecifications", "Tenancy",
}

// createCapacityReservation takes room from the pool and from the quota, all that is asked for or none.
func (w *world) createCapacityReservation(in *ec2.CreateCapacityReservationInput) (*ec2.CreateCapacityReservationOutput, error) {
	b, err := w.bookingAsked(in)
	if err != nil {
		return nil, err
	}
	tags, err := tagSpecifications(in.TagSpecifications, false, types.ResourceTypeCapacityReservation)
	if err != nil {
		return nil, err
	}
	if b.Token != "" {
		for _, old := range w.bookings() {
			if old.Token == b.Token && old.Hash == b.Hash {
				return &ec2.CreateCapacityReservationOutput{CapacityReservation: w.viewBooking(old)}, nil
			} else if old.Token == b.Token {
				return nil, fail("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
			}
		}
	}
	h := typeTable()[b.Type]
	if err := w.withinQuota(h, false, b.Count); err != nil {
		return nil, err
	}
	if w.capacity(h, b.Zone) < b.Count {
		return nil, w.shortage(h, b.Zone, false, b.Count)
	}
	w.book(b, tags[string(types.ResourceTypeCapacityReservation)])
	return &ec2.CreateCapacityReservationOutput{CapacityReservation: w.viewBooking(b)}, nil
}

// bookingAsked checks what a reservation asks for.
func (w *world) bookingAsked(in *ec2.CreateCapacityReservationInput) (*booking, error) {
	if key := beyond(in, "", modelledBooking); key != "" {
		return nil, unmodelled("the parameter " + key + " of CreateCapacityReservation")
	}
	if in.Tenancy == types.CapacityReservationTenancyDedicated {
		return nil, unmodelled("capacity reservations of dedicated tenancy")
	}
	h, err := hardwareNamed(*in.InstanceType)
	if err != nil {
		return nil, err
	}
	named := cmp.Or(value(in.AvailabilityZone), value(in.AvailabilityZoneId))
	if named == "" {
		return nil, fail("MissingParameter", "The request must contain the parameter AvailabilityZone or AvailabilityZoneId")
	}
	z, ok := w.zoneNamed(named)
	switch {
	case !ok:
		return nil, fail("InvalidParameterValue", "Invalid availability zone: [%s]", named)
	case !h.offeredIn(z.name):
		return nil, w.notOffered(h, z.name)
	case *in.InstanceCount < 1:
		return nil, fail("InvalidParameterValue", "Value (%d) for parameter instanceCount is invalid. Specify a value of at least 1.", *in.InstanceCount)
	case len(value(in.ClientToken)) > 64:
		return nil, fail("InvalidParameterValue", "The client token is longer than 64 characters.")
	}
	b := &booking{
		Type: h.name, Zone: z.name, Count: int(*in.InstanceCount), Platform: in.InstancePlatform, EBS: is(in.EbsOptimized),
		Criteria: cmp.Or(in.InstanceMatchCriteria, types.InstanceMatchCriteriaOpen),
		Created:  w.now, Start: w.now, Token: value(in.ClientToken), Hash: bookingHash(in),
	}
	if b.End, err = w.endAsked(in); err != nil {
		return nil, err
	}
	if arn := value(in.PlacementGroupArn); arn != "" {
		if b.Group, err = w.clusterGroup(arn); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// endAsked is when a reservation is to end; zero for never.
func (w *world) endAsked(in *ec2.CreateCapacityReservationInput) (time.Time, error) {
	limited := in.EndDateType == types.EndDateTypeLimited
	switch {
	case limited && in.EndDate == nil:
		return time.Time{}, fail("InvalidParameterCombination", "The parameter EndDate is required if EndDateType is limited.")
	case !limited && in.EndDate != nil:
		return time.Time{}, fail("InvalidParameterCombination", "The parameter EndDate is valid only if EndDateType is limited.")
	case limited && !in.EndDate.After(w.now):
		return time.Time{}, fail("InvalidParameterValue", "The end date %s is not in the future.", stamp(*in.EndDate))
	case limited:
		return in.EndDate.UTC(), nil
	}
	return time.Time{}, nil
}

// clusterGroup is the name of a cluster placement group, which a reservation can be made in.
func (w *world) clusterGroup(arn string) (string, error) {
	for _, g := range w.Groups {
		if value(g.GroupArn) != arn {
			continue
		}
		if g.Strategy != types.PlacementStrategyCluster {
			return "", fail("InvalidParameterValue", "The placement group '%s' is not of the strategy cluster.", arn)
		}
		return *g.GroupName, nil
	}
	return "", placeKind.absent(arn)
}

func bookingHash(in *ec2.CreateCapacityReservationInput) string {
	c := *in
	c.ClientToken, c.DryRun = nil, nil
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// cancelCapacityReservation gives room back. Instances that use it go on, as any others.
func (w *world) cancelCapacityReservation(in *ec2.CancelCapacityReservationInput) (*ec2.CancelCapacityReservationOutput, error) {
	if in.ApplyCancellationCharges != "" || in.QuoteId != nil {
		return nil, unmodelled("charges for cancelling a capacity reservation")
	}
	found, err := pick(w.Bookings, []string{*in.CapacityReservationId}, bookingKind, nil)
	if err != nil {
		return nil, err
	}
	b := found[0]
	if b.Block {
		return nil, fail("UnsupportedOperation", "The Capacity Block '%s' cannot be cancelled.", b.ID)
	}
	if !b.active(w.now) {
		// EC2 documents no code for this one.
		return nil, fail("InvalidCapacityReservationState", "The capacity reservation '%s' is %s, and cannot be cancelled.", b.ID, b.state(w.now))
	}
	b.Gone = w.now
	return &ec2.CancelCapacityReservationOutput{Return: new(true)}, nil
}

func (w *world) describeCapacityReservations(in *ec2.DescribeCapacityReservationsInput) (*ec2.DescribeCapacityReservationsOutput, error) {
	all, err := pick(w.Bookings, in.CapacityReservationIds, bookingKind, nil)
	if err != nil {
		return nil, err
	}
	rows := make([]*types.CapacityReservation, len(all))
	for n, b := range all {
		rows[n] = w.viewBooking(b)
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 1, most: 1000, ids: in.CapacityReservationIds, idsNamed: "capacityReservationIds"}
	rows, next, err := paged(w, rows, p, func(r *types.CapacityReservation) []string { return []string{*r.CapacityReservationId} })
	return &ec2.DescribeCapacityReservationsOutput{CapacityReservations: deref(rows), NextToken: next}, err
}

func (w *world) viewBooking(b *booking) *types.CapacityReservation {
	z, _ := w.zoneNamed(b.Zone)
	v := &types.CapacityReservation{
		CapacityReservationId: new(b.ID), CapacityReservationArn: new(w.arn("capacity-reservation/" + b.ID)), OwnerId: new(w.account()),
		InstanceType: new(b.Type), InstancePlatform: b.Platform, AvailabilityZone: new(z.name), AvailabilityZoneId: new(z.id),
		Tenancy: types.CapacityReservationTenancyDefault, TotalInstanceCount: new(int32(b.Count)), AvailableInstanceCount: new(int32(w.free(b))),
		EbsOptimized: new(b.EBS), EphemeralStorage: new(false), State: b.state(w.now), InstanceMatchCriteria: b.Criteria,
		CreateDate: new(b.Created), StartDate: new(b.Start), EndDateType: types.EndDateTypeUnlimited,
		ReservationType: types.CapacityReservationTypeDefault, Tags: w.tags(b.ID),
	}
	if !b.End.IsZero() {
		v.EndDate, v.EndDateType = new(b.End), types.EndDateTypeLimited
	}
	if b.Block {
		v.ReservationType = types.CapacityReservationTypeCapacityBlock
	}
	if b.Group != "" {
		v.PlacementGroupArn = new(w.arn("placement-group/" + b.Group))
	}
	return v
}
