package fleet

// Class sorts what EC2 answers by what can be done about it.
type Class string

const (
	Capacity   Class = "capacity"   // no room here now: the next rung, or later
	Quota      Class = "quota"      // the account's limit: ask AWS for more, or ask for less
	Throttled  Class = "throttled"  // too many requests: the same call again, later
	Permission Class = "permission" // not allowed: stop
	Spec       Class = "spec"       // the file asks for what cannot be: stop
	Transient  Class = "transient"  // EC2's own trouble or the network's: the same call again, same token
	Bug        Class = "bug"        // a mistake of this program
	Unknown    Class = "unknown"    // not in the table: never retried
)
