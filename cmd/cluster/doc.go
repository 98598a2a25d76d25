// Command cluster turns one HCL file into N identical EC2 instances, proves that they are
// identical, or leaves nothing behind.
//
// The work is done elsewhere: package spec reads the file, planner decides, fleet acts, and ec2sim
// is the region of a rehearsal. What is here talks to the person and to scripts: one file a verb,
// the views of a plan and of a launch, the wiring of a session.
//
// Results go to standard output, progress and diagnostics to standard error. With --json standard
// output holds JSON only. Text from outside (tags, EC2's messages, file names, excerpts of files)
// passes the printer, which lets no control character through but our own. Exit codes are part of the
// interface, and exit.go is the only place that gives them.
package main
