package ec2sim

import (
	"cmp"
	"time"
)

// Options configure a region. The zero value is EC2 as it is: strict, slow, with default buckets.
type Options struct {
	Region  string  // the region of requests that name none; default us-east-1. Other regions are worlds of their own
	Account string  // 12 digits; default 123456789012. It is the one of requests that name no other
	Speed   float64 // how many seconds pass in the region for one outside; 0 means 1

	// Accounts are the accounts of access keys. An access key that is not in it and ends in twelve digits is
	// one of the account with that number.
	Accounts map[string]string

	Instant  bool // no delays, no throttles, no lag; what RunInstances answers is already running
	AnyImage bool // an unknown image id is an image that fits

	Seed uint64 // of ids and of the draws of every delay; 0 is a seed like any other

	Limits    Limits       // the account's token buckets
	Timing    Timing       // how long things take
	Capacity  map[Pool]int // instances that a pool holds; a pool that is missing holds any number
	VCPUQuota int          // vCPUs of each bucket of types (standard, HPC, P, G, …) and market; 0 means 100,000

	// FreeFailedTokens lets a launch that failed for capacity leave its client token unbound. On EC2 it
	// stays bound to the failed call's parameters.
	FreeFailedTokens bool

	// DeadTokenFails answers a client token whose instances are all terminated with
	// IdempotentInstanceTerminated. EC2 does either; the default returns the terminated instances.
	DeadTokenFails bool

	// Hook is called for every request that passed its bucket, before anything is done. What it returns
	// other than nil is the answer. It must not call the region.
	Hook func(*Call) error

	// Loopback gives each instance that is launched an address of its own in 127.0.0.0/8, private and public
	// in one, so that a program on this computer can be the instance for whoever connects to it.
	Loopback bool

	// Console is what an instance has written on its console, in place of the boot that the region makes up. It
	// must not call the region.
	Console func(instance string) []byte

	Path string // the file that Open keeps the state in; New ignores it
}

// Pool is where capacity lives: one instance type in one zone.
type Pool struct{ Type, Zone string }

// Timing is how long things take, in the region's time. A zero field has EC2's value; a nanosecond is as
// good as nothing.
type Timing struct {
	Pending      Range         // launch to running; 5 to 18 s
	Visible      Range         // answer of RunInstances to the first sight of an instance; 0 to 2 s
	Devices      Range         // the same for its block devices and volumes; 1 to 4 s
	ShuttingDown Range         // 20 to 40 s
	Stopping     Range         // 10 to 30 s
	Starting     Range         // 5 to 18 s
	Snapshot     Range         // CreateImage to complete snapshots; 30 to 90 s
	CopyImage    Range         // the same for CopyImage; 1 to 5 minutes
	Provision    Range         // running to the end of a build (see the package); 1 to 3 minutes
	Boot         Range         // running to the host keys on the console; 10 to 30 s
	Posted       time.Duration // how far behind the console is for who does not ask for the latest; a minute
	Checks       time.Duration // running to status checks passed; 2 minutes
	Listed       time.Duration // how long a terminated instance is still listed; an hour
	RunInstances time.Duration // what that call takes; 1.5 s
	Call         time.Duration // what every other call takes; 100 ms
}

// Range is a span from which a delay is drawn, evenly and by the seed.
type Range struct{ Min, Max time.Duration }

func (o *Options) setDefaults() {
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Account = cmp.Or(o.Account, "123456789012")
	o.Speed = cmp.Or(o.Speed, 1)
	o.VCPUQuota = cmp.Or(o.VCPUQuota, 100_000)
	t, s := &o.Timing, time.Second
	if o.Instant {
		*t = Timing{Listed: t.Listed}
		o.Limits.Off = true
	} else {
		t.Pending = cmp.Or(t.Pending, Range{5 * s, 18 * s})
		t.Visible = cmp.Or(t.Visible, Range{0, 2 * s})
		t.Devices = cmp.Or(t.Devices, Range{s, 4 * s})
		t.ShuttingDown = cmp.Or(t.ShuttingDown, Range{20 * s, 40 * s})
		t.Stopping = cmp.Or(t.Stopping, Range{10 * s, 30 * s})
		t.Starting = cmp.Or(t.Starting, Range{5 * s, 18 * s})
		t.Snapshot = cmp.Or(t.Snapshot, Range{30 * s, 90 * s})
		t.CopyImage = cmp.Or(t.CopyImage, Range{60 * s, 300 * s})
		t.Provision = cmp.Or(t.Provision, Range{60 * s, 180 * s})
		t.Boot = cmp.Or(t.Boot, Range{10 * s, 30 * s})
		t.Posted = cmp.Or(t.Posted, 60*s)
		t.Checks = cmp.Or(t.Checks, 120*s)
		t.RunInstances = cmp.Or(t.RunInstances, 1500*time.Millisecond)
		t.Call = cmp.Or(t.Call, 100*time.Millisecond)
	}
	t.Listed = cmp.Or(t.Listed, time.Hour)
}
