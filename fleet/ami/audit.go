package ami

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cluster/fleet"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// The checks of an audit, in the order in which findings of one image are listed.
const (
	CheckState      = "state"      // it is not available
	CheckSnapshot   = "snapshot"   // a snapshot of it is gone or not complete
	CheckRoot       = "root"       // its root volume is larger than its snapshot
	CheckRevoked    = "revoked"    // it is revoked and still used, or shared with others, who do not see that
	CheckPublic     = "public"     // it is public and does not hold the channel public
	CheckEncryption = "encryption" // a snapshot of it is not encrypted
	CheckIMDS       = "imds"       // its instances do not ask for IMDSv2 by themselves
	CheckAge        = "age"        // it holds a channel and is old
	CheckBase       = "base"       // what it was made from is deprecated, or not available any more
	CheckAncestors  = "ancestors"  // what it was made from is gone
)

// Checks are the checks of an audit.
var Checks = []string{
	CheckState, CheckSnapshot, CheckRoot, CheckRevoked, CheckPublic, CheckEncryption, CheckIMDS, CheckAge, CheckBase, CheckAncestors,
}

// publicChannel is the channel whose images are meant to be public.
const publicChannel = "public"

// A Finding is something about an image that somebody should look at.
type Finding struct {
	Image  Image
	Check  string
	Detail string // a clause
}

// Facts are what an audit looks at. Maps are by id.
type Facts struct {
	At        time.Time
	Images    []Image // whole families
	Snapshots map[string]Part
	Uses      map[string][]Use
	Parents   map[string]Image  // those that can be seen
	Shared    map[string]Grants // of revoked images
}

// FindFacts looks at a family, or at all if it is empty: one call for images, instances, snapshots and
// parents, or for each few hundred of them, and one for each image that is revoked.
func (k *Keeper) FindFacts(ctx context.Context, family string) (f Facts, err error) {
	if family == "" {
		f.Images, err = k.Find(ctx, "")
	} else {
		f.Images, err = k.Family(ctx, family)
	}
	if err != nil {
		return f, err
	}
	if f.Uses, err = k.Uses(ctx, f.Images); err != nil {
		return f, err
	}
	if f.Snapshots, err = k.partsOf(ctx, f.Images); err != nil {
		return f, err
	}
	if f.Parents, err = k.parents(ctx, f.Images); err != nil {
		return f, err
	}
	f.Shared = map[string]Grants{}
	for _, i := range f.Images {
		if i.Revoked != nil {
			if f.Shared[i.ID], err = k.Permissions(ctx, i); err != nil {
				return f, err
			}
		}
	}
	f.At = k.Session.Now()
	return f, nil
}

// partsOf describes the snapshots of images, by id.
func (k *Keeper) partsOf(ctx context.Context, images []Image) (map[string]Part, error) {
	var ids []string
	for _, i := range images {
		ids = append(ids, i.Snapshots()...)
	}
	slices.Sort(ids)
	found := map[string]Part{}
	for chunk := range slices.Chunk(slices.Compact(ids), most) {
		err := k.eachSnapshot(ctx, "look up the snapshots of the images", fleet.Filter("snapshot-id", chunk...), func(s types.Snapshot) {
			found[value(s.SnapshotId)] = Part{ID: value(s.SnapshotId), State: string(s.State), Size: int(value(s.VolumeSize)), Key: value(s.KmsKeyId)}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// parents finds what images were made from, among themselves or by a call.
func (k *Keeper) parents(ctx context.Context, images []Image) (map[string]Image, error) {
	found := map[string]Image{}
	for _, i := range images {
		found[i.ID] = i
	}
	var missing []string
	for _, i := range images {
		if _, ok := found[i.Parent]; !ok && i.Parent != "" && i.CopyOf == "" {
			missing = append(missing, i.Parent)
		}
	}
	slices.Sort(missing)
	others, err := k.byIDs(ctx, slices.Compact(missing))
	for _, i := range others {
		found[i.ID] = i
	}
	return found, err
}

// Audit is what is to be said of images, by family, version and check; maxAge is how old an image that
// holds a channel may be.
func Audit(f Facts, maxAge time.Duration) (found []Finding) {
	for _, i := range f.Images {
		say := func(check, format string, args ...any) {
			found = append(found, Finding{i, check, fmt.Sprintf(format, args...)})
		}
		switch i.State {
		case available:
		case "pending":
			continue // it is being made
		default:
			say(CheckState, "it is %s", state(i))
		}
		f.auditSnapshots(i, say)
		f.auditRevoked(i, say)
		if i.Public && !slices.Contains(i.Channels, publicChannel) {
			say(CheckPublic, "everybody can launch it, and it does not hold the channel %s", publicChannel)
		}
		if all, _ := i.Encrypted(); !all {
			say(CheckEncryption, "it is not encrypted, or not in all its parts")
		}
		if i.IMDS != string(types.ImdsSupportValuesV20) {
			say(CheckIMDS, "instances that are launched without saying so take IMDSv1")
		}
		if age := f.At.Sub(i.Created); age > maxAge && len(i.Channels) > 0 {
			say(CheckAge, "it is %d days old and holds a channel", int(age.Hours()/24))
		}
		f.auditParent(i, say)
	}
	return found
}

type sayer func(check, format string, args ...any)

func (f Facts) auditSnapshots(i Image, say sayer) {
	for _, id := range i.Snapshots() {
		s, ok := f.Snapshots[id]
		switch {
		case !ok:
			say(CheckSnapshot, "its snapshot %s is gone, so it cannot be launched or copied", id)
		case s.State != string(types.SnapshotStateCompleted):
			say(CheckSnapshot, "its snapshot %s is %s", id, s.State)
		case id == i.RootSnapshot && i.RootSize > s.Size && s.Size > 0:
			say(CheckRoot, "its root volume has %d GiB and its snapshot %d: the file system has to be grown at boot", i.RootSize, s.Size)
		}
	}
}

func (f Facts) auditRevoked(i Image, say sayer) {
	if i.Revoked == nil {
		return
	}
	if n := len(f.Uses[i.ID]); n > 0 {
		say(CheckRevoked, "it is revoked (%s), and %s made from it", i.Revoked.Reason, beings(n))
	}
	if g := f.Shared[i.ID]; !g.Empty() {
		say(CheckRevoked, "it is revoked (%s), and shared with %s, who do not see that", i.Revoked.Reason, g.Text())
	}
}

func (f Facts) auditParent(i Image, say sayer) {
	if i.Parent == "" || i.CopyOf != "" { // the parent of a copy is in another region
		return
	}
	p, ok := f.Parents[i.Parent]
	switch {
	case !ok:
		say(CheckAncestors, "the image %s that it was made from is gone", i.Parent)
	case !p.Deprecated.IsZero() && !p.Deprecated.After(f.At):
		say(CheckBase, "the image %s that it was made from is deprecated since %s", p.Text(), day(p.Deprecated))
	case p.Revoked != nil:
		say(CheckBase, "the image %s that it was made from is revoked: %s", p.Text(), p.Revoked.Reason)
	case p.State != available:
		say(CheckBase, "the image %s that it was made from is %s", p.Text(), p.State)
	}
}
