// Package hostlist reads and writes lists of host names in the short form of Slurm, ClusterShell and pdsh,
// such as compute-[000-061,063],head-0.
//
// What it writes, all of them read alike: one bracket at the end of a name. Where they differ in what
// they read, it refuses what one of them refuses, except that repeated names count once.
package hostlist
