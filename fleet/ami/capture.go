package ami

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Limits are what EC2 does not do for whoever captures an image, as sentences. They belong before the
// first call.
func Limits(noReboot bool) []string {
	limits := []string{
		"An image is a moment frozen in time: what changes on the instance later is not in it.",
		"Only EBS volumes are in it: what lies on instance store is not.",
		"The instance is stopped meanwhile; if it is a node of a cluster that runs, its jobs end.",
		"What belongs to this one machine is in it: host keys, who may log in, histories, logs. An image without it is made by cluster image build.",
		"If the volumes are encrypted with the account's default key, the image cannot be shared.",
	}
	if noReboot {
		limits[2] = "The instance runs on, so the image is only crash-consistent: what was not on its disks at that moment is not in it."
	}
	return limits
}

// A Capture says what an image is made of.
type Capture struct {
	Family, Version string
	Instance        string            // id
	NoReboot        bool              // leave it running: the image is as after a power cut
	Tags            map[string]string // for the image and its snapshots, besides our own
	Source          string            // hash of what a builder was built from; empty: it is no builder
	Content         string            // what is installed, as package attest writes it; empty: Ask tells

	// Ask asks the instance what is installed, while it runs; its error ends the capture. nil: it is not asked.
	Ask     func(context.Context) (content string, err error)
	Consent func() error // asked before the instance is stopped; its error ends the capture. nil: not asked
}

// Captured is what a capture came to. With an error it says how far it came.
type Captured struct {
	Image    Image // the zero Image: there is none
	Instance string
	Already  bool // the image was complete before: nothing was done
	Stopped  bool // the instance was stopped by a capture and does not run again
}

// Capture makes an image of an instance: it stops it, has EC2 make the image, waits, checks, and starts it
// again. A run that dies anywhere is finished by running it again: the versioned name, which EC2 gives once,
// keeps the image from being made twice, and a tag on the instance remembers that it is to be started.
//
// An image of that name that was not made of this instance is a *RefusedError, and so is an instance that
// cannot be captured. An image that EC2 gives up is a *FailedError: it is removed, and the instance runs again.
func (k *Keeper) Capture(ctx context.Context, c Capture) (Captured, error) {
	p := &capturing{Keeper: k, c: c, label: c.Family + "/" + c.Version}
	p.done.Instance = c.Instance
	err := p.run(ctx)
	return p.done, err
}

// A capturing is one capture under way.
type capturing struct {
	*Keeper
	c     Capture
	label string // FAMILY/VERSION
	from  machine
	asked string // what is installed
	holds bool   // the instance carries our tag, or did: a capture of this version has stopped it, or was about to
	done  Captured
}

func (p *capturing) run(ctx context.Context) error {
	img, found, err := p.named(ctx, ImageName(p.c.Family, p.c.Version))
	if err != nil {
		return err
	}
	if found {
		if err := p.own(img); err != nil {
			return err
		}
		p.done.Image = img
	}
	if p.from, err = p.machine(ctx, p.c.Instance); err != nil {
		return err
	}
	p.holds = p.from.tags[planner.TagCapturing] == p.label
	p.done.Stopped = p.holds && p.from.state != planner.Running
	if found && img.State == available && !p.holds {
		p.done.Already = true
		return p.check(ctx, img)
	}
	if found && failed(img.State) { // of a run that came no further
		if err := p.discard(ctx, img, "it had failed: "+img.StateReason); err != nil {
			return err
		}
		p.done.Image, found = Image{}, false
	}
	if !found {
		if err := p.fit(); err != nil {
			return err
		}
	}
	err = p.make(ctx, found)
	if ctx.Err() != nil {
		return stopped(ctx, err)
	}
	return join(err, p.release(ctx))
}

// stopped is the error of work that ctx has ended: no new call is made, and what is there, the result tells.
func stopped(ctx context.Context, err error) error {
	if err == nil {
		return context.Cause(ctx)
	}
	return err
}

// own says whether an image of our name is of this capture.
func (p *capturing) own(img Image) error {
	t := img.Text()
	switch {
	case img.Family != p.c.Family || img.Version != p.c.Version:
		return &RefusedError{
			Message: fmt.Sprintf("there is an image named %s already (%s), and it is not of the family %s", img.Name, img.ID, p.c.Family),
			Hint:    "Choose another version, or another family.",
		}
	case img.From != p.c.Instance:
		of := "something else"
		if img.From != "" {
			of = img.From
		}
		return &RefusedError{
			Message: fmt.Sprintf("the image %s exists already, and was made of %s, not of %s", t, of, p.c.Instance),
			Hint:    "A version is made once. Choose the next one.",
		}
	case img.State == available || img.State == string(types.ImageStatePending) || failed(img.State):
		return nil
	}
	return &RefusedError{Message: fmt.Sprintf("the image %s exists already, and is %s", t, img.State), Hint: "A version is made once. Choose the next one."}
}

// fit says whether the instance can be captured.
func (p *capturing) fit() error {
	m, other := p.from, p.from.tags[planner.TagCapturing]
	switch {
	case m.launched.IsZero():
		return &RefusedError{Message: fmt.Sprintf("there is no instance %s in %s", m.id, p.Session.Region), Hint: "Check the id and the region."}
	case m.state.Dead():
		return &RefusedError{Message: fmt.Sprintf("the instance %s is %s: there is nothing left to capture", m.id, m.state)}
	case !m.onEBS:
		return &RefusedError{Message: fmt.Sprintf("the root device of %s lies on instance store, which EC2 cannot capture", m.id), Hint: "Launch from an image whose root is an EBS volume."}
	case p.c.Ask != nil && m.state != planner.Running && !p.holds:
		return &RefusedError{
			Message: fmt.Sprintf("the instance %s is %s, and cannot be asked what is installed", m.id, m.state),
			Hint:    "Start it, or leave --record out: then nothing is recorded.",
		}
	case other != "" && other != p.label:
		family, version, _ := strings.Cut(other, "/")
		return &RefusedError{
			Message: fmt.Sprintf("the instance %s is being captured as %s %s", m.id, family, version),
			Hint:    fmt.Sprintf("Finish that first: cluster image capture %s %s --from %s", family, version, m.id),
		}
	}
	return nil
}

// make has the image made, unless that was begun before, and waits until it is right.
func (p *capturing) make(ctx context.Context, begun bool) (err error) {
	if !begun {
		if begun, err = p.hold(ctx); err != nil {
			return err
		}
	}
	if !begun {
		if err := p.create(ctx); err != nil {
			return err
		}
	}
	if p.done.Image, err = p.await(ctx, p.done.Image); err == nil {
		return p.check(ctx, p.done.Image)
	}
	if e, ok := err.(*FailedError); ok && !e.Gone {
		if err := p.discard(ctx, e.Image, "it failed: "+e.Reason); err != nil {
			return join(e, err)
		}
		e.Gone, p.done.Image = true, Image{}
	}
	return err
}

// check says whether the image is what was to be captured.
func (p *capturing) check(ctx context.Context, img Image) error {
	var wrong []string
	if img.RootSnapshot == "" {
		wrong = append(wrong, "it has no root snapshot")
	}
	if want := p.from.architecture; want != "" && img.Architecture != want {
		wrong = append(wrong, fmt.Sprintf("its architecture is %s, and that of the instance %s", img.Architecture, want))
	}
	if img.Family != p.c.Family || img.Version != p.c.Version || img.From != p.c.Instance {
		wrong = append(wrong, "it lacks the tags that it was made with")
	}
	snapshots, err := p.snapshotsOf(ctx, img.Snapshots(), "look at the snapshots of "+img.ID)
	if err != nil {
		return err
	}
	for _, d := range img.Disks {
		if d.Snapshot == "" {
			continue
		}
		n := slices.IndexFunc(snapshots, func(s types.Snapshot) bool { return value(s.SnapshotId) == d.Snapshot })
		switch {
		case n < 0:
			wrong = append(wrong, fmt.Sprintf("the snapshot %s of %s is not there", d.Snapshot, d.Device))
		case snapshots[n].State != types.SnapshotStateCompleted:
			wrong = append(wrong, fmt.Sprintf("the snapshot %s of %s is %s", d.Snapshot, d.Device, snapshots[n].State))
		case d.Size < int(value(snapshots[n].VolumeSize)):
			wrong = append(wrong, fmt.Sprintf("%s has %d GiB, and its snapshot %s %d", d.Device, d.Size, d.Snapshot, value(snapshots[n].VolumeSize)))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("the image %s is not as it should be: %s", img.Text(), strings.Join(wrong, "; "))
}
