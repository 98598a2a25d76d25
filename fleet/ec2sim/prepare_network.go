package ec2sim

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// efaOnly is an interface that carries no IP.
const efaOnly = string(types.NetworkInterfaceTypeEfaOnly)

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
