package ec2sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Scenario is how EC2 behaves for a while: as it would on a bad day, or on a good one. It is made of plain
// values; all of its times count from the moment at which it was loaded into a region (Play), in the
// region's time, and everything that is drawn is drawn by its seed. The zero value changes nothing.
type Scenario struct {
	Name   string // for people
	Seed   uint64
	Supply []Supply // of pools; for a pool that several are about, the last one counts
	Drains []Drain  // of the account's buckets, by others
	Timing Timing   // a zero field leaves what is
	Boots  []Boot   // how long launches take to run, for shares of them; the rest takes Timing.Pending
	Faults []Fault  // their From and To count from the beginning of the scenario
}

// Supply is what pools hold in the course of time, used or not. Less than is used ends no instance; it only
// leaves no room.
type Supply struct {
	Type, Zone string        // patterns with * and ?; "" is *
	Every      time.Duration // how long until the steps begin anew; 0: never
	Steps      []Step        // in the order of time. Before the first of them there is no limit
}

// Step is what a pool holds from a time on; a negative Count is any number.
type Step struct {
	At    time.Duration
	Count int
}

// Drain is what other users of the account take from its buckets, at most: an account that others use more
// than it refills is empty as long as they do.
type Drain struct {
	Action    string        // a pattern with * and ?
	From, To  time.Duration // To 0 is without an end
	Every     time.Duration // how long until From comes again; 0: never
	Requests  float64       // tokens a second, of the request bucket
	Instances float64       // of the resource bucket
}

// Boot is the time until it runs for a share of the instances.
type Boot struct {
	Share float64 // between 0 and 1; those of a scenario's are together at most 1
	Takes Range
}

// play is a scenario that a region plays.
type play struct {
	Scenario
	Hash  string
	Start time.Time
	Met   []*fault // the scenario's, and how far they have counted
}

// Play has the region behave as a scenario says, from now on and for every process that shares it. A scenario
// that is played already goes on; any other takes the place of the one before. Reset and Calm end it. An
// error is about the scenario, or about the region's file.
func (r *Region) Play(s Scenario) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("play the scenario %q: %w", s.Name, err)
	}
	hash := s.hash()
	playing := func() bool { return r.s.Play != nil && r.s.Play.Hash == hash }
	goesOn := false
	if err := r.look(func() error { goesOn = playing(); return nil }); err != nil || goesOn {
		return err
	}
	return r.locked(func() error {
		if playing() { // another process was faster
			return nil
		}
		p := &play{Scenario: s, Hash: hash, Start: r.now()}
		for n, f := range s.Faults {
			p.Met = append(p.Met, &fault{Fault: f.complete(), Since: p.Start, Salt: fmt.Sprintf("scenario %d %d", s.Seed, n)})
		}
		r.s.Play = p
		return nil
	})
}

// Playing is the name of the scenario that the region plays and when it began; ok is false if there is none.
func (r *Region) Playing() (name string, since time.Time, ok bool) {
	err := r.look(func() error {
		if p := r.s.Play; p != nil {
			name, since, ok = p.Name, p.Start, true
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return name, since, ok
}

// hash tells scenarios apart by what they say.
func (s Scenario) hash() string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// check refuses what makes no sense.
func (s Scenario) check() error {
	for _, p := range s.Supply {
		for n, step := range p.Steps {
			if n > 0 && step.At <= p.Steps[n-1].At || step.At < 0 || p.Every > 0 && step.At >= p.Every {
				return fmt.Errorf("the steps of the supply of %s in %s are not in the order of time", p.Type, p.Zone)
			}
		}
	}
	for _, d := range s.Drains {
		if d.Requests < 0 || d.Instances < 0 || d.From < 0 || d.To != 0 && d.To <= d.From || d.Every != 0 && (d.Every < time.Second || d.To == 0 || d.To-d.From > d.Every) {
			return fmt.Errorf("a drain of %s that cannot be: %+v", d.Action, d)
		}
	}
	shares := 0.0
	for _, b := range s.Boots {
		if b.Share < 0 || b.Takes.Min < 0 || b.Takes.Max < b.Takes.Min {
			return fmt.Errorf("a boot time that cannot be: %+v", b)
		}
		shares += b.Share
	}
	if shares > 1+1e-9 {
		return fmt.Errorf("the boot times are those of %g of the instances", shares)
	}
	for _, f := range s.Faults {
		if err := f.check(); err != nil {
			return err
		}
	}
	return nil
}

// limit is what a pool holds; ok is false if nobody has limited it.
func (w *world) limit(kind, zone string) (n int, ok bool) {
	if n, ok = w.r.s.Capacity[kind+"/"+zone]; ok {
		return n, true
	}
	if p := w.r.s.Play; p != nil {
		for _, s := range p.Supply {
			if matches(s.Type, kind) && matches(s.Zone, zone) {
				n, ok = s.at(w.now.Sub(p.Start))
			}
		}
		if ok {
			return n, n >= 0
		}
	}
	n, ok = w.r.o.Capacity[Pool{kind, zone}]
	return n, ok
}

// matches tells whether a pattern is one for a name; an empty one is for all.
func matches(pattern, name string) bool { return pattern == "" || wildcard(pattern, name) }

// at is what the steps say at a time; ok is false before the first of them.
func (s Supply) at(t time.Duration) (n int, ok bool) {
	if s.Every > 0 {
		t %= s.Every
	}
	for _, step := range s.Steps {
		if step.At <= t {
			n, ok = step.Count, true
		}
	}
	return n, ok
}

// on tells whether others drain at a time, and when that next changes; next is negative for never.
func (d Drain) on(t time.Duration) (on bool, next time.Duration) {
	if t < d.From {
		return false, d.From
	}
	since, turn := t-d.From, time.Duration(0)
	if d.Every > 0 {
		turn = since / d.Every * d.Every
		since -= turn
	}
	switch {
	case d.To == 0:
		return true, -1
	case since < d.To-d.From:
		return true, turn + d.To
	case d.Every > 0:
		return false, turn + d.Every + d.From
	}
	return false, -1
}

// flow fills a bucket up to now, with what others take of it in the meantime.
func (w *world) flow(l *level, b Bucket, action string, taken func(Drain) float64) {
	p := w.r.s.Play
	for l.At.Before(w.now) {
		until, rate := w.now, b.Refill
		if p != nil {
			at := l.At.Sub(p.Start)
			for _, d := range p.Drains {
				if taken(d) == 0 || !matches(d.Action, action) {
					continue
				}
				on, next := d.on(at)
				if on {
					rate -= taken(d)
				}
				if t := p.Start.Add(next); next >= 0 && t.Before(until) {
					until = t
				}
			}
		}
		l.Tokens = min(b.Size, max(0, l.Tokens+until.Sub(l.At).Seconds()*rate))
		l.At = until
	}
}

// bootTime is how long an instance takes to run.
func (w *world) bootTime(id string) time.Duration {
	if p := w.r.s.Play; p != nil && len(p.Boots) > 0 {
		words := []string{"boot", fmt.Sprint(p.Seed), id}
		part := w.r.part(words...)
		for _, b := range p.Boots {
			if part -= b.Share; part < 0 {
				return w.r.draw(b.Takes, words...)
			}
		}
	}
	return w.r.draw(w.t.Pending, "pending", id)
}

// timing is how long things take while a scenario is played.
func (r *Region) timing() Timing {
	t := r.o.Timing
	if r.s.Play == nil {
		return t
	}
	o := r.s.Play.Timing
	lay(&t.Pending, o.Pending)
	lay(&t.Visible, o.Visible)
	lay(&t.Devices, o.Devices)
	lay(&t.ShuttingDown, o.ShuttingDown)
	lay(&t.Stopping, o.Stopping)
	lay(&t.Starting, o.Starting)
	lay(&t.Snapshot, o.Snapshot)
	lay(&t.CopyImage, o.CopyImage)
	lay(&t.Provision, o.Provision)
	lay(&t.Checks, o.Checks)
	lay(&t.Listed, o.Listed)
	lay(&t.RunInstances, o.RunInstances)
	lay(&t.Call, o.Call)
	return t
}

// lay puts a value over another, unless it is zero.
func lay[T comparable](under *T, over T) {
	var zero T
	if over != zero {
		*under = over
	}
}
