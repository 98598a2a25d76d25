package ec2sim

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	maxUserData = 16 << 10 // bytes, before base64
	spreadLimit = 7        // running instances of a spread placement group in a zone
	efaOnly     = string(types.NetworkInterfaceTypeEfaOnly)
)

// prepareMarket decides how the instances are paid for.
func (w *world) prepareMarket(in *ec2.RunInstancesInput, l *launch, h hardware) error {
	l.Reservation = types.CapacityReservationPreferenceOpen
	if c := in.CapacityReservationSpecification; c != nil {
		if t := c.CapacityReservationTarget; t != nil {
			return fail("InvalidCapacityReservationId.NotFound", "The capacity reservation '%s' does not exist.",
				cmp.Or(value(t.CapacityReservationId), value(t.CapacityReservationResourceGroupArn)))
		}
		if c.CapacityReservationPreference == types.CapacityReservationPreferenceCapacityReservationsOnly {
			return fail("ReservationCapacityExceeded", "There is no open capacity reservation that matches the request.")
		}
		l.Reservation = cmp.Or(c.CapacityReservationPreference, l.Reservation)
	}
	m := in.InstanceMarketOptions
	if m == nil || m.MarketType == "" {
		return nil
	}
	if m.MarketType != types.MarketTypeSpot {
		return unmodelled("the market type " + string(m.MarketType))
	}
	if !h.spot {
		return fail("Unsupported", "The instance type %s is not available as a Spot Instance.", h.name)
	}
	l.Spot = true
	o := m.SpotOptions
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
		l.Zone = w.choose(h, int(*in.MaxCount))
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

// prepareNetwork settles subnets, security groups and interfaces.
func (w *world) prepareNetwork(in *ec2.RunInstancesInput, l *launch, h hardware) error {
	if l.Key != "" && w.Keys[l.Key] == nil {
		return keyKind.absent(l.Key)
	}
	if len(in.NetworkInterfaces) == 0 {
		groups, err := w.groupIDs(in.SecurityGroupIds, in.SecurityGroups)
		if err != nil {
			return err
		}
		s, err := w.subnetOr(value(in.SubnetId), l.Zone)
		if err != nil {
			return err
		}
		l.NICs = []nic{{Type: "interface", Subnet: *s.SubnetId, Groups: groups, Public: is(s.MapPublicIpOnLaunch)}}
		return nil
	}
	if len(in.SecurityGroupIds)+len(in.SecurityGroups) > 0 {
		return fail("InvalidParameterCombination", "Network interfaces and an instance-level security groups may not be specified on the same request")
	}
	if n := len(in.NetworkInterfaces); n > int(h.interfaces()) {
		return fail("InvalidParameterValue", "Interface count %d exceeds the limit for %s", n, h.name)
	}
	seen := map[[2]int32]bool{}
	efas := 0
	for _, spec := range in.NetworkInterfaces {
		n, err := w.prepareNIC(spec, l, h, len(in.NetworkInterfaces) > 1)
		if err != nil {
			return err
		}
		if seen[[2]int32{n.Card, n.Index}] {
			return fail("InvalidParameterValue", "Each network interface requires a unique device index on its network card.")
		}
		seen[[2]int32{n.Card, n.Index}] = true
		if strings.HasPrefix(n.Type, "efa") {
			efas++
		}
		l.NICs = append(l.NICs, n)
	}
	if !seen[[2]int32{0, 0}] {
		return fail("InvalidParameterCombination", "The primary network interface, with device index 0 on network card 0, is missing.")
	}
	if efas > int(h.efas) {
		return fail("InvalidParameterCombination", "The instance type %s supports at most %d EFA interfaces; %d were specified.", h.name, h.efas, efas)
	}
	// The primary interface comes first: it is the one whose address the instance has.
	slices.SortStableFunc(l.NICs, func(a, b nic) int { return cmp.Or(cmp.Compare(a.Card, b.Card), cmp.Compare(a.Index, b.Index)) })
	return nil
}

func (w *world) prepareNIC(s types.InstanceNetworkInterfaceSpecification, l *launch, h hardware, several bool) (nic, error) {
	n := nic{Index: value(s.DeviceIndex), Card: value(s.NetworkCardIndex), Type: cmp.Or(value(s.InterfaceType), "interface"),
		Description: value(s.Description), Keep: s.DeleteOnTermination != nil && !*s.DeleteOnTermination}
	switch {
	case s.NetworkInterfaceId != nil:
		return n, fail("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", *s.NetworkInterfaceId)
	case s.DeviceIndex == nil:
		return n, fail("MissingParameter", "Each network interface requires a device index.")
	case n.Card < 0 || n.Card >= h.cards:
		return n, fail("InvalidParameterValue", "Network card index %d is not valid: the instance type %s has %d network cards.", n.Card, h.name, h.cards)
	case n.Type != "interface" && n.Type != "efa" && n.Type != efaOnly:
		return n, fail("InvalidParameterValue", "Invalid value '%s' for InterfaceType.", n.Type)
	case n.Type != "interface" && h.efas == 0:
		return n, fail("InvalidParameterCombination", "The instance type %s does not support Elastic Fabric Adapter interfaces.", h.name)
	case n.Type == efaOnly && n.Card == 0 && n.Index == 0:
		return n, fail("InvalidParameterCombination", "The primary network interface cannot be of the type efa-only.")
	case several && s.AssociatePublicIpAddress != nil:
		return n, fail("InvalidParameterCombination", "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces.")
	case s.PrivateIpAddress != nil || len(s.PrivateIpAddresses) > 0 || value(s.SecondaryPrivateIpAddressCount) > 0 || value(s.Ipv6AddressCount) > 0 ||
		len(s.Ipv6Addresses) > 0 || len(s.Ipv4Prefixes) > 0 || value(s.Ipv4PrefixCount) > 0 || len(s.Ipv6Prefixes) > 0 || value(s.Ipv6PrefixCount) > 0 ||
		is(s.AssociateCarrierIpAddress) || is(s.PrimaryIpv6) || s.EnaSrdSpecification != nil || s.ConnectionTrackingSpecification != nil || s.EnaQueueCount != nil:
		return n, unmodelled("addresses, prefixes, queues and tracking of a network interface")
	}
	groups, err := w.groupIDs(s.Groups, nil)
	if err != nil {
		return n, err
	}
	subnet, err := w.subnetOr(value(s.SubnetId), l.Zone)
	if err != nil {
		return n, err
	}
	if *subnet.AvailabilityZone != l.Zone {
		return n, fail("InvalidParameterCombination", "The subnet '%s' is not in the Availability Zone %s of the other network interfaces.", *subnet.SubnetId, l.Zone)
	}
	n.Groups, n.Subnet = groups, *subnet.SubnetId
	n.Public = is(subnet.MapPublicIpOnLaunch) && !several && n.Type != efaOnly
	if s.AssociatePublicIpAddress != nil {
		n.Public = *s.AssociatePublicIpAddress
	}
	return n, nil
}

// subnetOr finds a subnet by its id, or the zone's default one.
func (w *world) subnetOr(id, zone string) (*types.Subnet, error) {
	if id != "" {
		if s := w.Subnets[id]; s != nil {
			return s, nil
		}
		return nil, subnetKind.absent(id)
	}
	for _, s := range w.Subnets {
		if is(s.DefaultForAz) && *s.AvailabilityZone == zone {
			return s, nil
		}
	}
	return nil, fail("MissingInput", "No subnets found for the default VPC in the Availability Zone %s. Please specify a subnet.", zone)
}

// groupIDs checks security groups, and finds those that are given by name; none at all is the default one.
func (w *world) groupIDs(ids, names []string) ([]string, error) {
	var all []string
	for _, id := range ids {
		if err := groupKind.check(id); err != nil {
			return nil, err
		}
		if w.Firewalls[id] == nil {
			return nil, groupKind.absent(id)
		}
		all = append(all, id)
	}
	for _, name := range names {
		id := w.groupIDNamed(name)
		if id == "" {
			return nil, fail("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, IDIn(w.Name, VPC))
		}
		all = append(all, id)
	}
	if len(all) == 0 {
		all = []string{IDIn(w.Name, SecurityGroup)}
	}
	return all, nil
}

func (w *world) groupIDNamed(name string) string {
	for id, g := range w.Firewalls {
		if *g.GroupName == name {
			return id
		}
	}
	return ""
}

// addressesWanted is how many private addresses each instance takes, by subnet.
func (l *launch) addressesWanted() map[string]int {
	want := map[string]int{}
	for _, n := range l.NICs {
		if n.Type != efaOnly {
			want[n.Subnet]++
		}
	}
	return want
}

// prepareOptions settles the rest: processor, metadata, user data and the like.
func (w *world) prepareOptions(in *ec2.RunInstancesInput, l *launch, h hardware) error {
	if raw, err := base64.StdEncoding.DecodeString(l.UserData); err != nil {
		return fail("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data")
	} else if len(raw) > maxUserData {
		return fail("InvalidUserData.Malformed", "User data is limited to %d bytes", maxUserData)
	}
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
	var err error
	l.Metadata, err = w.metadata(in.MetadataOptions, w.Images[l.Image])
	return err
}

// profile makes up the profile that is named: a region has no IAM to ask.
func (w *world) profile(p *types.IamInstanceProfileSpecification) *types.IamInstanceProfile {
	arn := value(p.Arn)
	if arn == "" {
		arn = fmt.Sprintf("arn:aws:iam::%s:instance-profile/%s", w.r.o.Account, value(p.Name))
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
