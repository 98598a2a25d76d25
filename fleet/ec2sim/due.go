package ec2sim

import (
	"bytes"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// EC2 runs the user data of an instance; a region cannot. So it plays the one thing that decides when
// instances are gone: the timer by which a node of cluster ends itself. It is in the user data of the node
// if that holds a certain line, and reads its time from the node's tags, through the instance metadata.
const (
	timerLine = "# cluster: time to live"
	timerTag  = "cluster:ttl"
)

// timerValue is the form in which the timer reads a time: 8h0m0s. It takes any other for no time at all.
var timerValue = regexp.MustCompile(`^(\d{1,9})h(\d{1,9})m(\d{1,9})s$`)

// catchUp has instances do what was due before now, at the moment at which it was due, so that what one sees
// does not depend on when somebody looked before.
func (w *world) catchUp() {
	due := false
	for _, l := range w.Launches {
		due = due || l.Timer || l.Block || l.Fated || l.Build != nil
	}
	if !due {
		return
	}
	for _, i := range w.Instances {
		w.meetEnd(i, w.Launches[i.Launch])
	}
}

// meetEnd has an instance end that was to end before now, in the way that came first.
func (w *world) meetEnd(i *instance, l *launch) {
	var at time.Time
	var end func()
	first := func(t time.Time, f func()) {
		if !t.IsZero() && !w.now.Before(t) && (at.IsZero() || t.Before(at)) {
			at, end = t, f
		}
	}
	first(w.timerEnds(i, l), func() { w.shutDown(i, l, at) })
	first(i.buildEnds(l), func() { w.endBuild(i, l, at) })
	// EC2 does not document the reason that it gives here.
	first(w.blockEnds(i, l), func() {
		w.endAt(i, at, "Server.ScheduledStop", "Server.ScheduledStop: The Capacity Block reservation ends", "")
	})
	if f := i.Fate; f != nil && (i.Last == launched || i.Last == started) {
		first(later(f.At, i.Since), func() { w.endAt(i, at, f.Code, f.Message, "") })
	}
	if end != nil {
		end()
		// The end of a build need not be that of the instance.
		if i.Built.Equal(at) {
			w.meetEnd(i, l)
		}
	}
}

// timerEnds is when an instance shuts itself down; zero for never, or not yet.
func (w *world) timerEnds(i *instance, l *launch) time.Time {
	if !l.Timer || i.Last != launched && i.Last != started || l.Metadata.InstanceMetadataTags != types.InstanceMetadataTagsStateEnabled {
		return time.Time{}
	}
	m := timerValue.FindStringSubmatch(w.tagsOf(i.ID)[timerTag])
	if m == nil {
		return time.Time{}
	}
	var seconds int64
	for n, unit := range []int64{3600, 60, 1} {
		v, _ := strconv.ParseInt(m[n+1], 10, 64) // nine digits always fit
		seconds += v * unit
	}
	if seconds > int64(w.now.Sub(l.At)/time.Second) {
		return time.Time{}
	}
	// The timer runs as long as the instance does, and no earlier end than now can be set.
	return later(later(l.At.Add(time.Duration(seconds)*time.Second), i.done()), i.Timed)
}

// retime remembers when the tags of instances changed that have the timer.
func (w *world) retime(ids []string) {
	for _, id := range ids {
		if i := w.Instances[id]; i != nil && w.Launches[i.Launch].Timer {
			i.Timed = w.now
		}
	}
}

// shutDown is an instance that shuts itself down. No protection prevents that.
func (w *world) shutDown(i *instance, l *launch, at time.Time) {
	const code, message = "Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown"
	if l.Shutdown == string(types.ShutdownBehaviorTerminate) {
		w.endAt(i, at, code, message, "")
		return
	}
	w.happenAt(i, at, halted, w.t.Stopping)
	i.Code, i.Message, i.Transition = code, message, ""
}

// blockEnds is when EC2 ends an instance because its capacity block is about to end; zero for never.
func (w *world) blockEnds(i *instance, l *launch) time.Time {
	b := w.Bookings[i.Booking]
	if !l.Block || b == nil || i.Last == doomed || i.Last == ended {
		return time.Time{}
	}
	return later(b.End.Add(-blockEnds), i.Since)
}

// hasTimer tells whether user data holds the timer.
func hasTimer(userData []byte) bool { return bytes.Contains(userData, []byte(timerLine)) }
