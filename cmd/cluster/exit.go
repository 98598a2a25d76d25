package main

import (
	"errors"

	"cluster/fleet"
	"cluster/fleet/ami"

	"github.com/hashicorp/hcl/v2"
)

// The exit codes of the program. They are its interface to job scripts.
const (
	exitDone         = 0   // done, or nothing to do
	exitFailed       = 1   // an API error, a time-out
	exitChanges      = 2   // --detailed-exitcode: there are changes
	exitShort        = 3   // capacity or quota did not allow what was asked
	exitNotIdentical = 4   // a node does not come from the image
	exitRefused      = 5   // a blocker, a stale saved plan, a missing confirmation
	exitUsage        = 64  // the command line or the cluster file is wrong; nothing was called
	exitNodeLost     = 75  // a node was lost, and the command of the user's was ended for it
	exitNotRunnable  = 126 // a command of the user's cannot be started
	exitNotFound     = 127 // there is no such command
	exitInterrupted  = 130 // a signal
)

// exitStatus is the part of each verb's help that says the same as exitCode.
const exitStatus = `EXIT STATUS
  0    done, or nothing to do
  1    failed: an API error or a time-out
  2    there are changes (only with --detailed-exitcode)
  3    short: capacity or quota did not allow what was asked
  4    not identical: a node does not come from the image
  5    refused: a blocker, a stale saved plan, a missing confirmation
  64   the command line or the cluster file is wrong; nothing was called
  130  interrupted`

// errChanges says that a plan has changes, for --detailed-exitcode. It is not shown.
var errChanges = errors.New("there are changes")

// errDiffers says that a file is not in canonical layout, for fmt --check. It is not shown.
var errDiffers = errors.New("not in canonical layout")

// errFindings says that an audit found something. It is not shown.
var errFindings = errors.New("there are findings")

// errInterrupted is the cause of a context that a signal has cancelled.
var errInterrupted = errors.New("interrupted")

// errStopped says that a server was told to stop, and did. It is not shown.
var errStopped = errors.New("told to stop")

// A usageError is a command line that cannot be carried out.
type usageError struct {
	message string
	hint    string // what to type instead; may be empty
}

func (e *usageError) Error() string { return e.message }

// A fileError is a cluster file with mistakes.
type fileError struct{ diags hcl.Diagnostics }

func (e *fileError) Error() string { return e.diags.Error() }

// A refusedError is something that the program could do and will not.
type refusedError struct {
	message string
	hint    string
	quiet   bool // the reason is on the screen already
	short   bool // because the account would get less than is asked for
}

func (e *refusedError) Error() string { return e.message }

// exitCode is the one place where an error becomes a number. A cluster that is not identical is
// the worst news and wins over everything that may have happened besides; where a command of the user's ran,
// and failed, its exit code is what counts.
func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, errStopped):
		return exitDone
	case is[*commandError](err):
		command, _ := errors.AsType[*commandError](err)
		return command.code
	case is[*fleet.IdentityError](err), is[*driftError](err), is[*brokenError](err), is[*unlikeError](err):
		return exitNotIdentical
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case is[*usageError](err), is[*fileError](err), is[*ami.WordError](err):
		return exitUsage
	case is[*fleet.ShortError](err), lostForRoom(err), refusedAsShort(err), refusedRoom(err):
		return exitShort
	case is[*refusedError](err), is[*ami.RefusedError](err), is[*ami.BlockedError](err):
		return exitRefused
	case errors.Is(err, errChanges):
		return exitChanges
	default:
		return exitFailed
	}
}

// refusedAsShort says that a plan was refused only because a quota does not allow it.
func refusedAsShort(err error) bool {
	refused, ok := errors.AsType[*refusedError](err)
	return ok && refused.short
}

// lostForRoom says that nodes died because there was no capacity or no quota for them: EC2 grants a launch, and
// finds out later.
func lostForRoom(err error) bool {
	lost, ok := errors.AsType[*fleet.LostError](err)
	return ok && (lost.Cause.Class == fleet.Capacity || lost.Cause.Class == fleet.Quota)
}

// refusedRoom says that a launch was refused because there was no capacity or no quota for it, as one of the
// instances from which an image is built can be: a cluster says so itself.
func refusedRoom(err error) bool {
	call, ok := errors.AsType[*fleet.CallError](err)
	return ok && call.Action == "RunInstances" && (call.Class == fleet.Capacity || call.Class == fleet.Quota)
}

// is says whether err holds an E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
