package ec2sim

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What an image says of its protection from being deregistered. The cool-down is the time that it goes on
// after it was switched off.
const (
	unprotected      = "disabled"
	protected        = "enabled-without-cooldown"
	protectedLonger  = "enabled-with-cooldown"
	protectionCooled = 24 * time.Hour
)

// ownImage finds an image that the account may change: only its owner may.
func (w *world) ownImage(id string) (*image, error) {
	if err := imageKind.check(id); err != nil {
		return nil, err
	}
	i := w.Images[id]
	switch {
	case i == nil || !w.mine(i):
		return nil, imageKind.absent(id)
	case *i.OwnerId != w.account():
		return nil, fail("AuthFailure", "Not authorized for image:%s", id)
	case !i.Gone.IsZero():
		return nil, fail("InvalidAMIID.Unavailable", "The image ID '%s' is no longer available", id)
	}
	return i, nil
}

// deregisterImage takes an image out of use. Instances of it go on, and its snapshots stay unless they are to
// go as well and no other image needs them.
func (w *world) deregisterImage(in *ec2.DeregisterImageInput) (*ec2.DeregisterImageOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	switch w.protection(i) {
	case unprotected:
	case protected, protectedLonger:
		return nil, fail("OperationNotPermitted", "The image %s is protected from being deregistered. Disable its deregistration protection and try again.", *in.ImageId)
	default:
		return nil, fail("OperationNotPermitted", "The image %s is in the cool-down of its deregistration protection until %s.", *in.ImageId, stamp(i.Cooled))
	}
	i.Gone = w.now
	w.untag(*i.ImageId)
	out := &ec2.DeregisterImageOutput{Return: new(true)}
	if !is(in.DeleteAssociatedSnapshots) {
		return out, nil
	}
	for _, m := range i.BlockDeviceMappings {
		id := snapshotOf(m)
		if id == "" {
			continue
		}
		code := types.SnapshotReturnCodesSuccess
		switch s := w.Snapshots[id]; {
		case s == nil:
			code = types.SnapshotReturnCodesErrorCodeClientError
		case *s.OwnerId != w.account():
			code = types.SnapshotReturnCodesErrorMissingPermissions
		case len(w.usersOf(id)) > 0:
			code = types.SnapshotReturnCodesWarnSkipped
		default:
			w.dropSnapshot(id)
		}
		out.DeleteSnapshotResults = append(out.DeleteSnapshotResults, types.DeleteSnapshotReturnCode{SnapshotId: new(id), ReturnCode: code})
	}
	return out, nil
}

// protection is what an image says of its protection now.
func (w *world) protection(i *image) string {
	if w.now.Before(i.Cooled) {
		return "disabled-after-" + stamp(i.Cooled)
	}
	if p := value(i.DeregistrationProtection); p != "" {
		return p
	}
	return unprotected
}

func (w *world) enableImageDeregistrationProtection(in *ec2.EnableImageDeregistrationProtectionInput) (*ec2.EnableImageDeregistrationProtectionOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	i.Cooldown, i.Cooled = is(in.WithCooldown), time.Time{}
	i.DeregistrationProtection = new(protected)
	if i.Cooldown {
		i.DeregistrationProtection = new(protectedLonger)
	}
	return &ec2.EnableImageDeregistrationProtectionOutput{Return: new("true")}, nil
}

func (w *world) disableImageDeregistrationProtection(in *ec2.DisableImageDeregistrationProtectionInput) (*ec2.DisableImageDeregistrationProtectionOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	if i.Cooldown && strings.HasPrefix(w.protection(i), "enabled") {
		i.Cooled = w.now.Add(protectionCooled)
	}
	i.Cooldown, i.DeregistrationProtection = false, new(unprotected)
	return &ec2.DisableImageDeregistrationProtectionOutput{Return: new("true")}, nil
}

// disableImage keeps an image from being launched or seen. Who it was shared with is forgotten for good.
func (w *world) disableImage(in *ec2.DisableImageInput) (*ec2.DisableImageOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	if state, _ := w.imageState(i); !slices.Contains([]types.ImageState{types.ImageStateAvailable, types.ImageStateDisabled}, state) {
		return nil, fail("InvalidAMIID.Unavailable", "The image ID '%s' cannot be disabled; its state is %s", *in.ImageId, state)
	}
	i.State, i.Public, i.Users, i.Orgs, i.Units = types.ImageStateDisabled, new(false), nil, nil, nil
	return &ec2.DisableImageOutput{Return: new(true)}, nil
}

func (w *world) enableImage(in *ec2.EnableImageInput) (*ec2.EnableImageOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	if state, _ := w.imageState(i); !slices.Contains([]types.ImageState{types.ImageStateAvailable, types.ImageStateDisabled}, state) {
		return nil, fail("InvalidAMIID.Unavailable", "The image ID '%s' cannot be enabled; its state is %s", *in.ImageId, state)
	}
	i.State = types.ImageStateAvailable
	return &ec2.EnableImageOutput{Return: new(true)}, nil
}

// enableImageDeprecation says from when on an image is not offered any more, to the minute. That is in the
// future, at most ten years off, and for a public image two years from its creation.
func (w *world) enableImageDeprecation(in *ec2.EnableImageDeprecationInput) (*ec2.EnableImageDeprecationOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	at := in.DeprecateAt.Round(time.Minute)
	created, err := time.Parse(time.RFC3339, *i.CreationDate)
	if err != nil {
		created = w.now
	}
	switch {
	case at.Before(w.now.Truncate(time.Minute)):
		return nil, fail("InvalidParameterValue", "The date %s is in the past.", stamp(at))
	case at.After(w.now.AddDate(10, 0, 0)):
		return nil, fail("InvalidParameterValue", "The date %s is more than 10 years from now.", stamp(at))
	case is(i.Public) && at.After(created.AddDate(2, 0, 0)):
		return nil, fail("InvalidParameterValue", "The date %s is more than 2 years after the creation of the public image %s.", stamp(at), *in.ImageId)
	}
	i.DeprecationTime = new(stamp(at))
	return &ec2.EnableImageDeprecationOutput{Return: new(true)}, nil
}

func (w *world) disableImageDeprecation(in *ec2.DisableImageDeprecationInput) (*ec2.DisableImageDeprecationOutput, error) {
	i, err := w.ownImage(*in.ImageId)
	if err != nil {
		return nil, err
	}
	i.DeprecationTime = nil
	return &ec2.DisableImageDeprecationOutput{Return: new(true)}, nil
}
