// Package attest judges what nodes say of themselves. It knows no network and no clock: what a node answered
// goes in, a verdict comes out.
//
// A node answers with a Report: the identity document of its instance, which EC2 signs (Certificates.Verify),
// and what it holds: packages, kernel, drivers. The signed document cannot be forged by the node. It says that
// EC2 launched this instance from that image, and nothing of what became of it since; it has no date, and who
// can read it can pass it on. So it counts only together with the way it came: over ssh, from the address that
// EC2 gives for the instance, by a host key that is known under the id of the instance. The rest of a report is
// the node's own word: it finds what went wrong, and no intruder.
//
// A Verdict is same only if everything was asked, was answered and agrees. Whatever could not be asked is
// unverified.
package attest
