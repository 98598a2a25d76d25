package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cluster/fleet/ami"

	"github.com/spf13/cobra"
)

// lockPattern matches the lock files of a folder.
const lockPattern = "*.cluster.lock.hcl"

func (a *app) imagePruneCommand() *cobra.Command {
	var keep int
	var locks []string
	var yes bool
	c := &cobra.Command{
		Use:   "prune FAMILY --keep N [--lock FILE]… [--yes] [--json]",
		Short: "Remove old versions with their snapshots",
		Long: `Remove the versions of a family but the N highest, with their snapshots, after
showing what goes and why the rest stays. It never removes a version that

  - holds a channel, or would after a rollback
  - an instance was made from that is not terminated, running or not
  - a version of a launch template names
  - is protected from being deregistered, or is being made
  - a lock file names: *.cluster.lock.hcl of this folder, and each --lock

Snapshots of the family whose image is gone go as well. SSM parameters, files
elsewhere and other accounts that it is shared with are not looked at.

EXIT STATUS
  0    removed, or there was nothing to remove
  1    failed: an API error; run it again, it goes on where it stopped
  5    refused: no such family, not confirmed; nothing was removed
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY"),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("keep") {
				return &usageError{message: "image prune needs --keep", hint: "Say how many of the highest versions stay, such as --keep 3."}
			}
			if keep < 1 {
				return &usageError{message: fmt.Sprintf("--keep must be at least 1, and is %d", keep), hint: "The highest version always stays."}
			}
			locked, err := lockedImages(locks)
			if err != nil {
				return err
			}
			return a.imagePrune(c.Context(), args[0], keep, locked, yes)
		},
	}
	c.Flags().IntVar(&keep, "keep", 0, "how many of the highest `versions` stay")
	c.Flags().StringArrayVar(&locks, "lock", nil, "keep what this lock `file` names (repeatable)")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	a.jsonFlag(c, document, "write what was found and removed as JSON")
	return c
}

// lockedImages reads the lock files of the folder and those named, and says for each image that is
// named in one why it stays. A file that cannot be read is an error: it may name any image.
func lockedImages(files []string) (map[string][]string, error) {
	here, err := filepath.Glob(lockPattern)
	if err != nil {
		panic(err) // our own pattern
	}
	why := map[string][]string{}
	all := slices.Concat(here, files)
	slices.Sort(all)
	for _, f := range slices.Compact(all) {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, &usageError{message: "read the lock file: " + err.Error(), hint: "Nothing was called. It may name an image that has to stay."}
		}
		for _, id := range ami.Mentioned(string(text)) {
			why[id] = append(why[id], "the lock file "+slash(f)+" names it")
		}
	}
	return why, nil
}

func (a *app) imagePrune(ctx context.Context, family string, keep int, locked map[string][]string, yes bool) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	p, err := g.PlanPrune(ctx, family, keep, locked)
	if err != nil {
		return err
	}
	doc := newPruneDoc(p, g)
	if p.Empty() {
		if a.format == document {
			a.out.json(doc, true)
			return nil
		}
		a.keptText(p)
		a.out.printf("%s: nothing to remove, %s kept  %s\n", family, plural(len(p.Kept), "version"), g.link.effort())
		return nil
	}
	if a.format != document || !yes {
		a.pruneText(p, g)
	}
	if !yes {
		if err := a.confirm(ctx, fmt.Sprintf("Remove %s of %s in %s? This cannot be undone.", goes(p), family, g.Session.Region), family); err != nil {
			if a.format == document {
				a.out.json(doc, true)
			}
			return err
		}
		// Who was asked took his time, in which somebody may have launched or promoted one of them.
		again, err := g.PlanPrune(ctx, family, keep, locked)
		if err != nil {
			return err
		}
		p = p.And(again)
	}
	done, err := g.Prune(ctx, p)
	doc.Removed = &removedDoc{done.Images, done.Snapshots, done.GiB}
	doc.Left = list(done.Left)
	if a.format == document {
		a.out.json(doc, true)
	} else {
		for _, l := range done.Left {
			a.err.printf("%s stays: %s\n", family, l)
		}
		a.out.printf("%s: removed %s, %s, %d GiB; %s kept  %s\n", family, plural(done.Images, "version"), plural(done.Snapshots, "snapshot"), done.GiB,
			plural(len(p.Kept), "version"), g.link.effort())
	}
	if errors.Is(err, errInterrupted) {
		a.err.printf("Nothing is lost. To go on: %s\n", a.again)
	}
	return err
}

// goes is what would be removed, counted.
func goes(p ami.Pruning) string {
	n, gib := p.Snapshots()
	return fmt.Sprintf("%s and %s (%d GiB)", plural(len(p.Remove), "version"), plural(n, "snapshot"), gib)
}

// pruneText shows what goes, and why the rest stays.
func (a *app) pruneText(p ami.Pruning, g *gallery) {
	a.err.printf("%s%s: %s to remove in %s%s\n\n", bold, p.Family, goes(p), g.where(), reset)
	now := g.Session.Now()
	rows := [][]string{{"GOES", "IMAGE", "AGE", "GIB", "SNAPSHOTS"}}
	for _, d := range p.Remove {
		rows = append(rows, []string{d.Image.Version, d.Image.ID, since(now, d.Image.Created), fmt.Sprint(d.GiB), strings.Join(d.Snapshots, " ")})
	}
	for _, s := range p.Strays {
		rows = append(rows, []string{s.Version, "(gone)", since(now, s.Started), fmt.Sprint(s.Size), s.ID})
	}
	a.err.table(rows)
	a.err.printf("\n")
	a.keptText(p)
	for _, id := range p.Orphan {
		a.err.printf("%s stays, and the image that it was made from goes: its ancestry will end there.\n", id)
	}
}

// keptText shows why versions stay.
func (a *app) keptText(p ami.Pruning) {
	rows := []noted{{cells: []string{"STAYS", "IMAGE"}}}
	for _, k := range p.Kept {
		rows = append(rows, noted{cells: []string{k.Image.Version, k.Image.ID}, notes: whys(k.Why)})
	}
	if len(rows) > 1 {
		a.err.listed(rows)
		a.err.printf("\n")
	}
}

// whys are reasons as notes.
func whys(why []string) []string {
	notes := make([]string, len(why))
	for i, w := range why {
		notes[i] = "because " + w
	}
	return notes
}

// A pruneDoc is what prune found and removed, in JSON.
type pruneDoc struct {
	FormatVersion string      `json:"format_version"`
	Region        string      `json:"region"`
	Rehearsal     bool        `json:"rehearsal"`
	Family        string      `json:"family"`
	Remove        []doomedDoc `json:"remove"`            // what was found that may go
	Kept          []keptDoc   `json:"kept"`              // and what stays
	Removed       *removedDoc `json:"removed,omitempty"` // missing if it was not confirmed, or if nothing may go
	Left          []string    `json:"left,omitempty"`    // snapshots that EC2 did not remove, with its reason
}

type doomedDoc struct {
	Version   string   `json:"version"`
	ID        string   `json:"id"` // empty: the image is gone already
	Snapshots []string `json:"snapshots"`
	GiB       int      `json:"gib"`
}

type keptDoc struct {
	Version string   `json:"version"`
	ID      string   `json:"id"`
	Why     []string `json:"why"`
}

type removedDoc struct {
	Images    int `json:"images"`
	Snapshots int `json:"snapshots"`
	GiB       int `json:"gib"`
}

func newPruneDoc(p ami.Pruning, g *gallery) pruneDoc {
	doc := pruneDoc{
		FormatVersion: formatVersion, Region: g.Session.Region, Rehearsal: g.link.rehearsal != nil, Family: p.Family,
		Remove: []doomedDoc{}, Kept: []keptDoc{},
	}
	for _, d := range p.Remove {
		doc.Remove = append(doc.Remove, doomedDoc{d.Image.Version, d.Image.ID, list(d.Snapshots), d.GiB})
	}
	for _, s := range p.Strays {
		doc.Remove = append(doc.Remove, doomedDoc{s.Version, "", []string{s.ID}, s.Size})
	}
	for _, k := range p.Kept {
		doc.Kept = append(doc.Kept, keptDoc{k.Image.Version, k.Image.ID, k.Why})
	}
	return doc
}
