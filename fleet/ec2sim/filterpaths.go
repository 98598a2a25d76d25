package ec2sim

// filterPrefixes replaces what filter names of an action begin with. No prefix is the beginning of another.
var filterPrefixes = map[string]map[string]string{
	"DescribeImages": {"block-device-mapping.": "block-device-mapping.ebs.", "product-code.": "product-code.product-code-"},
	"DescribeInstances": {
		"block-device-mapping.":        "block-device-mapping.ebs.",
		"instance.":                    "security-group.",
		"network-interface.addresses.": "network-interface.private-ip-addresses.",
		"network-interface.group-":     "network-interface.group.group-",
		"product-code.":                "product-code.product-code-",
	},
}

// nothing is the way of a filter that EC2 documents for what this region never has.
const nothing = ""

// filterPaths has the ways to the values of filters that are not called what the answer calls them.
var filterPaths = map[string]string{
	"DescribeAvailabilityZones message": "messages.message",

	"DescribeImages block-device-mapping.device-name": "block-device-mapping.device-name",
	"DescribeImages is-public":                        "public",
	"DescribeImages manifest-location":                "image-location",
	"DescribeImages owner-alias":                      "image-owner-alias",
	"DescribeImages product-code":                     "product-code.product-code-id",
	"DescribeImages state-reason-code":                "state-reason.code",
	"DescribeImages state-reason-message":             "state-reason.message",

	"DescribeInstanceStatus instance-state-code":          "instance-state.code",
	"DescribeInstanceStatus instance-state-name":          "instance-state.name",
	"DescribeInstanceStatus instance-status.reachability": "instance-status.details.status",
	"DescribeInstanceStatus system-status.reachability":   "system-status.details.status",

	"DescribeInstances affinity":                                               "placement.affinity",
	"DescribeInstances availability-zone":                                      "placement.availability-zone",
	"DescribeInstances availability-zone-id":                                   "placement.availability-zone-id",
	"DescribeInstances block-device-mapping.device-name":                       "block-device-mapping.device-name",
	"DescribeInstances dns-name":                                               "public-dns-name",
	"DescribeInstances host-id":                                                "placement.host-id",
	"DescribeInstances instance-state-code":                                    "state.code",
	"DescribeInstances instance-state-name":                                    "state.name",
	"DescribeInstances ip-address":                                             "public-ip-address",
	"DescribeInstances launch-index":                                           "ami-launch-index",
	"DescribeInstances metadata-options.http-protocol-ipv4":                    nothing,
	"DescribeInstances monitoring-state":                                       "monitoring.state",
	"DescribeInstances network-interface.addresses.association.allocation-id":  nothing,
	"DescribeInstances network-interface.addresses.association.association-id": nothing,
	"DescribeInstances network-interface.association.allocation-id":            nothing,
	"DescribeInstances network-interface.association.association-id":           nothing,
	"DescribeInstances network-interface.attachment.instance-id":               "instance-id",
	"DescribeInstances network-interface.attachment.instance-owner-id":         "owner-id",
	"DescribeInstances network-interface.availability-zone":                    "placement.availability-zone",
	"DescribeInstances network-interface.deny-all-igw-traffic":                 nothing,
	"DescribeInstances network-interface.ipv6-address":                         "network-interface.ipv6-addresses.ipv6-address",
	"DescribeInstances network-interface.ipv6-native":                          nothing,
	"DescribeInstances network-interface.outpost-arn":                          nothing,
	"DescribeInstances network-interface.public-dns-name":                      "network-interface.association.public-dns-name",
	"DescribeInstances network-interface.requester-id":                         nothing,
	"DescribeInstances network-interface.requester-managed":                    nothing,
	"DescribeInstances network-interface.tag-key":                              nothing,
	"DescribeInstances network-interface.tag-value":                            nothing,
	"DescribeInstances placement-group-name":                                   "placement.group-name",
	"DescribeInstances placement-partition-number":                             "placement.partition-number",
	"DescribeInstances product-code":                                           "product-code.product-code-id",
	"DescribeInstances reason":                                                 "state-transition-reason",
	"DescribeInstances state-reason-code":                                      "state-reason.code",
	"DescribeInstances state-reason-message":                                   "state-reason.message",
	"DescribeInstances tenancy":                                                "placement.tenancy",

	"DescribeKeyPairs fingerprint": "key-fingerprint",

	"DescribeLaunchTemplateVersions ebs-optimized":             "launch-template-data.ebs-optimized",
	"DescribeLaunchTemplateVersions host-resource-group-arn":   nothing,
	"DescribeLaunchTemplateVersions http-endpoint":             nothing,
	"DescribeLaunchTemplateVersions http-protocol-ipv4":        nothing,
	"DescribeLaunchTemplateVersions http-tokens":               nothing,
	"DescribeLaunchTemplateVersions iam-instance-profile":      nothing,
	"DescribeLaunchTemplateVersions image-id":                  "launch-template-data.image-id",
	"DescribeLaunchTemplateVersions instance-type":             "launch-template-data.instance-type",
	"DescribeLaunchTemplateVersions is-default-version":        "default-version",
	"DescribeLaunchTemplateVersions kernel-id":                 nothing,
	"DescribeLaunchTemplateVersions license-configuration-arn": nothing,
	"DescribeLaunchTemplateVersions network-card-index":        nothing,
	"DescribeLaunchTemplateVersions ram-disk-id":               nothing,

	"DescribeSecurityGroups egress.ip-permission.cidr":           "ip-permissions-egress.ip-ranges.cidr-ip",
	"DescribeSecurityGroups egress.ip-permission.from-port":      "ip-permissions-egress.from-port",
	"DescribeSecurityGroups egress.ip-permission.group-id":       "ip-permissions-egress.user-id-group-pairs.group-id",
	"DescribeSecurityGroups egress.ip-permission.group-name":     "ip-permissions-egress.user-id-group-pairs.group-name",
	"DescribeSecurityGroups egress.ip-permission.ipv6-cidr":      "ip-permissions-egress.ipv6-ranges.cidr-ipv6",
	"DescribeSecurityGroups egress.ip-permission.prefix-list-id": "ip-permissions-egress.prefix-list-ids.prefix-list-id",
	"DescribeSecurityGroups egress.ip-permission.protocol":       "ip-permissions-egress.ip-protocol",
	"DescribeSecurityGroups egress.ip-permission.to-port":        "ip-permissions-egress.to-port",
	"DescribeSecurityGroups egress.ip-permission.user-id":        "ip-permissions-egress.user-id-group-pairs.user-id",
	"DescribeSecurityGroups ip-permission.cidr":                  "ip-permissions.ip-ranges.cidr-ip",
	"DescribeSecurityGroups ip-permission.from-port":             "ip-permissions.from-port",
	"DescribeSecurityGroups ip-permission.group-id":              "ip-permissions.user-id-group-pairs.group-id",
	"DescribeSecurityGroups ip-permission.group-name":            "ip-permissions.user-id-group-pairs.group-name",
	"DescribeSecurityGroups ip-permission.ipv6-cidr":             "ip-permissions.ipv6-ranges.cidr-ipv6",
	"DescribeSecurityGroups ip-permission.prefix-list-id":        "ip-permissions.prefix-list-ids.prefix-list-id",
	"DescribeSecurityGroups ip-permission.protocol":              "ip-permissions.ip-protocol",
	"DescribeSecurityGroups ip-permission.to-port":               "ip-permissions.to-port",
	"DescribeSecurityGroups ip-permission.user-id":               "ip-permissions.user-id-group-pairs.user-id",

	"DescribeSnapshots status": "state",

	"DescribeSubnets cidr":                              "cidr-block",
	"DescribeSubnets ipv6-cidr-block-association.state": "ipv6-cidr-block-association.ipv6-cidr-block-state.state",

	"DescribeVolumes attachment.status": "attachment.state",
	"DescribeVolumes status":            "state",

	"DescribeVpcs cidr":                              "cidr-block",
	"DescribeVpcs cidr-block-association.state":      "cidr-block-association.cidr-block-state.state",
	"DescribeVpcs ipv6-cidr-block-association.state": "ipv6-cidr-block-association.ipv6-cidr-block-state.state",
}
