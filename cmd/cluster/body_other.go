//go:build !linux

package main

import (
	"context"
	"os"
	"time"
)

var errNoBodies = &usageError{message: "--body needs Linux", hint: "Without it, the instances of a rehearsal are records, and all else works."}

func bodiesPossible(string) error                                   { return errNoBodies }
func startKeeper(string, []string, float64) error                   { return errNoBodies }
func tryLockKeeper(string) (func(), error)                          { return nil, errNoBodies }
func lockKeeper(context.Context, string) (func(), error)            { return nil, errNoBodies }
func (a *app) runBody(context.Context, string) error                { return errNoBodies }
func startBody(string, string, []string, *os.File) (process, error) { return process{}, errNoBodies }
func recall(string) (process, string, error)                        { return process{}, "", errNoBodies }

// A process is a body; there are none here.
type process struct{}

func (process) gone() bool                    { return true }
func (process) end(time.Duration)             {}
func (process) kill()                         {}
func (process) remember(string, string) error { return errNoBodies }
