// Package slurm is what Slurm says and is told when a cluster lends it nodes: its configuration, the calls of its
// power saving, the commands of scontrol, and what a look at both sides finds to be repaired. All of it is pure:
// who reads files, starts programs and launches nodes is elsewhere.
//
// Slurm starts a ResumeProgram with a list of nodes that jobs wait for, and a SuspendProgram with those that nobody
// needs any more. It takes no answer but what scontrol tells it. The contract is in power_save.html of its
// documentation; where releases differ, what is here reads all from 22.05 on.
package slurm
