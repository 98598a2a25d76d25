package ami

import (
	"time"

	"cluster/fleet"
	"cluster/planner"
)

// A Keeper looks after the images of one account in one region. One Keeper serves one goroutine at a
// time.
type Keeper struct {
	Session *fleet.Session
	Notify  func(Event) // called from the goroutine that called the Keeper, in order; may be nil
}

// EventType is what happened.
type EventType string

const (
	EventTagged    EventType = "tagged"    // tags of Image were written or removed
	EventShared    EventType = "shared"    // the permissions of Image, or of a snapshot of it, changed
	EventRemoved   EventType = "removed"   // Image, or a snapshot of it, is gone
	EventProtected EventType = "protected" // the protection of Image changed
	EventDated     EventType = "dated"     // the deprecation of Image changed
)

// An Event is one thing that happened to an image. Fields that an event type does not list are zero.
type Event struct {
	Type     EventType
	At       time.Time // the region's time
	Region   string
	Image    string // id
	Family   string
	Version  string
	Instance string // id, if it is about an instance
	Percent  int    // of what is to be stored, in progress
	Snapshot string // id, if it is about a snapshot
	Message  string // EC2's words or ours, a clause; may hold control characters
}

// notify tells of something that happened to an image.
func (k *Keeper) notify(t EventType, img Image, snapshot, message string) {
	if k.Notify == nil {
		return
	}
	k.Notify(Event{
		Type: t, At: k.Session.Now(), Region: k.Session.Region, Image: img.ID, Family: img.Family, Version: img.Version,
		Snapshot: snapshot, Message: message,
	})
}

// A RefusedError is something that could be done and is not: the image is not there, or not in the
// state for it. Nothing was changed.
type RefusedError struct {
	Message string // what is wrong, a sentence without its full stop
	Hint    string // what to do about it; may be empty
}

func (e *RefusedError) Error() string { return e.Message }

// Text names an image as messages do: family, version and id, or what is known of them.
func (i Image) Text() string {
	switch {
	case i.Family != "" && i.Version != "":
		return i.Family + " " + i.Version + " (" + i.ID + ")"
	case i.Name != "":
		return i.Name + " (" + i.ID + ")"
	}
	return i.ID
}

// plain are the images as the planner sees them.
func plain(images []Image) []planner.Image {
	all := make([]planner.Image, len(images))
	for i, img := range images {
		all[i] = img.Image
	}
	return all
}

// value is what p points to; the zero value if it is nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
