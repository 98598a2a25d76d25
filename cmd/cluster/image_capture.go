package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"cluster/fleet"
	"cluster/fleet/ami"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

// A captureRequest is the command line of image capture.
type captureRequest struct {
	family, version, from, file string
	noReboot, yes, record       bool
	remoteOptions
}

func (a *app) imageCaptureCommand() *cobra.Command {
	var q captureRequest
	c := &cobra.Command{
		Use:   "capture FAMILY VERSION --from NODE|INSTANCE [--file FILE] [--no-reboot] [--record] [--yes] [--json]",
		Short: "Make a version of an image from an instance",
		Long: `Stop an instance, have EC2 make an image of it, wait, check the image, and start
the instance again. --from is an instance, i-…, or a node such as compute-17 of
the cluster that --file describes. With --no-reboot it runs on; the image is
then as after a power cut.

With --record, the node is asked over ssh what is installed, before it is
stopped, as by cluster verify --level node. The answer becomes a tag of the
image, which its nodes are compared with later.

A version is made once: EC2 gives each name of an image once, and the name is
made of family and version. Interrupted or killed, the same command goes on
where it stopped: no second image, and an instance that it stopped runs again.
An image that EC2 gives up is removed with its snapshots.

EXIT STATUS
  0    captured, or it was captured from this instance before
  1    failed: an API error, an image that EC2 gave up
  5    refused: the version is there from something else, the instance cannot be
       captured or asked, or a missing confirmation
  64   the command line is wrong; nothing was called
  130  interrupted`,
		Args: words("FAMILY", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			q.family, q.version = args[0], args[1]
			return a.imageCapture(c.Context(), q)
		},
	}
	c.Flags().StringVar(&q.from, "from", "", "the `instance`, i-…, or a node such as compute-17")
	c.Flags().StringVar(&q.file, "file", "", "the cluster `file` that the node is of")
	c.Flags().BoolVar(&q.noReboot, "no-reboot", false, "leave the instance running; the image is only crash-consistent")
	c.Flags().BoolVar(&q.record, "record", false, "ask the node over ssh what is installed, and record it with the image")
	q.remoteOptions.flags(c)
	c.Flags().BoolVarP(&q.yes, "yes", "y", false, "do not ask before the instance is stopped")
	a.jsonFlag(c, events, "write one JSON event a line")
	return c
}

var instanceForm = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

func (a *app) imageCapture(ctx context.Context, q captureRequest) error {
	a.startImageStream()
	want := &spec.Cluster{Region: a.region}
	node := !instanceForm.MatchString(q.from)
	var err error
	switch {
	case q.from == "":
		return &usageError{message: "image capture needs --from", hint: "Name an instance, --from i-…, or a node and its cluster's file, --from compute-0 --file FILE."}
	case node && q.file == "":
		return &usageError{message: fmt.Sprintf("%q is not the id of an instance", q.from), hint: "For a node, name the file of its cluster: --file FILE."}
	case q.record && q.file == "":
		return &usageError{message: "--record is about a node of a cluster", hint: "Name the file of the cluster: --file FILE."}
	case q.file != "":
		if want, err = a.load(q.file); err != nil {
			return err
		}
	}
	var way sshWay
	if q.record {
		if way, err = a.sshWay("CLUSTER_SSH"); err != nil {
			return err
		}
	}
	a.limits(ami.Limits(q.noReboot))
	l, err := a.connect(ctx, want)
	if err != nil {
		return err
	}
	defer l.close()
	a.streamOf(l)
	instance := q.from
	if node {
		if instance, err = a.instanceOf(ctx, l, want, q.from); err != nil {
			return err
		}
	}
	v := a.newImageView(l.Session.Now, false)
	k := &ami.Keeper{Session: l.Session, Notify: v.event}
	c := ami.Capture{Family: q.family, Version: q.version, Instance: instance, NoReboot: q.noReboot}
	if q.record {
		c.Ask = func(ctx context.Context) (string, error) {
			return a.installed(ctx, l, want, instance, way, q.remoteOptions)
		}
	}
	if !q.yes {
		c.Consent = func() error {
			return a.confirm(ctx, fmt.Sprintf("Stop %s in %s, to capture it as %s %s?", instance, l.Session.Region, q.family, q.version), "yes")
		}
	}
	done, err := k.Capture(ctx, c)
	v.close()
	a.captured(ctx, q, done, err, l)
	return interruptedBy(ctx, err)
}

// instanceOf is the instance of a node.
func (a *app) instanceOf(ctx context.Context, l *link, want *spec.Cluster, node string) (string, error) {
	have, err := l.Observe(ctx, want, fleet.Nodes)
	if err != nil {
		return "", err
	}
	var names []string
	for _, i := range have.Instances {
		if i.State.Dead() {
			continue
		}
		name := planner.NodeName(i.Group, i.Slot)
		if name == node {
			return i.ID, nil
		}
		names = append(names, name)
	}
	e := &refusedError{message: fmt.Sprintf("cluster %s has no node %s", want.Name, node)}
	switch near := spec.Nearest(node, names); {
	case near != "":
		e.hint = fmt.Sprintf("Did you mean %s?", near)
	case len(names) == 0:
		e.hint = fmt.Sprintf("None of its nodes is there. To launch them: cluster up %s", shellWord(want.Source.Block.Filename))
	default:
		e.hint = "Its nodes are " + some(names, 8, "cluster status shows all") + "."
	}
	return "", e
}

// captured says what a capture came to.
func (a *app) captured(ctx context.Context, q captureRequest, done ami.Captured, err error, l *link) {
	label := q.family + " " + q.version
	if a.stream != nil {
		a.stream.last = map[string]any{"region": l.Session.Region, "rehearsal": l.rehearsal != nil, "instance_id": done.Instance,
			"already": done.Already, "instance_stopped": done.Stopped}
		if done.Image.ID != "" {
			a.stream.last["image"] = newVersionDoc(done.Image, 0)
		}
	}
	switch {
	case err == nil && a.stream == nil && done.Already:
		a.out.printf("%s: already captured, %s: nothing to do  %s\n", label, done.Image.ID, l.effort())
	case err == nil && a.stream == nil:
		a.out.printf("%s: captured from %s: %s (%s, %d GiB)  %s\n", label, done.Instance, done.Image.ID, done.Image.RootSnapshot, done.Image.Size(), l.effort())
	case errors.Is(context.Cause(ctx), errInterrupted):
		if done.Image.ID != "" {
			a.err.printf("%s: %s is being made, and EC2 goes on with it\n", label, done.Image.ID)
		}
		if done.Stopped {
			a.err.printf("%s: %s is stopped, and started again by the next run\n", label, done.Instance)
		}
		a.err.printf("Nothing is lost. To go on: %s\n", a.again)
	case done.Stopped:
		a.err.printf("%s: %s is stopped and could not be started again; the same command tries it once more\n", label, done.Instance)
	}
}

// limits tells what EC2 does not do, before anything is called.
func (a *app) limits(sentences []string) {
	if a.stream != nil {
		a.stream.write("info", "limits", "what EC2 does not do", map[string]any{"limits": sentences})
		return
	}
	for _, s := range sentences {
		a.err.printf("%snote:%s %s\n", dim, reset, s)
	}
}

// startImageStream begins the stream of events of a verb that makes images, if --json asked for one.
func (a *app) startImageStream() {
	if a.startStream(); a.stream != nil {
		a.stream.bare = true
	}
}

// streamOf lets the stream's summary count the calls of a region.
func (a *app) streamOf(l *link) {
	if a.stream != nil {
		a.stream.link = l
	}
}

// interruptedBy joins the interrupt to the error of a verb that it has ended.
func interruptedBy(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errInterrupted) {
		return errors.Join(err, errInterrupted)
	}
	return err
}
