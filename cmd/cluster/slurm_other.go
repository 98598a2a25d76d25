//go:build !linux

package main

// errOnlyLinux says that Slurm's controller runs on Linux.
var errOnlyLinux = &usageError{message: "Slurm is not answered on this system", hint: "Its controller runs on Linux: what it calls is started there."}

func holdFile(string, bool, bool) (release func(), err error) { return nil, errOnlyLinux }

func startWorker(...string) error { return errOnlyLinux }
