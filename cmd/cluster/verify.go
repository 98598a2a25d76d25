package main

import (
	"cmp"
	"context"
	"fmt"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) verifyCommand() *cobra.Command {
	level := "root"
	c := &cobra.Command{
		Use:   "verify FILE [--level image|root] [--json]",
		Short: "Prove that all nodes came from the image",
		Long: `Prove that every node of the file is there and came from the image: by its image
id (level image), and by the snapshot that its root volume was made from (level
root, the default). What could not be asked is unproven, and unproven is never
identical.

EXIT STATUS
  0    identical
  1    failed: an API error
  4    not identical: the nodes are named
  64   the command line or the cluster file is wrong; nothing was called
  130  interrupted`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error { return a.verify(c.Context(), args[0], level) },
	}
	c.Flags().StringVar(&level, "level", level, "how far to look: `image|root`")
	a.jsonFlag(c, document, "write the verdict as JSON")
	return c
}

func (a *app) verify(ctx context.Context, path, levelName string) error {
	levels := map[string]struct {
		level planner.Level
		scope fleet.Scope
	}{"image": {planner.LevelImage, fleet.Images}, "root": {planner.LevelRoot, fleet.Roots}}
	level, ok := levels[levelName]
	if !ok {
		hint := "The levels are image and root."
		if near := spec.Nearest(levelName, []string{"image", "root"}); near != "" {
			hint += fmt.Sprintf(" Did you mean %s?", near)
		}
		return &usageError{message: fmt.Sprintf("unknown level %q", levelName), hint: hint}
	}
	want, err := a.load(path)
	if err != nil {
		return err
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	have, err := l.Observe(ctx, want, level.scope)
	if err != nil {
		return err
	}
	v := planner.Verify(want, have, level.level)
	if a.format == document {
		a.out.json(newVerdictDoc(want.Name, v), true)
	} else {
		r := fleet.Report{Elapsed: l.Session.Elapsed()}
		r.Calls, _ = l.Session.Calls()
		a.out.printf("%s: %s, %s  %s\n", want.Name, plural(v.Nodes, "node"), identical(v), effort(r, l))
	}
	if !v.Identical {
		return &fleet.IdentityError{Verdict: v}
	}
	return nil
}

// A verdictDoc is a verdict in JSON.
type verdictDoc struct {
	FormatVersion string        `json:"format_version"`
	Cluster       string        `json:"cluster"`
	Identical     bool          `json:"identical"`
	Nodes         int           `json:"nodes"`
	Image         imageDoc      `json:"image"`
	Mismatched    []mismatchDoc `json:"mismatched"`
}

type mismatchDoc struct {
	Node     string `json:"node"`
	Instance string `json:"instance_id"`
	Check    string `json:"check"` // image, root_snapshot, group or slot
	Want     string `json:"want"`
	Got      string `json:"got"` // empty: unproven
}

func newVerdictDoc(cluster string, v planner.Verdict) verdictDoc {
	doc := verdictDoc{
		FormatVersion: formatVersion, Cluster: cluster, Identical: v.Identical, Nodes: v.Nodes,
		Image: newImageDoc(v.Image), Mismatched: []mismatchDoc{},
	}
	for _, m := range v.Mismatched {
		doc.Mismatched = append(doc.Mismatched, mismatchDoc(m))
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
