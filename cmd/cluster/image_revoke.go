package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cluster/fleet/ami"

	"github.com/spf13/cobra"
)

func (a *app) imageRevokeCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "revoke FAMILY VERSION --reason TEXT",
		Short: "Stop new launches from a version",
		Long: `Mark a version, so that plan and up launch nothing new from it and say why. What
runs is left alone, and counted here; status and plan remind of it. A channel
that it holds is not moved: launches by that channel stop until somebody rolls
it back. Programs other than this one do not know of it, and copies in other
regions are images of their own.

EXIT STATUS
  0    revoked, or it was already for this reason
  1    failed: an API error
  5    refused: no such version
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := ami.CheckReason(reason); err != nil {
				if reason == "" {
					return &usageError{message: "image revoke needs --reason", hint: "Say in a few words what is wrong with the image, for those who find it blocked."}
				}
				return &usageError{message: err.Error()}
			}
			return a.imageRevoke(c.Context(), args[0], args[1], reason)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "what is wrong with it: a `text` of at most 200 characters")
	return c
}

func (a *app) imageRevoke(ctx context.Context, family, version, reason string) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	img, uses, done, err := g.Revoke(ctx, family, version, reason)
	if err != nil {
		return err
	}
	what := "revoked, nothing new is launched from it"
	if !done {
		what = "nothing to do, it is revoked already"
	}
	a.out.printf("%s: %s; %s  %s\n", img.Text(), what, usedBy(uses), g.link.effort())
	for _, c := range img.Channels {
		a.err.printf("It holds the channel %s: launches by it stop. To move it: cluster image rollback %s --channel %s\n", c, family, c)
	}
	return nil
}

// usedBy counts the instances that use an image, by cluster.
func usedBy(uses []ami.Use) string {
	if len(uses) == 0 {
		return "no instance uses it"
	}
	clusters := map[string]int{}
	for _, u := range uses {
		clusters[u.Cluster]++
	}
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(clusters)) {
		if c == "" {
			parts = append(parts, fmt.Sprintf("%d of no cluster", clusters[c]))
		} else {
			parts = append(parts, fmt.Sprintf("%d of cluster %s", clusters[c], c))
		}
	}
	verb := "use"
	if len(uses) == 1 {
		verb = "uses"
	}
	return fmt.Sprintf("%s %s it: %s", plural(len(uses), "instance"), verb, strings.Join(parts, ", "))
}

func (a *app) imageRestoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FAMILY VERSION",
		Short: "Take a revocation back",
		Long: `Allow new launches from a version that was revoked.

EXIT STATUS
  0    it may be launched, or might already
  1    failed: an API error
  5    refused: no such version
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := a.gallery(c.Context(), "")
			if err != nil {
				return err
			}
			defer g.close()
			img, done, err := g.Restore(c.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			what := "restored, it may be launched again"
			if !done {
				what = "nothing to do, it is not revoked"
			}
			a.out.printf("%s: %s  %s\n", img.Text(), what, g.link.effort())
			return nil
		},
	}
}
