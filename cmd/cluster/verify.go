package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) verifyCommand() *cobra.Command {
	o := verifyOptions{level: "root"}
	c := &cobra.Command{
		Use:   "verify FILE [--level image|root|node] [--manifest OUT] [--against MANIFEST] [--json]",
		Short: "Prove that all nodes came from the image",
		Long: `Prove that every node of the file is there and came from the image: by its image
id (level image), and by the snapshot that its root volume was made from (level
root, the default); with level node, by what they say themselves as well. What
could not be asked is unproven, and unproven is never identical. An image that
the lock file names is proven against the lock, even when it has been
deregistered since.

With --manifest, what was found is written to a file, for the appendix of a
paper: the images with their ancestry, the hashes of the cluster file and its
lock, and each node with its instance, volume and snapshot. It holds no user
data and no variable. It is written whenever everything could be observed, also
of a cluster that is not identical, and says so. With --against, the cluster is
compared with such a manifest as well.

` + nodeHelp + `

EXIT STATUS
  0    identical, and as the manifest says
  1    failed: an API error
  4    not identical, not the same, or not as the manifest says: the nodes are
       named
  5    refused: a rehearsal has nothing to connect to
  64   the command line, the cluster file, its lock or the manifest is wrong
  127  there is no ssh
  130  interrupted`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.nodes.fit(c, o.level); err != nil {
				return err
			}
			return a.verify(c.Context(), args[0], o)
		},
	}
	c.Flags().StringVar(&o.level, "level", o.level, "how far to look: `image|root|node`")
	c.Flags().StringVar(&o.manifest, "manifest", "", "write what was found to this `file`")
	c.Flags().StringVar(&o.against, "against", "", "compare with the manifest in this `file`")
	o.nodes.flags(c)
	a.jsonFlag(c, document, "write the verdict as JSON")
	return c
}

// verifyOptions are the flags of verify.
type verifyOptions struct {
	level    string
	manifest string // where to write one; empty: nowhere
	against  string // where to read one; empty: nowhere
	nodes    nodeOptions
}

func (a *app) verify(ctx context.Context, path string, o verifyOptions) error {
	level, scope, err := o.depth()
	if err != nil {
		return err
	}
	var way sshWay
	if o.level == "node" {
		if way, err = a.sshWay("CLUSTER_SSH"); err != nil {
			return err
		}
	}
	want, err := a.load(path)
	if err != nil {
		return err
	}
	lock, err := a.readLock(path)
	if err != nil {
		return err
	}
	var before *manifestDoc
	if o.against != "" {
		if before, err = readManifest(o.against); err != nil {
			return err
		}
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	if before != nil {
		if err := before.isOf(o.against, want, l); err != nil {
			return err
		}
	}
	lock.tell(want, l, false)
	have, err := l.Observe(ctx, want, scope)
	if err != nil {
		return err
	}
	v := planner.Verify(want, have, level)
	proven := v // by EC2; v holds what nodes say as well
	a.show(warnings(v.Warnings))
	doc := newVerdictDoc(want.Name, v)
	var failures []error
	if !v.Identical {
		failures = append(failures, &fleet.IdentityError{Verdict: v})
	}
	var nodes []nodeVerdict
	if o.level == "node" {
		if nodes, err = a.attest(ctx, l, want, have, v, way, o.nodes); err != nil {
			return err
		}
		doc.attested(nodes)
		if e := unlike(nodes); e != nil {
			failures = append(failures, e)
		}
		v = withNodes(v, nodes)
	}
	if before != nil {
		drift := before.drift(o.against, manifestNodes(want, have))
		doc.Against = &drift
		if len(drift.Differences) > 0 {
			failures = append(failures, &driftError{drift})
		}
	}
	a.verdict(doc, proven, l)
	a.nodeText(nodes)
	if o.manifest != "" {
		if err := a.writeManifest(ctx, o.manifest, path, lock, want, have, v, l); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// depth is how far to look.
func (o verifyOptions) depth() (planner.Level, fleet.Scope, error) {
	names := []string{"image", "root", "node"}
	switch {
	case o.level == "root", o.level == "node":
		return planner.LevelRoot, fleet.Roots, nil
	case o.level == "image" && o.manifest+o.against != "":
		return 0, 0, &usageError{message: "a manifest is about root volumes too", hint: "Leave --level image out."}
	case o.level == "image":
		return planner.LevelImage, fleet.Images, nil
	}
	hint := "The levels are image, root and node."
	if near := spec.Nearest(o.level, names); near != "" {
		hint += fmt.Sprintf(" Did you mean %s?", near)
	}
	return 0, 0, &usageError{message: fmt.Sprintf("unknown level %q", o.level), hint: hint}
}

// verdict writes what verify found.
func (a *app) verdict(doc verdictDoc, v planner.Verdict, l *link) {
	if a.format == document {
		a.out.json(doc, true)
		return
	}
	r := fleet.Report{Elapsed: l.Session.Elapsed()}
	r.Calls, _ = l.Session.Calls()
	a.out.printf("%s: %s, %s  %s\n", doc.Cluster, plural(v.Nodes, "node"), identical(v), effort(r, l))
	if d := doc.Against; d != nil && len(d.Differences) == 0 {
		a.out.printf("%s: as in %s, of %s\n", doc.Cluster, d.Manifest, d.Observed.Format("2006-01-02 15:04 MST"))
	}
}

// A verdictDoc is a verdict in JSON.
type verdictDoc struct {
	FormatVersion string        `json:"format_version"`
	Cluster       string        `json:"cluster"`
	Identical     bool          `json:"identical"`
	Nodes         int           `json:"nodes"`
	Image         imageDoc      `json:"image"`
	Mismatched    []mismatchDoc `json:"mismatched"`
	Verdicts      []nodeDoc     `json:"verdicts,omitempty"` // with level node
	Warnings      []blockerDoc  `json:"warnings,omitempty"` // what is wrong with locked images
	Against       *driftDoc     `json:"against,omitempty"`  // with --against
}

type mismatchDoc struct {
	Node     string `json:"node"`
	Instance string `json:"instance_id"`
	Check    string `json:"check"` // image, root_snapshot, group or slot; with level node also those of package attest
	Want     string `json:"want"`
	Got      string `json:"got"`              // empty: unproven
	Reason   string `json:"reason,omitempty"` // with level node
}

func newVerdictDoc(cluster string, v planner.Verdict) verdictDoc {
	doc := verdictDoc{
		FormatVersion: formatVersion, Cluster: cluster, Identical: v.Identical, Nodes: v.Nodes,
		Image: newImageDoc(v.Image), Mismatched: []mismatchDoc{},
	}
	if len(v.Warnings) > 0 {
		doc.Warnings = newBlockerDocs(v.Warnings)
	}
	for _, m := range v.Mismatched {
		doc.Mismatched = append(doc.Mismatched, mismatchDoc{m.Node, m.Instance, m.Check, m.Want, m.Got, ""})
	}
	return doc
}

// verdictFields are a verdict as the verify event carries it.
func verdictFields(v planner.Verdict) map[string]any {
	doc := newVerdictDoc("", v)
	return map[string]any{"identical": doc.Identical, "nodes": doc.Nodes, "image": doc.Image, "mismatched": doc.Mismatched}
}

// mismatch is one finding in words.
func mismatch(m planner.Mismatch) string {
	who := m.Node
	if m.Instance != "" {
		who += " (" + m.Instance + ")"
	}
	what := map[string]string{"image": "image", "root_snapshot": "root snapshot", "group": "group", "slot": "slot"}[m.Check]
	return fmt.Sprintf("%s: %s should be %s and is %s.", clean(who), cmp.Or(what, m.Check), clean(cmp.Or(m.Want, "none")), clean(cmp.Or(m.Got, "unproven")))
}
