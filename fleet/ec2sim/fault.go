package ec2sim

import (
	"errors"
	"slices"
)

// Fault is something that goes wrong, once or always. Which calls it meets is said by Action and Call; what
// happens to them by one of the rest: Code refuses the call, LoseReply does it and loses the answer, and the
// others bend the instances that it launches. In a region in a file, faults are part of the file.
type Fault struct {
	Action string // the action; "" means RunInstances for what bends instances, and else any action
	Call   int    // the n-th call of the action since the fault was injected, counted from 1; 0 means every one

	Code    string // refuse with this error
	Message string // of the error, or of the reason why an instance died
	Status  int    // of the error; 0 means the status that EC2 sends with the code

	LoseReply bool // do it, and break the connection in place of the answer

	// Instances numbers the instances that are meant, counted from 1 over the calls that the fault meets;
	// empty means all of them.
	Instances    []int
	Stuck        bool   // stays pending
	Dies         string // goes from pending to terminated, for this reason: Server.InternalError
	BootImage    string // is, and boots from, this image instead of the one asked for
	RootSnapshot string // its root volume was made from this snapshot; the instance says nothing of it
	Protected    bool   // is protected from termination
	EqualIndexes bool   // has launch index 0, whatever its number
}

// fault is an injected Fault and how far it has counted.
type fault struct {
	Fault
	Seen     int // calls of the action
	Launched int // instances of the calls that it met
}

func (f Fault) bends() bool {
	return f.Stuck || f.Dies != "" || f.BootImage != "" || f.RootSnapshot != "" || f.Protected || f.EqualIndexes
}

// Inject makes a fault part of the region. It panics if the fault does nothing.
func (r *Region) Inject(f Fault) {
	if err := r.inject(f); err != nil {
		panic(err)
	}
}

func (r *Region) inject(f Fault) error {
	if f.Code == "" && !f.LoseReply && !f.bends() {
		return errors.New("a fault that does nothing")
	}
	if f.bends() {
		if f.Action != "" && f.Action != "RunInstances" {
			return errors.New("only RunInstances launches instances that a fault can bend")
		}
		f.Action = "RunInstances"
	}
	return r.locked(func() error {
		r.s.Faults = append(r.s.Faults, &fault{Fault: f})
		return nil
	})
}

// meetFaults counts the call with every fault and collects what happens to it.
func (w *world) meetFaults(c *Call) (lose bool, err error) {
	for _, f := range w.r.s.Faults {
		if f.Action != "" && f.Action != c.Action {
			continue
		}
		f.Seen++
		w.dirty = true
		if f.Call != 0 && f.Call != f.Seen {
			continue
		}
		if f.Code != "" && err == nil {
			err = &apiError{Code: f.Code, Message: f.Message, Status: f.Status}
		}
		lose = lose || f.LoseReply
		if f.bends() {
			w.bends = append(w.bends, f)
		}
	}
	return lose, err
}

// bend applies the faults of the call to the next instance that it launches.
func (w *world) bend(apply func(Fault)) {
	for _, f := range w.bends {
		f.Launched++
		if len(f.Instances) == 0 || slices.Contains(f.Instances, f.Launched) {
			apply(f.Fault)
		}
	}
}

// Calm takes every injected fault back and lifts every limit of capacity, that of the Options as well. What
// the faults did stays done.
func (r *Region) Calm() {
	if err := r.locked(func() error {
		r.s.Faults, r.s.Capacity, r.o.Capacity = nil, nil, nil
		return nil
	}); err != nil {
		panic(err)
	}
}
