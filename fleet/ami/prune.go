package ami

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// PlanPrune looks at a family and at who uses its images, and says what may go: see Prune. more are
// uses that this account's EC2 does not know of, such as lock files, as clauses by image id. It takes
// a call each for images, instances and snapshots, and one for ten images that nothing else keeps.
func (k *Keeper) PlanPrune(ctx context.Context, family string, keep int, more map[string][]string) (Pruning, error) {
	// Who looks for snapshots first sees no snapshot of an image that is made in between.
	snapshots, err := k.familySnapshots(ctx, family)
	if err != nil {
		return Pruning{}, err
	}
	images, err := k.Find(ctx, family)
	if err != nil {
		return Pruning{}, err
	}
	if len(images) == 0 && len(snapshots) == 0 {
		_, err = k.Family(ctx, family)
		return Pruning{}, err
	}
	instances, err := k.Uses(ctx, images)
	if err != nil {
		return Pruning{}, err
	}
	uses := map[string][]string{}
	for id, u := range instances {
		uses[id] = append(uses[id], fmt.Sprintf("%s made from it", beings(len(u))))
	}
	for id, clauses := range more {
		uses[id] = append(uses[id], clauses...)
	}
	now := k.Session.Now()
	p := Prune(images, keep, uses, snapshots, now)
	templates, err := k.templates(ctx, p.Remove)
	if err != nil {
		return Pruning{}, err
	}
	for id, clause := range templates {
		uses[id] = append(uses[id], clause)
	}
	p = Prune(images, keep, uses, snapshots, now)
	p.Family = family
	return p, nil
}

func beings(n int) string {
	if n == 1 {
		return "1 instance is"
	}
	return fmt.Sprintf("%d instances are", n)
}

// familySnapshots are our snapshots with a family's tag.
func (k *Keeper) familySnapshots(ctx context.Context, family string) (found []Snapshot, err error) {
	err = k.eachSnapshot(ctx, "look up the snapshots of "+family, fleet.Filter("tag:"+planner.TagImageFamily, family), func(s types.Snapshot) {
		found = append(found, Snapshot{
			ID: value(s.SnapshotId), Version: fleet.FromTags(s.Tags)[planner.TagImageVersion], Size: int(value(s.VolumeSize)),
			State: string(s.State), Started: value(s.StartTime).UTC(), Of: madeFor(value(s.Description)),
		})
	})
	return found, err
}

// eachSnapshot calls f for our snapshots that a filter lets through.
func (k *Keeper) eachSnapshot(ctx context.Context, doing string, by types.Filter, f func(types.Snapshot)) error {
	return fleet.Pages(func(token *string) (*string, error) {
		out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeSnapshots", Doing: doing},
			k.Session.EC2.DescribeSnapshots, &ec2.DescribeSnapshotsInput{
				OwnerIds: []string{"self"}, Filters: []types.Filter{by}, MaxResults: new(int32(page)), NextToken: token,
			})
		if err != nil {
			return nil, err
		}
		for _, s := range out.Snapshots {
			f(s)
		}
		return out.NextToken, nil
	})
}

// templates are the launch templates with a version that names one of the images, as a clause by the
// image's id. EC2 looks through the last 10,000 versions of each, for ten images at a time.
func (k *Keeper) templates(ctx context.Context, images []Doomed) (map[string]string, error) {
	found := map[string][]string{}
	for chunk := range slices.Chunk(images, 10) {
		in := ec2.DescribeImageReferencesInput{ResourceTypes: []types.ResourceTypeRequest{{
			ResourceType: types.ImageReferenceResourceTypeEc2LaunchTemplate,
			ResourceTypeOptions: []types.ResourceTypeOption{{
				OptionName: types.ImageReferenceOptionNameVersionDepth, OptionValues: []string{"10000"},
			}},
		}}}
		for _, d := range chunk {
			in.ImageIds = append(in.ImageIds, d.Image.ID)
		}
		err := fleet.Pages(func(token *string) (*string, error) {
			in.NextToken = token
			out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeImageReferences", Doing: "see which launch templates name the images"},
				k.Session.EC2.DescribeImageReferences, &in)
			if err != nil {
				return nil, err
			}
			for _, r := range out.ImageReferences {
				arn := value(r.Arn)
				found[value(r.ImageId)] = append(found[value(r.ImageId)], arn[strings.LastIndexByte(arn, '/')+1:])
			}
			return out.NextToken, nil
		})
		if err != nil {
			return nil, err
		}
	}
	clauses := map[string]string{}
	for id, names := range found {
		slices.Sort(names)
		clauses[id] = "a version of the launch template " + strings.Join(slices.Compact(names), ", ") + " names it"
	}
	return clauses, nil
}

// A Pruned is what went.
type Pruned struct {
	Images    int
	Snapshots int
	GiB       int      // of the volumes of the snapshots that went
	Left      []string // snapshots that EC2 did not remove, with its reason
}

// Prune removes what PlanPrune found: an image and its snapshots in one call, so that nothing is left
// of it if the run dies; what an earlier run or somebody else left goes too. It goes on after a
// refusal, and the errors are joined.
func (k *Keeper) Prune(ctx context.Context, p Pruning) (done Pruned, err error) {
	var errs []error
	for _, d := range p.Remove {
		if ctx.Err() != nil {
			return done, errors.Join(append(errs, context.Cause(ctx))...)
		}
		errs = append(errs, k.deregister(ctx, d, &done))
	}
	for _, s := range p.Strays {
		if ctx.Err() != nil {
			return done, errors.Join(append(errs, context.Cause(ctx))...)
		}
		errs = append(errs, k.deleteStray(ctx, p.Family, s, &done))
	}
	return done, errors.Join(errs...)
}

func (k *Keeper) deregister(ctx context.Context, d Doomed, done *Pruned) error {
	out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DeregisterImage", Doing: "deregister " + d.Image.Text()},
		k.Session.EC2.DeregisterImage, &ec2.DeregisterImageInput{ImageId: new(d.Image.ID), DeleteAssociatedSnapshots: new(true)})
	if e, ok := errors.AsType[*fleet.CallError](err); ok && goneAlready(e.Code) {
		return nil
	}
	if err != nil {
		return err
	}
	done.Images++
	size := map[string]int{}
	for _, disk := range d.Image.Disks {
		size[disk.Snapshot] = disk.Size
	}
	for _, r := range out.DeleteSnapshotResults {
		id := value(r.SnapshotId)
		switch r.ReturnCode {
		case types.SnapshotReturnCodesSuccess:
			done.Snapshots++
			done.GiB += size[id]
		case types.SnapshotReturnCodesWarnSkipped:
			done.Left = append(done.Left, id+": another image needs it")
		default:
			done.Left = append(done.Left, id+": "+string(r.ReturnCode))
		}
	}
	k.notify(EventRemoved, d.Image, "", plural(len(d.Snapshots), "snapshot"))
	return nil
}

func (k *Keeper) deleteStray(ctx context.Context, family string, s Snapshot, done *Pruned) error {
	_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DeleteSnapshot", Doing: "delete " + s.ID},
		k.Session.EC2.DeleteSnapshot, &ec2.DeleteSnapshotInput{SnapshotId: new(s.ID)})
	e, ok := errors.AsType[*fleet.CallError](err)
	switch {
	case err == nil:
		done.Snapshots++
		done.GiB += s.Size
		k.notify(EventRemoved, Image{Family: family, Version: s.Version}, s.ID, "its image is gone")
	case ok && goneAlready(e.Code):
	case ok && e.Code == "InvalidSnapshot.InUse":
		done.Left = append(done.Left, s.ID+": an image of no family needs it")
	default:
		return err
	}
	return nil
}

// goneAlready are the codes for what is not there any more: another run was faster, or this call was
// repeated after its answer was lost.
func goneAlready(code string) bool {
	return code == "InvalidAMIID.NotFound" || code == "InvalidAMIID.Unavailable" || code == "InvalidSnapshot.NotFound"
}
