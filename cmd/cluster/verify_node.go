package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"cluster/fleet/attest"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

// nodeHelp is the part of verify's help that is about level node.
const nodeHelp = `With level node, every node is asked over ssh at the address that EC2 gives for
its instance, by a script that reads and changes nothing. Each gets a verdict:

  same        as its image and the others in all that was asked
  drift       it comes from the image, and holds other packages by now, or runs
              another kernel or driver
  different   its identity document is tampered with, or of another region,
              instance or account; it runs from another disk; or it shares a
              machine id, host key or boot id with another node
  unverified  it could not be asked, or did not answer everything

The identity document is signed by EC2, and verified offline with the
certificate of the region: those of 39 regions are in the program, and
--identity-certificate names another. The rest is the node's own word. Packages
are compared with what was recorded of the image when it was made (image build,
image capture --record), or else among the nodes.

Your own ssh does the talking; CLUSTER_SSH names another program.

` + hostKeyHelp

// nodeOptions are the flags of verify that are about level node.
type nodeOptions struct {
	remoteOptions
	timeout     time.Duration
	atOnce      int
	certificate string // file; empty: the pinned one of the region
	packages    bool   // show which ones differ
}

func (o *nodeOptions) flags(c *cobra.Command) {
	o.remoteOptions.flags(c)
	c.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "give a node up after this `duration`")
	c.Flags().IntVar(&o.atOnce, "at-once", 64, "`number` of nodes at a time")
	c.Flags().StringVar(&o.certificate, "identity-certificate", "", "verify identity documents with the certificate in this `file`, in PEM")
	c.Flags().BoolVar(&o.packages, "packages", false, "ask nodes that drifted once more, and show which packages differ")
}

// fit says whether the flags go together with a level.
func (o *nodeOptions) fit(c *cobra.Command, level string) error {
	for _, name := range []string{"user", "jump", "public", "timeout", "at-once", "identity-certificate", "packages"} {
		if level != "node" && c.Flags().Changed(name) {
			return &usageError{message: fmt.Sprintf("--%s is about asking nodes", name), hint: "Add --level node."}
		}
	}
	if o.atOnce < 1 || o.timeout <= 0 {
		return &usageError{message: "--at-once must be 1 or more, and --timeout more than 0"}
	}
	return nil
}

// A nodeVerdict is what came out for a node.
type nodeVerdict struct {
	attest.Judgement
	key           nodeKey
	added, lacked []string // packages, compared with a node that did not drift
}

// attest asks every node that lives, and judges them. What EC2 says of them counts as well.
func (a *app) attest(ctx context.Context, l *link, want *spec.Cluster, have planner.Observed, v planner.Verdict, way sshWay, o nodeOptions) ([]nodeVerdict, error) {
	certificates, err := a.certificates(l, o.certificate)
	if err != nil {
		return nil, err
	}
	asked, way, err := a.askable(ctx, l, want, have, way, o.remoteOptions)
	if err != nil {
		return nil, err
	}
	a.quiet.Store(true) // there are no calls to finish
	if err := a.reports(ctx, way, asked, o, ""); err != nil {
		return nil, err
	}
	nodes := make([]attest.Node, len(asked))
	for n, q := range asked {
		nodes[n] = q.Node
	}
	verdicts := make([]nodeVerdict, len(asked))
	for n, j := range attest.Judge(nodes, certificates, recorded(have.Images)) {
		for _, m := range v.Mismatched {
			if m.Instance == j.Node.Expected.Instance {
				j.Find(m.Check, verdictOf(m), m.Want, m.Got, ec2Says)
			}
		}
		verdicts[n] = nodeVerdict{Judgement: j, key: asked[n].target.node}
	}
	if o.packages {
		err = a.packages(ctx, way, asked, verdicts, o)
	}
	return verdicts, err
}

// ec2Says is the reason of what is found without asking the node.
const ec2Says = "so EC2 says"

func verdictOf(m planner.Mismatch) attest.Verdict {
	if m.Got == "" {
		return attest.Unverified
	}
	return attest.Different
}

// certificates are what identity documents are verified with.
func (a *app) certificates(l *link, file string) (attest.Certificates, error) {
	if file == "" && l.rehearsal == nil {
		return attest.Pinned()
	}
	var text []byte
	var err error
	if file != "" {
		text, err = os.ReadFile(file)
	} else {
		text, err = l.rehearsal.IdentityCertificate(l.Session.Region)
	}
	if err != nil {
		return nil, &usageError{message: "cannot read the certificate of the region: " + err.Error()}
	}
	cert, err := attest.ParseCertificate(text)
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("%s is no certificate: %v", cmp.Or(file, "the region's"), err), hint: "AWS lists those of RSA-2048 by region, in the EC2 User Guide."}
	}
	return attest.Certificates{l.Session.Region: cert}, nil
}

// recorded is what images are known to hold.
func recorded(images []planner.Image) map[string]attest.Content {
	known := map[string]attest.Content{}
	for _, img := range images {
		if c, ok := attest.ParseContent(img.Tags[planner.TagImageContent]); ok {
			known[img.ID] = c
		}
	}
	return known
}
