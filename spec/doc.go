// Package spec reads a cluster file: HCL in, a checked *Cluster out.
//
// It answers one question, "what is wanted?", and answers it offline: it opens the cluster
// file, the variable files and what the file itself reads through file() and templatefile(),
// and nothing else. Whether EC2 can grant the wish is the planner's and the fleet's business.
//
// Every mistake of a file is reported, not the first one, as [hcl.Diagnostics] that point at
// the words that are wrong. Mistakes of the program that calls this package are panics.
package spec
