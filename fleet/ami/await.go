package ami

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A FailedError says that EC2 began to make an image and gave it up.
type FailedError struct {
	Image  Image
	Region string
	Reason string // EC2's, or ours
	Gone   bool   // what there was of it has been removed, with its snapshots

	unseen bool // there may never have been one
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("%s in %s failed: %s", e.Image.Text(), e.Region, cmp.Or(e.Reason, "EC2 gives no reason"))
}

// failed says that EC2 will not finish an image. The SDK's own waiter knows the first state only and would
// wait on in the others.
func failed(state string) bool {
	return slices.Contains([]types.ImageState{types.ImageStateFailed, types.ImageStateError, types.ImageStateInvalid}, types.ImageState(state))
}

// named finds our own image of a name, in any state; names are unique in an account and region.
func (k *Keeper) named(ctx context.Context, name string) (img Image, ok bool, err error) {
	found, err := k.describe(ctx, "look for the image "+name, ec2.DescribeImagesInput{
		Owners: []string{"self"}, Filters: []types.Filter{fleet.Filter("name", name)}, IncludeDisabled: new(true), MaxResults: new(int32(page)),
	})
	for _, i := range found {
		if i.State != string(types.ImageStateDeregistered) {
			return i, true, err
		}
	}
	return Image{}, false, err
}

// How often an image in the making is looked at: what takes minutes is worth a call every few seconds,
// what takes hours is not. EC2 may take a day.
func awaitEvery(waited time.Duration) time.Duration {
	if waited < 2*time.Minute {
		return 5 * time.Second
	}
	return 15 * time.Second
}

const (
	awaitMost   = 24 * time.Hour
	awaitUnseen = time.Minute // an image may be in no description for as long after the call that made it
)

// await waits until an image is available and tells of its progress. An image that EC2 gives up is a
// *FailedError; it is still there then.
func (k *Keeper) await(ctx context.Context, img Image) (Image, error) {
	start, seen := k.Session.Now(), false
	for {
		found, err := k.describe(ctx, "look at "+img.ID, ec2.DescribeImagesInput{
			Filters: []types.Filter{fleet.Filter("image-id", img.ID)}, IncludeDisabled: new(true), MaxResults: new(int32(page)),
		})
		if err != nil {
			return img, err
		}
		waited := k.Session.Now().Sub(start)
		if len(found) > 0 {
			img, seen = found[0], true
		}
		switch {
		case len(found) == 0 && waited > awaitUnseen, img.State == string(types.ImageStateDeregistered):
			return img, &FailedError{Image: img, Region: k.Session.Region, Reason: "somebody has deregistered it", Gone: true, unseen: !seen}
		case img.State == available:
			k.tell(Event{Type: EventAvailable, Image: img.ID, Family: img.Family, Version: img.Version})
			return img, nil
		case failed(img.State):
			return img, &FailedError{Image: img, Region: k.Session.Region, Reason: img.StateReason}
		case waited > awaitMost:
			return img, fmt.Errorf("the image %s is still %s after %s", img.Text(), img.State, waited.Round(time.Minute))
		}
		if percent, ok := k.progress(ctx, img); ok {
			k.tell(Event{Type: EventProgress, Image: img.ID, Family: img.Family, Version: img.Version, Percent: percent})
		}
		if err := k.Session.Sleep(ctx, awaitEvery(waited)); err != nil {
			return img, err
		}
	}
}

// progress is how much of an image's snapshots is stored, weighed by their sizes. It is good to know and no
// more: who may not see it waits all the same.
func (k *Keeper) progress(ctx context.Context, img Image) (percent int, ok bool) {
	snapshots, err := k.snapshotsOf(ctx, img.Snapshots(), "look at the snapshots of "+img.ID)
	if err != nil || len(snapshots) == 0 {
		return 0, false
	}
	done, of := 0, 0
	for _, s := range snapshots {
		p := 0
		fmt.Sscanf(value(s.Progress), "%d%%", &p) // empty at first
		size := max(1, int(value(s.VolumeSize)))
		done, of = done+p*size, of+size
	}
	return done / of, true
}

// snapshotsOf describes snapshots by id; those that cannot be seen are left out.
func (k *Keeper) snapshotsOf(ctx context.Context, ids []string, doing string) ([]types.Snapshot, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return k.snapshotsBy(ctx, doing, fleet.Filter("snapshot-id", ids...))
}

// snapshotsBy describes our own snapshots.
func (k *Keeper) snapshotsBy(ctx context.Context, doing string, by ...types.Filter) (found []types.Snapshot, err error) {
	err = fleet.Pages(func(token *string) (*string, error) {
		out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeSnapshots", Doing: doing}, k.Session.EC2.DescribeSnapshots,
			&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: by, MaxResults: new(int32(page)), NextToken: token})
		if err != nil {
			return nil, err
		}
		found = append(found, out.Snapshots...)
		return out.NextToken, nil
	})
	return found, err
}

// discard takes an image that failed out of the account, and the snapshots that it leaves. It is for what
// this program made and nobody has used.
func (k *Keeper) discard(ctx context.Context, img Image, why string) error {
	out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DeregisterImage", Doing: "deregister " + img.Text()}, k.Session.EC2.DeregisterImage,
		&ec2.DeregisterImageInput{ImageId: new(img.ID), DeleteAssociatedSnapshots: new(true)})
	if err != nil && !absent(err) {
		return err
	}
	k.notify(EventRemoved, img, "", why)
	left := img.Snapshots()
	if out != nil {
		for _, r := range out.DeleteSnapshotResults {
			if r.ReturnCode == types.SnapshotReturnCodesSuccess {
				left = slices.DeleteFunc(left, func(id string) bool { return id == value(r.SnapshotId) })
			}
		}
	}
	return k.deleteSnapshots(ctx, img, left)
}

func (k *Keeper) deleteSnapshots(ctx context.Context, img Image, ids []string) error {
	var errs []error
	for _, id := range ids {
		_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DeleteSnapshot", Doing: "delete the snapshot " + id + " of " + img.Text()},
			k.Session.EC2.DeleteSnapshot, &ec2.DeleteSnapshotInput{SnapshotId: new(id)})
		if err != nil && !absent(err) {
			errs = append(errs, err)
			continue
		}
		k.notify(EventRemoved, img, id, "its image failed")
	}
	return errors.Join(errs...)
}

// leftovers removes the snapshots in error that are left of a failed image which was deregistered by a run that
// did not come any further. An image of that version must not be there.
func (k *Keeper) leftovers(ctx context.Context, img Image, by types.Filter) error {
	found, err := k.snapshotsBy(ctx, "look for what is left of a failed "+img.Text(), by,
		fleet.Filter("tag:"+planner.TagImageFamily, img.Family), fleet.Filter("tag:"+planner.TagImageVersion, img.Version),
		fleet.Filter("status", string(types.SnapshotStateError)))
	var ids []string
	for _, s := range found {
		ids = append(ids, value(s.SnapshotId))
	}
	return errors.Join(err, k.deleteSnapshots(ctx, img, ids))
}

// absent says that a call failed because what it is about is gone.
func absent(err error) bool {
	return code(err) == "InvalidAMIID.NotFound" || code(err) == "InvalidAMIID.Unavailable" || code(err) == "InvalidSnapshot.NotFound"
}

// code is EC2's error code in an error; empty if it has none.
func code(err error) string {
	if e, ok := errors.AsType[*fleet.CallError](err); ok {
		return e.Code
	}
	return ""
}

// join is both errors, or the one that there is, as it is.
func join(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}
