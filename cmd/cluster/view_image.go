package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"cluster/fleet/ami"
)

// An imageView shows how images are made and copied: a line for each thing that happens and, for what
// takes long, how far it is. On a terminal that stands on a line for each region at the foot, which is
// redrawn; elsewhere a line is written for each tenth. Keepers of several regions may call it at once.
type imageView struct {
	a       *app
	now     func() time.Time
	start   time.Time
	regions bool // several: lines begin with theirs

	mu    sync.Mutex
	live  bool
	to    io.Writer      // the terminal itself
	drawn int            // lines at its foot
	bars  []imageBar     // by region
	told  map[string]int // tenths, by image, as last written
}

// An imageBar is an image on its way.
type imageBar struct {
	region, label string
	percent       int
}

// newImageView is a view on standard error; with --json, events go to standard output instead. Its close
// has to be called.
func (a *app) newImageView(now func() time.Time, regions bool) *imageView {
	v := &imageView{a: a, now: now, start: now(), regions: regions, told: map[string]int{}}
	v.live = a.stream == nil && a.errTTY && a.getenv("TERM") != "dumb"
	if v.live {
		v.to = a.err.redirect(v)
	}
	return v
}

// event takes one event of a keeper.
func (v *imageView) event(e ami.Event) {
	if v.a.stream != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.a.stream.imageEvent(e)
		return
	}
	if e.Type == ami.EventProgress {
		v.progress(e)
		return
	}
	v.mu.Lock()
	v.bars = slices.DeleteFunc(v.bars, func(b imageBar) bool { return b.region == e.Region })
	v.mu.Unlock()
	v.line(e)
}

func (v *imageView) line(e ami.Event) {
	v.a.err.printf("%s%5s%s  %s\n", dim, seconds(v.now().Sub(v.start)), reset, v.where(e)+imageEventText(e))
}

func (v *imageView) where(e ami.Event) string {
	if v.regions {
		return e.Region + ": "
	}
	return ""
}

// progress shows how far an image is.
func (v *imageView) progress(e ami.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.live {
		if before, ok := v.told[e.Image]; ok && e.Percent/10 <= before {
			return
		}
		v.told[e.Image] = e.Percent / 10
		v.line(e)
		return
	}
	label := fmt.Sprintf("%s%s %s", v.where(e), e.Family, e.Version)
	i := slices.IndexFunc(v.bars, func(b imageBar) bool { return b.region == e.Region })
	if i < 0 {
		i = len(v.bars)
		v.bars = append(v.bars, imageBar{})
	}
	v.bars[i] = imageBar{region: e.Region, label: label, percent: e.Percent}
	slices.SortFunc(v.bars, func(a, b imageBar) int { return strings.Compare(a.region, b.region) })
	v.draw(nil)
}

// Write prints above the lines at the foot. The printer calls it, under its own lock.
func (v *imageView) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draw(b)
	return len(b), nil
}

// draw writes text, and the lines anew below it.
func (v *imageView) draw(above []byte) {
	var b bytes.Buffer
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA\x1b[J", v.drawn)
	}
	b.Write(above)
	frame := &printer{w: &b, colour: v.a.err.colour}
	width := min(v.a.width(), 80) - 1
	for _, l := range v.bars {
		text := fmt.Sprintf("  %3d %%  %s", l.percent, seconds(v.now().Sub(v.start)))
		label := cut(clean(l.label), max(10, width-columns(text)-12))
		frame.printf("%s\n", cut(label+bar(l.percent, 100, width-columns(label)-columns(text)-4)+text, width))
	}
	v.drawn = len(v.bars)
	v.to.Write(b.Bytes())
}

// close takes the lines away and gives the terminal back.
func (v *imageView) close() {
	if !v.live {
		return
	}
	v.a.err.redirect(v.to)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bars = nil
	v.draw(nil)
}

// imageEventText is an event as a sentence for people.
func imageEventText(e ami.Event) string {
	switch e.Type {
	case ami.EventStopping:
		return "stopping " + e.Instance
	case ami.EventStopped:
		return e.Instance + " has stopped"
	case ami.EventCreating:
		if e.Instance == "" {
			return withReason(e.Image+" is being made", e.Message)
		}
		return fmt.Sprintf("%s is being made of %s", e.Image, e.Instance)
	case ami.EventProgress:
		return fmt.Sprintf("%s: %d %% stored", e.Image, e.Percent)
	case ami.EventAvailable:
		return e.Image + " is available"
	case ami.EventStarted:
		return e.Instance + " runs again"
	case ami.EventLaunched:
		return fmt.Sprintf("%s launched: the %s of %s %s", e.Instance, e.Message, e.Family, e.Version)
	case ami.EventProvisioned:
		return e.Instance + " has come to the end of its script, and stopped"
	case ami.EventTested:
		return fmt.Sprintf("%s, made from %s, came up well", e.Instance, e.Image)
	case ami.EventEnded:
		return withReason(e.Instance+" is terminated", e.Message)
	case ami.EventRemoved:
		if e.Snapshot != "" {
			return withReason(fmt.Sprintf("%s of %s is deleted", e.Snapshot, e.Image), e.Message)
		}
		return withReason(e.Image+" is deregistered", e.Message)
	case ami.EventShared:
		return withReason(e.Image, e.Message)
	}
	return withReason(string(e.Type)+" "+e.Image, e.Message)
}

// imageEvent writes one event of a keeper. Fields without a value are left out.
func (s *eventStream) imageEvent(e ami.Event) {
	level := "info"
	if e.Type == ami.EventRemoved {
		level = "warn"
	}
	fields := map[string]any{}
	for name, value := range map[string]string{
		"region": e.Region, "image_id": e.Image, "instance_id": e.Instance, "snapshot_id": e.Snapshot,
		"family": e.Family, "version": e.Version, "message": e.Message,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	if e.Type == ami.EventProgress {
		fields["percent"] = e.Percent
	}
	if !e.At.IsZero() {
		fields["at"] = e.At.UTC().Format(time.RFC3339Nano)
	}
	s.write(level, string(e.Type), imageEventText(e), fields)
}
