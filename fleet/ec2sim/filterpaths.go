package ec2sim

// filterPrefixes replaces what filter names of an action begin with. No prefix is the beginning of another.
var filterPrefixes = map[string]map[string]string{
	"DescribeInstances": {
		"block-device-mapping.":        "block-device-mapping.ebs.",
		"network-interface.addresses.": "network-interface.private-ip-address-es.",
		"product-code.":                "product-code.product-code-",
	},
	"DescribeImages":         {"block-device-mapping.": "block-device-mapping.ebs.", "product-code.": "product-code.product-code-"},
	"DescribeInstanceStatus": {"event.": "event."},
}

// filterPaths has the ways to the values of filters that are not called what the answer calls them. An
// empty way: nothing here ever has such a value.
var filterPaths = map[string]string{
	"DescribeAvailabilityZones message": "messages.message",

	"DescribeImages block-device-mapping.device-name":         "block-device-mapping.device-name",
	"DescribeImages is-public":                                "public",
	"DescribeImages manifest-location":                        "image-location",
	"DescribeImages owner-alias":                              "image-owner-alias",
	"DescribeImages product-code":                             "product-code.product-code-id",
	"DescribeImages state-reason-code":                        "state-reason.code",
	"DescribeImages state-reason-message":                     "state-reason.message",
	"DescribeImages tag-key":                                  "tag.key",
	"DescribeInstanceStatus instance-state-code":              "instance-state.code",
	"DescribeInstanceStatus instance-state-name":              "instance-state.name",
	"DescribeInstanceStatus instance-status.reachability":     "instance-status.details.status",
	"DescribeInstanceStatus system-status.reachability":       "system-status.details.status",
	"DescribeInstanceTypes instance-storage-info.disk.type":   "instance-storage-info.disk.type",
	"DescribeInstanceTypes processor-info.supported-features": "processor-info.supported-features",
	"DescribeInstances affinity":                              "placement.affinity",
	"DescribeInstances availability-zone":                     "placement.availability-zone",
	"DescribeInstances availability-zone-id":                  "placement.availability-zone-id",
	"DescribeInstances block-device-mapping.device-name":      "block-device-mapping.device-name",
	"DescribeInstances dns-name":                              "public-dns-name",
	"DescribeInstances host-id":                               "placement.host-id",
	"DescribeInstances instance-state-code":                   "state.code",
	"DescribeInstances instance-state-name":                   "state.name",
	"DescribeInstances instance.group-id":                     "security-group.group-id",
	"DescribeInstances instance.group-name":                   "security-group.group-name",
	"DescribeInstances ip-address":                            "public-ip-address",
	"DescribeInstances launch-index":                          "ami-launch-index",
	"DescribeInstances monitoring-state":                      "monitoring.state",
	"DescribeInstances placement-group-name":                  "placement.group-name",
	"DescribeInstances placement-partition-number":            "placement.partition-number",
	"DescribeInstances product-code":                          "product-code.product-code-id",
	"DescribeInstances reason":                                "state-transition-reason",
	"DescribeInstances state-reason-code":                     "state-reason.code",
	"DescribeInstances state-reason-message":                  "state-reason.message",
	"DescribeInstances tag-key":                               "tag.key",
	"DescribeInstances tenancy":                               "placement.tenancy",
}
