package fleet

import (
	"slices"

	"cluster/planner"
	"cluster/spec"
)

// BuildPolicyFor is the least that `image build` needs for a file. Launching is bound to the tag of this family's
// builds, ending to instances that carry it, and images and snapshots that are made, tagged or removed to the
// family's. region may be "*".
func BuildPolicyFor(m *spec.Build, region string) Policy {
	p := Policy{Version: "2012-10-17"}
	allow := func(sid string, actions, resources []string, operator, key, value string) {
		slices.Sort(actions)
		s := Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources}
		if key != "" {
			s.Condition = map[string]map[string][]string{operator: {key: {value}}}
		}
		p.Statement = append(p.Statement, s)
	}
	arns := func(kinds ...string) []string { return resources(region, kinds...) }
	const equals, like, request, resource = "StringEquals", "StringLike", "aws:RequestTag/", "aws:ResourceTag/"
	builds := m.Family + "/*"

	allow("Look", []string{"ec2:DescribeImages", "ec2:DescribeInstanceStatus", "ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:GetConsoleOutput"},
		[]string{"*"}, "", "", "")
	allow("LaunchTagged", []string{"ec2:RunInstances"}, arns("instance", "volume"), like, request+planner.TagBuild, builds)
	allow("LaunchFrom", []string{"ec2:RunInstances"}, arns("image", "key-pair", "network-interface", "security-group", "snapshot", "subnet"), "", "", "")
	allow("CaptureBuilder", []string{"ec2:CreateImage"}, arns("instance"), like, resource+planner.TagBuild, builds)
	allow("MakeTagged", []string{"ec2:CreateImage"}, arns("image", "snapshot"), equals, request+planner.TagImageFamily, m.Family)
	p.Statement = append(p.Statement, Statement{Sid: "TagWhatIsMade", Effect: "Allow", Action: []string{"ec2:CreateTags"},
		Resource:  arns("image", "instance", "snapshot", "volume"),
		Condition: map[string]map[string][]string{equals: {"ec2:CreateAction": {"CreateImage", "RunInstances"}}}})
	allow("TagOwnImages", []string{"ec2:CreateTags"}, arns("image"), equals, resource+planner.TagImageFamily, m.Family)
	allow("EndBuilders", []string{"ec2:TerminateInstances"}, arns("instance"), like, resource+planner.TagBuild, builds)
	allow("RemoveWhatFailed", []string{"ec2:DeleteSnapshot", "ec2:DeregisterImage"}, arns("image", "snapshot"), equals, resource+planner.TagImageFamily, m.Family)
	if m.InstanceProfile != "" {
		allow("PassRole", []string{"iam:PassRole"}, []string{"arn:" + partition(region) + ":iam::*:role/*"}, equals, "iam:PassedToService", "ec2.amazonaws.com")
	}
	return p
}
