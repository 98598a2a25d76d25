package ami

import (
	"context"
	"fmt"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"
)

// A BlockedError says that the base of a build cannot be launched. Nothing was changed.
type BlockedError struct{ Blockers []planner.Blocker }

func (e *BlockedError) Error() string { return e.Blockers[0].Summary }

// A ProvisionError says that the script of a builder did not end well.
type ProvisionError struct {
	Builder string   // id
	Code    string   // exit code of the script; empty: it did not say
	Why     string   // a clause, where there is no code
	Console []string // its last lines, as EC2 gives them: any characters may be in them
}

func (e *ProvisionError) Error() string {
	if e.Code != "" {
		return fmt.Sprintf("the script on the builder %s ended with exit code %s", e.Builder, e.Code)
	}
	return fmt.Sprintf("the builder %s %s", e.Builder, e.Why)
}

// A ProbeError says that an instance of the new image did not come up. The image is gone again.
type ProbeError struct {
	Image    Image
	Instance string
	Reason   string // a clause
}

func (e *ProbeError) Error() string {
	return fmt.Sprintf("the first instance of %s, %s, %s", e.Image.Text(), e.Instance, e.Reason)
}

// Built is what a build came to. With an error it says how far it came.
type Built struct {
	Base     planner.Image
	Image    Image    // the zero Image: there is none
	Already  bool     // the image was complete before: nothing was done
	Launched []string // ids of instances that the build has launched, in this run or before, and that are not ended
}

// Build makes the image that a file describes: it launches a builder from the base, waits until its script
// has ended and it has stopped, captures it, launches one instance of the image to see it come up, and ends
// both. An image of the version that was built from the same base, script and volume is left as it is; one
// that was built from anything else is a *RefusedError.
//
// A run that dies anywhere is finished by running it again: builder and test carry tags, their launches a
// client token made of all that they are, and the image its name. What was launched is ended in the end,
// unless ctx does: then the next run finds it, or Launcher.FindWaste.
//
// consent is asked before a builder is launched, and its error ends the build; nil: it is not asked.
func (k *Keeper) Build(ctx context.Context, m *spec.Build, consent func(base planner.Image) error) (Built, error) {
	b := &building{Keeper: k, m: m, consent: consent, label: m.Family + "/" + m.Version}
	err := b.run(ctx)
	return b.done, err
}

// A building is one build under way.
type building struct {
	*Keeper
	m       *spec.Build
	consent func(planner.Image) error
	label   string // FAMILY/VERSION
	hash    string // of what the image is made from
	token   string // tells this build from others of the version
	content string // what the builder says to have installed
	done    Built
}

func (b *building) run(ctx context.Context) error {
	if err := b.base(ctx); err != nil {
		return err
	}
	img, found, err := b.named(ctx, ImageName(b.m.Family, b.m.Version))
	if err != nil {
		return err
	}
	if found {
		if err := b.own(img); err != nil {
			return err
		}
		b.done.Image = img
	}
	machines, err := b.launched(ctx)
	if err != nil {
		return err
	}
	if found && img.State == available && (img.Tested != "" || !b.m.BootTest) {
		b.done.Already = len(b.done.Launched) == 0
		return b.end(ctx)
	}
	err = b.make(ctx, machines)
	if ctx.Err() != nil {
		return stopped(ctx, err)
	}
	return join(err, b.end(ctx))
}

// base finds the image that is built from, and with it what makes this build different from others.
func (b *building) base(ctx context.Context) error {
	base, blockers, err := b.Session.ResolveImage(ctx, b.m.Base)
	switch {
	case err != nil:
		return err
	case len(blockers) > 0:
		return &BlockedError{blockers}
	}
	if _, ok := planner.Revoked(base.Tags); ok {
		return &RefusedError{Message: fmt.Sprintf("the base %s (%s) was revoked", base.Name, base.ID), Hint: "Build from another version of it."}
	}
	b.done.Base = base
	b.hash, b.token = b.m.Hash(base.ID), spec.BuildToken(b.m, base.ID)
	return nil
}

// own says whether an image of our name is what this file builds.
func (b *building) own(img Image) error {
	if img.Family == b.m.Family && img.Version == b.m.Version && img.Source == b.hash {
		return nil
	}
	e := &RefusedError{
		Message: fmt.Sprintf("the image %s exists already, and was made from something else", img.Text()),
		Hint:    "A version is made once: raise version in the file.",
	}
	switch {
	case img.Source == "":
		e.Message = fmt.Sprintf("the image %s exists already, and was not built from a file", img.Text())
	case img.Parent != b.done.Base.ID:
		e.Message = fmt.Sprintf("the image %s exists already, and was built from another base: %s then, %s now", img.Text(), img.Parent, b.done.Base.ID)
	default:
		e.Message = fmt.Sprintf("the image %s exists already, and its script, root volume or tags were others", img.Text())
	}
	return e
}

// launched finds what builds of this version have launched and not ended. What an earlier state of the
// file has launched is ended at once: nobody waits for it any more.
func (b *building) launched(ctx context.Context) ([]machine, error) {
	all, err := b.machines(ctx, fleet.Filter("tag:"+planner.TagBuild, b.label), "look for the builder of "+b.label)
	if err != nil {
		return nil, err
	}
	var ours []machine
	var old []string
	for _, m := range all {
		switch {
		case m.tags[planner.TagBuildToken] == b.token:
			ours = append(ours, m)
			if !m.state.Dead() {
				b.done.Launched = append(b.done.Launched, m.id)
			}
		case !m.state.Dead():
			old = append(old, m.id)
		}
	}
	if len(old) == 0 {
		return ours, nil
	}
	if err := b.Session.Terminate(ctx, old...); err != nil {
		return nil, err
	}
	for _, id := range old {
		b.tell(Event{Type: EventEnded, Instance: id, Family: b.m.Family, Version: b.m.Version, Message: "it was launched for an earlier state of the file"})
	}
	return ours, nil
}

// make has the image made and tried.
func (b *building) make(ctx context.Context, machines []machine) (err error) {
	if img := b.done.Image; failed(img.State) { // of a run that came no further
		if err := b.discard(ctx, img, "it had failed: "+img.StateReason); err != nil {
			return err
		}
		b.done.Image = Image{}
	}
	if b.done.Image.ID == "" || b.done.Image.State != available {
		if err := b.provisioned(ctx, machines); err != nil {
			return err
		}
	}
	if !b.m.BootTest {
		return nil
	}
	return b.probe(ctx, machines)
}

// provisioned has a builder run its script, and captures it.
func (b *building) provisioned(ctx context.Context, machines []machine) error {
	from := b.done.Image.From // of an image that was begun before
	if from == "" {
		builder, err := b.builder(ctx, machines)
		if err != nil {
			return err
		}
		from = builder.id
		if err := b.provision(ctx, builder); err != nil {
			// Somebody who builds the same may have come to the end of it before, and ended our builder.
			img, found, _ := b.named(ctx, ImageName(b.m.Family, b.m.Version))
			if !found || b.own(img) != nil || failed(img.State) {
				return err
			}
			b.done.Image, from = img, img.From
		}
	}
	c, err := b.Capture(ctx, Capture{Family: b.m.Family, Version: b.m.Version, Instance: from, Tags: b.m.Tags, Source: b.hash, Content: b.content})
	b.done.Image = c.Image
	return err
}

// end terminates what the build has launched. That it is gone in the end is EC2's to see to.
func (b *building) end(ctx context.Context) error {
	if len(b.done.Launched) == 0 {
		return nil
	}
	if err := b.Session.Terminate(ctx, b.done.Launched...); err != nil {
		return err
	}
	for _, id := range b.done.Launched {
		b.tell(Event{Type: EventEnded, Instance: id, Family: b.m.Family, Version: b.m.Version})
	}
	b.done.Launched = nil
	return nil
}
