package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cluster/fleet/ami"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) imageAuditCommand() *cobra.Command {
	age := "180d"
	var skip []string
	c := &cobra.Command{
		Use:   "audit [FAMILY] [--max-age 180d] [--skip CHECK,CHECK] [--json]",
		Short: "Find what is wrong, or not as it should be, with images",
		Long: `Check the images of a family, or all. Each finding is of one of these checks:

  state       it is not available
  snapshot    a snapshot of it is gone or not complete
  root        its root volume is larger than its snapshot
  revoked     it is revoked, and still used or shared with others
  public      it is public and does not hold the channel public
  encryption  a snapshot of it is not encrypted
  imds        instances of it take IMDSv1 unless they are told not to
  age         it holds a channel and is older than --max-age
  base        what it was made from is deprecated, revoked or not available
  ancestors   what it was made from is gone

What is on an image, such as its file systems, is not looked at.

EXIT STATUS
  0    no finding
  1    there are findings, or an API error
  5    there is no image of the family that was named
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return words("FAMILY")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			limit, err := days(age)
			if err != nil {
				return err
			}
			if err := checkChecks(skip); err != nil {
				return err
			}
			return a.imageAudit(c.Context(), strings.Join(args, ""), limit, skip)
		},
	}
	c.Flags().StringVar(&age, "max-age", age, "how old an image with a channel may be: `days`, such as 90d")
	c.Flags().StringSliceVar(&skip, "skip", nil, "leave these `checks` out")
	a.jsonFlag(c, document, "write the findings as JSON")
	return c
}

// days reads a number of days, 90d, or a duration, 36h.
func days(s string) (time.Duration, error) {
	var n int
	if rest, ok := strings.CutSuffix(s, "d"); ok {
		if _, err := fmt.Sscanf(rest, "%d", &n); err == nil && fmt.Sprint(n) == rest && n > 0 && n < 100_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, &usageError{message: fmt.Sprintf("--max-age %q is no length of time", s), hint: "Write 90d, or 36h."}
}

func checkChecks(skip []string) error {
	for _, s := range skip {
		if slices.Contains(ami.Checks, s) {
			continue
		}
		e := &usageError{message: fmt.Sprintf("--skip %q is no check", s), hint: "The checks are: " + strings.Join(ami.Checks, ", ") + "."}
		if near := spec.Nearest(s, ami.Checks); near != "" {
			e.hint = "Did you mean " + near + "?"
		}
		return e
	}
	return nil
}

func (a *app) imageAudit(ctx context.Context, family string, limit time.Duration, skip []string) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	facts, err := g.FindFacts(ctx, family)
	if err != nil {
		return err
	}
	found := slices.DeleteFunc(ami.Audit(facts, limit), func(f ami.Finding) bool { return slices.Contains(skip, f.Check) })
	if a.format == document {
		a.out.json(newAuditDoc(found, len(facts.Images), g), true)
	} else {
		a.auditText(found, len(facts.Images), g)
	}
	if len(found) > 0 {
		return errFindings
	}
	return nil
}

// auditText shows the findings by image.
func (a *app) auditText(found []ami.Finding, images int, g *gallery) {
	var rows []noted
	last := ""
	for _, f := range found {
		if f.Image.ID != last {
			rows, last = append(rows, noted{cells: []string{f.Image.Family, f.Image.Version, f.Image.ID, strings.Join(f.Image.Channels, ", ")}}), f.Image.ID
		}
		r := &rows[len(rows)-1]
		r.notes = append(r.notes, f.Check+": "+f.Detail)
	}
	a.out.printf("%s%s of %s in %s%s  %s\n", bold, plural(len(found), "finding"), plural(images, "image"), g.region(), reset, g.link.effort())
	if len(rows) > 0 {
		a.out.printf("\n")
		a.out.listed(rows)
	}
}

// An auditDoc is what an audit found, in JSON.
type auditDoc struct {
	FormatVersion string       `json:"format_version"`
	Region        string       `json:"region"`
	Rehearsal     bool         `json:"rehearsal"`
	Images        int          `json:"images"` // that were looked at
	Findings      []findingDoc `json:"findings"`
}

type findingDoc struct {
	Family  string `json:"family"`
	Version string `json:"version"`
	ID      string `json:"id"`
	Check   string `json:"check"` // its names only grow
	Detail  string `json:"detail"`
}

func newAuditDoc(found []ami.Finding, images int, g *gallery) auditDoc {
	doc := auditDoc{FormatVersion: formatVersion, Region: g.Session.Region, Rehearsal: g.link.rehearsal != nil, Images: images, Findings: []findingDoc{}}
	for _, f := range found {
		doc.Findings = append(doc.Findings, findingDoc{f.Image.Family, f.Image.Version, f.Image.ID, f.Check, f.Detail})
	}
	return doc
}
