package ami

import (
	"context"
	"maps"
	"slices"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A Use is an instance that was made from an image and is not terminated.
type Use struct {
	Instance string
	State    string
	Name     string // its Name tag
	Cluster  string // whose node it is; empty: nobody's
}

// alive are the states of instances that are something yet. One that shuts down may still be looked
// at, and does not start again.
var alive = []string{"pending", "running", "shutting-down", "stopping", "stopped"}

// most is EC2's cap of values in a filter.
const most = 200

// Uses are the instances made from images that are not terminated, by the image's id, each list by
// instance id. It is one call for each thousand instances; for up to 200 images EC2 picks them out.
func (k *Keeper) Uses(ctx context.Context, images []Image) (map[string][]Use, error) {
	ids := map[string]bool{}
	for _, i := range images {
		ids[i.ID] = true
	}
	uses := map[string][]Use{}
	if len(ids) == 0 {
		return uses, nil
	}
	filters := []types.Filter{fleet.Filter("instance-state-name", alive...)}
	if len(ids) <= most {
		filters = append(filters, fleet.Filter("image-id", slices.Sorted(maps.Keys(ids))...))
	}
	err := fleet.Pages(func(token *string) (*string, error) {
		out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeInstances", Doing: "see which instances use the images"},
			k.Session.EC2.DescribeInstances, &ec2.DescribeInstancesInput{Filters: filters, MaxResults: new(int32(page)), NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				if id := value(i.ImageId); ids[id] {
					uses[id] = append(uses[id], toUse(i))
				}
			}
		}
		return out.NextToken, nil
	})
	for _, u := range uses {
		slices.SortFunc(u, func(a, b Use) int { return compare(a.Instance, b.Instance) })
	}
	return uses, err
}

func toUse(i types.Instance) Use {
	tags := fleet.FromTags(i.Tags)
	u := Use{Instance: value(i.InstanceId), Name: tags["Name"], Cluster: tags[planner.TagName]}
	if i.State != nil {
		u.State = string(i.State.Name)
	}
	return u
}
