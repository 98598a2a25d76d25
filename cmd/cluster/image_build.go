package main

import (
	"context"
	"errors"
	"fmt"

	"cluster/fleet/ami"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) imageBuildCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "build FILE [--yes] [--json]",
		Short: "Build a version of an image from a file",
		Long: `Launch a builder from the base that an image file names, run the file's script
on it as root, clear it of what belongs to one machine (host keys, authorized
keys, machine id, histories, logs, cloud-init's memory), capture it, launch one
instance of the image to see it boot, and end both.

  image "hpc-base" {
    version       = "1.0.0"
    provision     = "provision.sh"    # or provision_script = the text itself
    instance_type = "c7i.large"
    base {                            # as an image in a cluster file
      name   = "al2023-ami-2023.*-x86_64"
      owners = ["amazon"]
    }
    network     { subnets = ["subnet-…"] }    # and security_groups, key_name
    root_volume { size = 20 }                 # and type, encrypted, kms_key_id
    tags      = { project = "wind" }
    boot_test = true
    timeout   = "1h"
  }

The script and what is put around it have at most 16 KiB, EC2's limit, and it
must not reboot. Its output is on the builder's console. A version that was
built from the same base, script, volume and tags is left as it is; from
anything else, it needs another version. Interrupted or killed, the same command
goes on where it stopped: there are never two builders, and none is left in the
end.

EXIT STATUS
  0    built, or it was built from the same before
  1    failed: an API error, the script, an image that does not boot
  3    short: there is no capacity or no quota for the builder
  5    refused: the version is there from something else, the base cannot be
       launched, or a missing confirmation
  64   the command line or the file is wrong; nothing was called
  130  interrupted`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return &usageError{message: "image build needs an image file", hint: "Write: cluster image build FILE. One file is one image."}
		},
		RunE: func(c *cobra.Command, args []string) error { return a.imageBuild(c.Context(), args[0], yes) },
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask before the builder is launched")
	a.jsonFlag(c, events, "write one JSON event a line")
	return c
}

// loadBuild reads the image file. Its warnings are shown at once; its errors are returned together.
func (a *app) loadBuild(path string) (*spec.Build, error) {
	m, sources, diags := spec.LoadBuild(path, spec.Options{Inputs: a.inputs, Env: a.env})
	a.sources = sources
	if diags.HasErrors() {
		return nil, &fileError{diags}
	}
	a.show(diags)
	if a.region != "" {
		m.Region = a.region
	}
	return m, nil
}

func (a *app) imageBuild(ctx context.Context, path string, yes bool) error {
	a.startImageStream()
	m, err := a.loadBuild(path)
	if err != nil {
		return err
	}
	l, err := a.connect(ctx, &spec.Cluster{Region: m.Region})
	if err != nil {
		return err
	}
	defer l.close()
	a.streamOf(l)
	v := a.newImageView(l.Session.Now, false)
	k := &ami.Keeper{Session: l.Session, Notify: v.event}
	consent := func(base planner.Image) error {
		a.buildText(m, base, l)
		if yes {
			return nil
		}
		return a.confirm(ctx, fmt.Sprintf("Launch a %s in %s to build %s %s?", m.InstanceType, l.Session.Region, m.Family, m.Version), "yes")
	}
	done, err := k.Build(ctx, m, consent)
	v.close()
	a.built(ctx, m, done, err, l)
	return interruptedBy(ctx, err)
}

// buildText says what will be done, before it is.
func (a *app) buildText(m *spec.Build, base planner.Image, l *link) {
	if a.stream != nil {
		return
	}
	where := l.Session.Region
	if l.rehearsal != nil {
		where += " (rehearsal: nothing of this is real)"
	}
	a.err.printf("%s%s %s: to build%s\n\n", bold, m.Family, m.Version, reset)
	a.err.printf("Region  %s\n", where)
	a.err.printf("Base    %s  %s\n", base.ID, base.Name)
	a.err.printf("Script  %d bytes, run on a %s, for at most %s\n\n", len(m.Script), m.InstanceType, m.Timeout)
}

// built says what a build came to.
func (a *app) built(ctx context.Context, m *spec.Build, done ami.Built, err error, l *link) {
	label := m.Family + " " + m.Version
	if a.stream != nil {
		a.stream.last = map[string]any{"region": l.Session.Region, "rehearsal": l.rehearsal != nil, "already": done.Already,
			"base": done.Base.ID, "launched": list(done.Launched)}
		if done.Image.ID != "" {
			a.stream.last["image"] = newVersionDoc(done.Image, 0)
		}
	}
	switch {
	case err == nil && a.stream == nil && done.Already:
		a.out.printf("%s: nothing to do: base, script, volume and tags are those that %s was built from  %s\n", label, done.Image.ID, l.effort())
	case err == nil && a.stream == nil:
		a.out.printf("%s: built from %s: %s (%s, %d GiB)  %s\n", label, done.Base.ID, done.Image.ID, done.Image.RootSnapshot, done.Image.Size(), l.effort())
	case errors.Is(context.Cause(ctx), errInterrupted):
		if done.Image.ID != "" {
			a.err.printf("%s: %s exists; the next run says whether it is right\n", label, done.Image.ID)
		}
		if len(done.Launched) > 0 {
			a.err.printf("%s: %s still there, until the next run, or cluster gc, ends it\n", label, some(done.Launched, 5, ""))
		}
		a.err.printf("Nothing is lost. To go on: %s\n", a.again)
	case len(done.Launched) > 0:
		a.err.printf("%s: %s could not be terminated; the next run, or cluster gc, tries it again\n", label, some(done.Launched, 5, ""))
	}
}
