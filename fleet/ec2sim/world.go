package ec2sim

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// state is all that a region remembers. The exported parts of it and of what it holds are what the file has.
type state struct {
	Clock    clock
	Requests uint64 // answered so far; request ids count on
	Worlds   map[string]*world
	Faults   []*fault
	Play     *play          `json:",omitzero"` // the scenario
	Capacity map[string]int // of pools by "type/zone", set while the region was running

	Identities map[string]*identity `json:",omitempty"` // by region, of those that signed anything

	dirty bool // it changed outside of the worlds and must be kept
}

// world is one account's part of the state in one region.
type world struct {
	Name      string
	Account   string `json:",omitzero"` // "" for the Options'
	Seq       uint64 // of ids
	Launches  map[string]*launch
	Instances map[string]*instance
	Volumes   map[string]*volume
	Images    map[string]*image    `json:",omitempty"` // of all accounts; the Options' account keeps them
	Snapshots map[string]*snapshot `json:",omitempty"`
	Subnets   map[string]*types.Subnet
	Firewalls map[string]*types.SecurityGroup
	Keys      map[string]*types.KeyPairInfo
	Groups    map[string]*types.PlacementGroup
	Bookings  map[string]*booking
	Templates map[string]*template
	Tags      map[string]map[string]string // by id of the resource; a launch's own tags are in its record
	Tokens    map[string]*token
	Buckets   map[string]*level
	Copies    map[string]*copied // by client token
	Open      bool               `json:",omitzero"` // images may be made public

	// These are the request's, set before it is handled.
	r     *Region
	now   time.Time
	call  *Call
	t     Timing
	bends []*fault      // the faults that bend what this call launches
	fails string        // why the snapshots that it makes fail; "" if they do not
	slow  time.Duration // and what they delay its answer by
	dirty bool          // the state changed and must be kept
}

// newID draws the next id of a kind. Ids are a function of the seed and of what happened before.
func (w *world) newID(prefix string) string {
	w.Seq++
	return fmt.Sprintf("%s0%016x", prefix, w.r.hash(w.r.worldKey(w.account(), w.Name), prefix, fmt.Sprint(w.Seq)))
}

// hash is a number that depends on the seed and on words, and on nothing else.
func (r *Region) hash(words ...string) uint64 {
	h := uint64(14695981039346656037) ^ r.o.Seed
	for _, s := range words {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	// The finish of splitmix64: neighbouring seeds and words must not give neighbouring numbers.
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// draw takes a duration from a range, always the same for the same words.
func (r *Region) draw(d Range, words ...string) time.Duration {
	if d.Max <= d.Min {
		return d.Min
	}
	return (d.Min + time.Duration(r.part(words...)*float64(d.Max-d.Min))).Truncate(time.Millisecond)
}

// part is a number from 0 up to 1, always the same for the same words.
func (r *Region) part(words ...string) float64 { return float64(r.hash(words...)>>11) / (1 << 53) }
