package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"cluster/fleet/ami"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) imageCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "image",
		Short: "The life of an image: versions, channels, sharing, retirement",
		Long: `An image has a family and a version, such as hpc-base 1.4.0, and may hold
channels, such as stable. Cluster files name it by family and version, or by
family and channel. All of it stands in tags of the image, in one region.`,
		Args: a.unknownVerb,
		RunE: func(c *cobra.Command, _ []string) error {
			return &usageError{message: "image needs a command", hint: "The commands are: " + strings.Join(verbs(c), ", ") + "."}
		},
	}
	c.AddCommand(
		a.imageCaptureCommand(), a.imageBuildCommand(), a.imageCopyCommand(),
		a.imageListCommand(),
		a.imageShowCommand(),
		a.imagePromoteCommand(),
		a.imageRollbackCommand(),
		a.imageRevokeCommand(),
		a.imageRestoreCommand(),
		a.imageShareCommand(),
		a.imageUnshareCommand(),
		a.imageDeprecateCommand(),
		a.imageProtectCommand(),
		a.imagePruneCommand(),
		a.imageAuditCommand(),
		a.imageDiffCommand(),
	)
	return c
}

// A gallery is a keeper of images, and the way to its region.
type gallery struct {
	*ami.Keeper
	link *link
}

// gallery opens the images of a region: empty is that of --region or of the AWS configuration. It
// makes no call.
func (a *app) gallery(ctx context.Context, region string) (*gallery, error) {
	if region == "" {
		region = a.region
	}
	l, err := a.connect(ctx, &spec.Cluster{Region: region})
	if err != nil {
		return nil, err
	}
	k := &ami.Keeper{Session: l.Session}
	if a.format == text {
		k.Notify = a.imageEvent
	}
	return &gallery{Keeper: k, link: l}, nil
}

// close lets go of the region.
func (g *gallery) close() { g.link.close() }

// where is the region, for a headline.
func (g *gallery) where() string {
	if g.link.rehearsal != nil {
		return g.Session.Region + " (rehearsal: nothing of this is real)"
	}
	return g.Session.Region
}

// region is the region for a headline of what is only looked at, which fits on a line.
func (g *gallery) region() string {
	if g.link.rehearsal != nil {
		return g.Session.Region + " (rehearsal)"
	}
	return g.Session.Region
}

// imageEvent shows what a keeper did, with --verbose.
func (a *app) imageEvent(e ami.Event) {
	if a.verbose {
		a.err.printf("%s%s: %s %s, %s%s\n", dim, e.Region, cmp.Or(e.Snapshot, e.Image), string(e.Type), e.Message, reset)
	}
}

// words accepts positional arguments of these names. FAMILY and VERSION are checked for their form.
func words(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		form := c.CommandPath() + " " + strings.Join(names, " ")
		if len(args) != len(names) {
			return &usageError{
				message: fmt.Sprintf("image %s takes %s, and got %s", c.Name(), strings.Join(names, ", "), plural(len(args), "word")),
				hint:    "Write: " + form,
			}
		}
		for n, name := range names {
			if err := checkImageWord(name, args[n]); err != nil {
				return err
			}
		}
		return nil
	}
}

// checkImageWord checks what has a form.
func checkImageWord(name, s string) error {
	check := map[string]func(string) error{"FAMILY": ami.CheckFamily, "VERSION": ami.CheckVersion, "CHANNEL": ami.CheckChannel}[name]
	if check == nil {
		return nil
	}
	if err := check(s); err != nil {
		return &usageError{message: err.Error()}
	}
	return nil
}

// A versionDoc is an image with its life, in JSON. Names only grow.
type versionDoc struct {
	Family      string      `json:"family"`
	Version     string      `json:"version"`
	Channels    []string    `json:"channels"` // that it holds
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	State       string      `json:"state"`
	Created     time.Time   `json:"created"`
	Size        int         `json:"size_gib"`
	Encrypted   bool        `json:"encrypted"` // every snapshot of it
	Public      bool        `json:"public"`
	Parent      string      `json:"parent,omitempty"`    // id
	Tested      string      `json:"tested,omitempty"`    // what an instance of it came up well on, and when
	CopyOf      string      `json:"copy_of,omitempty"`   // REGION/id
	Deprecated  time.Time   `json:"deprecated,omitzero"` // from when on
	Protected   string      `json:"protected"`           // EC2's word; disabled if it is not
	Revoked     *revokedDoc `json:"revoked,omitempty"`   // nothing new is launched from it
	Snapshots   []string    `json:"snapshots"`           // ids
	UsedBy      int         `json:"used_by"`             // instances that are not terminated
	Copies      []copyDoc   `json:"copies,omitempty"`    // in the regions that were asked
	Description string      `json:"description,omitempty"`
	SharedWith  *grantsDoc  `json:"shared_with,omitempty"` // missing: nobody asked, or it is not ours
}

type revokedDoc struct {
	At     time.Time `json:"at,omitzero"`
	Reason string    `json:"reason"`
}

type copyDoc struct {
	Region string `json:"region"`
	ID     string `json:"id"`
	State  string `json:"state"`
}

func newVersionDoc(i ami.Image, uses int) versionDoc {
	encrypted, _ := i.Encrypted()
	doc := versionDoc{
		Family: i.Family, Version: i.Version, Channels: list(i.Channels), ID: i.ID, Name: i.Name, State: i.State, Created: i.Created,
		Size: i.Size(), Encrypted: encrypted, Public: i.Public, Parent: i.Parent, Tested: i.Tested, CopyOf: i.CopyOf, Deprecated: i.Deprecated,
		Protected: i.Protected, Snapshots: list(i.Snapshots()), UsedBy: uses, Description: i.Description,
	}
	if i.Revoked != nil {
		doc.Revoked = &revokedDoc{i.Revoked.At, i.Revoked.Reason}
	}
	return doc
}

// list is a list that is never null in JSON.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
