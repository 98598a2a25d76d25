package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/fleet/attest"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) traceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "trace FILE NODE [--json]",
		Short: "Show where one node comes from, from the file to the instance",
		Long: `Follow one node, named like compute-17 or by its instance's id, link by link:
the line of the file, the lock file, the image, its root snapshot, the root
volume, the instance. Each link is ok, broken or unproven; a broken one says
what was expected and what is there. It finds the same as verify.

EXIT STATUS
  0    unbroken
  1    failed: an API error
  4    a link is broken or unproven
  64   the command line, the cluster file or its lock is wrong, or there is no
       such node
  130  interrupted`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return &usageError{
				message: fmt.Sprintf("trace takes a cluster file and a node, and got %s", plural(len(args), "argument")),
				hint:    "Write: cluster trace FILE NODE, with a node such as compute-17 or an instance's id.",
			}
		},
		RunE: func(c *cobra.Command, args []string) error { return a.trace(c.Context(), args[0], args[1]) },
	}
	a.jsonFlag(c, document, "write the chain as JSON")
	return c
}

// A brokenError is a chain with a link that does not hold. The chain itself has been shown.
type brokenError struct{ node string }

func (e *brokenError) Error() string { return "the chain of " + e.node + " is broken" }

func (a *app) trace(ctx context.Context, path, node string) error {
	want, err := a.load(path)
	if err != nil {
		return err
	}
	lock, err := a.readLock(path)
	if err != nil {
		return err
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	lock.tell(want, l, false)
	have, err := l.Observe(ctx, want, fleet.Roots)
	if err != nil {
		return err
	}
	chain, ok := planner.Trace(want, have, node)
	if !ok {
		return unknownNode(want, node)
	}
	doc := newTraceDoc(want, chain, l)
	if a.format == document {
		a.out.json(doc, true)
	} else {
		a.traceText(doc)
	}
	if !doc.Unbroken {
		return &brokenError{doc.Node}
	}
	return nil
}

// unknownNode says which nodes there are instead.
func unknownNode(want *spec.Cluster, node string) error {
	e := &usageError{message: fmt.Sprintf("cluster %s has no node %s", want.Name, node)}
	if strings.HasPrefix(node, "i-") {
		e.hint = "No instance of the cluster that lives has this id. cluster status shows those that do."
		return e
	}
	name, _, _ := cutLast(node, "-")
	var names, ranges []string
	for _, g := range want.Groups {
		names = append(names, g.Name)
		if g.Count > 0 {
			ranges = append(ranges, nodeRange(g))
		}
	}
	near := spec.Nearest(name, names)
	if slices.Contains(names, name) {
		near = name
	}
	switch g, ok := want.Group(near); {
	case ok && near == name && g.Count > 0:
		e.hint = fmt.Sprintf("Its nodes are %s.", nodeRange(*g))
	case ok && g.Count > 0:
		e.hint = fmt.Sprintf("Did you mean a node of %s? They are %s.", near, nodeRange(*g))
	case len(ranges) > 0:
		e.hint = fmt.Sprintf("The nodes are %s.", strings.Join(ranges, ", "))
	default:
		e.hint = "The file wants no nodes."
	}
	return e
}

// nodeRange is the nodes of a group in a word.
func nodeRange(g spec.Group) string {
	if g.Count == 1 {
		return planner.NodeName(g.Name, 0)
	}
	return fmt.Sprintf("%s-[0-%d]", g.Name, g.Count-1)
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// A traceDoc is a chain in JSON.
type traceDoc struct {
	FormatVersion string    `json:"format_version"`
	Cluster       string    `json:"cluster"`
	Region        string    `json:"region"`
	Rehearsal     bool      `json:"rehearsal"`
	Node          string    `json:"node"`
	Instance      string    `json:"instance_id"` // empty: no instance holds the slot
	Unbroken      bool      `json:"unbroken"`
	Links         []linkDoc `json:"links"`
}

type linkDoc struct {
	Link   string         `json:"link"`  // file, lock, image, snapshot, volume or instance
	State  string         `json:"state"` // ok, broken or unproven
	Want   string         `json:"want,omitempty"`
	Got    string         `json:"got,omitempty"`
	ID     string         `json:"id,omitempty"` // of what the link is about
	Source *sourceDoc     `json:"source,omitempty"`
	Facts  map[string]any `json:"facts"`

	text string // the facts in words
}

func newTraceDoc(want *spec.Cluster, c planner.Chain, l *link) traceDoc {
	doc := traceDoc{
		FormatVersion: formatVersion, Cluster: want.Name, Region: l.Session.Region, Rehearsal: l.rehearsal != nil,
		Node: c.Node, Unbroken: c.Unbroken(), Links: []linkDoc{},
	}
	if c.Instance != nil {
		doc.Instance = c.Instance.ID
	}
	for _, link := range c.Links {
		d := linkDoc{Link: link.Kind, State: string(link.State), Want: link.Want, Got: link.Got, Facts: map[string]any{}}
		d.fill(want, c)
		doc.Links = append(doc.Links, d)
	}
	return doc
}

// fill adds what is known of the thing that a link is about.
func (d *linkDoc) fill(want *spec.Cluster, c planner.Chain) {
	var words []string
	add := func(name string, value any, text string) {
		if value != "" && value != 0 {
			d.Facts[name] = value
			words = append(words, text)
		}
	}
	img, inst := c.Use.Image, c.Instance
	switch d.Link {
	case planner.LinkFile:
		d.Source = newSourceDoc(want.Source.Block)
		if c.Group != nil {
			d.Source = newSourceDoc(c.Group.Source.Block)
			add("group", c.Group.Name, "group "+c.Group.Name)
			d.Facts["count"] = c.Group.Count
			words = append(words, fmt.Sprintf("count %d", c.Group.Count))
		}
	case planner.LinkLock:
		d.Source = newSourceDoc(c.Use.Locked.Source.Block)
		d.ID = c.Use.Locked.ID
		add("asked", c.Use.Asked.String(), c.Use.Asked.String())
	case planner.LinkImage:
		d.ID = img.ID
		add("name", img.Name, img.Name)
		family, version := img.Tags[planner.TagImageFamily], img.Tags[planner.TagImageVersion]
		if c.Use.Gone {
			family, version = c.Use.Locked.Family, c.Use.Locked.Version
			add("deregistered", true, "deregistered since")
		}
		add("family", family, family)
		add("version", version, version)
		if content, ok := attest.ParseContent(img.Tags[planner.TagImageContent]); ok {
			add("content", content.String(), content.Text())
		}
		add("ancestors", strings.Join(c.Use.Ancestors, ", "), "made from "+strings.Join(c.Use.Ancestors, ", "))
		if len(c.Use.Ancestors) > 0 {
			d.Facts["ancestors"] = c.Use.Ancestors
		}
	case planner.LinkSnapshot:
		d.ID = img.RootSnapshot
		add("size", img.RootSize, fmt.Sprintf("%d GiB", img.RootSize))
	case planner.LinkVolume:
		if inst != nil {
			d.ID = inst.RootVolumeID
			add("type", inst.RootType, inst.RootType)
			add("size", inst.RootSize, fmt.Sprintf("%d GiB", inst.RootSize))
		}
	case planner.LinkInstance:
		if inst != nil {
			d.ID = inst.ID
			add("state", string(inst.State), string(inst.State))
			add("instance_type", inst.InstanceType, inst.InstanceType)
			add("zone", inst.Zone, "in "+inst.Zone)
			launched := inst.Launched.UTC().Format(time.RFC3339)
			add("launched", launched, "launched "+launched)
			add("reservation", inst.Reservation, "by call "+inst.Reservation)
			d.Facts["launch_index"], d.Facts["slot"] = inst.LaunchIndex, inst.Slot
			words = append(words, "as its number "+strconv.Itoa(inst.LaunchIndex), "slot "+strconv.Itoa(inst.Slot))
		}
	}
	d.text = strings.Join(words, " ")
}

// traceText writes a chain, a line a link.
func (a *app) traceText(doc traceDoc) {
	verdict := "unbroken"
	if i := slices.IndexFunc(doc.Links, func(l linkDoc) bool { return l.State != string(planner.LinkOK) }); i >= 0 {
		verdict = fmt.Sprintf("%s at %s", doc.Links[i].State, doc.Links[i].Link)
	}
	region := doc.Region
	if doc.Rehearsal {
		region += " (rehearsal)"
	}
	a.out.printf("%s%s of %s in %s: %s%s\n", bold, doc.Node, doc.Cluster, region, verdict, reset)
	for _, l := range doc.Links {
		colour := green
		if l.State != string(planner.LinkOK) {
			colour = red
		}
		what := l.ID
		if l.Source != nil {
			what = strings.TrimSpace(fmt.Sprintf("%s:%d  %s", l.Source.File, l.Source.Line, l.ID))
		}
		a.out.printf("  %-8s  %s%-8s%s  %s\n", l.Link, colour, l.State, reset, strings.TrimRight(what+"  "+l.text, " "))
		if l.State != string(planner.LinkOK) {
			a.out.printf("            should be %s and is %s\n", cmp.Or(l.Want, "none"), cmp.Or(l.Got, "unproven"))
		}
	}
}
