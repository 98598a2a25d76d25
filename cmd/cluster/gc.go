package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) gcCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "gc [--yes] [--json]",
		Short: "Remove what clusters left behind in a region",
		Long: `Look through one region, that of --region or of the AWS configuration, for what
carries the tags of any cluster and nobody needs: instances whose time to live
is over or that are pending for an hour, volumes and placement groups without an
instance, capacity reservations of launches that are over, and builders of
images after their time. Show it, ask, and remove it. What has no such tag is
never touched.

Look before you say yes: an empty placement group may belong to a launch that is
waiting for room, and a volume that its image keeps may hold results. Instances
are not waited for; their placement groups go the next time.

EXIT STATUS
  0    removed, or there was nothing to remove
  1    failed: an API error, an instance protected from termination
  5    refused: a missing confirmation; nothing was removed
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.gc(c.Context(), yes) },
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	a.jsonFlag(c, document, "write what was found and removed as JSON")
	return c
}

func (a *app) gc(ctx context.Context, yes bool) error {
	l, err := a.connect(ctx, &spec.Cluster{Region: a.region})
	if err != nil {
		return err
	}
	defer l.close()
	found, err := l.FindWaste(ctx)
	if err != nil {
		return err
	}
	doc := newGCDoc(found, l)
	if len(found) == 0 {
		if a.format == document {
			a.out.json(doc, true)
		} else {
			a.out.printf("%s: nothing left behind  %s\n", l.Session.Region, l.effort())
		}
		return nil
	}
	if a.format != document || !yes {
		a.wasteText(found, l)
	}
	if !yes {
		if err := a.confirm(ctx, fmt.Sprintf("Remove %s in %s? This cannot be undone.", kinds(found), l.Session.Region), "yes"); err != nil {
			if a.format == document {
				a.out.json(doc, true)
			}
			return err
		}
	}
	doc.Removed, err = l.Clear(ctx, found)
	if a.format == document {
		a.out.json(doc, true)
	} else {
		a.out.printf("%s: %d of %d removed (%s)  %s\n", l.Session.Region, doc.Removed, len(found), kinds(found), l.effort())
	}
	if errors.Is(err, errInterrupted) {
		a.err.printf("Nothing is lost. To go on: %s\n", a.again)
	}
	return err
}

// effort is what was spent in the region so far.
func (l *link) effort() string {
	r := fleet.Report{Elapsed: l.Session.Elapsed()}
	r.Calls, _ = l.Session.Calls()
	return effort(r, l)
}

// wasteText shows what was found, a line each.
func (a *app) wasteText(found []fleet.Waste, l *link) {
	region := l.Session.Region
	if l.rehearsal != nil {
		region += " (rehearsal: nothing of this is real)"
	}
	a.err.printf("%s%s left behind in %s%s\n\n", bold, kinds(found), region, reset)
	rows := [][]string{{"KIND", "ID", "CLUSTER", "GROUP", "SINCE", "WHY"}}
	for _, w := range found {
		rows = append(rows, []string{w.Kind, w.ID, cmp.Or(w.Cluster, w.Image), w.Group, since(l.Session.Now(), w.Since), w.Why})
	}
	a.err.table(rows)
	a.err.printf("\n")
}

// kinds counts what was found: "2 instances, 1 placement group". The order is that of first sight.
func kinds(found []fleet.Waste) string {
	counts := map[string]int{}
	var order []string
	for _, w := range found {
		if counts[w.Kind]++; counts[w.Kind] == 1 {
			order = append(order, w.Kind)
		}
	}
	for i, k := range order {
		order[i] = plural(counts[k], k)
	}
	return strings.Join(order, ", ")
}

// A gcDoc is what gc found and removed, in JSON.
type gcDoc struct {
	FormatVersion string     `json:"format_version"`
	Region        string     `json:"region"`
	Rehearsal     bool       `json:"rehearsal"`
	Found         []wasteDoc `json:"found"`   // by cluster, kind and id
	Removed       int        `json:"removed"` // of them
}

type wasteDoc struct {
	Kind    string    `json:"kind"` // instance, builder, volume, placement group, capacity reservation
	ID      string    `json:"id"`   // the name of a placement group
	Cluster string    `json:"cluster"`
	Group   string    `json:"group"`
	Image   string    `json:"image,omitempty"` // FAMILY/VERSION, of a builder
	Since   time.Time `json:"since,omitzero"`  // EC2 does not tell it of placement groups
	Why     string    `json:"why"`
}

func newGCDoc(found []fleet.Waste, l *link) gcDoc {
	doc := gcDoc{FormatVersion: formatVersion, Region: l.Session.Region, Rehearsal: l.rehearsal != nil, Found: []wasteDoc{}}
	for _, w := range found {
		doc.Found = append(doc.Found, wasteDoc{w.Kind, w.ID, w.Cluster, w.Group, w.Image, w.Since.UTC(), w.Why})
	}
	return doc
}
