package planner

import (
	"slices"

	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// A Plan is the difference between what is wanted and what was observed. It is a value: equal
// inputs give equal plans, to the byte.
type Plan struct {
	Cluster string
	Region  string
	Groups  []GroupPlan // the file's groups in its order, then groups only EC2 knows, sorted by name

	// Actions in the order of Groups, then Kind (terminate, replace, start, retag, launch), then slot.
	Actions []Action

	// Placements are the placement groups to create before the actions and to delete after them.
	Placements []PlacementChange

	// Quotas are those of the account that were read and that the cluster's nodes count towards, by
	// code; empty if nothing is to be launched. What else runs in the account counts too.
	Quotas []QuotaUse

	Blockers []Blocker // why this plan may not be carried out; sorted by position, then text
	Warnings []Blocker // worth knowing, and no obstacle

	// Locks are what the lock file has for the images of groups that want nodes, where that is news:
	// it keeps another image than the file means now, or moves to another. In the order of Groups.
	Locks []LockNote
}

// Empty says that there is nothing to do.
func (p Plan) Empty() bool { return len(p.Actions) == 0 && len(p.Placements) == 0 }

// A GroupPlan is one group's part: where its nodes come from and how many there are.
type GroupPlan struct {
	Name      string
	Want      int   // nodes the file asks for; 0 for a group the file does not have
	Have      int   // nodes that hold a slot now, wanted or not
	Unchanged int   // nodes that stay as they are
	Most      int   // of burst capacity: nodes that there can be; 0: it is none
	Image     Image // resolved; the zero Image if none was found, or if Want is 0

	// Rungs are where the group may be launched, best first; empty if nothing is to be launched or
	// nothing is known of the surroundings. A group never mixes types: a rung serves all of it.
	Rungs []Rung

	PlacementGroup string // name of the group's placement group; empty: none
	Rolling        Rolling
	Source         hcl.Range
}

// A Rung is one step of a group's ladder: a type and where to ask for it.
type Rung struct {
	Type        string
	Market      spec.Market // how it is bought; empty: the group's market
	Reservation string      // id of a capacity reservation or block, or ARN of a group of them; empty: the open market
	Block       bool        // the reservation is a capacity block
	Subnets     []Subnet    // one; or several if the group is spread over all its subnets, slot i in Subnets[i mod n]
}

// Kind is what an action does. The rune is the sign that the plan shows.
type Kind rune

const (
	Terminate Kind = '-'
	Replace   Kind = '±' // terminate the instance and launch another into its slot
	Start     Kind = '^'
	Retag     Kind = '~'
	Launch    Kind = '+'
)

// String is the kind's word in JSON and in text.
func (k Kind) String() string {
	switch k {
	case Terminate:
		return "terminate"
	case Replace:
		return "replace"
	case Start:
		return "start"
	case Retag:
		return "retag"
	case Launch:
		return "launch"
	}
	panic("planner: no such kind")
}

// An Action is one thing to do, and why. A launch fills one or more slots of a group for one
// reason; every other action is about exactly one instance in at most one slot.
type Action struct {
	Kind     Kind
	Group    string
	Slots    Slots             // ascending; empty only for an instance whose slot cannot be told
	Instance string            // empty for Launch
	Tags     map[string]string // Retag only: the tags to write
	Volume   string            // Retag only: the root volume to tag along; may be empty
	Why      Reason
}

// Count is the number of nodes the action is about.
func (a Action) Count() int { return max(1, len(a.Slots)) }

// A Reason says why, for people. Nothing branches on it.
type Reason struct {
	What string // such as "image", "count", "stopped", "duplicate"
	Old  string // may be empty
	New  string // may be empty
	Text string // the whole reason as a clause after "because"
	At   hcl.Range
}

// A PlacementChange creates or deletes one placement group.
type PlacementChange struct {
	Delete   bool
	Name     string
	Strategy spec.Placement
	Group    string
	Why      Reason
}

// A Blocker is why a plan may not be carried out: a fact of EC2 against a line of the file.
type Blocker struct {
	Group   string // empty: the whole cluster
	Summary string
	Detail  string // what is wrong and what to do
	At      hcl.Range
	Short   bool // the account would get less than is asked for: a shortage known before, and no mistake
}

// Short says that nothing stands in the plan's way but shortages.
func (p Plan) Short() bool {
	return len(p.Blockers) > 0 && !slices.ContainsFunc(p.Blockers, func(b Blocker) bool { return !b.Short })
}

// Summary counts a plan's actions in nodes.
type Summary struct {
	Launch, Terminate, Replace, Retag, Start, Unchanged int
}
