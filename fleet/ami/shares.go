package ami

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Shares are who may do what with an image of ours: EC2 keeps the two apart.
type Shares struct {
	Launch Grants
	Copy   []string // accounts that have its snapshots
}

// Empty says that nobody but us may do anything.
func (s Shares) Empty() bool { return s.Launch.Empty() && len(s.Copy) == 0 }

// Shares looks whom an image and its snapshots are shared with: a call, and one a snapshot.
func (k *Keeper) Shares(ctx context.Context, img Image) (s Shares, err error) {
	if s.Launch, err = k.Permissions(ctx, img); err != nil {
		return s, err
	}
	for _, id := range img.Snapshots() {
		users, err := k.snapshotUsers(ctx, id)
		if err != nil {
			return s, err
		}
		s.Copy = append(s.Copy, users...)
	}
	s.Copy = minus(s.Copy, nil)
	return s, nil
}

// follow shares an image as another one is shared, and says whether anything was missing. What it has
// beyond that it keeps.
func (k *Keeper) follow(ctx context.Context, img Image, want Shares) (changed bool, err error) {
	if want.Empty() {
		return false, nil
	}
	s := Shared{Image: img}
	if s.Have, err = k.Permissions(ctx, img); err != nil {
		return false, err
	}
	s.Changed = want.Launch.Minus(s.Have)
	if s.Snapshots, err = k.snapshots(ctx, s, want.Copy, types.OperationTypeAdd); err != nil {
		return false, defaultKey(err, img)
	}
	if s.Changed.Empty() {
		return s.Snapshots > 0, nil
	}
	if err := k.permit(ctx, img, &types.LaunchPermissionModifications{Add: permissions(s.Changed)}); err != nil {
		return true, defaultKey(err, img)
	}
	k.notify(EventShared, img, "", "shared with "+s.Changed.Text())
	return true, nil
}
