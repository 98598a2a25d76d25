package ec2sim

import (
	"cmp"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"slices"
)

// mine tells whether the account may launch an image.
func (w *world) mine(i *image) bool {
	return *i.OwnerId == w.account() || is(i.Public) || slices.Contains(i.Users, w.account())
}

// imageState is the state of an image now, and why it failed if it did. One that was made from snapshots is
// as far as they are.
func (w *world) imageState(i *image) (state types.ImageState, failed string) {
	switch {
	case !i.Gone.IsZero():
		return types.ImageStateDeregistered, ""
	case i.State != types.ImageStateAvailable:
		return i.State, ""
	}
	state = types.ImageStateAvailable
	for _, m := range i.BlockDeviceMappings {
		s := w.Snapshots[snapshotOf(m)]
		if s == nil {
			continue
		}
		switch w.snapshotState(s) {
		case types.SnapshotStateError:
			return types.ImageStateFailed, s.Fails
		case types.SnapshotStatePending:
			state = types.ImageStatePending
		}
	}
	return state, ""
}

// snapshotOf is the snapshot of an image's device; "" if it has none.
func snapshotOf(m types.BlockDeviceMapping) string {
	if m.Ebs == nil {
		return ""
	}
	return value(m.Ebs.SnapshotId)
}

// viewImage is an image as an answer shows it to the account now.
func (w *world) viewImage(i *image) *types.Image {
	row := i.Image
	state, failed := w.imageState(i)
	row.State, row.Tags = state, w.tags(*i.ImageId)
	if failed != "" {
		row.StateReason = &types.StateReason{Code: new("Server.InternalError"), Message: new(failed)}
	}
	row.DeregistrationProtection = new(w.protection(i))
	return &row
}

// imagesInUse are the ids of the images that instances of any account in the region are of.
func (w *world) imagesInUse() map[string]bool {
	used := map[string]bool{}
	for _, other := range w.r.s.Worlds {
		if other.Name != w.Name {
			continue
		}
		for _, i := range other.Instances {
			if w.phase(i) != terminated {
				used[cmp.Or(i.Image, other.Launches[i.Launch].Image)] = true
			}
		}
	}
	return used
}

func (w *world) describeImages(in *ec2.DescribeImagesInput) (*ec2.DescribeImagesOutput, error) {
	if w.r.o.AnyImage {
		for _, id := range in.ImageIds {
			if w.Images[id] == nil && imageKind.check(id) == nil {
				w.inventImage(id, "")
			}
		}
	}
	for _, o := range in.Owners {
		if !slices.Contains([]string{"self", "amazon", "aws-marketplace", "aws-backup-vault"}, o) && !isAccount(o) {
			return nil, fail("InvalidUserID.Malformed", "Invalid user id: \"%s\"", o)
		}
	}
	// A deregistered image is unknown once no instance is of it, and until then a description is empty.
	var used map[string]bool
	if len(in.ImageIds) > 0 {
		used = w.imagesInUse()
	}
	known := func(i *image) bool { return w.mine(i) && (i.Gone.IsZero() || used[*i.ImageId]) }
	all, err := pick(w.Images, in.ImageIds, imageKind, known)
	if err != nil {
		return nil, err
	}
	var rows []*types.Image
	for _, i := range all {
		if i.Gone.IsZero() && w.listed(i, in) {
			rows = append(rows, w.viewImage(i))
		}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 1, most: 1000}
	rows, next, err := paged(w, rows, p, func(i *types.Image) []string { return []string{*i.ImageId} })
	return &ec2.DescribeImagesOutput{Images: deref(rows), NextToken: next}, err
}

// listed tells whether a description names an image that may be launched.
func (w *world) listed(i *image, in *ec2.DescribeImagesInput) bool {
	own := *i.OwnerId == w.account()
	if i.State == types.ImageStateDisabled && !is(in.IncludeDisabled) {
		return false
	}
	if d := value(i.DeprecationTime); d != "" && d < stamp(w.now) && !own && !is(in.IncludeDeprecated) && len(in.ImageIds) == 0 {
		return false
	}
	owner := func(o string) bool {
		return o == *i.OwnerId || o == "self" && own || i.ImageOwnerAlias != nil && o == *i.ImageOwnerAlias
	}
	user := func(u string) bool {
		return u == "all" && is(i.Public) || u == "self" && slices.Contains(i.Users, w.account()) || own && slices.Contains(i.Users, u)
	}
	return (len(in.Owners) == 0 || slices.ContainsFunc(in.Owners, owner)) &&
		(len(in.ExecutableUsers) == 0 || slices.ContainsFunc(in.ExecutableUsers, user))
}

// launchable finds the image of a launch, whose instances have the architecture.
func (w *world) launchable(id, architecture string) (*image, error) {
	if id == "" {
		return nil, fail("MissingParameter", "The request must contain the parameter ImageId")
	}
	if err := imageKind.check(id); err != nil {
		return nil, err
	}
	i := w.Images[id]
	switch {
	case i == nil && w.r.o.AnyImage:
		return w.inventImage(id, architecture), nil
	case i == nil:
		return nil, imageKind.absent(id)
	case !w.mine(i):
		return nil, fail("AuthFailure", "Not authorized for images: [%s]", id)
	}
	if state, _ := w.imageState(i); state != types.ImageStateAvailable {
		return nil, fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available; its state is %s", id, state)
	}
	return i, nil
}
