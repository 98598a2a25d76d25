package ec2sim

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// described is what the filters of each action look at.
var described = map[string]reflect.Type{
	"DescribeAvailabilityZones":      reflect.TypeFor[types.AvailabilityZone](),
	"DescribeCapacityReservations":   reflect.TypeFor[types.CapacityReservation](),
	"DescribeImages":                 reflect.TypeFor[types.Image](),
	"DescribeInstanceStatus":         reflect.TypeFor[types.InstanceStatus](),
	"DescribeInstanceTypeOfferings":  reflect.TypeFor[types.InstanceTypeOffering](),
	"DescribeInstanceTypes":          reflect.TypeFor[types.InstanceTypeInfo](),
	"DescribeInstances":              reflect.TypeFor[row](),
	"DescribeKeyPairs":               reflect.TypeFor[types.KeyPairInfo](),
	"DescribeLaunchTemplateVersions": reflect.TypeFor[types.LaunchTemplateVersion](),
	"DescribeLaunchTemplates":        reflect.TypeFor[types.LaunchTemplate](),
	"DescribePlacementGroups":        reflect.TypeFor[types.PlacementGroup](),
	"DescribeRegions":                reflect.TypeFor[types.Region](),
	"DescribeSecurityGroups":         reflect.TypeFor[types.SecurityGroup](),
	"DescribeSnapshots":              reflect.TypeFor[types.Snapshot](),
	"DescribeSubnets":                reflect.TypeFor[types.Subnet](),
	"DescribeTags":                   reflect.TypeFor[types.TagDescription](),
	"DescribeVolumes":                reflect.TypeFor[types.Volume](),
	"DescribeVpcs":                   reflect.TypeFor[types.Vpc](),
}

// Every filter that EC2 documents leads somewhere, if only to where nothing ever is.
func TestEveryDocumentedFilterIsKnown(t *testing.T) {
	for _, action := range slices.Sorted(maps.Keys(documentedFilters)) {
		for _, name := range documentedFilters[action] {
			if _, err := accessor(action, described[action], name); err != nil {
				t.Errorf("%s: %v", action, err)
			}
		}
	}
	for key := range filterPaths {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(documentedFilters)), func(action string) bool {
			return slices.ContainsFunc(documentedFilters[action], func(name string) bool { return key == action+" "+name })
		}) {
			t.Errorf("the way of %q is for no documented filter", key)
		}
	}
}
