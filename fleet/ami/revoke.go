package ami

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// maxReason is how many characters of a tag value are left for a reason.
const maxReason = 200

// CheckReason says whether a text can be the reason of a revocation: one line, at most 200 characters.
// An error is a *WordError.
func CheckReason(s string) error {
	problem := ""
	switch {
	case strings.TrimSpace(s) == "":
		problem = "say in a few words what is wrong with the image, for those who find it blocked"
	case utf8.RuneCountInString(s) > maxReason:
		problem = fmt.Sprintf("it has %d characters, and at most %d fit into a tag", utf8.RuneCountInString(s), maxReason)
	case strings.ContainsFunc(s, unicode.IsControl):
		problem = "it is one line without control characters"
	}
	if problem == "" {
		return nil
	}
	return &WordError{What: "reason", Word: s, Problem: problem}
}

// Revoke marks a version, so that plans launch nothing from it; what runs goes on, and is returned by
// the second result. done is false if it was revoked already for this reason.
func (k *Keeper) Revoke(ctx context.Context, family, version, reason string) (img Image, uses []Use, done bool, err error) {
	all, err := k.Family(ctx, family)
	if err != nil {
		return Image{}, nil, false, err
	}
	if img, err = PickVersion(all, version); err != nil {
		return Image{}, nil, false, err
	}
	if done = img.Revoked == nil || img.Revoked.Reason != reason; done {
		r := planner.Revocation{At: k.Session.Now().UTC().Truncate(time.Millisecond), Reason: reason}
		if err = k.tag(ctx, img, "revoke "+img.Text(), map[string]string{planner.TagImageRevoked: r.Tag()}); err != nil {
			return img, nil, false, err
		}
		img.Revoked = &r
	}
	found, err := k.Uses(ctx, []Image{img})
	return img, found[img.ID], done, err
}

// Restore takes a revocation back. done is false if there was none.
func (k *Keeper) Restore(ctx context.Context, family, version string) (img Image, done bool, err error) {
	all, err := k.Family(ctx, family)
	if err != nil {
		return Image{}, false, err
	}
	if img, err = PickVersion(all, version); err != nil || img.Revoked == nil {
		return img, false, err
	}
	_, err = fleet.Do(ctx, k.Session, fleet.Request{Action: "DeleteTags", Doing: "restore " + img.Text()}, k.Session.EC2.DeleteTags,
		&ec2.DeleteTagsInput{Resources: []string{img.ID}, Tags: []types.Tag{{Key: new(planner.TagImageRevoked)}}})
	if err != nil {
		return img, false, err
	}
	k.notify(EventTagged, img, "", planner.TagImageRevoked)
	img.Revoked = nil
	return img, true, nil
}
