package ec2sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Fault is something that goes wrong, once or always. Which calls it meets is said by Action, Call, Share,
// From and To; what happens to them by the rest: Code refuses the call or belies that it was done, LoseReply
// does it and loses the answer, Slow delays that, and the others bend the instances that it launches. In a
// region in a file, faults are part of the file.
type Fault struct {
	Action string // a pattern with * and ?; "" means RunInstances for what bends instances, and else any action
	Call   int    // the n-th call of the action since From, counted from 1; 0 means every one

	// Share is the part of the calls that it meets or, for what bends instances, of the instances, drawn by the
	// seed; 0 means all of them.
	Share    float64
	From, To time.Duration // since it was injected, or since its scenario began; To 0 is without an end

	Code    string // refuse with this error
	Message string // of the error, or of the reason why an instance died
	Status  int    // of the error; 0 means the status that EC2 sends with the code
	Done    bool   // with a Code: do it all the same

	LoseReply bool          // do it, and break the connection in place of the answer
	Slow      time.Duration // answer so much later

	// Fails has the snapshots that the call makes end in error for this reason, and with them its image.
	Fails string

	// Image is a pattern of an image's id or name: only instances that are launched from it are meant.
	Image string

	// Instances numbers the instances that are meant, counted from 1 over the calls that the fault meets;
	// empty means all of them.
	Instances    []int
	Stuck        bool   // stays pending
	Dies         string // goes from pending to terminated, for this reason: Server.InternalError
	After        Range  // with Dies: how long it runs before it does
	Impaired     bool   // never passes its status checks
	BootImage    string // is, and boots from, this image instead of the one asked for
	RootSnapshot string // its root volume was made from this snapshot; the instance says nothing of it
	Protected    bool   // is protected from termination
	EqualIndexes bool   // has launch index 0, whatever its number
}

// fault is an injected Fault and how far it has counted.
type fault struct {
	Fault
	Since    time.Time // when it was injected
	Salt     string    // of its draws
	Seen     int       // calls of the action
	Launched int       // instances of the calls that it met
}

// makeSnapshots is the actions that make snapshots.
var makeSnapshots = []string{"CreateImage", "CopyImage"}

func (f Fault) bends() bool {
	return f.Stuck || f.Dies != "" || f.Impaired || f.BootImage != "" || f.RootSnapshot != "" || f.Protected || f.EqualIndexes
}

// Inject makes a fault part of the region. It panics if the fault does nothing.
func (r *Region) Inject(f Fault) {
	if err := r.inject(f); err != nil {
		panic(err)
	}
}

func (r *Region) inject(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	return r.locked(func() error {
		r.s.Faults = append(r.s.Faults, &fault{Fault: f.complete(), Since: r.now(), Salt: fmt.Sprintf("fault %d", len(r.s.Faults))})
		return nil
	})
}

func (f Fault) check() error {
	switch {
	case f.Code == "" && !f.LoseReply && f.Slow == 0 && f.Fails == "" && !f.bends():
		return errors.New("a fault that does nothing")
	case f.bends() && f.Action != "" && f.Action != "RunInstances":
		return errors.New("only RunInstances launches instances that a fault can bend")
	case f.Fails != "" && (f.Action == "" || !slices.ContainsFunc(makeSnapshots, func(a string) bool { return matches(f.Action, a) })):
		return errors.New("only CreateImage and CopyImage make snapshots that can fail")
	case f.Image != "" && !f.bends():
		return errors.New("a fault of an image's instances that does nothing to them")
	case f.Done && f.Code == "":
		return errors.New("a fault that is done and says nothing else")
	case f.After != Range{} && f.Dies == "":
		return errors.New("a fault of instances that die later, and do not die")
	case f.Share < 0 || f.Share > 1 || f.Call < 0 || f.Slow < 0 || f.From < 0 || f.To != 0 && f.To <= f.From || f.After.Min < 0 || f.After.Max < f.After.Min:
		return fmt.Errorf("a fault that cannot be: %+v", f)
	}
	return nil
}

func (f Fault) complete() Fault {
	if f.bends() {
		f.Action = "RunInstances"
	}
	return f
}

// ordeal is what the faults together do to a call.
type ordeal struct {
	refuse error // instead of doing it
	belie  error // instead of saying that it was done
	lose   bool
	fails  string // the snapshots that it makes, for this reason
	slow   time.Duration
}

// meetFaults counts the call with every fault and collects what happens to it.
func (w *world) meetFaults(c *Call) (o ordeal) {
	all := w.r.s.Faults
	if p := w.r.s.Play; p != nil {
		all = slices.Concat(all, p.Met)
	}
	for _, f := range all {
		if at := w.now.Sub(f.Since); !matches(f.Action, c.Action) || at < f.From || f.To != 0 && at >= f.To {
			continue
		}
		f.Seen++
		w.dirty = true
		if f.Call != 0 && f.Call != f.Seen || !f.bends() && !w.drawn(f, "call", f.Seen) {
			continue
		}
		if f.Code != "" {
			to := &o.refuse
			if f.Done {
				to = &o.belie
			}
			if *to == nil {
				*to = &apiError{Code: f.Code, Message: f.Message, Status: f.Status}
			}
		}
		o.lose = o.lose || f.LoseReply
		o.slow += f.Slow
		o.fails = cmp.Or(o.fails, f.Fails)
		if f.bends() {
			w.bends = append(w.bends, f)
		}
	}
	return o
}

// drawn tells whether the n-th of something is in the share that a fault meets.
func (w *world) drawn(f *fault, what string, n int) bool {
	return f.Share == 0 || w.r.part(f.Salt, what, fmt.Sprint(n)) < f.Share
}

// bend applies the faults of the call to the next instance that it launches.
func (w *world) bend(i *image, apply func(*fault)) {
	for _, f := range w.bends {
		if !matches(f.Image, *i.ImageId) && !matches(f.Image, value(i.Name)) {
			continue
		}
		f.Launched++
		if len(f.Instances) > 0 && !slices.Contains(f.Instances, f.Launched) || !w.drawn(f, "instance", f.Launched) {
			continue
		}
		apply(f)
	}
}

// Calm ends the scenario, takes every injected fault back and lifts every limit of capacity, that of the
// Options as well. What the faults did stays done.
func (r *Region) Calm() {
	if err := r.locked(func() error {
		r.s.Play, r.s.Faults, r.s.Capacity, r.o.Capacity = nil, nil, nil, nil
		return nil
	}); err != nil {
		panic(err)
	}
}
