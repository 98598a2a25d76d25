package ec2sim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const maxReferenced = 10

// describeImageReferences shows which instances and launch templates of the account need images. What else
// could, a region does not have.
func (w *world) describeImageReferences(in *ec2.DescribeImageReferencesInput) (*ec2.DescribeImageReferencesOutput, error) {
	if n := len(in.ImageIds); n > maxReferenced {
		return nil, fail("InvalidParameterValue", "The request has %d image ids; at most %d are allowed.", n, maxReferenced)
	}
	if !is(in.IncludeAllResourceTypes) && len(in.ResourceTypes) == 0 {
		return nil, fail("MissingParameter", "The request must contain the parameter IncludeAllResourceTypes or ResourceTypes")
	}
	for _, id := range in.ImageIds {
		if err := imageKind.check(id); err != nil {
			return nil, err
		}
	}
	asked := func(kind types.ImageReferenceResourceType) bool {
		return is(in.IncludeAllResourceTypes) || slices.ContainsFunc(in.ResourceTypes, func(r types.ResourceTypeRequest) bool { return r.ResourceType == kind })
	}
	var rows []*types.ImageReference
	add := func(kind types.ImageReferenceResourceType, image, arn string) {
		if asked(kind) && slices.Contains(in.ImageIds, image) {
			rows = append(rows, &types.ImageReference{Arn: new(w.arn(arn)), ImageId: new(image), ResourceType: kind})
		}
	}
	for _, i := range byAge(w.Instances) {
		if w.phase(i) != terminated && w.visible(i) {
			add(types.ImageReferenceResourceTypeEc2Instance, *w.view(i).ImageId, "instance/"+i.ID)
		}
	}
	for id, t := range w.Templates {
		add(types.ImageReferenceResourceTypeEc2LaunchTemplate, value(t.Data.ImageId), "launch-template/"+id)
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000}
	rows, next, err := paged(w, rows, p, func(r *types.ImageReference) []string { return []string{*r.Arn} })
	return &ec2.DescribeImageReferencesOutput{ImageReferences: deref(rows), NextToken: next}, err
}

// getImageAncestry shows what an image was made from, and what that was, as far as the account may see.
func (w *world) getImageAncestry(in *ec2.GetImageAncestryInput) (*ec2.GetImageAncestryOutput, error) {
	found, err := pick(w.Images, []string{*in.ImageId}, imageKind, func(i *image) bool { return w.mine(i) && i.Gone.IsZero() })
	if err != nil {
		return nil, err
	}
	out := &ec2.GetImageAncestryOutput{}
	here, i := w, found[0]
	for seen := map[string]bool{}; i != nil && !seen[*i.ImageId]; {
		seen[*i.ImageId] = true
		e := types.ImageAncestryEntry{ImageId: i.ImageId, ImageOwnerAlias: i.ImageOwnerAlias, SourceImageId: i.SourceImageId, SourceImageRegion: i.SourceImageRegion}
		if at, err := time.Parse(time.RFC3339, value(i.CreationDate)); err == nil {
			e.CreationDate = &at
		}
		if e.ImageOwnerAlias == nil {
			e.ImageOwnerAlias = i.OwnerId
		}
		out.ImageAncestryEntries = append(out.ImageAncestryEntries, e)
		if i.SourceImageId == nil {
			break
		}
		if region := value(i.SourceImageRegion); region != here.Name {
			here = w.r.home(region)
		}
		if i = here.Images[*i.SourceImageId]; i != nil && !w.mine(i) {
			i = nil
		}
	}
	return out, nil
}
