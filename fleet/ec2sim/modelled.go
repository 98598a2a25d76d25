package ec2sim

import (
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What a launch may ask of this region. The lists say what is modelled and not what is not, so that a
// parameter that a newer SDK has is refused until somebody has thought about it.
var (
	modelledLaunch = []string{
		"BlockDeviceMappings", "CapacityReservationSpecification", "ClientToken", "CpuOptions", "CreditSpecification", "DisableApiStop",
		"DisableApiTermination", "DryRun", "EbsOptimized", "EnclaveOptions", "HibernationOptions", "IamInstanceProfile", "ImageId",
		"InstanceInitiatedShutdownBehavior", "InstanceMarketOptions", "InstanceType", "KeyName", "LaunchTemplate", "MaintenanceOptions",
		"MaxCount", "MetadataOptions", "MinCount", "Monitoring", "NetworkInterfaces", "NetworkPerformanceOptions", "Placement",
		"PrivateDnsNameOptions", "SecurityGroupIds", "SecurityGroups", "SubnetId", "TagSpecifications", "UserData",
	}
	modelledPlacement = []string{"AvailabilityZone", "AvailabilityZoneId", "GroupId", "GroupName", "PartitionNumber", "Tenancy"}
	modelledNIC       = []string{
		"AssociatePublicIpAddress", "DeleteOnTermination", "Description", "DeviceIndex", "Groups", "InterfaceType", "NetworkCardIndex",
		"NetworkInterfaceId", "SubnetId",
	}
	modelledEBS = []string{"DeleteOnTermination", "Encrypted", "Iops", "KmsKeyId", "SnapshotId", "Throughput", "VolumeInitializationRate", "VolumeSize", "VolumeType"}
	modelledCPU = []string{"CoreCount", "ThreadsPerCore"}
)

// refuseUnmodelled refuses what a launch can ask of EC2 and not of this region.
func (w *world) refuseUnmodelled(in *ec2.RunInstancesInput) error {
	if t := in.LaunchTemplate; t != nil {
		if _, err := w.template(t.LaunchTemplateId, t.LaunchTemplateName); err != nil {
			return err
		}
		return unmodelled("launches from a launch template")
	}
	key := beyond(in, "", modelledLaunch)
	if key == "" && in.Placement != nil {
		key = beyond(in.Placement, "Placement.", modelledPlacement)
		if in.Placement.Tenancy == types.TenancyHost {
			key = "Placement.Tenancy=host"
		}
	}
	if key == "" && in.CpuOptions != nil {
		key = beyond(in.CpuOptions, "CpuOptions.", modelledCPU)
	}
	for i := range in.NetworkInterfaces {
		if key == "" {
			key = beyond(&in.NetworkInterfaces[i], "NetworkInterface.", modelledNIC)
		}
	}
	for i := range in.BlockDeviceMappings {
		if e := in.BlockDeviceMappings[i].Ebs; key == "" && e != nil {
			key = beyond(e, "BlockDeviceMapping.Ebs.", modelledEBS)
		}
	}
	if key != "" {
		return unmodelled("the parameter " + key + " of RunInstances")
	}
	return nil
}

// beyond is the key of the first field that is set and not modelled; "" if there is none. What is set to its
// zero asks for nothing.
func beyond[T any](in *T, path string, modelled []string) string {
	v := reflect.ValueOf(in).Elem()
	for _, f := range fields(v.Type()) {
		if field := v.Field(f.index); !field.IsZero() && !reflect.Indirect(field).IsZero() &&
			!slices.Contains(modelled, v.Type().Field(f.index).Name) {
			return path + f.key
		}
	}
	return ""
}
