// Package planner decides what to do: the difference between a cluster file and what EC2 has.
//
// It is a pure function from two values to one. It sees no context, no clock, no network, no
// logger, no random number and no map order; time comes in as [Observed].At. It owns both its
// input, [Observed], which package fleet fills in, and its output, [Plan], which package fleet
// carries out; that is what keeps the import graph a line. A test holds these rules.
//
// Diff cannot fail. What stands in the way of a plan is a [Blocker] in it, shown together with
// everything else, and a plan with blockers is not carried out.
package planner
