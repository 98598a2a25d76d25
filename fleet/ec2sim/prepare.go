package ec2sim

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	maxUserData = 16 << 10 // bytes, before base64
	spreadLimit = 7        // running instances of a spread placement group in a zone
)

// prepareMarket decides how the instances are paid for.
func (w *world) prepareMarket(in *ec2.RunInstancesInput, l *launch, h hardware) error {
	switch m := value(in.InstanceMarketOptions); m.MarketType {
	case "", types.MarketTypeOnDemand:
	case types.MarketTypeSpot:
		if !h.spot {
			return fail("Unsupported", "The instance type %s is not available as a Spot Instance.", h.name)
		}
		l.Spot = true
		if err := checkSpot(m.SpotOptions); err != nil {
			return err
		}
	case types.MarketTypeCapacityBlock:
		l.Block = true
	default:
		return unmodelled("the market type " + string(m.MarketType))
	}
	return w.prepareReservation(in, l)
}

// checkSpot refuses options of Spot that cannot be.
func checkSpot(o *types.SpotMarketOptions) error {
	if o == nil {
		return nil
	}
	if o.MaxPrice != nil {
		price, err := strconv.ParseFloat(*o.MaxPrice, 64)
		if err != nil {
			return fail("InvalidParameterValue", "Invalid value '%s' for MaxPrice.", *o.MaxPrice)
		}
		if price <= 0.001 {
			return fail("SpotMaxPriceTooLow", "Your Spot request price of %s is lower than the minimum required Spot request fulfillment price.", *o.MaxPrice)
		}
	}
	if o.SpotInstanceType == types.SpotInstanceTypePersistent && (o.InstanceInterruptionBehavior == "" || o.InstanceInterruptionBehavior == types.InstanceInterruptionBehaviorTerminate) {
		return fail("InvalidParameterCombination", "Persistent Spot requests need the interruption behavior stop or hibernate with RunInstances.")
	}
	return nil
}

// preparePlacement settles the zone and the placement group.
func (w *world) preparePlacement(in *ec2.RunInstancesInput, l *launch, h hardware) error {
	p := value(in.Placement)
	l.Placement = &types.Placement{Tenancy: cmp.Or(p.Tenancy, types.TenancyDefault)}
	g, err := w.groupAsked(p)
	if err != nil {
		return err
	}
	if g != nil {
		l.Placement.GroupName, l.Placement.GroupId = g.GroupName, g.GroupId
		if err := w.joinGroup(g, p, l, h); err != nil {
			return err
		}
	} else if p.PartitionNumber != nil {
		return fail("InvalidParameterCombination", "The partition number is valid only with a placement group of the strategy partition.")
	} else {
		l.Placement.GroupName = new("")
	}
	if l.Zone == "" {
		l.Zone = w.choose(l, h, int(*in.MaxCount))
	} else if !h.offeredIn(l.Zone) {
		return w.notOffered(h, l.Zone)
	}
	return nil
}

func (w *world) groupAsked(p types.Placement) (*types.PlacementGroup, error) {
	name, id := value(p.GroupName), value(p.GroupId)
	if name == "" && id == "" {
		return nil, nil
	}
	for _, g := range w.Groups {
		if *g.GroupName == name || *g.GroupId == id {
			return g, nil
		}
	}
	return nil, placeKind.absent(cmp.Or(name, id))
}

// joinGroup checks that a launch fits a placement group.
func (w *world) joinGroup(g *types.PlacementGroup, p types.Placement, l *launch, h hardware) error {
	if !slices.Contains(h.strategies(), types.PlacementGroupStrategy(g.Strategy)) {
		return fail("InvalidParameterCombination", "Placement groups may not be used with instances of type '%s'.", h.name)
	}
	if n := p.PartitionNumber; n != nil {
		if g.Strategy != types.PlacementStrategyPartition || *n < 1 || *n > value(g.PartitionCount) {
			return fail("InvalidParameterValue", "Value (%d) for parameter partitionNumber is invalid. The placement group '%s' has no such partition.", *n, *g.GroupName)
		}
		l.Placement.PartitionNumber = n
	}
	if g.Strategy != types.PlacementStrategyCluster {
		return nil
	}
	for _, i := range w.members(*g.GroupName) {
		home := w.Launches[i.Launch].Zone
		if l.Zone == "" {
			l.Zone = home
		}
		if l.Zone != home {
			return fail("InvalidParameterValue", "The instances of the cluster placement group '%s' are in the Availability Zone %s, and it cannot span Availability Zones.", *g.GroupName, home)
		}
	}
	return nil
}

// prepareOptions settles the rest: processor, metadata, user data and the like.
func (w *world) prepareOptions(in *ec2.RunInstancesInput, l *launch, h hardware) error {
	raw, err := base64.StdEncoding.DecodeString(l.UserData)
	if err != nil {
		return fail("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data")
	} else if len(raw) > maxUserData {
		return fail("InvalidUserData.Malformed", "User data is limited to %d bytes", maxUserData)
	}
	l.Timer, l.Build, l.Breaks = hasTimer(raw), readBuild(raw), hasLine(raw, breaksLine)
	l.CPU = &types.CpuOptions{CoreCount: new(h.vcpus / h.threads), ThreadsPerCore: new(h.threads)}
	if c := in.CpuOptions; c != nil && (c.CoreCount != nil || c.ThreadsPerCore != nil) {
		cores, threads := value(c.CoreCount), value(c.ThreadsPerCore)
		if cores < 1 || cores > h.vcpus/h.threads || threads < 1 || threads > h.threads {
			return fail("InvalidParameterValue", "CpuOptions of %d cores with %d threads each are not valid for the instance type %s.", cores, threads, h.name)
		}
		l.CPU = &types.CpuOptions{CoreCount: c.CoreCount, ThreadsPerCore: c.ThreadsPerCore}
	}
	l.Names = &types.PrivateDnsNameOptionsResponse{HostnameType: types.HostnameTypeIpName, EnableResourceNameDnsARecord: new(false), EnableResourceNameDnsAAAARecord: new(false)}
	if o := in.PrivateDnsNameOptions; o != nil {
		l.Names.HostnameType = cmp.Or(o.HostnameType, l.Names.HostnameType)
		l.Names.EnableResourceNameDnsARecord = new(is(o.EnableResourceNameDnsARecord))
		l.Names.EnableResourceNameDnsAAAARecord = new(is(o.EnableResourceNameDnsAAAARecord))
	}
	l.Recovery, l.Bandwidth = types.InstanceAutoRecoveryStateDefault, types.InstanceBandwidthWeightingDefault
	if o := in.MaintenanceOptions; o != nil {
		l.Recovery = cmp.Or(o.AutoRecovery, l.Recovery)
	}
	if o := in.NetworkPerformanceOptions; o != nil {
		l.Bandwidth = cmp.Or(o.BandwidthWeighting, l.Bandwidth)
	}
	l.Hibernates = in.HibernationOptions != nil && is(in.HibernationOptions.Configured)
	l.Enclave = in.EnclaveOptions != nil && is(in.EnclaveOptions.Enabled)
	if in.CreditSpecification != nil {
		l.Credits = *in.CreditSpecification.CpuCredits
	}
	if p := in.IamInstanceProfile; p != nil {
		l.Profile = w.profile(p)
	}
	l.Metadata, err = w.metadata(in.MetadataOptions, w.Images[l.Image])
	return err
}

// profile makes up the profile that is named: a region has no IAM to ask.
func (w *world) profile(p *types.IamInstanceProfileSpecification) *types.IamInstanceProfile {
	arn := value(p.Arn)
	if arn == "" {
		arn = fmt.Sprintf("arn:aws:iam::%s:instance-profile/%s", w.account(), value(p.Name))
	}
	return &types.IamInstanceProfile{Arn: new(arn), Id: new(fmt.Sprintf("AIPA%016X", w.r.hash("profile", arn)))}
}

func (w *world) metadata(o *types.InstanceMetadataOptionsRequest, i *image) (*types.InstanceMetadataOptionsResponse, error) {
	m := &types.InstanceMetadataOptionsResponse{
		State: types.InstanceMetadataOptionsStateApplied, HttpEndpoint: types.InstanceMetadataEndpointStateEnabled,
		HttpProtocolIpv6: types.InstanceMetadataProtocolStateDisabled, InstanceMetadataTags: types.InstanceMetadataTagsStateDisabled,
		HttpTokens: types.HttpTokensStateOptional, HttpPutResponseHopLimit: new(int32(1)),
	}
	if i.ImdsSupport == types.ImdsSupportValuesV20 {
		m.HttpTokens, m.HttpPutResponseHopLimit = types.HttpTokensStateRequired, new(int32(2))
	}
	if o == nil {
		return m, nil
	}
	m.HttpEndpoint = cmp.Or(o.HttpEndpoint, m.HttpEndpoint)
	m.HttpTokens = cmp.Or(o.HttpTokens, m.HttpTokens)
	m.HttpProtocolIpv6 = cmp.Or(o.HttpProtocolIpv6, m.HttpProtocolIpv6)
	m.InstanceMetadataTags = cmp.Or(o.InstanceMetadataTags, m.InstanceMetadataTags)
	if n := o.HttpPutResponseHopLimit; n != nil {
		if *n < 1 || *n > 64 {
			return nil, fail("InvalidParameterValue", "Value (%d) for parameter HttpPutResponseHopLimit is invalid. Specify a value between 1 and 64.", *n)
		}
		m.HttpPutResponseHopLimit = n
	}
	return m, nil
}
