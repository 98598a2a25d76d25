package main

import (
	"cmp"

	"cluster/fleet"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) policyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy FILE [--json]",
		Short: "Print the least IAM policy that the file needs, offline",
		Long: `Print an IAM policy, as JSON, that allows what plan, up, status, verify and
down of this file call, and nothing else: launching is bound to the cluster's
name tag, changing and terminating to instances that carry it. For an image
file it is what image build calls, bound to the family in the same way. Nobody
is called and no credentials are needed.

  cluster policy cfd.hcl >cfd.json
  aws iam create-policy --policy-name cfd --policy-document file://cfd.json

It is for the region of --region or of the file, and for all if neither says.

EXIT STATUS
  0    printed
  64   the command line or the cluster file is wrong`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return a.policy(args[0]) },
	}
	a.jsonFlag(c, document, "mistakes are JSON as well; the policy always is")
	return c
}

func (a *app) policy(path string) error {
	if spec.IsImageFile(path) {
		m, err := a.loadBuild(path)
		if err != nil {
			return err
		}
		a.out.json(fleet.BuildPolicyFor(m, cmp.Or(m.Region, "*")), true)
		return nil
	}
	want, err := a.load(path)
	if err != nil {
		return err
	}
	a.out.json(fleet.PolicyFor(want, cmp.Or(want.Region, "*")), true)
	return nil
}
