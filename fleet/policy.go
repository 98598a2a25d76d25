package fleet

import (
	"slices"
	"strings"

	"cluster/planner"
	"cluster/spec"
)

// A Policy is an IAM policy document: what `cluster policy` prints.
type Policy struct {
	Version   string
	Statement []Statement
}

// A Statement allows some actions, on some resources, under a condition.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// PolicyFor is the least that plan, up, status, verify, ssh and down need for a file. Looking cannot be
// narrowed down: EC2's describe actions and the questions to Service Quotas know no resources. Launching is bound to this cluster's name
// tag, and changing to instances that carry it. region may be "*".
func PolicyFor(want *spec.Cluster, region string) Policy {
	f := features(want)
	ec2 := func(kinds ...string) []string { return resources(region, kinds...) }
	named := func(key string) map[string]map[string][]string {
		return map[string]map[string][]string{"StringEquals": {key + "/" + planner.TagName: {want.Name}}}
	}
	request, resource := named("aws:RequestTag"), named("aws:ResourceTag")

	var p Policy
	allow := func(sid string, actions, resources []string, when map[string]map[string][]string) {
		slices.Sort(actions)
		p.Statement = append(p.Statement, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources, Condition: when})
	}
	p.Version = "2012-10-17"
	allow("Look", f.looks(), []string{"*"}, nil)
	allow("LaunchTagged", []string{"ec2:RunInstances"}, ec2("instance", "volume"), request)
	allow("LaunchFrom", []string{"ec2:RunInstances"}, ec2("capacity-reservation", "image", "key-pair", "network-interface",
		"placement-group", "security-group", "snapshot", "subnet"), nil)
	creates := []string{"RunInstances"}
	tagged := []string{"instance", "volume"}
	if f.placement {
		creates, tagged = append(creates, "CreatePlacementGroup"), append(tagged, "placement-group")
		allow("MakePlacementGroups", []string{"ec2:CreatePlacementGroup"}, ec2("placement-group"), request)
		allow("RemovePlacementGroups", []string{"ec2:DeletePlacementGroup"}, ec2("placement-group"), resource)
	}
	if f.reserve {
		creates, tagged = append(creates, "CreateCapacityReservation"), append(tagged, "capacity-reservation")
		allow("MakeReservations", []string{"ec2:CreateCapacityReservation"}, ec2("capacity-reservation"), request)
		allow("RemoveReservations", []string{"ec2:CancelCapacityReservation"}, ec2("capacity-reservation"), resource)
	}
	slices.Sort(creates)
	slices.Sort(tagged)
	allow("TagWhatIsMade", []string{"ec2:CreateTags"}, ec2(tagged...), map[string]map[string][]string{"StringEquals": {"ec2:CreateAction": creates}})
	allow("ChangeOwnNodes", []string{"ec2:CreateTags", "ec2:StartInstances", "ec2:TerminateInstances"}, ec2("instance", "volume"), resource)
	if f.profile {
		allow("PassRole", []string{"iam:PassRole"}, []string{"arn:" + partition(region) + ":iam::*:role/*"},
			map[string]map[string][]string{"StringEquals": {"iam:PassedToService": {"ec2.amazonaws.com"}}})
	}
	if f.spot {
		allow("FirstSpot", []string{"iam:CreateServiceLinkedRole"}, []string{"arn:" + partition(region) + ":iam::*:role/aws-service-role/spot.amazonaws.com/*"},
			map[string]map[string][]string{"StringEquals": {"iam:AWSServiceName": {"spot.amazonaws.com"}}})
	}
	return p
}

// resources are the ARNs of all that is of these kinds in a region.
func resources(region string, kinds ...string) []string {
	arns := make([]string, len(kinds))
	for i, k := range kinds {
		account := "*"
		if k == "image" || k == "snapshot" {
			account = "" // they have none in their names
		}
		arns[i] = "arn:" + partition(region) + ":ec2:" + region + ":" + account + ":" + k + "/*"
	}
	return arns
}

// Actions are all actions that the policy allows, sorted and each once.
func (p Policy) Actions() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// feature is what of EC2 a file uses, as far as it decides which calls are made.
type feature struct {
	placement, reserve, reservations, groups, keys, profile, spot, checks, quotas bool
}

func features(want *spec.Cluster) (f feature) {
	f.quotas = len(planner.QuotasOf(want.Groups)) > 0
	for _, g := range want.Groups {
		f.placement = f.placement || g.Placement != "" && g.Placement != spec.PlacementNone
		f.reserve = f.reserve || g.Launch.Reserve
		f.reservations = f.reservations || reserved(g)
		f.groups = f.groups || len(g.SecurityGroups) > 0
		f.keys = f.keys || g.KeyName != ""
		f.profile = f.profile || g.InstanceProfile != ""
		f.checks = f.checks || g.Launch.Wait.Needs(spec.WaitChecked)
		f.spot = f.spot || g.Market == spec.Spot
	}
	return f
}

// reserved says that a group names capacity that was bought before.
func reserved(g spec.Group) bool {
	return len(g.Capacity.Reservations)+len(g.Capacity.Blocks) > 0
}

func (f feature) looks() []string {
	all := []string{
		"ec2:DescribeImages", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances",
		"ec2:DescribePlacementGroups", "ec2:DescribeSubnets", "ec2:DescribeVolumes", "ec2:GetConsoleOutput",
	}
	if f.groups {
		all = append(all, "ec2:DescribeSecurityGroups")
	}
	if f.keys {
		all = append(all, "ec2:DescribeKeyPairs")
	}
	if f.checks {
		all = append(all, "ec2:DescribeInstanceStatus")
	}
	if f.reservations || f.reserve {
		all = append(all, "ec2:DescribeCapacityReservations")
	}
	if f.quotas {
		all = append(all, "servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota")
	}
	return all
}

// partition is the first part of ARNs in a region.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
