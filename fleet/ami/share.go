package ami

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cluster/fleet"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// EC2's cap of changes in a ModifySnapshotAttribute call. Images take 10,000 accounts in one.
const maxSnapshotChanges = 500

// A Shared is what a Share or Unshare did.
type Shared struct {
	Image     Image
	Changed   Grants // what the image has now and had not, or had and has no more
	Snapshots int    // of the image that changed
	Have      Grants // of the image, after it
	Encrypted bool   // a snapshot is: the policy of its key decides as well
}

// Share lets accounts, organizations, units or everybody launch a version, and accounts copy it: those
// get its snapshots as well, which organizations cannot be given. Snapshots come first, so that whoever
// sees the image may copy it; a run that dies in between is finished by running it again.
//
// It is two calls to look and, whatever the number of accounts up to 500, one for each snapshot and
// one for the image; one more looks whether everybody may be given anything.
func (k *Keeper) Share(ctx context.Context, family, version string, want Grants) (Shared, error) {
	s, err := k.shared(ctx, family, version)
	if err != nil {
		return s, err
	}
	if err := k.shareable(ctx, s.Image, want.Minus(s.Have)); err != nil {
		return s, err
	}
	s.Changed = want.Minus(s.Have)
	if s.Snapshots, err = k.snapshots(ctx, s, want.Accounts, types.OperationTypeAdd); err != nil {
		return s, defaultKey(err, s.Image)
	}
	if s.Changed.Empty() {
		return s, nil
	}
	if err = k.permit(ctx, s.Image, &types.LaunchPermissionModifications{Add: permissions(s.Changed)}); err != nil {
		return s, defaultKey(err, s.Image)
	}
	s.Have = union(s.Have, s.Changed)
	k.notify(EventShared, s.Image, "", "shared with "+s.Changed.Text())
	return s, nil
}

// Unshare takes back what Share gave: from the image first, then from its snapshots.
func (k *Keeper) Unshare(ctx context.Context, family, version string, unwanted Grants) (Shared, error) {
	s, err := k.shared(ctx, family, version)
	if err != nil {
		return s, err
	}
	s.Changed = unwanted.And(s.Have)
	if !s.Changed.Empty() {
		if err = k.permit(ctx, s.Image, &types.LaunchPermissionModifications{Remove: permissions(s.Changed)}); err != nil {
			return s, err
		}
		k.notify(EventShared, s.Image, "", "no more shared with "+s.Changed.Text())
	}
	s.Snapshots, err = k.snapshots(ctx, s, unwanted.Accounts, types.OperationTypeRemove)
	s.Have = s.Have.Minus(s.Changed)
	return s, err
}

// shared looks at a version and at who may launch it.
func (k *Keeper) shared(ctx context.Context, family, version string) (s Shared, err error) {
	if s.Image, _, err = k.Get(ctx, family, version); err != nil {
		return s, err
	}
	all, mixed := s.Image.Encrypted()
	s.Encrypted = all || mixed
	s.Have, err = k.Permissions(ctx, s.Image)
	return s, err
}

// Permissions are who may launch an image of ours besides us.
func (k *Keeper) Permissions(ctx context.Context, img Image) (g Grants, err error) {
	out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeImageAttribute", Doing: "see whom " + img.Text() + " is shared with"},
		k.Session.EC2.DescribeImageAttribute, &ec2.DescribeImageAttributeInput{
			ImageId: new(img.ID), Attribute: types.ImageAttributeNameLaunchPermission,
		})
	if err != nil {
		return g, err
	}
	for _, p := range out.LaunchPermissions {
		switch {
		case p.Group == types.PermissionGroupAll:
			g.Public = true
		case p.UserId != nil:
			g.Accounts = append(g.Accounts, *p.UserId)
		case p.OrganizationArn != nil:
			g.Orgs = append(g.Orgs, *p.OrganizationArn)
		case p.OrganizationalUnitArn != nil:
			g.OUs = append(g.OUs, *p.OrganizationalUnitArn)
		}
	}
	return g.Minus(Grants{}), nil
}

// shareable says why an image may not be shared as wanted. Only public sharing costs a call.
func (k *Keeper) shareable(ctx context.Context, img Image, want Grants) error {
	switch all, mixed := img.Encrypted(); {
	case img.Revoked != nil:
		return &RefusedError{Message: fmt.Sprintf("the image %s is revoked: %s", img.Text(), img.Revoked.Reason),
			Hint: "Other accounts do not see that. To take it back: cluster image restore " + img.Family + " " + img.Version}
	case img.State != available:
		return &RefusedError{Message: fmt.Sprintf("the image %s is %s", img.Text(), state(img)), Hint: "Only an available image is shared."}
	case !want.Public:
		return nil
	case all || mixed:
		return &RefusedError{Message: fmt.Sprintf("the image %s is encrypted and cannot be public", img.Text()),
			Hint: "EC2 offers no way to give everybody a key. Share it with accounts, or copy it without encryption."}
	case len(img.Products) > 0:
		return &RefusedError{Message: fmt.Sprintf("the image %s has product codes (%s) and cannot be public", img.Text(), strings.Join(img.Products, ", ")),
			Hint: "It is made of something that is sold on the AWS Marketplace."}
	}
	out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "GetImageBlockPublicAccessState", Doing: "see whether images may be public"},
		k.Session.EC2.GetImageBlockPublicAccessState, &ec2.GetImageBlockPublicAccessStateInput{})
	if err != nil {
		return err
	}
	if state := value(out.ImageBlockPublicAccessState); state != string(types.ImageBlockPublicAccessDisabledStateUnblocked) {
		e := &RefusedError{Message: fmt.Sprintf("this account blocks public images in %s (%s)", k.Session.Region, state),
			Hint: "To allow them, for all images: aws ec2 disable-image-block-public-access. It takes up to ten minutes."}
		if out.ManagedBy == types.ManagedByDeclarativePolicy {
			e.Hint = "A policy of the organization pins that; only its administrators can change it."
		}
		return e
	}
	return nil
}

// permit changes who may launch an image, in one call.
func (k *Keeper) permit(ctx context.Context, img Image, m *types.LaunchPermissionModifications) error {
	_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "ModifyImageAttribute", Doing: "change whom " + img.Text() + " is shared with"},
		k.Session.EC2.ModifyImageAttribute, &ec2.ModifyImageAttributeInput{ImageId: new(img.ID), LaunchPermission: m})
	return err
}

// snapshots gives accounts the snapshots of an image, or takes them back, and counts those that
// changed. Whoever changes the image as well gets it without a look: to give what is given is no error
// of EC2's. Where the image is as it should be already, the snapshots are looked at, because an earlier
// run may have died before them, and somebody may have shared the image by hand.
func (k *Keeper) snapshots(ctx context.Context, s Shared, accounts []string, op types.OperationType) (changed int, err error) {
	if len(accounts) == 0 {
		return 0, nil
	}
	look := len(s.Changed.Accounts) == 0
	for _, id := range s.Image.Snapshots() {
		these := minus(accounts, nil)
		if look {
			have, err := k.snapshotUsers(ctx, id)
			if err != nil {
				return changed, err
			}
			if these = minus(accounts, have); op == types.OperationTypeRemove {
				these = minus(accounts, these)
			}
		}
		for chunk := range slices.Chunk(these, maxSnapshotChanges) {
			if err := k.modifySnapshot(ctx, s.Image, id, chunk, op); err != nil {
				return changed, err
			}
		}
		if len(these) > 0 {
			changed++
			k.notify(EventShared, s.Image, id, fmt.Sprintf("%s of %s", op, plural(len(these), "account")))
		}
	}
	return changed, nil
}

func (k *Keeper) snapshotUsers(ctx context.Context, id string) (accounts []string, err error) {
	out, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DescribeSnapshotAttribute", Doing: "see whom " + id + " is shared with"},
		k.Session.EC2.DescribeSnapshotAttribute, &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: new(id), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
	if err != nil {
		return nil, err
	}
	for _, p := range out.CreateVolumePermissions {
		if p.UserId != nil {
			accounts = append(accounts, *p.UserId)
		}
	}
	return accounts, nil
}

func (k *Keeper) modifySnapshot(ctx context.Context, img Image, id string, accounts []string, op types.OperationType) error {
	var m types.CreateVolumePermissionModifications
	for _, a := range accounts {
		p := types.CreateVolumePermission{UserId: new(a)}
		if op == types.OperationTypeAdd {
			m.Add = append(m.Add, p)
		} else {
			m.Remove = append(m.Remove, p)
		}
	}
	_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "ModifySnapshotAttribute", Doing: fmt.Sprintf("change whom %s of %s is shared with", id, img.Text())},
		k.Session.EC2.ModifySnapshotAttribute, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: new(id), Attribute: types.SnapshotAttributeNameCreateVolumePermission, CreateVolumePermission: &m,
		})
	return err
}

// defaultKey explains EC2's refusal to share what is encrypted with an account's default key. Which key
// that is only the key service knows; but the snapshots are asked for first, and so nothing was changed.
func defaultKey(err error, img Image) error {
	e, ok := errors.AsType[*fleet.CallError](err)
	all, mixed := img.Encrypted()
	if !ok || !slices.Contains([]string{"OperationNotPermitted", "InvalidParameter", "InvalidParameterValue"}, e.Code) || !all && !mixed {
		return err
	}
	return &RefusedError{
		Message: fmt.Sprintf("EC2 does not share the encrypted image %s: %s", img.Text(), strings.TrimRight(e.Message, ". ")),
		Hint: "What is encrypted with the account's default key, aws/ebs, cannot be shared. Copy the image with a key of your own " +
			"(cluster image copy --kms-key), whose policy allows the other accounts, and share the copy.",
	}
}

// permissions are grants as EC2 takes them.
func permissions(g Grants) (all []types.LaunchPermission) {
	for _, a := range g.Accounts {
		all = append(all, types.LaunchPermission{UserId: new(a)})
	}
	for _, o := range g.Orgs {
		all = append(all, types.LaunchPermission{OrganizationArn: new(o)})
	}
	for _, o := range g.OUs {
		all = append(all, types.LaunchPermission{OrganizationalUnitArn: new(o)})
	}
	if g.Public {
		all = append(all, types.LaunchPermission{Group: types.PermissionGroupAll})
	}
	return all
}

// union is what either names.
func union(a, b Grants) Grants {
	return Grants{
		Accounts: minus(append(slices.Clone(a.Accounts), b.Accounts...), nil),
		Orgs:     minus(append(slices.Clone(a.Orgs), b.Orgs...), nil),
		OUs:      minus(append(slices.Clone(a.OUs), b.OUs...), nil),
		Public:   a.Public || b.Public,
	}
}
