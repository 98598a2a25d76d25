package ec2sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// snapshot is a snapshot of a volume. How far it is follows from when it was begun.
type snapshot struct {
	types.Snapshot
	Took   time.Duration `json:",omitzero"` // from its beginning until it is complete
	Fails  string        `json:",omitzero"` // it ends in error instead, for this reason
	Users  []string      `json:",omitzero"` // accounts that may make volumes from it
	Public bool          `json:",omitzero"` // all may
	Broken bool          `json:",omitzero"` // what boots from it does not come up
}

// takeSnapshot begins a snapshot, of which the rest is known.
func (w *world) takeSnapshot(s *snapshot, takes Range) {
	id := w.newID("snap-")
	s.SnapshotId, s.OwnerId, s.StartTime = new(id), new(w.account()), new(w.now.Truncate(time.Millisecond))
	s.State, s.StorageTier, s.Fails = types.SnapshotStateCompleted, types.StorageTierStandard, w.fails
	s.Took = w.r.draw(takes, "snapshot", id)
	w.Snapshots[id] = s
}

func (w *world) snapshotState(s *snapshot) types.SnapshotState {
	switch {
	case s.Took > 0 && w.now.Before(s.StartTime.Add(s.Took)):
		return types.SnapshotStatePending
	case s.Fails != "":
		return types.SnapshotStateError
	}
	return s.State
}

// viewSnapshot is a snapshot as an answer shows it to the account now.
func (w *world) viewSnapshot(s *snapshot) *types.Snapshot {
	row := s.Snapshot
	row.State, row.Tags = w.snapshotState(s), w.tags(*s.SnapshotId)
	if s.Took == 0 && s.Fails == "" {
		row.Progress, row.CompletionTime = new("100%"), s.StartTime
		return &row
	}
	switch row.State {
	case types.SnapshotStatePending:
		row.Progress = new(fmt.Sprintf("%d%%", 100*w.now.Sub(*s.StartTime)/s.Took))
	case types.SnapshotStateError:
		// It never got there.
		row.Progress, row.StateMessage = new("99%"), new(s.Fails)
	default:
		row.Progress, row.CompletionTime = new("100%"), new(s.StartTime.Add(s.Took))
	}
	return &row
}

// readable tells whether the account may make volumes from a snapshot, and sees it.
func (w *world) readable(s *snapshot) bool {
	return *s.OwnerId == w.account() || s.Public || slices.Contains(s.Users, w.account())
}

func (w *world) describeSnapshots(in *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
	for _, o := range in.OwnerIds {
		if !slices.Contains([]string{"self", "amazon"}, o) && !isAccount(o) {
			return nil, fail("InvalidUserID.Malformed", "Invalid user id: \"%s\"", o)
		}
	}
	all, err := pick(w.Snapshots, in.SnapshotIds, snapshotKind, w.readable)
	if err != nil {
		return nil, err
	}
	var rows []*types.Snapshot
	for _, s := range all {
		own := *s.OwnerId == w.account()
		owner := func(o string) bool { return o == *s.OwnerId || o == "self" && own }
		user := func(u string) bool {
			return u == "all" && s.Public || own && (u == "self" || u == *s.OwnerId || slices.Contains(s.Users, u)) ||
				(u == "self" || u == w.account()) && slices.Contains(s.Users, w.account())
		}
		if (len(in.OwnerIds) == 0 || slices.ContainsFunc(in.OwnerIds, owner)) &&
			(len(in.RestorableByUserIds) == 0 || slices.ContainsFunc(in.RestorableByUserIds, user)) {
			rows = append(rows, w.viewSnapshot(s))
		}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.SnapshotIds, idsNamed: "snapshotSet"}
	rows, next, err := paged(w, rows, p, func(s *types.Snapshot) []string { return []string{*s.SnapshotId} })
	return &ec2.DescribeSnapshotsOutput{Snapshots: deref(rows), NextToken: next}, err
}

// ownSnapshot finds a snapshot that the account may change: only its owner may.
func (w *world) ownSnapshot(id string) (*snapshot, error) {
	found, err := pick(w.Snapshots, []string{id}, snapshotKind, w.readable)
	if err != nil {
		return nil, err
	}
	if *found[0].OwnerId != w.account() {
		return nil, fail("AuthFailure", "Not authorized for snapshot: %s", id)
	}
	return found[0], nil
}

// usersOf are the images that a snapshot belongs to, whoever owns them, in the order of their ids.
func (w *world) usersOf(snapshot string) []string {
	var ids []string
	for id, i := range w.Images {
		if i.Gone.IsZero() && slices.ContainsFunc(i.BlockDeviceMappings, func(m types.BlockDeviceMapping) bool { return snapshotOf(m) == snapshot }) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// deleteSnapshot deletes a snapshot that no image needs.
func (w *world) deleteSnapshot(in *ec2.DeleteSnapshotInput) (*ec2.DeleteSnapshotOutput, error) {
	s, err := w.ownSnapshot(*in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if users := w.usersOf(*s.SnapshotId); len(users) > 0 {
		return nil, fail("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", *s.SnapshotId, users[0])
	}
	w.dropSnapshot(*s.SnapshotId)
	return &ec2.DeleteSnapshotOutput{}, nil
}

// dropSnapshot forgets a snapshot, and what any account tagged it with.
func (w *world) dropSnapshot(id string) {
	delete(w.Snapshots, id)
	w.untag(id)
}

// untag forgets the tags that accounts gave to something that they share.
func (w *world) untag(id string) {
	for _, other := range w.r.s.Worlds {
		if other.Name == w.Name {
			delete(other.Tags, id)
		}
	}
}
