package main

import (
	"cmp"
	"context"

	"cluster/fleet/ami"

	"github.com/spf13/cobra"
)

func (a *app) imageDiffCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "diff FAMILY A B or diff ami-… ami-… [--json]",
		Short: "Show what differs between two images",
		Long: `Show what differs between two versions (or channels) of a family, or between two
images by id: how they boot, their disks and tags, what they were made from, and
where they stand in their lives. Files on them are not compared.

EXIT STATUS
  0    shown, whether they differ or not
  1    failed: an API error
  5    there is no such image
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 2 && ami.IsID(args[0]) && ami.IsID(args[1]) {
				return nil
			}
			if err := words("FAMILY", "A", "B")(c, args); err != nil {
				return err
			}
			for _, v := range args[1:] {
				if err := checkImageWord("VERSION", v); err != nil {
					return err
				}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.imageDiff(c.Context(), args) },
	}
	a.jsonFlag(c, document, "write the differences as JSON")
	return c
}

func (a *app) imageDiff(ctx context.Context, args []string) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	var x, y ami.Image
	if len(args) == 2 {
		if x, _, err = g.Image(ctx, args[0]); err == nil {
			y, _, err = g.Image(ctx, args[1])
		}
	} else {
		var all []ami.Image
		if x, all, err = g.Get(ctx, args[0], args[1]); err == nil {
			y, err = ami.Pick(all, args[2])
		}
	}
	if err != nil {
		return err
	}
	found := ami.Diff(x, y)
	if a.format == document {
		a.out.json(newImageDiffDoc(x, y, found, g), true)
		return nil
	}
	a.out.printf("%s%s in %s%s\n  %s\n  %s\n", bold, differences(len(found)), g.region(), reset, x.Text(), y.Text())
	if len(found) > 0 {
		a.out.printf("\n")
		rows := [][]string{{"", cmp.Or(x.Version, x.ID), cmp.Or(y.Version, y.ID)}}
		for _, d := range found {
			rows = append(rows, []string{d.What, cmp.Or(d.A, "-"), cmp.Or(d.B, "-")})
		}
		a.out.table(rows)
	}
	return nil
}

func differences(n int) string {
	if n == 0 {
		return "no difference"
	}
	return plural(n, "difference")
}

// An imageDiffDoc is what differs between two images, in JSON.
type imageDiffDoc struct {
	FormatVersion string          `json:"format_version"`
	Region        string          `json:"region"`
	Rehearsal     bool            `json:"rehearsal"`
	A             diffSideDoc     `json:"a"`
	B             diffSideDoc     `json:"b"`
	Differences   []differenceDoc `json:"differences"`
}

type diffSideDoc struct {
	Family  string `json:"family"`
	Version string `json:"version"`
	ID      string `json:"id"`
}

type differenceDoc struct {
	What string `json:"what"`
	A    string `json:"a"` // empty: not set
	B    string `json:"b"`
}

func newImageDiffDoc(x, y ami.Image, found []ami.Difference, g *gallery) imageDiffDoc {
	doc := imageDiffDoc{
		FormatVersion: formatVersion, Region: g.Session.Region, Rehearsal: g.link.rehearsal != nil,
		A: diffSideDoc{x.Family, x.Version, x.ID}, B: diffSideDoc{y.Family, y.Version, y.ID}, Differences: []differenceDoc{},
	}
	for _, d := range found {
		doc.Differences = append(doc.Differences, differenceDoc{d.What, d.A, d.B})
	}
	return doc
}
