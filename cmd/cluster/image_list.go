package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cluster/fleet/ami"

	"github.com/spf13/cobra"
)

func (a *app) imageListCommand() *cobra.Command {
	var regions []string
	var shares bool
	c := &cobra.Command{
		Use:   "list [FAMILY] [--regions R,R] [--shares] [--json]",
		Short: "Show the versions of a family, or of all",
		Long: `Show our own images that have a family, the highest version first: the channels
that each one holds, its state, age and size, and how many instances use it
that are not terminated. --regions looks for copies in other regions, and
--shares at whom each one is shared with, which is a call for each image.

EXIT STATUS
  0    shown; that there is no image is no error
  1    failed: an API error
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
			return a.imageList(c.Context(), strings.Join(args, ""), regions, shares)
		},
	}
	c.Flags().StringSliceVar(&regions, "regions", nil, "look for copies in these other `regions`, R,R")
	c.Flags().BoolVar(&shares, "shares", false, "look at whom each image is shared with")
	a.jsonFlag(c, document, "write the images as JSON")
	return c
}

// A listing is what list found.
type listing struct {
	images []ami.Image
	uses   map[string][]ami.Use
	copies map[string][]ami.Copy
	grants map[string]ami.Grants // nil: nobody asked
}

func (a *app) imageList(ctx context.Context, family string, regions []string, shares bool) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	var found listing
	if family == "" {
		found.images, err = g.Find(ctx, "")
	} else {
		found.images, err = g.Family(ctx, family)
	}
	if err != nil {
		return err
	}
	if found.uses, err = g.Uses(ctx, found.images); err != nil {
		return err
	}
	if found.copies, err = a.copies(ctx, g, family, regions); err != nil {
		return err
	}
	if shares {
		if found.grants, err = g.grants(ctx, found.images); err != nil {
			return err
		}
	}
	if a.format == document {
		a.out.json(newImageListDoc(found, g), true)
		return nil
	}
	a.imageListText(found, g)
	return nil
}

// grants are whom images are shared with, by id.
func (g *gallery) grants(ctx context.Context, images []ami.Image) (map[string]ami.Grants, error) {
	all := map[string]ami.Grants{}
	for _, i := range images {
		to, err := g.Permissions(ctx, i)
		if err != nil {
			return nil, err
		}
		all[i.ID] = to
	}
	return all, nil
}

// copies looks for copies of the gallery's images in other regions, by the id of the original.
func (a *app) copies(ctx context.Context, g *gallery, family string, regions []string) (map[string][]ami.Copy, error) {
	all := map[string][]ami.Copy{}
	for _, r := range regions {
		other, err := a.gallery(ctx, r)
		if err != nil {
			return nil, err
		}
		found, err := other.Find(ctx, family)
		other.close()
		if err != nil {
			return nil, err
		}
		for id, c := range ami.Copies(g.Session.Region, r, found) {
			all[id] = append(all[id], c...)
		}
	}
	return all, nil
}

// An imageListDoc is what list found, in JSON.
type imageListDoc struct {
	FormatVersion string       `json:"format_version"`
	Region        string       `json:"region"`
	Rehearsal     bool         `json:"rehearsal"`
	Images        []versionDoc `json:"images"` // by family, then the highest version first
}

func newImageListDoc(found listing, g *gallery) imageListDoc {
	doc := imageListDoc{FormatVersion: formatVersion, Region: g.Session.Region, Rehearsal: g.link.rehearsal != nil, Images: []versionDoc{}}
	for _, i := range found.images {
		d := newVersionDoc(i, len(found.uses[i.ID]))
		for _, c := range found.copies[i.ID] {
			d.Copies = append(d.Copies, copyDoc{c.Region, c.ID, c.State})
		}
		if found.grants != nil {
			d.SharedWith = newGrantsDoc(found.grants[i.ID])
		}
		doc.Images = append(doc.Images, d)
	}
	return doc
}

func (a *app) imageListText(found listing, g *gallery) {
	families := map[string][]ami.Image{}
	var order []string
	for _, i := range found.images {
		if families[i.Family] == nil {
			order = append(order, i.Family)
		}
		families[i.Family] = append(families[i.Family], i)
	}
	a.out.printf("%s%s, %s in %s%s  %s\n", bold, plural(len(found.images), "image"), familyCount(len(order)), g.region(), reset, g.link.effort())
	now := g.Session.Now()
	for _, family := range order {
		a.out.printf("\n%s%s%s\n", bold, family, reset)
		a.out.listed(familyRows(families[family], found, now))
	}
	if len(order) == 0 {
		a.out.printf("An image with a family is made by cluster image capture.\n")
	}
}

func familyCount(n int) string {
	if n == 1 {
		return "1 family"
	}
	return fmt.Sprintf("%d families", n)
}

// A noted row is a row of a table with remarks below it.
type noted struct {
	cells []string
	notes []string
}

func familyRows(images []ami.Image, found listing, now time.Time) []noted {
	rows := []noted{{cells: []string{"VERSION", "IMAGE", "STATE", "AGE", "GIB", "USED", "CHANNELS"}}}
	for _, i := range images {
		used := ""
		if n := len(found.uses[i.ID]); n > 0 {
			used = fmt.Sprint(n)
		}
		notes := remarks(i, found.copies[i.ID], now)
		if to := found.grants[i.ID]; len(to.Accounts)+len(to.Orgs)+len(to.OUs) > 0 {
			to.Public = false // which is a note already
			notes = append(notes, "shared with "+to.Text())
		}
		rows = append(rows, noted{
			cells: []string{i.Version, i.ID, i.State, since(now, i.Created), fmt.Sprint(i.Size()), used, strings.Join(i.Channels, ", ")},
			notes: notes,
		})
	}
	return rows
}

// remarks are what is not as with most images.
func remarks(i ami.Image, copies []ami.Copy, now time.Time) (notes []string) {
	if r := i.Revoked; r != nil {
		notes = append(notes, "revoked: "+r.Reason)
	}
	if i.StateReason != "" {
		notes = append(notes, i.StateReason)
	}
	switch all, mixed := i.Encrypted(); {
	case all:
		notes = append(notes, "encrypted")
	case mixed:
		notes = append(notes, "encrypted in part")
	}
	if i.Public {
		notes = append(notes, "public")
	}
	if i.IsProtected() {
		notes = append(notes, "protected")
	}
	if at := i.Deprecated; !at.IsZero() {
		if at.After(now) {
			notes = append(notes, "deprecated from "+at.Format(time.DateOnly)+" on")
		} else {
			notes = append(notes, "deprecated since "+at.Format(time.DateOnly))
		}
	}
	if i.CopyOf != "" {
		notes = append(notes, "a copy of "+i.CopyOf)
	}
	for _, c := range copies {
		notes = append(notes, fmt.Sprintf("copied to %s: %s, %s", c.Region, c.ID, c.State))
	}
	return notes
}

// listed writes a table whose rows may have remarks, which stand below them.
func (p *printer) listed(rows []noted) {
	var width []int
	for _, r := range rows {
		for n, cell := range r.cells {
			if n == len(width) {
				width = append(width, 0)
			}
			width[n] = max(width[n], columns(clean(cell)))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for n, cell := range r.cells {
			fmt.Fprintf(&line, "%-*s  ", width[n], clean(cell))
		}
		p.printf("  %s\n", strings.TrimRight(line.String(), " "))
		for _, note := range r.notes {
			p.printf("      %s%s%s\n", dim, note, reset)
		}
	}
}
