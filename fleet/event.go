package fleet

import (
	"time"

	"cluster/planner"
	"cluster/spec"
)

// EventType is what happened. The values are the words of `up --json`; they only grow.
type EventType string

const (
	EventLaunchStart    EventType = "launch_start"    // a group is asked for at a rung: Group, Type, Zone, the three of how it is bought, Asked
	EventLaunchDone     EventType = "launch_done"     // a call was granted: the same, Slots, Got, Nodes
	EventLaunchFailed   EventType = "launch_failed"   // a call was refused: the same, Code, Class, Message
	EventRetry          EventType = "retry"           // a group found no room and is asked for again later: Group, Message
	EventNodeRunning    EventType = "node_running"    // Node, Instance, Zone, Type
	EventNodeLost       EventType = "node_lost"       // died before it ran, failed its checks, or went while we looked: Node, Instance, Code, Class, Message
	EventReleased       EventType = "released"        // instances of a failed launch are terminated: Group, Got, Message
	EventTerminateStart EventType = "terminate_start" // Group, Got instances are asked to go
	EventNodeTerminated EventType = "node_terminated" // Node, Instance
	EventStarted        EventType = "start"           // Group, Got stopped instances are started
	EventRetagged       EventType = "retag"           // Group, Got instances have new tags
	EventPlacement      EventType = "placement"       // a placement group was created or deleted: Group, Message
	EventWaiting        EventType = "waiting"         // a look is over; Counts say where each group stands
	EventVerify         EventType = "verify"          // Verdict
	EventCondition      EventType = "condition"       // a node meets a condition that is waited for, or never will: Group, Node, Instance, Condition, Met, Message
)

// An Event is one thing that happened. Fields that an event type does not list are zero.
type Event struct {
	Type         EventType
	At           time.Time // the region's time
	Group        string
	Node         string
	Slots        planner.Slots
	Instance     string
	Zone         string
	InstanceType string
	Market       spec.Market
	Reservation  string // id or group ARN of reserved capacity; empty: the open market
	Block        bool   // the reservation is a capacity block
	Asked        int
	Got          int
	Nodes        []planner.Instance // as the answer to the call shows them, with their slots
	Code         string             // EC2's error code
	Class        Class
	Message      string // EC2's words or ours; may hold control characters
	Counts       []GroupCount
	Verdict      *planner.Verdict
	Condition    spec.WaitFor
	Met          bool

	// Batch and Batches say which batch of a rolling replacement it happens in, from 1, and how many there
	// are; 0 outside of one. A verify with a batch is about the nodes of that batch.
	Batch, Batches int
}

// A GroupCount says where one group stands.
type GroupCount struct {
	Group     string
	Want      int
	Pending   int
	Running   int
	Verified  int
	Unchecked int // of those that run: status checks are waited for, and have not passed
	Leaving   int // shutting down

	Wait spec.WaitFor // what its nodes are waited for, where a connection to them has to tell
	Met  Conditions
}

// Conditions counts the nodes that meet each of the conditions that only a connection to them can tell.
type Conditions struct{ Reachable, Booted, Same, Usable int }

// Of is how many nodes meet one of them.
func (c Conditions) Of(w spec.WaitFor) int {
	if n := c.of(w); n != nil {
		return *n
	}
	return 0
}

// Add counts a node that meets one of them.
func (c *Conditions) Add(w spec.WaitFor) {
	if n := c.of(w); n != nil {
		*n++
	}
}

func (c *Conditions) of(w spec.WaitFor) *int {
	switch w {
	case spec.WaitReachable:
		return &c.Reachable
	case spec.WaitBooted:
		return &c.Booted
	case spec.WaitSame:
		return &c.Same
	case spec.WaitUsable:
		return &c.Usable
	}
	return nil
}
