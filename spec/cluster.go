package spec

import (
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// A Cluster is one checked cluster file: everything wanted, nothing observed. Load returns
// one only if the file has no error, so its readers need not check it again.
type Cluster struct {
	Name    string            // the label of the cluster block
	Region  string            // empty: the AWS configuration chain decides
	Tags    map[string]string // on every instance and volume of the cluster
	Network Network
	SSH     SSH
	Groups  []Group // in the file's order; names are unique
	Source  Source
}

// Group finds a group by name; ok is false if the file has none of that name.
func (c *Cluster) Group(name string) (g *Group, ok bool) {
	for i := range c.Groups {
		if c.Groups[i].Name == name {
			return &c.Groups[i], true
		}
	}
	return nil, false
}

// Empty is the same cluster with every count zero and no group left: what `down` wants.
// The names stay, so that the plan for it can only ever name this cluster's instances.
func (c *Cluster) Empty() *Cluster {
	e := *c
	e.Groups = nil
	return &e
}

// A Group is a set of identical nodes with one purpose, such as head or compute.
type Group struct {
	Name            string
	Count           int      // 0 or more; slots are 0 … Count-1. Of burst capacity, the most there can be
	InstanceTypes   []string // in order of preference, at least one; one type serves the whole group
	Placement       Placement
	Market          Market
	Fallback        Market // OnDemand: what Spot has no room for; empty: none
	Capacity        Capacity
	EFA             bool
	Image           Image    // the group's own, or else the cluster's
	Subnets         []string // the group's own, or else the network's, in the order to try; empty: the default VPC's
	SecurityGroups  []string // the group's own, or else the network's; empty: the VPC's default
	KeyName         string   // the network's; empty: none
	InstanceProfile string   // name of an IAM instance profile; empty: none
	RootVolume      RootVolume
	UserData        []byte            // the file's, raw; LaunchData, which is what EC2 gets, has at most 16 KiB; nil: none
	TTL             time.Duration     // how long a node lives from its launch on, whoever is watching; 0: until somebody ends it
	Mounts          []Mount           // the cluster's and the group's own, by path
	SetHostname     bool              // a node's host name is its node's name
	Tags            map[string]string // the cluster's and the group's own, merged: the group wins
	SlotsPer        SlotsPer          // what one process gets where jobs are started; empty: a core. No node depends on it
	Launch          Launch
	Ready           []Probe // in the file's order; no node depends on them
	Update          Update  // the group's own block, completed by the cluster's
	Slurm           Slurm
	Asked           []int // slots of burst capacity that are asked for now, ascending; Load leaves it nil
	Source          Source
}

// An Image names an AMI in exactly one of three ways: by ID; by Name (with * and ?) and
// Owners; or by Family with a Version or a Channel, for images made by `cluster image`.
type Image struct {
	ID      string
	Name    string
	Owners  []string // 12-digit account ids, self, amazon, aws-marketplace; set with Name
	Family  string
	Version string
	Channel string

	Locked *LockedImage // what the lock file has for this question; nil: nothing, and Load leaves it so
	Unlock bool         // look afresh all the same, and let the lock follow

	Source Source
}

// Network is where nodes are attached unless a group says otherwise.
type Network struct {
	Subnets        []string
	SecurityGroups []string
	KeyName        string
	Source         Source
}

// RootVolume changes the root volume that the image describes. Zero fields keep the image's value.
type RootVolume struct {
	Size       int    // GiB; 0: the snapshot's
	Type       string // gp3, gp2, io1, io2, standard; empty: the image's
	IOPS       int    // 0: the type's default
	Throughput int    // MiB/s, gp3 only; 0: the type's default
	Encrypted  bool   // false keeps the snapshot's state: EC2 never un-encrypts
	KMSKeyID   string // only with Encrypted; empty: the account's default key
	Source     Source
}

// Launch says how much of a group is enough, how long to wait, and how to use the subnets.
type Launch struct {
	All     bool          // N nodes or none
	Min     int           // fewest nodes that count as a success; equals Count if All
	Timeout time.Duration // from the grant of the last node until every node runs; default 15 minutes
	Subnets SubnetUse
	Wait    WaitFor // what a node must be for the launch to be done; empty: running

	Retry    time.Duration // for how long a group that came up short is asked for again; 0: not at all
	Together string        // groups of the same word come up all, or none of them does; empty: on its own
	Reserve  bool          // reserve room for the whole group first, launch into it, give the reservation back

	Source Source
}

// Capacity names room that was bought before: it is tried first, in the order of the fields.
type Capacity struct {
	Reservations     []string // ids of on-demand capacity reservations, cr-…
	ReservationGroup string   // ARN of a resource group of reservations
	Blocks           []string // ids of capacity blocks, cr-…
	Only             bool     // never the open market after them
	Source           Source
}

// SubnetUse says how a group uses its list of subnets.
type SubnetUse string

const (
	SubnetsFirst SubnetUse = "first" // the default: the whole group in the first subnet that has room
	SubnetsAll   SubnetUse = "all"   // slot i goes to subnet i mod n: one group over several zones
)

// WaitFor says when a node that was launched is up. Each condition includes those before it, with two exceptions: no
// later one waits for status checks, it is enough there that none fails; and usable is not about being the same.
type WaitFor string

const (
	WaitRunning   WaitFor = "running"   // EC2 says so
	WaitChecked   WaitFor = "checked"   // EC2's status checks have passed, minutes after it runs; a node that fails them died on the way up
	WaitReachable WaitFor = "reachable" // ssh logs in, and the host key is known
	WaitBooted    WaitFor = "booted"    // its first boot is over: cloud-init, or else systemd, is done
	WaitSame      WaitFor = "same"      // asked what it is, it proves to be as its image and the others
	WaitUsable    WaitFor = "usable"    // the group's probes succeed
)

// Waits are all conditions, in their order.
var Waits = []WaitFor{WaitRunning, WaitChecked, WaitReachable, WaitBooted, WaitSame, WaitUsable}

// Needs says that to be w a node has to be other first. What is empty is running.
func (w WaitFor) Needs(other WaitFor) bool {
	if other == WaitSame {
		return w == WaitSame
	}
	return max(0, slices.Index(Waits, w)) >= max(0, slices.Index(Waits, other))
}

// ByConnection says that EC2 alone cannot tell whether a node is w: it takes a connection to it.
func (w WaitFor) ByConnection() bool { return w.Needs(WaitReachable) }

// A Probe is a command that succeeds on a node once the node is usable for something, such as a mounted folder. It is
// tried again until then.
type Probe struct {
	Name    string        // unique in its group
	Command string        // a line for the shell of the node
	Timeout time.Duration // for how long it is tried; 0: as long as the group's Launch.Timeout lasts
	Source  Source
}

// Market is how instances are bought.
type Market string

const (
	OnDemand Market = "on-demand"
	Spot     Market = "spot"
)

// Placement is the strategy of a group's placement group.
type Placement string

const (
	PlacementNone      Placement = "none" // no placement group
	PlacementCluster   Placement = "cluster"
	PlacementSpread    Placement = "spread" // at most 7 nodes in a zone
	PlacementPartition Placement = "partition"
)

// SlotsPer is what counts as one slot of a node for those who start jobs, the place of one process.
type SlotsPer string

const (
	SlotCore   SlotsPer = "core"   // a physical core, which is what MPI and most solvers want
	SlotThread SlotsPer = "thread" // a hardware thread, EC2's vCPU
)

// A Source remembers where a block and its settings stand in the cluster file. It is for
// messages only: nothing is decided by it. The zero value points nowhere.
type Source struct {
	Block hcl.Range            // the block's header
	Attrs map[string]hcl.Range // by argument name: the whole argument, name and value
}

// At is the range of the first of the named arguments that is set in the block, and the
// block's own header if none is.
func (s Source) At(args ...string) hcl.Range {
	for _, a := range args {
		if r, ok := s.Attrs[a]; ok {
			return r
		}
	}
	return s.Block
}
