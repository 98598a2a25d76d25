package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cluster/fleet/ami"
	"cluster/fleet/attest"

	"github.com/spf13/cobra"
)

func (a *app) imageShowCommand() *cobra.Command {
	var regions []string
	c := &cobra.Command{
		Use:   "show FAMILY VERSION|CHANNEL or show ami-… [--regions R,R] [--json]",
		Short: "Show all that there is to know of one image",
		Long: `Show one image: who may launch it, its snapshots, what it was made from, who
uses it, and with --regions its copies in other regions.

EXIT STATUS
  0    shown
  1    failed: an API error
  5    there is no such image
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: imageArgs,
		RunE: func(c *cobra.Command, args []string) error {
			family, which := imageWords(args)
			return a.imageShow(c.Context(), family, which, regions)
		},
	}
	c.Flags().StringSliceVar(&regions, "regions", nil, "look for copies in these other `regions`, R,R")
	a.jsonFlag(c, document, "write the image as JSON")
	return c
}

// imageArgs accepts an image: its id, or a family with a version or channel.
func imageArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 1 && ami.IsID(args[0]):
		return nil
	case len(args) == 1 && strings.HasPrefix(args[0], "ami-"):
		return &usageError{message: fmt.Sprintf("%q is no id of an image", args[0]), hint: "Such an id is ami- and 17 hexadecimal digits, or 8 in old ones."}
	}
	return words("FAMILY", "VERSION")(c, args)
}

// imageWords are the family, empty for an id, and which image of it.
func imageWords(args []string) (family, which string) {
	if len(args) == 1 {
		return "", args[0]
	}
	return args[0], args[1]
}

func (a *app) imageShow(ctx context.Context, family, which string, regions []string) error {
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	d, err := g.Show(ctx, family, which)
	if err != nil {
		return err
	}
	copies, err := a.copies(ctx, g, d.Family, regions)
	if err != nil {
		return err
	}
	if a.format == document {
		a.out.json(newShowDoc(d, copies[d.ID], g), true)
		return nil
	}
	a.showText(d, copies[d.ID], g)
	return nil
}

func (a *app) showText(d ami.Details, copies []ami.Copy, g *gallery) {
	now := g.Session.Now()
	a.out.printf("%s%s in %s%s\n\n", bold, d.Text(), g.region(), reset)
	say := func(what, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			a.out.printf("  %s  %s\n", fmt.Sprintf("%-12s", what), text)
		}
	}
	say("name", "%s", d.Name)
	say("state", "%s, made %s (%s ago)", imageState(d.Image), d.Created.Format(time.DateOnly), since(now, d.Created))
	say("channels", "%s", strings.Join(d.Channels, ", "))
	for _, p := range d.Promotions {
		switch {
		case p.Withdrawn:
			say("rolled back", "from %s at %s", p.Channel, p.At.Format(time.RFC3339))
		case !p.At.IsZero():
			say("promoted", "to %s at %s", p.Channel, p.At.Format(time.RFC3339))
		}
	}
	for _, n := range remarks(d.Image, copies, now) {
		say("note", "%s", n)
	}
	say("boots", "%s, %s", d.Architecture, strings.Join(filled(d.BootMode, "IMDS "+d.IMDS), ", "))
	say("description", "%s", d.Description)
	for _, p := range d.Parts {
		say("snapshot", "%s", partText(p))
	}
	for _, k := range d.OtherTags() {
		say("tag", "%s = %s", k, d.Tags[k])
	}
	say("captured", "%s", d.From)
	say("tested", "%s", d.Tested)
	if c, ok := attest.ParseContent(d.Content); ok {
		say("content", "%s", c.Text())
	}
	for _, n := range d.Ancestors {
		say("made from", "%s", ancestorText(n))
	}
	if d.Own {
		say("shared with", "%s", d.Grants.Text())
		for _, who := range [][]string{d.Grants.Accounts, d.Grants.Orgs, d.Grants.OUs} {
			for _, w := range who {
				say("", "%s", w)
			}
		}
	} else {
		say("owner", "%s", strings.Join(filled(d.Owner, d.OwnerAlias), ", "))
	}
	say("used by", "%s", plural(len(d.Uses), "instance"))
	for n, u := range d.Uses {
		if n == fewNodes && !a.verbose {
			say("", "and %d more (--verbose)", len(d.Uses)-n)
			break
		}
		say("", "%s", strings.Join(filled(u.Instance, u.State, u.Name), "  "))
	}
}

// imageState is the state and, if EC2 gives one, the reason.
func imageState(i ami.Image) string {
	return strings.Join(filled(i.State, i.StateReason), ": ")
}

func partText(p ami.Part) string {
	if p.State == "" {
		return p.ID + "  gone"
	}
	key := "not encrypted"
	if p.Key != "" {
		key = "key " + p.Key
	}
	return fmt.Sprintf("%s  %s  %d GiB  %s  %s", p.ID, p.Device, p.Size, p.State, key)
}

func ancestorText(n ami.Ancestor) string {
	if n.Image.ID == "" {
		return n.ID + "  gone, or not to be seen by this account"
	}
	return n.Image.Text()
}

// filled are the texts that are not empty, or a bare word of ours before nothing.
func filled(texts ...string) (all []string) {
	for _, t := range texts {
		if t != "" && !strings.HasSuffix(t, " ") {
			all = append(all, t)
		}
	}
	return all
}

// A showDoc is one image, in JSON.
type showDoc struct {
	FormatVersion string `json:"format_version"`
	Region        string `json:"region"`
	Rehearsal     bool   `json:"rehearsal"`
	versionDoc
	Owner        string        `json:"owner"`
	Architecture string        `json:"architecture"`
	BootMode     string        `json:"boot_mode"`
	IMDS         string        `json:"imds_support"`
	Parts        []partDoc     `json:"snapshot_details"`
	Ancestors    []ancestorDoc `json:"ancestors"` // what it was made from first
	Uses         []useDoc      `json:"instances"`
	Tags         tagsDoc       `json:"tags"`

	Promotions []promotionDoc `json:"promotions"` // by channel
}

type promotionDoc struct {
	Channel   string    `json:"channel"`
	At        time.Time `json:"at,omitzero"` // missing: by the plain tag of older images
	Withdrawn bool      `json:"withdrawn"`   // it was rolled back then
}

type tagsDoc map[string]string

type grantsDoc struct {
	Accounts []string `json:"accounts"`
	Orgs     []string `json:"organizations"`
	OUs      []string `json:"organizational_units"`
	Public   bool     `json:"public"`
}

func newGrantsDoc(g ami.Grants) *grantsDoc {
	return &grantsDoc{list(g.Accounts), list(g.Orgs), list(g.OUs), g.Public}
}

type partDoc struct {
	Device string `json:"device"`
	ID     string `json:"id"`
	State  string `json:"state"` // empty: it is gone
	GiB    int    `json:"gib"`
	Key    string `json:"kms_key_id,omitempty"`
}

type ancestorDoc struct {
	ID      string `json:"id"`
	Found   bool   `json:"found"` // false: it is gone, or not to be seen
	Name    string `json:"name,omitempty"`
	Family  string `json:"family,omitempty"`
	Version string `json:"version,omitempty"`
	Owner   string `json:"owner,omitempty"`
}

type useDoc struct {
	Instance string `json:"instance_id"`
	State    string `json:"state"`
	Cluster  string `json:"cluster,omitempty"`
	Name     string `json:"name,omitempty"`
}

func newShowDoc(d ami.Details, copies []ami.Copy, g *gallery) showDoc {
	doc := showDoc{
		FormatVersion: formatVersion, Region: g.Session.Region, Rehearsal: g.link.rehearsal != nil, versionDoc: newVersionDoc(d.Image, len(d.Uses)),
		Owner: d.Owner, Architecture: d.Architecture, BootMode: d.BootMode, IMDS: d.IMDS,
		Parts: []partDoc{}, Ancestors: []ancestorDoc{}, Uses: []useDoc{}, Tags: tagsDoc{},
		Promotions: []promotionDoc{},
	}
	for _, p := range d.Promotions {
		doc.Promotions = append(doc.Promotions, promotionDoc{p.Channel, p.At, p.Withdrawn})
	}
	for _, c := range copies {
		doc.Copies = append(doc.Copies, copyDoc{c.Region, c.ID, c.State})
	}
	if d.Own {
		doc.SharedWith = newGrantsDoc(d.Grants)
	}
	for _, p := range d.Parts {
		doc.Parts = append(doc.Parts, partDoc{p.Device, p.ID, p.State, p.Size, p.Key})
	}
	for _, n := range d.Ancestors {
		i := n.Image
		doc.Ancestors = append(doc.Ancestors, ancestorDoc{n.ID, i.ID != "", i.Name, i.Family, i.Version, i.Owner})
	}
	for _, u := range d.Uses {
		doc.Uses = append(doc.Uses, useDoc{u.Instance, u.State, u.Cluster, u.Name})
	}
	for k, v := range d.Tags {
		doc.Tags[k] = v
	}
	return doc
}
