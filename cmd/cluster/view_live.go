package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/planner"
)

// A liveView keeps one line a group at the foot of the terminal. One goroutine owns the terminal while
// the view is open: events reach it by a channel, and so does what anybody else prints, which
// then scrolls by above the lines. The cursor stands below the lines and stays visible, so that a
// program that is killed leaves nothing to be repaired.
type liveView struct {
	out    *printer
	to     io.Writer // the terminal itself
	now    func() time.Time
	width  func() int
	events chan fleet.Event
	text   chan []byte
	stop   chan struct{}
	done   chan struct{}

	// What follows belongs to the goroutine.
	start  time.Time
	groups []liveGroup
	note   string // the last news that is not a number
	batch  int    // of a rolling replacement, the last begun
	drawn  []int  // columns of each line on the terminal
}

// A liveGroup is what a group's line shows.
type liveGroup struct {
	fleet.GroupCount
	total int // nodes that have to change for the bar to be full
	asked int
	gone  int
}

// redraw is how often the seconds move if nothing else does.
const redraw = 100 * time.Millisecond

// mostGroups is how many groups have a line; a block taller than the terminal could not be redrawn.
const mostGroups = 16

func newLiveView(out *printer, p planner.Plan, now func() time.Time, width func() int) *liveView {
	v := &liveView{
		out: out, now: now, width: width, start: now(),
		events: make(chan fleet.Event), text: make(chan []byte),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	for _, g := range p.Groups {
		v.groups = append(v.groups, liveGroup{
			GroupCount: fleet.GroupCount{Group: g.Name, Want: g.Want, Running: g.Unchanged},
			total:      max(g.Want, g.Have),
		})
	}
	v.to = out.redirect(v)
	go v.run()
	return v
}

// event hands one event to the view.
func (v *liveView) event(e fleet.Event) { v.events <- e }

// Write prints above the lines. The printer calls it, under its own lock.
func (v *liveView) Write(b []byte) (int, error) {
	v.text <- bytes.Clone(b)
	return len(b), nil
}

// close takes the lines away and gives the terminal back.
func (v *liveView) close() {
	// The printer's lock makes sure that nobody is in Write when the goroutine ends.
	v.out.redirect(v.to)
	close(v.stop)
	<-v.done
}

func (v *liveView) run() {
	defer close(v.done)
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	v.draw(nil)
	for {
		select {
		case e := <-v.events:
			v.take(e)
		case b := <-v.text:
			v.draw(b)
		case <-tick.C:
			v.draw(nil)
		case <-v.stop:
			v.to.Write([]byte(v.erase()))
			return
		}
	}
}

// take works one event into the lines. They are drawn by the ticker: a thousand events are not a
// thousand pictures.
func (v *liveView) take(e fleet.Event) {
	for _, c := range e.Counts {
		v.group(c.Group).GroupCount = c
	}
	if e.Batch > 0 && e.Batch != v.batch {
		v.batch, v.note = e.Batch, strings.TrimPrefix(batchText(e), ", ")
	}
	switch e.Type {
	case fleet.EventWaiting:
		for _, c := range e.Counts {
			if c.Wait != "" {
				v.note = fmt.Sprintf("%s: %d of %d running%s", c.Group, c.Running, c.Want, metText(c))
			}
			if c.Wait != "" && c.Met.Of(c.Wait) < c.Want {
				break // the first that is not there yet
			}
		}
	case fleet.EventLaunchStart:
		v.group(e.Group).asked = e.Asked
	case fleet.EventNodeTerminated:
		v.group(e.Group).gone++
	case fleet.EventLaunchFailed, fleet.EventNodeLost, fleet.EventRetry, fleet.EventReleased, fleet.EventPlacement:
		v.note = eventText(e)
	case fleet.EventVerify:
		if e.Verdict != nil && e.Verdict.Identical && e.Batch == 0 {
			for i := range v.groups {
				v.groups[i].Verified = v.groups[i].Running
			}
		}
	}
}

func (v *liveView) group(name string) *liveGroup {
	i := slices.IndexFunc(v.groups, func(g liveGroup) bool { return g.Group == name })
	if i < 0 {
		i = len(v.groups)
		v.groups = append(v.groups, liveGroup{GroupCount: fleet.GroupCount{Group: name}})
	}
	return &v.groups[i]
}

// draw writes text above the lines, and the lines anew.
func (v *liveView) draw(above []byte) {
	var b bytes.Buffer
	b.WriteString(v.erase())
	b.Write(above)
	frame := &printer{w: &b, colour: v.out.colour}
	columnsLeft := min(v.width(), 80) - 1
	for _, l := range v.frame(columnsLeft) {
		frame.printf("%s\n", l)
		v.drawn = append(v.drawn, columns(clean(l)))
	}
	v.to.Write(b.Bytes())
}

// erase is what takes the lines off the terminal. A terminal that was made narrower has folded them,
// so the rows are counted for the width as it is now.
func (v *liveView) erase() string {
	rows, width := 0, max(1, v.width())
	for _, n := range v.drawn {
		rows += max(1, (n+width-1)/width)
	}
	v.drawn = v.drawn[:0]
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows)
}

// frame is the lines, each of at most width columns.
func (v *liveView) frame(width int) []string {
	shown := v.groups[:min(len(v.groups), mostGroups)]
	name, digits := 0, 0
	for _, g := range shown {
		name = max(name, min(20, columns(clean(g.Group))))
		digits = max(digits, len(fmt.Sprint(g.total)))
	}
	took := seconds(v.now().Sub(v.start))
	var out []string
	for _, g := range shown {
		label := cut(fmt.Sprintf("%-*s", name, clean(g.Group)), name)
		text := fmt.Sprintf("  asked %*d  pending %*d  running %*d  verified %*d  %s", digits, max(g.asked, g.Want),
			digits, g.Pending, digits, g.Running, digits, g.Verified, took)
		done := g.Running
		if g.Want == 0 {
			text = fmt.Sprintf("  %*d of %*d terminated  %s", digits, g.gone, digits, g.total, took)
			done = g.gone
		}
		out = append(out, cut(label+bar(done, g.total, width-columns(label)-columns(text)-4)+text, width))
	}
	if n := len(v.groups) - len(shown); n > 0 {
		out = append(out, cut(fmt.Sprintf("and %s more", plural(n, "group")), width))
	}
	if v.note != "" {
		out = append(out, cut(clean(v.note), width))
	}
	return out
}

// bar shows how much of total is done in at most width characters; nothing if there is no room.
func bar(done, total, width int) string {
	width = min(width, 30)
	if width < 5 || total == 0 {
		return ""
	}
	full := width * min(done, total) / total
	return "  [" + strings.Repeat("#", full) + strings.Repeat("-", width-full) + "]"
}

// cut shortens text to at most n columns.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:max(0, n-1)]) + "~"
}
