package ec2sim

import (
	"fmt"
	"sync"
	"time"
)

// Region is an embedded EC2 region. Its methods may be called from any goroutine.
type Region struct {
	o     Options
	store *store // nil: the state is in memory only

	mu      sync.Mutex
	s       *state
	journal []Call
}

// New makes a region that lives in memory.
func New(o Options) *Region {
	o.setDefaults()
	r := &Region{o: o}
	r.s = r.fresh()
	return r
}

// Open makes a region whose state is the file o.Path, which is created if there is none. Any number of
// processes may open the same file: each request is handled under a lock on PATH.lock, sees everything that
// was answered before anywhere, and is answered after its own effects are safe. Hook, journal and the rest
// of the options belong to the process; faults that are injected and capacity that is set belong to the file.
func Open(o Options) (*Region, error) {
	o.setDefaults()
	if o.Path == "" {
		return nil, fmt.Errorf("open the embedded region: no path")
	}
	r := &Region{o: o, store: &store{path: o.Path}}
	if err := r.look(func() error { return nil }); err != nil {
		return nil, err
	}
	return r, nil
}

// Close forgets the state. A region in a file loses nothing by it.
func (r *Region) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s, r.journal = r.fresh(), nil
	if r.store != nil {
		r.store.forget()
	}
	return nil
}

// Reset makes the region as it was when it was new, but for its time, which goes on, and the keys that it signs
// identity documents with. The journal is empty.
func (r *Region) Reset() {
	if err := r.locked(r.empty); err != nil {
		panic(err)
	}
}

func (r *Region) empty() error {
	now, requests, identities := r.now(), r.s.Requests, r.s.Identities
	r.s = r.fresh()
	r.s.Identities = identities
	r.s.Clock = clock{Region: now, Wall: time.Now()}
	r.s.Requests = requests
	r.journal = nil
	return nil
}

// Now is the region's time.
func (r *Region) Now() time.Time {
	var now time.Time
	if err := r.look(func() error { now = r.now(); return nil }); err != nil {
		panic(err)
	}
	return now
}

// now is the region's time for who holds the lock.
func (r *Region) now() time.Time {
	return r.s.Clock.at(time.Now(), r.o.Speed, r.store != nil)
}

func (r *Region) fresh() *state {
	now := time.Now()
	return &state{Clock: clock{Region: now.UTC().Round(0), Wall: now}, Worlds: map[string]*world{}}
}

// locked runs change on the newest state and keeps what it made of it. Errors are about the file, or
// change's own, which is kept all the same.
func (r *Region) locked(change func() error) error { return r.with(true, change) }

// look runs f on the newest state; what f changes is kept only if it says so in a world.
func (r *Region) look(f func() error) error { return r.with(false, f) }

func (r *Region) with(keep bool, f func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.store == nil {
		return f()
	}
	return r.store.with(r, keep, f)
}
