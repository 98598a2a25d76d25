package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) imageDeprecateCommand() *cobra.Command {
	var at string
	var never bool
	c := &cobra.Command{
		Use:   "deprecate FAMILY VERSION [--at DATE | --never]",
		Short: "Say from when on a version is not to be used any more",
		Long: `Deprecate a version now, or from a date on: 2027-01-31, or 2027-01-31T18:00:00Z.
It still launches; plan warns of it, and accounts that it is shared with do not
find it any more. To stop launches, revoke it. --never takes it back.

EXIT STATUS
  0    done, or it was so already
  1    failed: an API error
  5    refused: no such version, or a date that EC2 does not take
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			when, err := date(at)
			if err != nil {
				return err
			}
			if at != "" && never {
				return &usageError{message: "--at and --never exclude each other"}
			}
			g, err := a.gallery(c.Context(), "")
			if err != nil {
				return err
			}
			defer g.close()
			img, done, err := g.Deprecate(c.Context(), args[0], args[1], when, never)
			if err != nil {
				return err
			}
			what := "it is not deprecated"
			if !img.Deprecated.IsZero() {
				what = "it is deprecated from " + img.Deprecated.Format(time.RFC3339) + " on"
			}
			if !done {
				what = "nothing to do, " + what
			}
			a.out.printf("%s: %s  %s\n", img.Text(), what, g.link.effort())
			return nil
		},
	}
	c.Flags().StringVar(&at, "at", "", "from this `date` on; now if it is left out")
	c.Flags().BoolVar(&never, "never", false, "take a deprecation back")
	return c
}

// date reads a day, which begins in UTC, or a moment; the zero time for none.
func date(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &usageError{message: fmt.Sprintf("%q is no date", s), hint: "Write 2027-01-31, or 2027-01-31T18:00:00Z."}
}

func (a *app) imageProtectCommand() *cobra.Command {
	var off bool
	c := &cobra.Command{
		Use:   "protect FAMILY VERSION [--off]",
		Short: "Keep a version from being deregistered, by whatever tool",
		Long: `Have EC2 refuse to deregister a version. --off switches that off; EC2 then goes
on refusing for another day.

EXIT STATUS
  0    done, or it was so already
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
			img, done, err := g.Protect(c.Context(), args[0], args[1], off)
			if err != nil {
				return err
			}
			what := "protected"
			switch {
			case !done && off:
				what = "nothing to do, it is not protected"
			case !done:
				what = "nothing to do, it is protected"
			case off && img.Cools():
				what = "the protection is switched off, and goes on for another day"
			case off:
				what = "not protected any more"
			}
			a.out.printf("%s: %s  %s\n", img.Text(), what, g.link.effort())
			return nil
		},
	}
	c.Flags().BoolVar(&off, "off", false, "switch the protection off")
	return c
}
