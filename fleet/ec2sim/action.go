package ec2sim

import (
	"maps"
	"slices"
	"sync"
)

// op is a registered action: how to read its parameters and what to do with them.
type op struct {
	action string
	input  func() any
	call   func(w *world, in any) (any, error)
}

// handle registers an action. fn has the signature of the SDK client's method without the options, and
// without the context: nothing that a region does takes time while it is being done.
func handle[I, O any](m map[string]op, action string, fn func(*world, *I) (*O, error)) {
	m[action] = op{
		action: action,
		input:  func() any { return new(I) },
		call: func(w *world, in any) (any, error) {
			out, err := fn(w, in.(*I))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// Actions are the names of what a region can do, sorted.
func Actions() []string { return slices.Sorted(maps.Keys(ops())) }

// ops is every action that the region knows. gen.go reads the names from these lines.
var ops = sync.OnceValue(func() map[string]op {
	m := map[string]op{}
	handle(m, "CancelCapacityReservation", (*world).cancelCapacityReservation)
	handle(m, "CopyImage", (*world).copyImage)
	handle(m, "CreateCapacityReservation", (*world).createCapacityReservation)
	handle(m, "CreateImage", (*world).createImage)
	handle(m, "CreateKeyPair", (*world).createKeyPair)
	handle(m, "CreateLaunchTemplate", (*world).createLaunchTemplate)
	handle(m, "CreateLaunchTemplateVersion", (*world).createLaunchTemplateVersion)
	handle(m, "CreatePlacementGroup", (*world).createPlacementGroup)
	handle(m, "CreateTags", (*world).createTags)
	handle(m, "DeleteKeyPair", (*world).deleteKeyPair)
	handle(m, "DeleteLaunchTemplate", (*world).deleteLaunchTemplate)
	handle(m, "DeletePlacementGroup", (*world).deletePlacementGroup)
	handle(m, "DeleteSnapshot", (*world).deleteSnapshot)
	handle(m, "DeleteTags", (*world).deleteTags)
	handle(m, "DeleteVolume", (*world).deleteVolume)
	handle(m, "DeregisterImage", (*world).deregisterImage)
	handle(m, "DescribeAvailabilityZones", (*world).describeAvailabilityZones)
	handle(m, "DescribeCapacityReservations", (*world).describeCapacityReservations)
	handle(m, "DescribeImageAttribute", (*world).describeImageAttribute)
	handle(m, "DescribeImageReferences", (*world).describeImageReferences)
	handle(m, "DescribeImages", (*world).describeImages)
	handle(m, "DescribeInstanceAttribute", (*world).describeInstanceAttribute)
	handle(m, "DescribeInstanceStatus", (*world).describeInstanceStatus)
	handle(m, "DescribeInstanceTypeOfferings", (*world).describeInstanceTypeOfferings)
	handle(m, "DescribeInstanceTypes", (*world).describeInstanceTypes)
	handle(m, "DescribeInstances", (*world).describeInstances)
	handle(m, "DescribeKeyPairs", (*world).describeKeyPairs)
	handle(m, "DescribeLaunchTemplateVersions", (*world).describeLaunchTemplateVersions)
	handle(m, "DescribeLaunchTemplates", (*world).describeLaunchTemplates)
	handle(m, "DescribePlacementGroups", (*world).describePlacementGroups)
	handle(m, "DescribeRegions", (*world).describeRegions)
	handle(m, "DescribeSecurityGroups", (*world).describeSecurityGroups)
	handle(m, "DescribeSnapshotAttribute", (*world).describeSnapshotAttribute)
	handle(m, "DescribeSnapshots", (*world).describeSnapshots)
	handle(m, "DescribeSubnets", (*world).describeSubnets)
	handle(m, "DescribeTags", (*world).describeTags)
	handle(m, "DescribeVolumes", (*world).describeVolumes)
	handle(m, "DescribeVpcs", (*world).describeVpcs)
	handle(m, "DisableImage", (*world).disableImage)
	handle(m, "DisableImageBlockPublicAccess", (*world).disableImageBlockPublicAccess)
	handle(m, "DisableImageDeprecation", (*world).disableImageDeprecation)
	handle(m, "DisableImageDeregistrationProtection", (*world).disableImageDeregistrationProtection)
	handle(m, "EnableImage", (*world).enableImage)
	handle(m, "EnableImageBlockPublicAccess", (*world).enableImageBlockPublicAccess)
	handle(m, "EnableImageDeprecation", (*world).enableImageDeprecation)
	handle(m, "EnableImageDeregistrationProtection", (*world).enableImageDeregistrationProtection)
	handle(m, "GetConsoleOutput", (*world).getConsoleOutput)
	handle(m, "GetImageAncestry", (*world).getImageAncestry)
	handle(m, "GetImageBlockPublicAccessState", (*world).getImageBlockPublicAccessState)
	handle(m, "ImportKeyPair", (*world).importKeyPair)
	handle(m, "ModifyImageAttribute", (*world).modifyImageAttribute)
	handle(m, "ModifyInstanceAttribute", (*world).modifyInstanceAttribute)
	handle(m, "ModifySnapshotAttribute", (*world).modifySnapshotAttribute)
	handle(m, "RebootInstances", (*world).rebootInstances)
	handle(m, "ResetImageAttribute", (*world).resetImageAttribute)
	handle(m, "ResetSnapshotAttribute", (*world).resetSnapshotAttribute)
	handle(m, "RunInstances", (*world).runInstances)
	handle(m, "StartInstances", (*world).startInstances)
	handle(m, "StopInstances", (*world).stopInstances)
	handle(m, "TerminateInstances", (*world).terminateInstances)
	return m
})
