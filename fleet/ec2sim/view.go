package ec2sim

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// row is an instance as descriptions have it, with what its reservation adds for filters.
type row struct {
	types.Instance
	ReservationId *string
	OwnerId       *string
	RequesterId   *string
}

// view is an instance as an answer shows it now.
func (w *world) view(i *instance) types.Instance {
	l, p := w.Launches[i.Launch], w.phase(i)
	info := typeTable()[l.Type]
	v := types.Instance{
		InstanceId: new(i.ID), ImageId: new(l.Image), InstanceType: types.InstanceType(l.Type), AmiLaunchIndex: new(i.Index),
		LaunchTime: new(l.At.Truncate(time.Second)), State: p.state(), StateTransitionReason: new(i.Transition),
		Architecture: types.ArchitectureValues(l.Architecture), RootDeviceName: new(l.RootDevice), RootDeviceType: types.DeviceTypeEbs,
		VirtualizationType: types.VirtualizationTypeHvm, Hypervisor: types.HypervisorTypeXen, BootMode: types.BootModeValues(l.BootMode),
		CurrentInstanceBootMode: types.InstanceBootModeValuesUefi, EnaSupport: new(true), EbsOptimized: new(l.EBSOptimized),
		PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"), UsageOperationUpdateTime: new(l.At.Truncate(time.Second)),
		Placement: l.Placement, Monitoring: &types.Monitoring{State: types.MonitoringStateDisabled},
		CpuOptions: l.CPU, MetadataOptions: l.Metadata, PrivateDnsNameOptions: l.Names, IamInstanceProfile: l.Profile,
		HibernationOptions: &types.HibernationOptions{Configured: new(l.Hibernates)}, EnclaveOptions: &types.EnclaveOptions{Enabled: new(l.Enclave)},
		MaintenanceOptions:               &types.InstanceMaintenanceOptions{AutoRecovery: l.Recovery, RebootMigration: types.InstanceRebootMigrationStateDefault},
		NetworkPerformanceOptions:        &types.InstanceNetworkPerformanceOptions{BandwidthWeighting: l.Bandwidth},
		CapacityReservationSpecification: &types.CapacityReservationSpecificationResponse{},
		Operator:                         &types.OperatorResponse{Managed: new(false)}, ProductCodes: []types.ProductCode{},
		PrivateDnsName: new(""), PublicDnsName: new(""), Tags: w.tags(i.ID),
	}
	if i.Image != "" {
		v.ImageId, v.RootDeviceName = new(i.Image), new(i.Root)
	}
	if l.Token != "" {
		v.ClientToken = new(l.Token)
	}
	if l.Key != "" {
		v.KeyName = new(l.Key)
	}
	if l.Monitored {
		v.Monitoring.State = types.MonitoringStateEnabled
	}
	if l.Spot {
		v.InstanceLifecycle, v.SpotInstanceRequestId = types.InstanceLifecycleTypeSpot, new(spotID(i))
	}
	w.viewReservation(&v, i, l)
	if i.Code != "" {
		v.StateReason = &types.StateReason{Code: new(i.Code), Message: new(i.Message)}
	}
	if info.arch == "arm64" {
		v.TpmSupport = nil
	}
	if p != terminated {
		w.viewNetwork(&v, i, l, p)
		w.viewDevices(&v, i, l)
	}
	return v
}

// viewReservation adds what reserved room an instance asked for, and what it uses.
func (w *world) viewReservation(v *types.Instance, i *instance, l *launch) {
	if l.Block {
		v.InstanceLifecycle = types.InstanceLifecycleTypeCapacityBlock
	}
	if b := w.bookingOf(i); b != nil && w.takesRoom(i) {
		v.CapacityReservationId = new(b.ID)
	}
	s := v.CapacityReservationSpecification
	switch {
	case l.Target != "":
		s.CapacityReservationTarget = &types.CapacityReservationTargetResponse{CapacityReservationId: new(l.Target)}
	case l.Pool != "":
		s.CapacityReservationTarget = &types.CapacityReservationTargetResponse{CapacityReservationResourceGroupArn: new(l.Pool)}
	default:
		s.CapacityReservationPreference = l.Reservation
	}
}

// viewNetwork adds what an instance has of the network while it exists: names once it runs.
func (w *world) viewNetwork(v *types.Instance, i *instance, l *launch, p phase) {
	named := p == running || p == stopping || p == stopped
	for n, nic := range l.NICs {
		e := w.viewNIC(i, l, n, nic, p)
		v.NetworkInterfaces = append(v.NetworkInterfaces, e)
		if n > 0 {
			continue
		}
		v.SubnetId, v.VpcId, v.SecurityGroups, v.SourceDestCheck = e.SubnetId, e.VpcId, e.Groups, new(true)
		v.PrivateIpAddress = e.PrivateIpAddress
		if named {
			v.PrivateDnsName = new(w.privateName(i))
		}
		if nic.Public && p == running {
			v.PublicIpAddress, v.PublicDnsName = e.Association.PublicIp, e.Association.PublicDnsName
		}
	}
}

func (w *world) viewNIC(i *instance, l *launch, n int, nic nic, p phase) types.InstanceNetworkInterface {
	e := types.InstanceNetworkInterface{
		NetworkInterfaceId: new(fmt.Sprintf("eni-0%016x", w.r.hash("eni", i.ID, fmt.Sprint(n)))), InterfaceType: new(nic.Type),
		Description: new(nic.Description), OwnerId: new(w.account()), SubnetId: new(nic.Subnet), VpcId: w.Subnets[nic.Subnet].VpcId,
		MacAddress: new(mac(i.Seq, n)), SourceDestCheck: new(true), Status: types.NetworkInterfaceStatusInUse, Groups: w.groupsNamed(nic.Groups),
		Ipv6Addresses: []types.InstanceIpv6Address{}, Operator: &types.OperatorResponse{Managed: new(false)},
		Attachment: &types.InstanceNetworkInterfaceAttachment{
			AttachmentId: new(fmt.Sprintf("eni-attach-0%016x", w.r.hash("attach", i.ID, fmt.Sprint(n)))), AttachTime: new(l.At.Truncate(time.Second)),
			DeleteOnTermination: new(!nic.Keep), DeviceIndex: new(nic.Index), NetworkCardIndex: new(nic.Card), Status: types.AttachmentStatusAttaching,
		},
	}
	if p != pending {
		e.Attachment.Status = types.AttachmentStatusAttached
	}
	if ip := i.IPs[n]; ip.IsValid() {
		e.PrivateIpAddress = new(ip.String())
		e.PrivateIpAddresses = []types.InstancePrivateIpAddress{{Primary: new(true), PrivateIpAddress: e.PrivateIpAddress}}
		if nic.Public && p == running {
			public := w.publicAddress(i)
			e.Association = &types.InstanceNetworkInterfaceAssociation{
				IpOwnerId: new("amazon"), PublicIp: new(public.String()), PublicDnsName: new(w.publicName(public)),
			}
			e.PrivateIpAddresses[0].Association = e.Association
		}
	}
	return e
}

// viewDevices adds the block devices, which appear some time after the launch.
func (w *world) viewDevices(v *types.Instance, i *instance, l *launch) {
	if w.now.Before(l.At.Add(i.Devices)) {
		v.BlockDeviceMappings = []types.InstanceBlockDeviceMapping{}
		return
	}
	for n, id := range i.Volumes {
		name := l.Devices[n].Name
		if n == 0 {
			name = *v.RootDeviceName
		}
		v.BlockDeviceMappings = append(v.BlockDeviceMappings, types.InstanceBlockDeviceMapping{
			DeviceName: new(name),
			Ebs: &types.EbsInstanceBlockDevice{
				VolumeId: new(id), AttachTime: new(l.At.Truncate(time.Second)), DeleteOnTermination: new(!l.Devices[n].Keep), Status: types.AttachmentStatusAttached,
			},
		})
	}
}

func (w *world) groupsNamed(ids []string) []types.GroupIdentifier {
	all := make([]types.GroupIdentifier, len(ids))
	for n, id := range ids {
		all[n] = types.GroupIdentifier{GroupId: new(id), GroupName: w.Firewalls[id].GroupName}
	}
	return all
}

// privateName is the name of an instance in its VPC, by address.
func (w *world) privateName(i *instance) string {
	domain := w.Name + ".compute.internal"
	if w.Name == "us-east-1" {
		domain = "ec2.internal"
	}
	return "ip-" + strings.ReplaceAll(i.IPs[0].String(), ".", "-") + "." + domain
}

func (w *world) publicName(ip netip.Addr) string {
	domain := w.Name + ".compute.amazonaws.com"
	if w.Name == "us-east-1" {
		domain = "compute-1.amazonaws.com"
	}
	return "ec2-" + strings.ReplaceAll(ip.String(), ".", "-") + "." + domain
}

// publicIP takes addresses from the range that is set aside for benchmarks: they belong to nobody.
func publicIP(seq uint64) netip.Addr {
	return netip.AddrFrom4([4]byte{198, byte(18 + seq>>16&1), byte(seq >> 8), byte(seq)})
}

func mac(seq uint64, n int) string {
	return fmt.Sprintf("0e:%02x:%02x:%02x:%02x:%02x", byte(seq>>24), byte(seq>>16), byte(seq>>8), byte(seq), byte(n))
}

func spotID(i *instance) string { return "sir-" + fmt.Sprintf("%08x", uint32(i.Seq*2654435761)) }

func (w *world) describeInstances(in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
	all, err := pick(w.Instances, in.InstanceIds, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	rows := make([]*row, len(all))
	for n, i := range all {
		rows[n] = &row{Instance: w.view(i), ReservationId: new(i.Launch), OwnerId: new(w.account())}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.InstanceIds, idsNamed: "instancesSet"}
	rows, next, err := paged(w, rows, p, func(r *row) []string { return []string{*r.ReservationId, *r.InstanceId} })
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeInstancesOutput{NextToken: next, Reservations: []types.Reservation{}}
	for _, r := range rows {
		if n := len(out.Reservations); n == 0 || *out.Reservations[n-1].ReservationId != *r.ReservationId {
			out.Reservations = append(out.Reservations, types.Reservation{ReservationId: r.ReservationId, OwnerId: r.OwnerId, Groups: []types.GroupIdentifier{}})
		}
		last := &out.Reservations[len(out.Reservations)-1]
		last.Instances = append(last.Instances, r.Instance)
	}
	return out, nil
}
