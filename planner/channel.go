package planner

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// A channel is a name, such as stable, that moves from version to version of a family. Nothing but
// tags of images says where it is: each promotion writes its time on the image that it promotes,
// and the image with the latest time holds the channel. So a move is one call, and there is no
// moment at which the channel is nowhere or in two places.

// stampForm is how times stand in tags: UTC, to the millisecond, so that text order is time order.
const stampForm = "2006-01-02T15:04:05.000Z"

const withdrawn = "withdrawn "

// A Promotion is what the tags of an image say about one channel.
type Promotion struct {
	Channel   string
	At        time.Time // of the promotion or its withdrawal; zero: before all others, by the plain tag or a value that is no time
	Withdrawn bool      // rolled back: the image holds the channel no more
}

// TagPromotion is the key of the tag that puts an image into a channel.
func TagPromotion(channel string) string { return TagImageChannel + ":" + channel }

// Tag is the promotion as the value of TagPromotion.
func (p Promotion) Tag() string {
	s := p.At.UTC().Format(stampForm)
	if p.Withdrawn {
		return withdrawn + s
	}
	return s
}

// PromotionTo is what an image's tags say about a channel; ok is false if they say nothing. The
// plain tag TagImageChannel counts as a promotion before all others.
func PromotionTo(channel string, tags map[string]string) (p Promotion, ok bool) {
	v, ok := tags[TagPromotion(channel)]
	if !ok {
		return Promotion{Channel: channel}, channel != "" && tags[TagImageChannel] == channel
	}
	v, gone := strings.CutPrefix(v, withdrawn)
	at, err := time.Parse(time.RFC3339, v)
	if err != nil {
		at = time.Time{}
	}
	return Promotion{Channel: channel, At: at.UTC(), Withdrawn: gone}, true
}

// Promotions are all channels that an image's tags mention, by name.
func Promotions(tags map[string]string) []Promotion {
	names := map[string]bool{}
	for k, v := range tags {
		if name, ok := strings.CutPrefix(k, TagImageChannel+":"); ok && name != "" {
			names[name] = true
		}
		if k == TagImageChannel && v != "" {
			names[v] = true
		}
	}
	var all []Promotion
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if p, ok := PromotionTo(name, tags); ok {
			all = append(all, p)
		}
	}
	return all
}

// Holders are the images of one family that were promoted to a channel and not rolled back. The
// first holds the channel, and the second would after a rollback. Of promotions at the same time
// the highest version counts as the latest. It copies.
func Holders(family []Image, channel string) []Image {
	var held []Image
	for _, img := range family {
		if p, ok := PromotionTo(channel, img.Tags); ok && !p.Withdrawn {
			held = append(held, img)
		}
	}
	slices.SortFunc(held, func(a, b Image) int { return cmp.Or(promoted(b, channel).Compare(promoted(a, channel)), higher(a, b)) })
	return held
}

// first are the holders whose promotion is as late as that of the first: one, unless they were
// promoted by plain tags, whose order nobody knows. An older one is no substitute for a holder
// that cannot be launched: the channel stands where somebody put it.
func first(holders []Image, channel string) []Image {
	n := 0
	for n < len(holders) && promoted(holders[n], channel).Equal(promoted(holders[0], channel)) {
		n++
	}
	return holders[:n]
}

func promoted(img Image, channel string) time.Time {
	p, _ := PromotionTo(channel, img.Tags)
	return p.At
}

// A Revocation says that nothing new is to be launched from an image.
type Revocation struct {
	At     time.Time // zero: not known
	Reason string
}

// Tag is the revocation as the value of TagImageRevoked.
func (r Revocation) Tag() string { return r.At.UTC().Format(stampForm) + " " + r.Reason }

// Revoked is the revocation in an image's tags; ok is false if there is none.
func Revoked(tags map[string]string) (r Revocation, ok bool) {
	v, ok := tags[TagImageRevoked]
	if !ok {
		return Revocation{}, false
	}
	stamp, reason, _ := strings.Cut(v, " ")
	if at, err := time.Parse(time.RFC3339, stamp); err == nil {
		return Revocation{At: at.UTC(), Reason: reason}, true
	}
	return Revocation{Reason: v}, true
}

// CompareImages orders images of a family by version, the highest first, then by age, the youngest
// first.
func CompareImages(a, b Image) int { return higher(a, b) }
