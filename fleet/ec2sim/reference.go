package ec2sim

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// How many versions of a launch template are looked through, from the last one back.
const (
	versionDepth     = 10
	mostVersionDepth = 10000
	mostReferences   = 10 // images in a question
)

// describeImageReferences tells which instances and launch templates name images.
func (w *world) describeImageReferences(in *ec2.DescribeImageReferencesInput) (*ec2.DescribeImageReferencesOutput, error) {
	if len(in.ImageIds) > mostReferences {
		return nil, fail("InvalidParameterValue", "The request has %d image ids; at most %d are allowed.", len(in.ImageIds), mostReferences)
	}
	for _, id := range in.ImageIds {
		if err := imageKind.check(id); err != nil {
			return nil, err
		}
	}
	ask, err := asked(in)
	if err != nil {
		return nil, err
	}
	var rows []types.ImageReference
	if states, ok := ask[types.ImageReferenceResourceTypeEc2Instance]; ok {
		rows = append(rows, w.instancesOf(in.ImageIds, states)...)
	}
	if depth, ok := ask[types.ImageReferenceResourceTypeEc2LaunchTemplate]; ok {
		n := versionDepth
		if len(depth) > 0 {
			if n, err = strconv.Atoi(depth[0]); err != nil || n < 1 || n > mostVersionDepth {
				return nil, fail("InvalidParameterValue", "Value (%s) for option version-depth is invalid.", depth[0])
			}
		}
		rows = append(rows, w.templatesOf(in.ImageIds, n)...)
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 1, most: 1000}
	rows, next, err := paged(w, rows, p, func(r types.ImageReference) []string { return []string{*r.ImageId, *r.Arn} })
	return &ec2.DescribeImageReferencesOutput{ImageReferences: rows, NextToken: next}, err
}

// asked is what a question is about: the kinds of resources, with the values of the option of each. What
// other services hold is never among it.
func asked(in *ec2.DescribeImageReferencesInput) (map[types.ImageReferenceResourceType][]string, error) {
	ask := map[types.ImageReferenceResourceType][]string{}
	if is(in.IncludeAllResourceTypes) {
		ask[types.ImageReferenceResourceTypeEc2Instance], ask[types.ImageReferenceResourceTypeEc2LaunchTemplate] = nil, nil
	} else if len(in.ResourceTypes) == 0 {
		return nil, fail("MissingParameter", "The request must contain the parameter IncludeAllResourceTypes or ResourceTypes")
	}
	option := map[types.ImageReferenceResourceType]types.ImageReferenceOptionName{
		types.ImageReferenceResourceTypeEc2Instance:       types.ImageReferenceOptionNameStateName,
		types.ImageReferenceResourceTypeEc2LaunchTemplate: types.ImageReferenceOptionNameVersionDepth,
	}
	for _, t := range in.ResourceTypes {
		ask[t.ResourceType] = nil
		for _, o := range t.ResourceTypeOptions {
			if o.OptionName != option[t.ResourceType] {
				return nil, fail("InvalidParameterValue", "The option %s does not go with the resource type %s.", o.OptionName, t.ResourceType)
			}
			ask[t.ResourceType] = o.OptionValues
		}
	}
	return ask, nil
}

// instancesOf are references of instances in these states, or in any.
func (w *world) instancesOf(images, states []string) (rows []types.ImageReference) {
	for _, i := range byAge(w.Instances) {
		image, p := cmp.Or(i.Image, w.Launches[i.Launch].Image), w.phase(i)
		if slices.Contains(images, image) && w.visible(i) && (len(states) == 0 || slices.Contains(states, string(p.state().Name))) {
			rows = append(rows, types.ImageReference{
				ImageId: new(image), ResourceType: types.ImageReferenceResourceTypeEc2Instance, Arn: new(w.arn("instance/" + i.ID)),
			})
		}
	}
	return rows
}

// templatesOf are references of the last versions of launch templates.
func (w *world) templatesOf(images []string, depth int) (rows []types.ImageReference) {
	for _, t := range w.Templates {
		last := t.Versions[max(0, len(t.Versions)-depth):]
		for _, id := range images {
			if slices.ContainsFunc(last, func(v templateVersion) bool { return value(v.Data.ImageId) == id }) {
				rows = append(rows, types.ImageReference{
					ImageId: new(id), ResourceType: types.ImageReferenceResourceTypeEc2LaunchTemplate, Arn: new(w.arn("launch-template/" + *t.LaunchTemplateId)),
				})
			}
		}
	}
	return rows
}
