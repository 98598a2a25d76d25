package fleet

import (
	"fmt"
	"strings"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// A Report says what an Apply did. It is filled also when Apply returns an error.
type Report struct {
	Cluster  string
	Groups   []GroupReport      // the plan's order
	Verdict  *planner.Verdict   // nil: not verified (down, or the launch failed before)
	Roll     *RollReport        // nil: nothing was replaced batch by batch
	Calls    int                // API requests since the session began, retries included
	ByAction map[string]int     // the same, by action
	Elapsed  time.Duration      // the region's time, from the session's first call
	Failed   []FailedNode       // that died young or failed a condition, in the order in which that was found
	Left     []planner.Instance // down only: what EC2 still has, sorted by group and slot
}

// A GroupReport is one group's part of a Report. All counts are nodes.
type GroupReport struct {
	Name       string
	Want       int
	Launched   int // granted by EC2 and kept
	Running    int // at the end, older nodes included
	Replaced   int // died young and launched again
	Released   int // granted and given back, because the group came up short
	Terminated int
	Started    int
	Retagged   int
	Refusals   []Refusal // in the order in which they happened
	Begun      time.Time // when its nodes were granted, or first waited for: what its launch.timeout counts from

	Wait spec.WaitFor // what its nodes were waited for by whoever connects to them; empty: for nothing of the kind
	Met  Conditions   // and how many were found to be
}

// A FailedNode is a node that did not become what its group waits for.
type FailedNode struct {
	Group, Node, Instance string
	Condition             spec.WaitFor // that it failed; empty: it did not run
	Reason                string       // may hold control characters, as Console may
	Console               []string     // the last lines that it wrote; nil: EC2 shows none, or was not asked
}

// Short is how many nodes the group lacks.
func (g GroupReport) Short() int { return max(0, g.Want-g.Running) }

// A Refusal is one answer of EC2 that granted less than was asked.
type Refusal struct {
	InstanceType, Zone, Subnet string
	Asked, Got                 int
	Code                       string // EC2's; empty: no answer, or, with Got, a part was granted, for which EC2 has no code
	Class                      Class
	Message                    string
	Remembered                 bool // of minutes ago, by this or another group: the pool was not asked again
}

// Reason is why less was granted, in a word: EC2's code, or what stands for one.
func (r Refusal) Reason() string {
	switch {
	case r.Code != "":
		return r.Code
	case r.Got > 0:
		return "no room for more"
	}
	return "no answer"
}

// ShortError says that a group did not get the nodes it needs, for lack of capacity or quota.
type ShortError struct {
	Group    string
	Want     int
	Got      int  // nodes that run and are kept
	Kept     bool // the group's launch.min is met: the cluster is usable
	Late     int  // nodes that did not run within launch.timeout and were given back
	Refusals []Refusal
	At       hcl.Range // the line that chose type and place
}

func (e *ShortError) Error() string {
	var last string
	if n := len(e.Refusals); n > 0 {
		last = ": " + e.Refusals[n-1].Code
	}
	return fmt.Sprintf("group %s is short: %d of %d nodes%s", e.Group, e.Got, e.Want, last)
}

// IdentityError says that at least one node does not come from the image.
type IdentityError struct {
	Verdict planner.Verdict
	Ended   bool // the nodes it is about were ended again: those that they were to replace serve on
}

func (e *IdentityError) Error() string {
	names := make([]string, 0, 3)
	for _, m := range e.Verdict.Mismatched[:min(3, len(e.Verdict.Mismatched))] {
		names = append(names, m.Node)
	}
	return fmt.Sprintf("not identical: %d finding(s), first %s", len(e.Verdict.Mismatched), strings.Join(names, ", "))
}

// CallError is an EC2 call that was refused, with what was being attempted.
type CallError struct {
	Doing   string // such as "launch compute[0-99]"
	Action  string // such as RunInstances
	Code    string // EC2's, or empty if there was no answer
	Class   Class
	Message string
	Request string    // EC2's request id; may be empty
	At      hcl.Range // the line of the file the call came from; zero: none
	Err     error
}

func (e *CallError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s: %v", e.Doing, e.Err)
	}
	return fmt.Sprintf("%s: %s: %s", e.Doing, e.Code, e.Message)
}

func (e *CallError) Unwrap() error { return e.Err }

// TimeoutError says that a group's launch.timeout passed before all its nodes ran.
type TimeoutError struct {
	Group   string
	Waited  time.Duration
	Running int
	Want    int
	At      hcl.Range
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("group %s: %d of %d nodes run after %s", e.Group, e.Running, e.Want, e.Waited)
}

// ProtectedError says that instances could not be terminated because of termination protection.
type ProtectedError struct{ Instances []string }

func (e *ProtectedError) Error() string {
	return "protected from termination: " + strings.Join(e.Instances, ", ")
}
