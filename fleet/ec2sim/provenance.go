package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

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
