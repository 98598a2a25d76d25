package ec2sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// vpcCIDR are the addresses of the default VPC.
const vpcCIDR = "172.31.0.0/16"

// SubnetSpec is a subnet of the default VPC.
type SubnetSpec struct {
	ID   string // "" draws one
	Zone string // us-east-1a
	CIDR string // /28 at the smallest, within 172.31.0.0/16; EC2 keeps five of its addresses
}

// AddSubnet adds a subnet to a zone of the region, beside the three that are there.
func (r *Region) AddSubnet(s SubnetSpec) (id string) {
	r.change(func(w *world) error {
		if s.ID == "" {
			s.ID = w.newID("subnet-")
		}
		w.addSubnet(s, false)
		return nil
	})
	return s.ID
}

func (w *world) addSubnet(s SubnetSpec, isDefault bool) {
	z := w.zones()[slices.IndexFunc(w.zones(), func(z zone) bool { return z.name == s.Zone })]
	w.Subnets[s.ID] = &types.Subnet{
		SubnetId: new(s.ID), VpcId: new(IDIn(w.Name, VPC)), OwnerId: new(w.account()),
		AvailabilityZone: new(z.name), AvailabilityZoneId: new(z.id), CidrBlock: new(s.CIDR),
		DefaultForAz: new(isDefault), MapPublicIpOnLaunch: new(isDefault), State: types.SubnetStateAvailable,
		AssignIpv6AddressOnCreation: new(false), EnableDns64: new(false), Ipv6Native: new(false), MapCustomerOwnedIpOnLaunch: new(false),
		Ipv6CidrBlockAssociationSet: []types.SubnetIpv6CidrBlockAssociation{},
		SubnetArn:                   new(w.arn("subnet/" + s.ID)),
		PrivateDnsNameOptionsOnLaunch: &types.PrivateDnsNameOptionsOnLaunch{
			HostnameType: types.HostnameTypeIpName, EnableResourceNameDnsARecord: new(false), EnableResourceNameDnsAAAARecord: new(false),
		},
	}
}

func (w *world) arn(resource string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s", w.Name, w.account(), resource)
}

// zone is one of a region's three.
type zone struct{ name, id string }

// zones are those of the region. Which id a name has differs between accounts; it is never a to 1.
func (w *world) zones() []zone {
	parts := strings.Split(w.Name, "-")
	short := parts[0]
	for _, p := range parts[1:] {
		p = strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c").Replace(p)
		short += p
	}
	return []zone{{w.Name + "a", short + "-az4"}, {w.Name + "b", short + "-az6"}, {w.Name + "c", short + "-az1"}}
}

func (w *world) zoneNamed(nameOrID string) (zone, bool) {
	i := slices.IndexFunc(w.zones(), func(z zone) bool { return z.name == nameOrID || z.id == nameOrID })
	if i < 0 {
		return zone{}, false
	}
	return w.zones()[i], true
}

func (w *world) defaultGroup(id string) *types.SecurityGroup {
	return &types.SecurityGroup{
		GroupId: new(id), GroupName: new("default"), Description: new("default VPC security group"),
		OwnerId: new(w.account()), VpcId: new(IDIn(w.Name, VPC)), SecurityGroupArn: new(w.arn("security-group/" + id)),
		IpPermissions: []types.IpPermission{{
			IpProtocol: new("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: new(id), UserId: new(w.account())}},
		}},
		IpPermissionsEgress: []types.IpPermission{{IpProtocol: new("-1"), IpRanges: []types.IpRange{{CidrIp: new("0.0.0.0/0")}}}},
	}
}

// usedAddresses are the private addresses of a subnet that instances hold.
func (w *world) usedAddresses(subnet string) map[netip.Addr]bool {
	used := map[netip.Addr]bool{}
	for _, i := range w.Instances {
		if w.phase(i) == terminated {
			continue
		}
		for n, nic := range w.Launches[i.Launch].NICs {
			if nic.Subnet == subnet && n < len(i.IPs) && i.IPs[n].IsValid() {
				used[i.IPs[n]] = true
			}
		}
	}
	return used
}

// reserved is how many addresses of a subnet EC2 keeps: the first four and the last.
const reserved = 5

// room is how many addresses of a subnet are free.
func (w *world) room(subnet string) int {
	p := netip.MustParsePrefix(value(w.Subnets[subnet].CidrBlock))
	return 1<<(32-p.Bits()) - reserved - len(w.usedAddresses(subnet))
}

// addresses draws n free addresses of a subnet, which has room for them.
func (w *world) addresses(subnet string, n int) []netip.Addr {
	if w.r.o.Loopback {
		return w.loopbackAddresses(n)
	}
	p := netip.MustParsePrefix(value(w.Subnets[subnet].CidrBlock))
	used := w.usedAddresses(subnet)
	a := p.Masked().Addr()
	for range reserved - 1 {
		a = a.Next()
	}
	drawn := make([]netip.Addr, 0, n)
	for ; len(drawn) < n; a = a.Next() {
		if !used[a] {
			drawn = append(drawn, a)
		}
	}
	return drawn
}

func (w *world) describeSubnets(in *ec2.DescribeSubnetsInput) (*ec2.DescribeSubnetsOutput, error) {
	all, err := pick(w.Subnets, in.SubnetIds, subnetKind, nil)
	if err != nil {
		return nil, err
	}
	rows := make([]*types.Subnet, len(all))
	for i, s := range all {
		s := *s
		s.AvailableIpAddressCount = new(int32(w.room(*s.SubnetId)))
		s.Tags = w.tags(*s.SubnetId)
		rows[i] = &s
	}
	rows, err = filtered(w, rows, in.Filters)
	if err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.SubnetIds, idsNamed: "subnetIds"}
	rows, next, err := paged(w, rows, p, func(s *types.Subnet) []string { return []string{*s.SubnetId} })
	return &ec2.DescribeSubnetsOutput{Subnets: deref(rows), NextToken: next}, err
}

func (w *world) describeVpcs(in *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
	id := IDIn(w.Name, VPC)
	all, err := pick(map[string]*types.Vpc{id: {
		VpcId: new(id), CidrBlock: new(vpcCIDR), IsDefault: new(true), OwnerId: new(w.account()), State: types.VpcStateAvailable,
		DhcpOptionsId: new(IDIn(w.Name, "dopt-0000000000000c0de")), InstanceTenancy: types.TenancyDefault, Tags: w.tags(id),
		CidrBlockAssociationSet: []types.VpcCidrBlockAssociation{{
			AssociationId: new(IDIn(w.Name, "vpc-cidr-assoc-0000000000000c0de")), CidrBlock: new(vpcCIDR),
			CidrBlockState: &types.VpcCidrBlockState{State: types.VpcCidrBlockStateCodeAssociated},
		}},
	}}, in.VpcIds, vpcKind, nil)
	if err != nil {
		return nil, err
	}
	if all, err = filtered(w, all, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.VpcIds, idsNamed: "vpcIds"}
	rows, next, err := paged(w, all, p, func(v *types.Vpc) []string { return []string{*v.VpcId} })
	return &ec2.DescribeVpcsOutput{Vpcs: deref(rows), NextToken: next}, err
}

func (w *world) describeSecurityGroups(in *ec2.DescribeSecurityGroupsInput) (*ec2.DescribeSecurityGroupsOutput, error) {
	all, err := pick(w.Firewalls, in.GroupIds, groupKind, nil)
	if err != nil {
		return nil, err
	}
	rows := make([]*types.SecurityGroup, 0, len(all))
	for _, g := range all {
		g := *g
		g.Tags = w.tags(*g.GroupId)
		if len(in.GroupNames) == 0 || slices.Contains(in.GroupNames, *g.GroupName) {
			rows = append(rows, &g)
		}
	}
	for _, name := range in.GroupNames {
		if !slices.ContainsFunc(rows, func(g *types.SecurityGroup) bool { return *g.GroupName == name }) {
			return nil, fail("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, IDIn(w.Name, VPC))
		}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.GroupIds, idsNamed: "groupIds"}
	rows, next, err := paged(w, rows, p, func(g *types.SecurityGroup) []string { return []string{*g.GroupId} })
	return &ec2.DescribeSecurityGroupsOutput{SecurityGroups: deref(rows), NextToken: next}, err
}

func (w *world) describeAvailabilityZones(in *ec2.DescribeAvailabilityZonesInput) (*ec2.DescribeAvailabilityZonesOutput, error) {
	var all []*types.AvailabilityZone
	for _, z := range w.zones() {
		if len(in.ZoneNames) > 0 && !slices.Contains(in.ZoneNames, z.name) || len(in.ZoneIds) > 0 && !slices.Contains(in.ZoneIds, z.id) {
			continue
		}
		all = append(all, &types.AvailabilityZone{
			ZoneName: new(z.name), ZoneId: new(z.id), RegionName: new(w.Name), GroupName: new(w.Name + "-zg-1"), NetworkBorderGroup: new(w.Name),
			State: types.AvailabilityZoneStateAvailable, OptInStatus: types.AvailabilityZoneOptInStatusOptInNotRequired,
			ZoneType: new("availability-zone"), Messages: []types.AvailabilityZoneMessage{},
		})
	}
	for _, name := range slices.Concat(in.ZoneNames, in.ZoneIds) {
		if _, ok := w.zoneNamed(name); !ok {
			return nil, fail("InvalidParameterValue", "Invalid availability zone: [%s]", name)
		}
	}
	all, err := filtered(w, all, in.Filters)
	return &ec2.DescribeAvailabilityZonesOutput{AvailabilityZones: deref(all)}, err
}

// regionNames are the regions that DescribeRegions lists. Requests for others are answered all the same.
var regionNames = []string{"ap-northeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-2"}

func (w *world) describeRegions(in *ec2.DescribeRegionsInput) (*ec2.DescribeRegionsOutput, error) {
	names := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(regionNames), w.Name))))
	for _, n := range in.RegionNames {
		if !slices.Contains(names, n) {
			return nil, fail("InvalidParameterValue", "Invalid region provided: [%s]", n)
		}
	}
	var all []*types.Region
	for _, n := range names {
		if len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, n) {
			all = append(all, &types.Region{RegionName: new(n), Endpoint: new("ec2." + n + ".amazonaws.com"), OptInStatus: new("opt-in-not-required")})
		}
	}
	all, err := filtered(w, all, in.Filters)
	return &ec2.DescribeRegionsOutput{Regions: deref(all)}, err
}
