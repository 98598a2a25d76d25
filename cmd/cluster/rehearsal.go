package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/spf13/cobra"
)

func (a *app) rehearsalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rehearsal",
		Short: "Serve, reset or show the embedded EC2 region",
		Long: `The embedded region is an EC2 in a file: with its throttles, delays, shortages
and error codes, and without an account. Verbs with --rehearse use it, and so
can other programs while it is served.

It lives in CLUSTER_REHEARSAL_DIR, or else under the user's state folder.`,
		Args: a.unknownVerb,
		RunE: func(c *cobra.Command, _ []string) error {
			return &usageError{message: "rehearsal needs a command", hint: "Write: cluster rehearsal serve, reset, show or scenario."}
		},
	}
	c.AddCommand(a.serveCommand(), a.resetCommand(), a.showCommand(), a.scenarioCommand(), a.keepCommand(), a.bodyCommand())
	return c
}

func (a *app) serveCommand() *cobra.Command {
	var o ec2sim.Options
	listen := "127.0.0.1:4579"
	c := &cobra.Command{
		Use:   "serve [--listen 127.0.0.1:PORT] [--scenario NAME|FILE] [--body PROGRAM] [--instant] [--any-image]",
		Short: "Offer the embedded region to other clients, over loopback",
		Long: `Serve the embedded region over loopback, for the AWS CLI, SDKs and other tools:

  cluster rehearsal serve &
  AWS_ENDPOINT_URL_EC2=http://127.0.0.1:4579 aws ec2 describe-instances

With --scenario it behaves as on that day, for who uses it with --rehearse too.

` + bodyHelp + `

It prints its URL on one line when it is ready, and serves until it gets SIGINT
or SIGTERM. Any credentials do. POST /_rehearsal/reset empties it, and GET
/_rehearsal/identity.pem?region=… is the certificate that the region signs
identity documents with: cluster verify --identity-certificate takes it.

EXIT STATUS
  0    told to stop
  1    the port is taken, or the state cannot be read
  64   the command line is wrong, such as an address that is not loopback`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context(), listen, o) },
	}
	c.Flags().StringVar(&listen, "listen", listen, "loopback `address` and port; port 0 takes a free one")
	c.Flags().BoolVar(&o.Instant, "instant", false, "no delays and no throttles")
	a.bodyFlag(c)
	c.Flags().BoolVar(&o.AnyImage, "any-image", false, "accept unknown image ids")
	return c
}

func (a *app) serve(ctx context.Context, listen string, o ec2sim.Options) error {
	if err := loopback(listen); err != nil {
		return err
	}
	o.Region = a.region
	a.rehearse = true
	if err := a.giveBodies(); err != nil {
		return err
	}
	r, err := a.openPlaying(o)
	if err != nil {
		return err
	}
	defer r.Close()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("serve the embedded region: %w", err)
	}
	// Requests do not outlive the signal for long: a call of the region takes seconds at most.
	a.quiet.Store(true) // to be told to stop is how this ends
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	a.out.printf("http://%s\n", l.Addr().String())
	failed, kept := make(chan error, 1), make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	go func() { kept <- a.keepBodies(ctx, r) }()
	select {
	case err = <-failed:
		return fmt.Errorf("serve the embedded region: %w", err)
	case err = <-kept: // nil only if it was told to stop
		if err != nil {
			return err
		}
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return errStopped
}

// loopback refuses an address that another computer could reach: the region takes any credentials.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return &usageError{message: fmt.Sprintf("--listen %q is not an address with a port", address), hint: "Write: --listen 127.0.0.1:4579"}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return &usageError{
			message: fmt.Sprintf("--listen %s is not loopback", address),
			hint:    "The region takes any credentials, so it is offered to this computer only: --listen 127.0.0.1:4579",
		}
	}
	return nil
}

func (a *app) resetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reset",
		Short: "Forget the embedded region: the next use finds a fresh one",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return a.reset(c.Context()) },
	}
}

// reset forgets the embedded region. A state that cannot be read any more is removed: that is what
// one resets for.
func (a *app) reset(ctx context.Context) error {
	if err := a.forgetBodies(ctx); err != nil {
		return err
	}
	dir, err := a.rehearsalDir()
	if err != nil {
		return err
	}
	r, err := a.openRegion(ec2sim.Options{})
	switch {
	case err == nil:
		r.Reset()
		err = r.Close()
	case !is[*usageError](err):
		err = os.Remove(filepath.Join(dir, stateFile))
	}
	// The instances of a fresh region have the same ids, and other keys.
	if err = errors.Join(err, os.RemoveAll(filepath.Join(dir, keysFolder))); err != nil {
		return fmt.Errorf("forget the embedded region: %w", err)
	}
	a.out.printf("The embedded region in %s is forgotten.\n", slash(dir))
	return nil
}
