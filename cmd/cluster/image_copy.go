package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cluster/fleet"
	"cluster/fleet/ami"
	"cluster/spec"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func (a *app) imageCopyCommand() *cobra.Command {
	var to, keys []string
	of := ""
	c := &cobra.Command{
		Use:   "copy FAMILY VERSION --to REGION... [--kms-key REGION=KEY...] [--of IMAGE] [--json]",
		Short: "Copy a version to other regions",
		Long: `Have EC2 copy a version of this region into others, all at once, with its tags,
and share each copy with whom the original is shared; a tag of the copy names
the original. What runs in one region is then launched in the other by the same
file. Image and snapshot ids differ from region to region.

An encrypted copy has the default key of its region, which cannot be shared,
unless --kms-key names another. Channels do not follow, because each region
decides on its own what is stable in it: cluster image promote --region REGION.

With --of, an image that another account shares is copied and becomes FAMILY
VERSION of this account, which nobody can take back. --to may then be this
region.

Interrupted or killed, the same command goes on where it stopped; a copy that is
there and complete is left as it is. A copy that EC2 gives up is removed.

EXIT STATUS
  0    every region has it
  1    failed: an API error, a copy that EC2 gave up; other regions may have it
  5    refused: no such version, its name is taken there, or it cannot be shared
       there
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.imageCopy(c.Context(), args[0], args[1], of, to, keys)
		},
	}
	c.Flags().StringSliceVar(&to, "to", nil, "the `region` to copy it to (repeatable, or R,R)")
	c.Flags().StringSliceVar(&keys, "kms-key", nil, "the key of a copy, as `REGION=KEY` (repeatable)")
	c.Flags().StringVar(&of, "of", "", "copy this `image`, ami-…, that another account shares")
	a.jsonFlag(c, events, "write one JSON event a line")
	return c
}

// A destination is one region that an image goes to.
type destination struct {
	region, key string
	gallery     *gallery
	done        ami.Transferred
	err         error
}

// copiesAtOnce is how many regions are worked on at the same time.
const copiesAtOnce = 8

func (a *app) imageCopy(ctx context.Context, family, version, of string, to, keys []string) error {
	a.startImageStream()
	targets, err := destinations(to, keys)
	if err != nil {
		return err
	}
	if of != "" && !ami.IsID(of) {
		return &usageError{message: fmt.Sprintf("--of %s is not the id of an image", of), hint: "An image id is ami- and 8 or 17 hexadecimal digits."}
	}
	g, err := a.gallery(ctx, "")
	if err != nil {
		return err
	}
	defer g.close()
	a.streamOf(g.link)
	for _, d := range targets {
		if d.region == g.Session.Region && of == "" {
			return &usageError{message: fmt.Sprintf("--to %s is the region that the image is in", d.region), hint: "The region that is copied from is that of --region, or of the AWS configuration."}
		}
		if d.gallery, err = a.gallery(ctx, d.region); err != nil {
			return err
		}
		defer d.gallery.close()
	}
	img, shares, err := g.source(ctx, family, version, of)
	if err != nil {
		return err
	}
	v := a.newImageView(g.Session.Now, true)
	var group errgroup.Group // without a context: one region's failure ends no other
	group.SetLimit(copiesAtOnce)
	for _, d := range targets {
		group.Go(func() error {
			d.gallery.Notify = v.event
			d.done, d.err = d.gallery.Transfer(ctx, ami.Transfer{Image: img, Region: g.Session.Region, KMSKey: d.key, Shares: shares})
			return nil
		})
	}
	group.Wait()
	v.close()
	return a.copied(ctx, g, img, targets)
}

// source is the image to copy, and whom it is shared with: a version of ours or, with of, an image that another
// account shares, as the version that it is to become. Whom that is shared with only its owner sees.
func (g *gallery) source(ctx context.Context, family, version, of string) (img ami.Image, s ami.Shares, err error) {
	if of != "" {
		img, err = g.Describe(ctx, of)
		return img.As(family, version), s, err
	}
	all, err := g.Family(ctx, family)
	if err != nil {
		return img, s, err
	}
	if img, err = ami.PickVersion(all, version); err != nil {
		return img, s, err
	}
	s, err = g.Shares(ctx, img)
	return img, s, err
}

// destinations reads --to and --kms-key; sorted by region.
func destinations(to, keys []string) ([]*destination, error) {
	if len(to) == 0 {
		return nil, &usageError{message: "image copy needs --to", hint: "Name the regions that the image goes to: --to eu-west-1,us-west-2."}
	}
	at := map[string]*destination{}
	for _, r := range to {
		if p := spec.RegionProblem(r); p != "" {
			return nil, &usageError{message: "--to: " + strings.TrimSuffix(p, ".")}
		}
		at[r] = &destination{region: r}
	}
	for _, k := range keys {
		region, key, ok := strings.Cut(k, "=")
		d := at[region]
		switch {
		case !ok || key == "":
			return nil, &usageError{message: fmt.Sprintf("--kms-key %s is not REGION=KEY", k), hint: "Each region has keys of its own: --kms-key eu-west-1=arn:aws:kms:eu-west-1:…"}
		case d == nil:
			return nil, &usageError{message: fmt.Sprintf("--kms-key names the region %q, and --to does not", region)}
		case strings.HasPrefix(key, "arn:") && keyRegion(key) != region:
			return nil, &usageError{message: fmt.Sprintf("the key %s is one of %q, and cannot be used in %s", key, keyRegion(key), region)}
		}
		d.key = key
	}
	var all []*destination
	for _, r := range slices.Sorted(maps.Keys(at)) {
		all = append(all, at[r])
	}
	return all, nil
}

// keyRegion is the region in a key's ARN, arn:aws:kms:REGION:ACCOUNT:key/….
func keyRegion(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// copied says what has become of each copy.
func (a *app) copied(ctx context.Context, g *gallery, img ami.Image, targets []*destination) error {
	var errs []error
	label := img.Family + " " + img.Version
	stopped := errors.Is(context.Cause(ctx), errInterrupted)
	there := 0
	for _, d := range targets {
		errs = append(errs, d.err)
		switch id := d.done.Image.ID; {
		case d.err == nil:
			if there++; a.stream != nil {
				break
			}
			if d.done.Already {
				a.out.printf("%s: %s has it already: %s, nothing to do\n", label, d.region, id)
			} else {
				a.out.printf("%s: %s has it: %s (%s)\n", label, d.region, id, d.done.Image.RootSnapshot)
			}
		case stopped && id != "":
			a.err.printf("%s: %s is being made in %s, and EC2 goes on with it\n", label, id, d.region)
		}
	}
	a.copiedTally(g, img, targets, there)
	switch {
	case stopped:
		a.err.printf("Nothing is lost. To go on: %s\n", a.again)
	case there > 0 && len(img.Channels) > 0:
		a.err.printf("%snote:%s %s holds %s here and no channel there. To promote it: cluster image promote %s %s --channel %s --region %s\n",
			dim, reset, label, strings.Join(img.Channels, ", "), img.Family, img.Version, img.Channels[0], targets[0].region)
	}
	return interruptedBy(ctx, errors.Join(errs...))
}

// copiedTally ends what is written on standard output, with what all regions took together.
func (a *app) copiedTally(g *gallery, img ami.Image, targets []*destination, there int) {
	calls, by := g.Session.Calls()
	took := g.Session.Elapsed() // its first request was the first of all
	var copies []map[string]any
	for _, d := range targets {
		n, more := d.gallery.Session.Calls()
		calls += n
		for action, n := range more {
			by[action] += n
		}
		copies = append(copies, map[string]any{"region": d.region, "id": d.done.Image.ID, "state": d.done.Image.State, "already": d.done.Already, "complete": d.err == nil})
	}
	if a.stream != nil {
		a.stream.last = map[string]any{"region": g.Session.Region, "rehearsal": g.link.rehearsal != nil, "image": newVersionDoc(img, 0), "copies": copies,
			"api_calls": calls, "calls": by, "seconds": toMillis(took)}
		return
	}
	a.out.printf("%s: in %d of %s  %s\n", img.Family+" "+img.Version, there, plural(len(targets), "region"),
		effort(fleet.Report{Calls: calls, Elapsed: took}, g.link))
}
