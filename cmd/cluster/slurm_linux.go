package main

import "fmt"

// startWorker starts this program in a session of its own, with none of our streams: Slurm kills what is left of the
// group of a program that it started, and reads its output to the end.
func startWorker(args ...string) error {
	cmd := ourselves(args...)
	cmd.Dir = "/"
	if err := startDetached(cmd); err != nil {
		return fmt.Errorf("start working on it: %w", err)
	}
	return nil
}
