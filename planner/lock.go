package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/spec"
)

// imageGone is the state of an image that is only known from the lock file.
const imageGone = "deregistered"

// kept is the entry of the lock file that decides about an image; nil if there is none, or if the
// lock is to follow.
func kept(want spec.Image) *spec.LockedImage {
	if want.Unlock {
		return nil
	}
	return want.Locked
}

// lockedImage is the image of the lock, with the reasons why nothing can be launched from it: it is
// gone, or not what it was, or unfit. What proves a node, the ids of image and root snapshot, are the
// lock's in any case, so that running nodes can be proven by an image that is gone.
func lockedImage(want spec.Image, images []Image) (Image, []Blocker) {
	l := want.Locked
	i := slices.IndexFunc(images, func(img Image) bool { return img.ID == l.ID })
	if i < 0 {
		img := Image{
			ID: l.ID, Name: l.Name, Owner: l.Owner, State: imageGone, Created: l.Created,
			RootSnapshot: l.RootSnapshot,
		}
		return img, imageBlocker(want, "Locked image is gone", fmt.Sprintf(
			"The image %s does not exist in this region any more, or this account may no longer launch it. %s Restore the "+
				"image, or have it shared with you again; or take what the file means now: --upgrade-image.", imageText(img), lockText(*l)))
	}
	img := images[i]
	var changes []string
	for _, c := range []struct{ what, locked, now string }{
		{"owner", l.Owner, img.Owner}, {"root snapshot", l.RootSnapshot, img.RootSnapshot},
	} {
		if c.locked != "" && c.locked != c.now {
			changes = append(changes, fmt.Sprintf("%s is %s", c.what, cmp.Or(c.now, "not known")))
		}
	}
	img.RootSnapshot = l.RootSnapshot
	if len(changes) > 0 {
		return img, imageBlocker(want, "Locked image has changed", fmt.Sprintf(
			"The image %s is not what it was: its %s. %s EC2 never changes an image, so was the lock file edited, or is this "+
				"another EC2? Restore the lock file, or take what the file means now: --upgrade-image.",
			imageText(img), series(changes, "and its"), lockText(*l)))
	}
	blockers := unfit(want, img)
	for i := range blockers {
		blockers[i].Detail += " " + lockText(*l) + " --upgrade-image takes what the file means now."
	}
	return img, blockers
}

// lockText is an entry of the lock file as sentences: where it is, and what it was made of.
func lockText(l spec.LockedImage) string {
	var facts []string
	add := func(format, value string) {
		if value != "" {
			facts = append(facts, fmt.Sprintf(format, value))
		}
	}
	add("version %s", l.Version)
	if !l.Created.IsZero() {
		add("created %s", l.Created.UTC().Format("2006-01-02"))
	}
	add("owner %s", l.Owner)
	add("root snapshot %s", l.RootSnapshot)
	return fmt.Sprintf("The lock file has it for %s (%s): %s.", l.Asked, cmp.Or(l.Place(), "not written yet"), strings.Join(facts, ", "))
}

// A LockNote is news about one entry of the lock file.
type LockNote struct {
	Asked  spec.Image       // the question
	Locked spec.LockedImage // what the lock file has
	Now    Image            // what the file means now: another image
	Moves  bool             // the lock follows; false: it keeps what it has
}

// lockNotes compares the lock with what the file means now, as far as that was seen. A question that
// has no answer any more is no news while the lock has one.
func (d *differ) lockNotes(groups []*group) []LockNote {
	var notes []LockNote
	for _, g := range groups {
		if g.none() || g.spec.Image.Locked == nil {
			continue
		}
		asked := g.spec.Image.Question()
		if slices.ContainsFunc(notes, func(n LockNote) bool { return n.Asked.String() == asked.String() }) {
			continue
		}
		now, blockers := ResolveImage(asked, d.images)
		if len(blockers) == 0 && now.ID != g.spec.Image.Locked.ID {
			notes = append(notes, LockNote{Asked: asked, Locked: *g.spec.Image.Locked, Now: now, Moves: g.spec.Image.Unlock})
		}
	}
	return notes
}

// LockEntries are what the lock file is to have of a region after a plan for want and have: an entry
// for each image that the file names. Entries that decided about their image stay to the byte.
func LockEntries(want *spec.Cluster, have Observed, region string, rehearsal bool) []spec.LockedImage {
	images := own(have.Images, have.Account)
	var entries []spec.LockedImage
	for i := range want.Groups {
		g := &want.Groups[i]
		before := g.Image.Locked
		if g.Count > 0 && kept(g.Image) == nil {
			if img, blockers := ResolveImage(g.Image, images); len(blockers) == 0 {
				entries = append(entries, lockEntry(g.Image, img, images, region, rehearsal))
				continue
			}
		}
		if before != nil { // a group of no nodes asks nothing, and forgets nothing
			entries = append(entries, *before)
		}
	}
	return entries
}

func lockEntry(asked spec.Image, img Image, images []Image, region string, rehearsal bool) spec.LockedImage {
	return spec.LockedImage{
		Region: region, Rehearsal: rehearsal, Asked: asked.Question(),
		ID: img.ID, Name: img.Name, Owner: img.Owner, Created: img.Created.UTC().Truncate(time.Second), RootSnapshot: img.RootSnapshot,
		Family: img.Tags[TagImageFamily], Version: img.Tags[TagImageVersion], Ancestors: ancestors(img, images),
	}
}

// ancestors are the ids of the images that an image was made from, the nearest first: as far as the
// tags tell that were seen.
func ancestors(img Image, images []Image) []string {
	var ids []string
	for {
		parent := img.Tags[TagImageParent]
		if parent == "" || parent == img.ID || slices.Contains(ids, parent) {
			return ids
		}
		ids = append(ids, parent)
		i := slices.IndexFunc(images, func(i Image) bool { return i.ID == parent })
		if i < 0 {
			return ids
		}
		img = images[i]
	}
}
