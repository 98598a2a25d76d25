package ami

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// A Move is a channel that went from one image to another.
type Move struct {
	Channel string
	From    Image // that held it; the zero Image if none did
	To      Image // that holds it now
	Done    bool  // false: it was there already, and nothing was written
}

// Promote gives a channel to a version of a family. It is one call that writes the time on the image,
// so a run that dies leaves the channel before or after, and nowhere else. An image that nothing can be
// launched from is refused.
func (k *Keeper) Promote(ctx context.Context, family, version, channel string) (Move, error) {
	all, err := k.Family(ctx, family)
	if err != nil {
		return Move{}, err
	}
	m := Move{Channel: channel}
	if m.To, err = PickVersion(all, version); err != nil {
		return m, err
	}
	if err := unpromotable(m.To); err != nil {
		return m, err
	}
	holders := planner.Holders(plain(all), channel)
	if len(holders) > 0 {
		m.From = byID(all, holders[0].ID)
	}
	if m.From.ID == m.To.ID {
		return m, nil
	}
	p := planner.Promotion{Channel: channel, At: stamp(k.Session.Now(), m.From.Image, channel)}
	doing := fmt.Sprintf("promote %s to %s", m.To.Text(), channel)
	if err := k.tag(ctx, m.To, doing, map[string]string{planner.TagPromotion(channel): p.Tag()}); err != nil {
		return m, err
	}
	m.Done = true
	return m, nil
}

// stamp is when a promotion counts from: now, and after that of the holder, whatever the clocks of two
// computers say.
func stamp(now time.Time, holder planner.Image, channel string) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if p, ok := planner.PromotionTo(channel, holder.Tags); ok && !p.At.Before(now) {
		return p.At.Add(time.Millisecond)
	}
	return now
}

// unpromotable says why a channel may not be given to an image.
func unpromotable(i Image) error {
	switch {
	case i.Revoked != nil:
		return &RefusedError{
			Message: fmt.Sprintf("the image %s is revoked: %s", i.Text(), i.Revoked.Reason),
			Hint:    fmt.Sprintf("To take that back: cluster image restore %s %s", i.Family, i.Version),
		}
	case i.State == "pending":
		return &RefusedError{
			Message: "the image " + i.Text() + " is pending", Hint: "It can be promoted once it is available; that may take minutes.",
		}
	case i.State != available:
		return &RefusedError{Message: fmt.Sprintf("the image %s is %s", i.Text(), state(i)), Hint: "Only an available image can be launched."}
	}
	return nil
}

// state is an image's state and, if EC2 gives one, the reason for it.
func state(i Image) string {
	if i.StateReason == "" {
		return i.State
	}
	return fmt.Sprintf("%s (%s)", i.State, i.StateReason)
}

// Rollback takes a channel from the image that holds it and so gives it back to the one that held it
// before. With from, a version, it does so only if that one holds it, which makes it safe to repeat: if
// from was rolled back already, nothing is done.
func (k *Keeper) Rollback(ctx context.Context, family, channel, from string) (Move, error) {
	all, err := k.Family(ctx, family)
	if err != nil {
		return Move{}, err
	}
	m := Move{Channel: channel}
	holders := planner.Holders(plain(all), channel)
	if len(holders) == 0 {
		return m, noHolder(all, channel)
	}
	m.From = byID(all, holders[0].ID)
	if from != "" && m.From.Version != from {
		return rolledBack(m, all, from)
	}
	if len(holders) == 1 {
		return m, &RefusedError{
			Message: fmt.Sprintf("no version of %s held the channel %s before %s", family, channel, m.From.Version),
			Hint:    fmt.Sprintf("To give it to another: cluster image promote %s VERSION --channel %s", family, channel),
		}
	}
	m.To = byID(all, holders[1].ID)
	p := planner.Promotion{Channel: channel, At: k.Session.Now().Truncate(time.Millisecond), Withdrawn: true}
	doing := fmt.Sprintf("roll %s back from %s", channel, m.From.Text())
	if err := k.tag(ctx, m.From, doing, map[string]string{planner.TagPromotion(channel): p.Tag()}); err != nil {
		return m, err
	}
	m.Done = true
	return m, nil
}

// rolledBack answers a rollback from a version that does not hold the channel.
func rolledBack(m Move, all []Image, from string) (Move, error) {
	img, err := PickVersion(all, from)
	if err != nil {
		return m, err
	}
	if p, ok := planner.PromotionTo(m.Channel, img.Tags); ok && p.Withdrawn {
		m.From, m.To = img, m.From
		return m, nil
	}
	return m, &RefusedError{Message: fmt.Sprintf("version %s does not hold the channel %s of %s; %s does", from, m.Channel, img.Family, m.From.Version)}
}

func noHolder(all []Image, channel string) error {
	e := &RefusedError{Message: fmt.Sprintf("no version of %s holds the channel %s", all[0].Family, channel)}
	if held := channels(all); len(held) > 0 {
		e.Hint = "The channels are: " + some(held) + "."
	}
	return e
}

// byID is the image with an id that is among them.
func byID(all []Image, id string) Image {
	n := slices.IndexFunc(all, func(i Image) bool { return i.ID == id })
	return all[n]
}

// tag writes tags on an image.
func (k *Keeper) tag(ctx context.Context, img Image, doing string, tags map[string]string) error {
	_, err := fleet.Do(ctx, k.Session, fleet.Request{Action: "CreateTags", Doing: doing}, k.Session.EC2.CreateTags,
		&ec2.CreateTagsInput{Resources: []string{img.ID}, Tags: fleet.ToTags(tags)})
	if err == nil {
		k.notify(EventTagged, img, "", strings.Join(slices.Sorted(maps.Keys(tags)), ", "))
	}
	return err
}
