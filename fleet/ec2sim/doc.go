// Package ec2sim is an EC2 region to embed: an http.Handler that speaks the EC2 query protocol, and whose
// Do makes it the HTTP client of an SDK client, without a socket.
//
//	region := ec2sim.New(ec2sim.Options{})
//	client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: region, BaseEndpoint: aws.String("http://ec2.sim"), …})
//
// It models what decides the launch of many instances: token buckets for requests and for instances, the
// capacity of a type in a zone, vCPU quotas, client tokens, the lag until an instance can be seen, the time
// until it runs, instances that die on the way, block devices that appear late, volumes made from the
// snapshots of images, room that was reserved before. It models the life of an image: snapshots that take
// their time or fail, names that are taken, copies to other regions, sharing with other accounts, keys,
// deprecation, protection, and the end. What it does not model it refuses with the error that EC2 has for it;
// it never ignores a parameter. Of STS it knows who is asking, and of Service Quotas what the vCPU quotas are.
//
// Nothing runs in a region. States are computed from times when somebody looks, so it costs nothing to
// keep, needs no shutting down, and lives in a testing/synctest bubble as well as outside. A region kept in
// a file (Open) is shared by any number of processes, which may be killed at any moment.
//
// A call is done first and then takes its time, so who gives up waiting for an answer may find it done, as
// on EC2. Signatures are not checked. The region is the one that the request was signed for, and the account
// the one whose twelve digits the access key ends in, or else that of the Options (see Options.Accounts). An
// account sees and touches nothing of another's but the images and snapshots that are shared with it; no
// account is in an organization. Faults are values (Inject), and so are whole days of them, with pools that
// run dry and buckets that others drain (Play). Every request is in the Journal, and what a fresh region holds
// is written down in seed.go. The time of a region is its own (Now): it may run faster than the world outside.
//
// An instance that runs has a console (GetConsoleOutput): a plausible boot with a host key that is a function of its
// id, and as late as EC2's for who does not ask for the latest. Options.Console puts something else in its place.
//
// # What user data does
//
// Nothing boots here, and no script is run. Four lines of user data are heeded all the same:
//
//   - "# cluster: time to live" ends the instance when the time in its tag cluster:ttl is over.
//   - "# cluster: build TOKEN" puts "cluster-build TOKEN done" on the console (GetConsoleOutput) some time after
//     the first boot (Timing.Provision), and before that what it has installed (made up), or "cluster-build TOKEN failed N" if a line of the user data is
//     "exit N", N not being 0, or "false".
//   - "# cluster: build TOKEN then stop" does that, and then shuts the instance down.
//   - "# cluster-sim: breaks boot" makes a bad image: the instances of any image that is made of this instance,
//     and of its copies, die with Server.InternalError before they run. In a test, ImageSpec.Broken and a Fault
//     with an Image do as much.
package ec2sim
