package fleet

import (
	"sync"
	"time"

	"cluster/planner"
)

// forgetAfter is how long a pool that had no room is not asked again. Capacity moves within
// minutes, and each request spends a token of the account's two a second.
const forgetAfter = 3 * time.Minute

// A pool is where capacity is had: EC2 keeps it by type, zone and the way it is bought.
type pool struct{ typ, zone, market, reservation string }

// A memory knows which pools had no room for how many nodes. It is safe for several goroutines;
// groups that want the same pool learn from each other.
type memory struct {
	mu    sync.Mutex
	pools map[pool]memo
}

type memo struct {
	refusal Refusal
	until   time.Time
}

// pools are those of a rung, which has one for each of its zones.
func pools(r planner.Rung) []pool {
	var all []pool
	for _, s := range r.Subnets {
		all = append(all, pool{r.Type, s.Zone, string(r.Market), r.Reservation})
	}
	return all
}

// note remembers a refusal for lack of room.
func (m *memory) note(r planner.Rung, refusal Refusal, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pools == nil {
		m.pools = map[pool]memo{}
	}
	p := pool{r.Type, refusal.Zone, string(r.Market), r.Reservation}
	if old, ok := m.pools[p]; ok && old.until.After(now) && old.refusal.Asked < refusal.Asked {
		refusal.Asked = old.refusal.Asked // less than this is known to find no room
	}
	m.pools[p] = memo{refusal, now.Add(forgetAfter)}
}

// recall gives the refusal that makes it pointless to ask a rung for n nodes now. A pool that had no
// room for more than n may have room for n.
func (m *memory) recall(r planner.Rung, n int, now time.Time) (Refusal, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	share := (n + len(r.Subnets) - 1) / max(1, len(r.Subnets))
	for _, p := range pools(r) {
		if old, ok := m.pools[p]; ok && old.until.After(now) && share >= old.refusal.Asked {
			return old.refusal, true
		}
	}
	return Refusal{}, false
}

// free is when the first of the rungs is worth asking again: now, if one is.
func (m *memory) free(rungs []planner.Rung, n int, now time.Time) time.Time {
	var first time.Time
	for _, r := range rungs {
		at := now
		if _, ok := m.recall(r, n, now); ok {
			m.mu.Lock()
			for _, p := range pools(r) {
				if old := m.pools[p]; old.until.After(at) {
					at = old.until
				}
			}
			m.mu.Unlock()
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
