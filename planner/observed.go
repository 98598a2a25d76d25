package planner

import "time"

// Observed holds the facts that a plan is made from: one look at the region, taken at At.
// Fields that nobody plans with do not belong here. The order of its slices means nothing:
// shuffling them changes no byte of a plan.
type Observed struct {
	At      time.Time
	Region  string
	Account string // whose images are the owner self's; empty: not seen, and then an alias has to say so

	Principal string // who is asking, by an ARN that lasts from login to login; empty: not known
	Adopt     bool   // the caller wants to go on with somebody else's cluster

	Instances []Instance // those with this cluster's name tag, dead ones included for as long as EC2 lists them
	Images    []Image    // candidates for every image the file names
	Former    []Image    // of instances, where they are none of Images: for words only, nothing is launched from them

	// Volumes says that RootSnapshot and the other root volume fields of instances were asked
	// for. If false, they are empty because nobody asked.
	Volumes bool

	// Facts hold what only a launch needs to know; nil if nothing is to be launched, so
	// that looking at a finished cluster stays cheap.
	Facts *Facts

	// PlacementGroups are those that carry this cluster's name tag; nil with
	// PlacementGroupsKnown false if nobody asked.
	PlacementGroups      []PlacementGroup
	PlacementGroupsKnown bool
}

// Facts are what EC2 says about the surroundings of a launch.
type Facts struct {
	Types          []InstanceType // those of the file that exist
	Offerings      []Offering     // of those types
	Subnets        []Subnet       // those of the file that exist, and the default ones if the file names none
	SecurityGroups []string       // ids of the file that exist
	KeyPairs       []string       // names of the file that exist
	Reservations   []Reservation  // capacity reservations and blocks of the file that exist
	Quotas         []Quota        // vCPU quotas that a launch may count towards and that could be read
	Denied         []Denial       // launches that EC2 would refuse for lack of permission, by dry run
}

// A Reservation is capacity that was bought before.
type Reservation struct {
	ID             string
	Type           string
	Zone           string
	State          string    // active is the only one that can be launched into
	Block          bool      // a capacity block
	Total          int       // instances
	Available      int       // of them free
	Start, End     time.Time // zero: not bounded
	PlacementGroup string    // name; empty: none
}

// A Denial is a dry run that EC2 refused.
type Denial struct {
	Group  string
	Code   string // EC2's error code, such as UnauthorizedOperation
	Detail string // EC2's message
}

// State is an instance's state in EC2's words.
type State string

const (
	Pending      State = "pending"
	Running      State = "running"
	ShuttingDown State = "shutting-down"
	Terminated   State = "terminated"
	Stopping     State = "stopping"
	Stopped      State = "stopped"
)

// Dead says that the instance holds no slot any more and never will again.
func (s State) Dead() bool { return s == ShuttingDown || s == Terminated }

// An Instance is one of EC2's instances that carries this cluster's name tag.
type Instance struct {
	ID          string
	State       State
	StateReason string // EC2's "Code: Message", for people; empty while all is well
	Launched    time.Time

	Group       string // the cluster:group tag; empty if it has none
	Slot        int    // worked out from the cluster:slots tag and the launch index; -1 if that is impossible
	Spec        string // the cluster:spec tag, see Fingerprint
	ClientToken string // of the call that launched it
	Reservation string // r-…, one a launch call
	CallSize    int    // slots in the call's cluster:slots tag
	LaunchIndex int    // EC2's number of the instance in its call, from 0

	Account        string // that it belongs to; empty: not told
	ImageID        string
	InstanceType   string
	Architecture   string // x86_64, arm64, …
	Zone           string
	SubnetID       string
	PrivateIP      string
	PrivateDNS     string
	PublicIP       string // empty: none
	Cores          int    // physical, as launched; 0: not told
	ThreadsPerCore int    // as launched; 0: not told
	PlacementGroup string // name; empty: none
	Market         string // on-demand or spot
	Tags           map[string]string

	RootVolumeID     string // empty: not attached yet, or not shown yet
	RootSnapshot     string // the snapshot the root volume was made from; empty: unknown
	RootSize         int    // GiB; 0: unknown
	RootType         string // empty: unknown
	RootEncrypted    bool
	RootVolumeCopied bool // the root volume is a copy of another volume, not made from a snapshot
}

// An Image is an AMI as DescribeImages shows it.
type Image struct {
	ID           string
	Name         string
	Owner        string // account id
	OwnerAlias   string // amazon, aws-marketplace, self; may be empty
	State        string // available is the only one that launches
	StateReason  string
	Architecture string // x86_64, arm64, …
	RootDevice   string // device name of the root volume; empty: not EBS-backed
	RootSnapshot string
	RootSize     int // GiB
	Created      time.Time
	Deprecated   time.Time // zero: not deprecated
	ENA          bool
	Tags         map[string]string
}

// An InstanceType is what DescribeInstanceTypes says of one type.
type InstanceType struct {
	Name           string
	Architectures  []string
	VCPUs          int // by default: Cores × ThreadsPerCore
	Cores          int
	ThreadsPerCore int
	MemoryMiB      int
	GPUs           int    // of all kinds
	GPU            string // EC2's name of the first kind, such as H100; empty: none
	EFA            bool
	EFAMax         int // most EFA interfaces; 0 if EFA is false
	NetworkCards   int
	Burstable      bool
	Placements     []string // strategies of placement groups it can be in
	Markets        []string // on-demand, spot, capacity-block
	BareMetal      bool
}

// An Offering says that a type can be had in a zone.
type Offering struct{ Type, Zone string }

// A Subnet is where instances can be attached.
type Subnet struct {
	ID       string
	VPC      string
	Zone     string
	Free     int  // addresses
	Default  bool // the default subnet of its zone
	State    string
	PublicIP bool // gives its instances public addresses
}

// A PlacementGroup is one of EC2's placement groups with this cluster's name tag.
type PlacementGroup struct {
	Name     string
	Strategy string
	State    string // available, pending, deleting, deleted
	Group    string // the cluster:group tag
	ARN      string // what reservations in it are made with
}
