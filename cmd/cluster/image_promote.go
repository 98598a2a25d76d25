package main

import (
	"context"
	"fmt"
	"time"

	"cluster/fleet/ami"

	"github.com/spf13/cobra"
)

// usualChannel is the channel of verbs that are not told another.
const usualChannel = "stable"

func (a *app) imagePromoteCommand() *cobra.Command {
	channel := usualChannel
	c := &cobra.Command{
		Use:   "promote FAMILY VERSION [--channel stable]",
		Short: "Give a channel to a version",
		Long: `Give a channel, such as stable, to a version. It is one call that writes the
time on the image, and the image with the latest time holds the channel: there
is no moment at which it is nowhere or in two places. Nothing that runs changes
until somebody says cluster up.

EXIT STATUS
  0    the version holds the channel, or held it already
  1    failed: an API error
  5    refused: no such version, or one that is revoked or not available
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.moved(c.Context(), channel, func(ctx context.Context, g *gallery) (ami.Move, error) {
				return g.Promote(ctx, args[0], args[1], channel)
			})
		},
	}
	c.Flags().StringVar(&channel, "channel", channel, "the `name` of the channel")
	return c
}

func (a *app) imageRollbackCommand() *cobra.Command {
	channel, from := usualChannel, ""
	c := &cobra.Command{
		Use:   "rollback FAMILY [--channel stable] [--from VERSION]",
		Short: "Give a channel back to the version that held it before",
		Long: `Take a channel from the version that holds it, so that the one that held it
before does again. A second rollback goes one further; --from does it only if
that version holds the channel, so that a script may say it twice.

EXIT STATUS
  0    the version before holds the channel
  1    failed: an API error
  5    refused: no version held it before, or --from does not hold it
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY"),
		RunE: func(c *cobra.Command, args []string) error {
			if from != "" {
				if err := checkImageWord("VERSION", from); err != nil {
					return err
				}
			}
			return a.moved(c.Context(), channel, func(ctx context.Context, g *gallery) (ami.Move, error) {
				return g.Rollback(ctx, args[0], channel, from)
			})
		},
	}
	c.Flags().StringVar(&channel, "channel", channel, "the `name` of the channel")
	c.Flags().StringVar(&from, "from", "", "only if this `version` holds the channel")
	return c
}

// moved moves a channel and tells where it is.
func (a *app) moved(ctx context.Context, channel string, move func(context.Context, *gallery) (ami.Move, error)) error {
	if err := checkImageWord("CHANNEL", channel); err != nil {
		return err
	}
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	m, err := move(ctx, g)
	if err != nil {
		return err
	}
	family, what := m.To.Family, fmt.Sprintf("%s: %s (%s) -> %s (%s)", m.Channel, m.From.Version, m.From.ID, m.To.Version, m.To.ID)
	switch {
	case !m.Done:
		what = fmt.Sprintf("nothing to do, %s is %s (%s)", m.Channel, m.To.Version, m.To.ID)
	case m.From.ID == "":
		what = fmt.Sprintf("%s: %s (%s)", m.Channel, m.To.Version, m.To.ID)
	}
	a.out.printf("%s: %s  %s\n", family, what, g.link.effort())
	switch {
	case m.To.Revoked != nil:
		a.err.printf("%s is revoked (%s): nothing is launched from the channel. To go one further: cluster image rollback %s --channel %s\n",
			m.To.Version, m.To.Revoked.Reason, family, m.Channel)
	case !m.To.Deprecated.IsZero() && !m.To.Deprecated.After(g.Session.Now()):
		a.err.printf("%s is deprecated since %s: it launches, and plan warns of it.\n", m.To.Version, m.To.Deprecated.Format(time.DateOnly))
	case m.To.State != "available":
		a.err.printf("%s is %s: nothing can be launched from the channel.\n", m.To.Version, m.To.State)
	}
	return nil
}
