package ec2sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// launch is one RunInstances call that launched something: what its instances have in common.
type launch struct {
	ID           string // of the reservation
	At           time.Time
	Token        string
	Image        string
	Type         string
	Zone         string
	ZoneID       string
	Architecture string
	RootDevice   string
	BootMode     string
	Key          string
	UserData     string // base64
	Shutdown     string // what an instance does when it shuts itself down
	Timer        bool   `json:",omitzero"` // the user data ends the instance when the time in its tag is over
	Build        *build `json:",omitzero"` // what the user data does at the first boot
	Spot         bool
	Block        bool   `json:",omitzero"` // bought as part of a capacity block
	Fated        bool   `json:",omitzero"` // one of the instances has a fate
	Breaks       bool   `json:",omitzero"` // an image of it does not come up
	Target       string `json:",omitzero"` // id of the only booking to launch into
	Pool         string `json:",omitzero"` // or the resource group of the bookings to launch into
	Monitored    bool
	EBSOptimized bool
	Credits      string
	Profile      *types.IamInstanceProfile
	Placement    *types.Placement
	CPU          *types.CpuOptions
	Metadata     *types.InstanceMetadataOptionsResponse
	Names        *types.PrivateDnsNameOptionsResponse
	Reservation  types.CapacityReservationPreference
	Hibernates   bool
	Enclave      bool
	Recovery     types.InstanceAutoRecoveryState
	Bandwidth    types.InstanceBandwidthWeighting
	NICs         []nic
	Devices      []device
	Tags         map[string]map[string]string // by type of resource
}

// nic is a network interface that every instance of a launch has, device a block device.
type nic struct {
	Index, Card int32
	Type        string // interface, efa or efa-only
	Subnet      string
	Groups      []string
	Description string
	Keep        bool // it outlives the instance
	Public      bool
}

type device struct {
	Name       string
	Snapshot   string // "" for an empty volume
	Size       int32
	Type       string
	IOPS       int32
	Throughput int32
	Rate       int32 // of initialization, MiB/s
	Encrypted  bool
	KMSKey     string
	Keep       bool // it outlives the instance
}

// instance is what one instance has of its own.
type instance struct {
	ID        string
	Launch    string
	Seq       uint64 // numbers instances; addresses and the like are made from it
	Index     int32
	Visible   time.Duration // these count from the launch
	Devices   time.Duration
	IPs       []netip.Addr  // one for each nic; the zero Addr for one without
	Volumes   []string      // one for each device
	Builds    time.Duration `json:",omitzero"` // how long its build takes
	Built     time.Time     `json:",omitzero"` // when that was over
	Booking   string        `json:",omitzero"` // whose room it uses, if that is still there
	Image     string        `json:",omitzero"` // if it is another one than the launch's
	Root      string        `json:",omitzero"` // name of the root device of that one
	Protected bool          `json:",omitzero"` // from termination
	StopSafe  bool          `json:",omitzero"` // protected from being stopped
	Rebooted  time.Time     `json:",omitzero"` // last; its status checks begin anew
	Timed     time.Time     `json:",omitzero"` // when the tag that its timer reads was last changed

	// The last thing that happened to it, when, and how long that takes. What state it is in follows.
	Last  event
	Since time.Time
	Took  time.Duration

	Fate     *fate `json:",omitzero"` // how it will end
	Impaired bool  `json:",omitzero"` // its status checks fail

	Code, Message string `json:",omitzero"` // why it is no longer running
	Transition    string `json:",omitzero"`
}

// fate is an end that is already decided.
type fate struct {
	At            time.Time
	Code, Message string
}

// event is something that happens to an instance.
type event string

const (
	launched event = "" // becomes running
	stuck    event = "stuck"
	doomed   event = "doomed" // becomes terminated without having run
	started  event = "started"
	halted   event = "stopped"
	ended    event = "ended" // becomes terminated
)

// phase is an instance's state: its code in EC2.
type phase int32

const (
	pending      phase = 0
	running      phase = 16
	shuttingDown phase = 32
	terminated   phase = 48
	stopping     phase = 64
	stopped      phase = 80
)

var phaseNames = map[phase]types.InstanceStateName{
	pending: types.InstanceStateNamePending, running: types.InstanceStateNameRunning,
	shuttingDown: types.InstanceStateNameShuttingDown, terminated: types.InstanceStateNameTerminated,
	stopping: types.InstanceStateNameStopping, stopped: types.InstanceStateNameStopped,
}

func (p phase) state() *types.InstanceState {
	return &types.InstanceState{Code: new(int32(p)), Name: phaseNames[p]}
}

// phase computes the state of an instance now.
func (w *world) phase(i *instance) phase {
	during, after := pending, running
	switch i.Last {
	case stuck:
		return pending
	case doomed:
		after = terminated
	case halted:
		during, after = stopping, stopped
	case ended:
		during, after = shuttingDown, terminated
	}
	if w.now.Before(i.done()) {
		return during
	}
	return after
}

// done is when the last event is over.
func (i *instance) done() time.Time { return i.Since.Add(i.Took) }

// alive tells an instance that runs or will.
func (w *world) alive(i *instance) bool {
	p := w.phase(i)
	return p != terminated && p != shuttingDown
}

// visible tells whether descriptions show an instance: not at once, and for an hour after its end.
func (w *world) visible(i *instance) bool {
	if w.now.Before(w.Launches[i.Launch].At.Add(i.Visible)) {
		return false
	}
	return !w.forgotten(i)
}

func (w *world) forgotten(i *instance) bool {
	return w.phase(i) == terminated && !w.now.Before(i.done().Add(w.t.Listed))
}

// happen makes something happen to an instance.
func (w *world) happen(i *instance, e event, takes Range) { w.happenAt(i, w.now, e, takes) }

// happenAt is happen for what came to pass at another time than now.
func (w *world) happenAt(i *instance, at time.Time, e event, takes Range) {
	i.Last, i.Since = e, at
	i.Took = w.r.draw(takes, string(e), i.ID, at.Format(time.RFC3339Nano))
}

// end terminates an instance, for a reason in EC2's words.
func (w *world) end(i *instance, code, message, transition string) {
	w.endAt(i, w.now, code, message, transition)
}

func (w *world) endAt(i *instance, at time.Time, code, message, transition string) {
	w.happenAt(i, at, ended, w.t.ShuttingDown)
	i.Code, i.Message, i.Transition = code, message, transition
}

// userInitiated is what EC2 says of an instance that was stopped or terminated by a call.
func (w *world) userInitiated() string {
	return "User initiated (" + w.now.UTC().Format("2006-01-02 15:04:05") + " GMT)"
}

// prune forgets what EC2 forgets: instances an hour after their end, with their volumes, tokens a day after
// the last of their instances, and reservations.
func (w *world) prune() {
	members := map[string]int{}
	for id, i := range w.Instances {
		if !w.forgotten(i) {
			members[i.Launch]++
			continue
		}
		for n, v := range i.Volumes {
			// What outlives the instance stays, detached.
			if !w.Launches[i.Launch].Devices[n].Keep {
				delete(w.Volumes, v)
				delete(w.Tags, v)
			} else {
				members[i.Launch]++
			}
		}
		for key, t := range w.Tokens {
			if t.Launch == i.Launch {
				w.Tokens[key].Until = later(t.Until, i.done().Add(tokenLife))
			}
		}
		delete(w.Instances, id)
		delete(w.Tags, id)
	}
	w.forgetBookings()
	for key, t := range w.Tokens {
		if members[t.Launch] == 0 && w.now.After(t.Until) {
			delete(w.Tokens, key)
		}
	}
	bound := map[string]bool{}
	for _, t := range w.Tokens {
		bound[t.Launch] = true
	}
	for _, v := range w.Volumes {
		bound[v.Launch] = true
	}
	for id := range w.Launches {
		if members[id] == 0 && !bound[id] {
			delete(w.Launches, id)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// change runs f on the region's own world, as a request would be handled, and keeps the outcome.
func (r *Region) change(f func(w *world) error) error {
	return r.locked(func() error { return f(r.world(r.o.Region)) })
}

// onInstance runs f on an instance, in whatever region it is.
func (r *Region) onInstance(id string, f func(w *world, i *instance) error) error {
	return r.locked(func() error {
		err := fmt.Errorf("there is no instance %s", id)
		r.everyWorld(func(w *world) bool {
			i := w.Instances[id]
			if i != nil {
				err = f(w, i)
			}
			return i != nil
		})
		return err
	})
}
