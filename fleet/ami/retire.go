package ami

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cluster/fleet"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// mostYears is how far off a deprecation may be; for a public image it is two years from its creation.
const mostYears = 10

// Deprecate says from when on EC2 calls a version deprecated: plans then warn of it, and accounts that
// it is shared with do not find it any more. It still launches. The zero time is now, and never takes
// a deprecation back. EC2 counts in minutes. done is false if it was so already.
func (k *Keeper) Deprecate(ctx context.Context, family, version string, at time.Time, never bool) (img Image, done bool, err error) {
	if img, err = k.version(ctx, family, version); err != nil {
		return img, false, err
	}
	if never {
		return k.undeprecate(ctx, img)
	}
	now := k.Session.Now()
	switch {
	case at.IsZero() && !img.Deprecated.IsZero() && !img.Deprecated.After(now):
		return img, false, nil
	case at.IsZero():
		at = now.Truncate(time.Minute).Add(time.Minute) // EC2 rounds, and refuses the past
	case at.Before(now):
		return img, false, &RefusedError{
			Message: fmt.Sprintf("%s is in the past", at.UTC().Format(time.RFC3339)), Hint: "Leave --at out to deprecate it now.",
		}
	case at.After(now.AddDate(mostYears, 0, 0)):
		return img, false, &RefusedError{Message: fmt.Sprintf("%s is more than %d years off", at.UTC().Format(time.DateOnly), mostYears)}
	case img.Public && at.After(img.Created.AddDate(2, 0, 0)):
		return img, false, &RefusedError{
			Message: fmt.Sprintf("a public image is deprecated two years after its creation at the latest, which for %s is %s",
				img.Text(), img.Created.AddDate(2, 0, 0).Format(time.DateOnly)),
		}
	}
	at = at.UTC().Round(time.Minute)
	if img.Deprecated.Equal(at) {
		return img, false, nil
	}
	_, err = fleet.Do(ctx, k.Session, fleet.Request{Action: "EnableImageDeprecation", Doing: "deprecate " + img.Text()},
		k.Session.EC2.EnableImageDeprecation, &ec2.EnableImageDeprecationInput{ImageId: new(img.ID), DeprecateAt: new(at)})
	if err != nil {
		return img, false, err
	}
	img.Deprecated = at
	k.notify(EventDated, img, "", "deprecated from "+at.Format(time.RFC3339)+" on")
	return img, true, nil
}

func (k *Keeper) undeprecate(ctx context.Context, img Image) (Image, bool, error) {
	if img.Deprecated.IsZero() {
		return img, false, nil
	}
	_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "DisableImageDeprecation", Doing: "take back the deprecation of " + img.Text()},
		k.Session.EC2.DisableImageDeprecation, &ec2.DisableImageDeprecationInput{ImageId: new(img.ID)})
	if err != nil {
		return img, false, err
	}
	img.Deprecated = time.Time{}
	k.notify(EventDated, img, "", "not deprecated")
	return img, true, nil
}

// Protect has EC2 refuse to deregister a version, and for a day after the protection was switched off
// as well; off switches it off. done is false if it was so already. In what is returned the image is as
// EC2 shows it before.
func (k *Keeper) Protect(ctx context.Context, family, version string, off bool) (img Image, done bool, err error) {
	if img, err = k.version(ctx, family, version); err != nil {
		return img, false, err
	}
	on := strings.HasPrefix(img.Protected, "enabled")
	if on != off {
		return img, false, nil
	}
	if off {
		_, err = fleet.Do(ctx, k.Session, fleet.Request{Action: "DisableImageDeregistrationProtection", Doing: "switch off the protection of " + img.Text()},
			k.Session.EC2.DisableImageDeregistrationProtection, &ec2.DisableImageDeregistrationProtectionInput{ImageId: new(img.ID)})
	} else {
		_, err = fleet.Do(ctx, k.Session, fleet.Request{Action: "EnableImageDeregistrationProtection", Doing: "protect " + img.Text()},
			k.Session.EC2.EnableImageDeregistrationProtection, &ec2.EnableImageDeregistrationProtectionInput{ImageId: new(img.ID), WithCooldown: new(true)})
	}
	if err != nil {
		return img, false, err
	}
	k.notify(EventProtected, img, "", map[bool]string{true: "off", false: "on"}[off])
	return img, true, nil
}

// Cools says whether the protection of an image goes on for a day after it is switched off.
func (i Image) Cools() bool { return i.Protected == "enabled-with-cooldown" }

// version finds a version of a family that has to be there.
func (k *Keeper) version(ctx context.Context, family, version string) (Image, error) {
	all, err := k.Family(ctx, family)
	if err != nil {
		return Image{}, err
	}
	return PickVersion(all, version)
}
