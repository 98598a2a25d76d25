// Package fleet does on EC2 what a plan says: observe, launch, wait, verify, terminate, report.
//
// A [Session] is the way to EC2: one SDK client whose calls are paced by the account's token
// buckets, retried by error class and counted. [Launcher.Observe] looks, and [Launcher.Apply]
// carries a plan out and ends with a [Report]. Progress is one stream of [Event] values; the live,
// the plain and the JSON view are three readers of it.
//
// There is no state here but EC2's: the tags that the launch call writes are the memory, so
// running a command again after a crash is the recovery procedure.
//
// Only this package, and those below it, import the EC2 SDK. There is no interface in front of
// the client: what is on the other side of the wire, EC2 or package ec2sim, is the only seam.
package fleet
