package main

import (
	"context"
	"fmt"

	"cluster/fleet/ami"

	"github.com/spf13/cobra"
)

func (a *app) imageShareCommand() *cobra.Command {
	var want ami.Grants
	var yes bool
	c := &cobra.Command{
		Use:   "share FAMILY VERSION [--account A]… [--org ARN]… [--ou ARN]… [--public] [--yes]",
		Short: "Let other accounts launch and copy a version",
		Long: `Let accounts, organizations (--org) or their units (--ou) launch a version, in
this region. Accounts get its snapshots as well, which they need to copy it;
organizations cannot be given snapshots, and so can launch it but not copy it.
Only what is missing is changed. A copy in another region is shared there.

An encrypted image can be shared if its key is one of your own, whose policy has
to allow the other accounts to use it. --public gives it to everybody, with
whatever was left on it: keys, histories, data. That is refused for encrypted
images, for those with product codes, and where the account blocks it.

EXIT STATUS
  0    shared, or it was already
  1    failed: an API error; run it again, it goes on where it stopped
  5    refused: no such version, encrypted with the default key, not confirmed
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkGrants(c, want); err != nil {
				return err
			}
			if want.Public && !yes {
				a.err.printf("%s %s will be public: everybody can launch it and read all that is on it.\n", args[0], args[1])
				if err := a.confirm(c.Context(), "Give it to everybody?", args[0]); err != nil {
					return err
				}
			}
			return a.imageShare(c.Context(), args[0], args[1], want)
		},
	}
	grantFlags(c, &want)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) imageUnshareCommand() *cobra.Command {
	var unwanted ami.Grants
	c := &cobra.Command{
		Use:   "unshare FAMILY VERSION [--account A]… [--org ARN]… [--ou ARN]… [--public]",
		Short: "Take back what share gave",
		Long: `Take a version back from accounts, organizations, units or everybody, and its
snapshots from accounts. Instances that they run go on, and copies that they
made are theirs.

EXIT STATUS
  0    not shared with them, or it never was
  1    failed: an API error; run it again, it goes on where it stopped
  5    refused: no such version
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkGrants(c, unwanted); err != nil {
				return err
			}
			return a.imageUnshare(c.Context(), args[0], args[1], unwanted)
		},
	}
	grantFlags(c, &unwanted)
	return c
}

func grantFlags(c *cobra.Command, g *ami.Grants) {
	f := c.Flags()
	f.StringSliceVar(&g.Accounts, "account", nil, "an `account`, 12 digits (repeatable)")
	f.StringSliceVar(&g.Orgs, "org", nil, "an organization by its `ARN` (repeatable)")
	f.StringSliceVar(&g.OUs, "ou", nil, "an organizational unit by its `ARN` (repeatable)")
	f.BoolVar(&g.Public, "public", false, "everybody")
}

func checkGrants(c *cobra.Command, g ami.Grants) error {
	if g.Empty() {
		return &usageError{message: "image " + c.Name() + " names nobody", hint: "Say with whom: --account 111122223333, --org ARN, --ou ARN or --public."}
	}
	if err := g.Check(); err != nil {
		return &usageError{message: err.Error()}
	}
	return nil
}

func (a *app) imageShare(ctx context.Context, family, version string, want ami.Grants) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	s, err := g.Share(ctx, family, version, want)
	if err != nil {
		return err
	}
	a.sharedText(g, s, "shared with")
	if s.Encrypted && len(want.Accounts)+len(want.Orgs)+len(want.OUs) > 0 {
		a.err.printf("It is encrypted: the policy of its key has to allow them kms:DescribeKey, Decrypt, ReEncrypt*, GenerateDataKey* and CreateGrant.\n")
	}
	if s.Changed.Public {
		a.err.printf("Its snapshots are not public: everybody can launch it, and only accounts that it is shared with can copy it.\n")
	} else if len(want.Orgs)+len(want.OUs) > 0 {
		a.err.printf("Snapshots cannot be given to organizations: their accounts can launch it and not copy it.\n")
	}
	return nil
}

func (a *app) imageUnshare(ctx context.Context, family, version string, unwanted ami.Grants) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	s, err := g.Unshare(ctx, family, version, unwanted)
	if err != nil {
		return err
	}
	a.sharedText(g, s, "taken back from")
	return nil
}

// sharedText tells what changed, and who has the image now.
func (a *app) sharedText(g *gallery, s ami.Shared, verb string) {
	what := verb + " " + s.Changed.Text()
	switch {
	case s.Changed.Empty() && s.Snapshots == 0:
		what = "nothing to do"
	case s.Changed.Empty():
		what = fmt.Sprintf("%s put right", plural(s.Snapshots, "snapshot"))
	case s.Snapshots > 0:
		what += ", with " + plural(s.Snapshots, "snapshot")
	}
	a.out.printf("%s: %s; it is shared with %s  %s\n", s.Image.Text(), what, s.Have.Text(), g.link.effort())
}
