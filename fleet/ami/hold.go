package ami

import (
	"context"
	"fmt"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// hold brings the instance into the state to be captured in: stopped, or with NoReboot running. If somebody who
// captures the same has come to the end of it meanwhile, and has started the instance again, the image is there.
func (p *capturing) hold(ctx context.Context) (begun bool, err error) {
	deadline := p.Session.Now().Add(changeTime)
	for asked := (time.Time{}); ; {
		now := p.Session.Now()
		switch m := p.from; {
		case m.state == planner.Stopped, m.state == planner.Running && p.c.NoReboot:
			if !asked.IsZero() {
				p.tell(Event{Type: EventStopped, Instance: p.c.Instance, Family: p.c.Family, Version: p.c.Version})
			}
			if m.state == planner.Running {
				return false, p.ask(ctx)
			}
			return false, nil
		case m.state.Dead():
			return false, fmt.Errorf("the instance %s is %s: %s", m.id, m.state, orNoReason(m.reason))
		case now.After(deadline):
			return false, fmt.Errorf("the instance %s is still %s after %s, and should be stopped", m.id, m.state, changeTime)
		case m.state == planner.Running && now.Sub(asked) > askedLately:
			if !asked.IsZero() {
				if begun, err = p.begun(ctx); begun || err != nil {
					return begun, err
				}
			}
			if err := p.stop(ctx); err != nil {
				return false, err
			}
			asked = now
		default:
			if err := p.Session.Sleep(ctx, lookEvery); err != nil {
				return false, err
			}
		}
		if p.from, err = p.machine(ctx, p.c.Instance); err != nil {
			return false, err
		}
		p.done.Stopped = p.holds && p.from.state != planner.Running
	}
}

// begun looks whether the image is there by now.
func (p *capturing) begun(ctx context.Context) (bool, error) {
	img, found, err := p.named(ctx, ImageName(p.c.Family, p.c.Version))
	if err != nil || !found {
		return false, err
	}
	p.done.Image = img
	return true, p.own(img)
}

// ask asks the instance what is installed, if that is wanted and nobody has.
func (p *capturing) ask(ctx context.Context) (err error) {
	if p.c.Ask != nil && p.asked == "" && p.from.tags[planner.TagImageContent] == "" {
		p.asked, err = p.c.Ask(ctx)
	}
	return err
}

// stop stops the instance. The tag is written before: a run that dies in between leaves one that runs with a
// tag, and not one that is stopped with nobody to start it. What it said to have installed is kept in a tag as
// well, because a stopped one cannot be asked again.
func (p *capturing) stop(ctx context.Context) error {
	if !p.holds && p.c.Consent != nil {
		if err := p.c.Consent(); err != nil {
			return err
		}
	}
	if err := p.ask(ctx); err != nil {
		return err
	}
	if p.from.tags[planner.TagCapturing] != p.label {
		tags := map[string]string{planner.TagCapturing: p.label}
		if p.asked != "" {
			tags[planner.TagImageContent] = p.asked
		}
		if err := p.retag(ctx, p.c.Instance, tags); err != nil {
			return err
		}
		p.holds = true
	}
	p.tell(Event{Type: EventStopping, Instance: p.c.Instance, Family: p.c.Family, Version: p.c.Version})
	_, err := fleet.Do(ctx, p.Session, fleet.Request{Action: "StopInstances", Instances: 1, Doing: "stop " + p.c.Instance}, p.Session.EC2.StopInstances,
		&ec2.StopInstancesInput{InstanceIds: []string{p.c.Instance}})
	if code(err) == "UnsupportedOperation" {
		return &RefusedError{
			Message: fmt.Sprintf("the instance %s cannot be stopped, as one-time Spot instances cannot", p.c.Instance),
			Hint:    "With --no-reboot it is captured as it runs; the image is then only crash-consistent.",
		}
	}
	p.done.Stopped = p.done.Stopped || err == nil
	return err
}

// release starts the instance again, if a capture of this version has stopped it, and forgets that last.
// Somebody who captures the same may stop it once more meanwhile.
func (p *capturing) release(ctx context.Context) error {
	if !p.holds {
		return nil
	}
	deadline := p.Session.Now().Add(changeTime)
	for asked := (time.Time{}); ; {
		now := p.Session.Now()
		m, err := p.machine(ctx, p.c.Instance)
		switch {
		case err != nil || m.state.Dead():
			return err
		case m.state == planner.Running:
			if p.done.Stopped = false; !asked.IsZero() {
				p.tell(Event{Type: EventStarted, Instance: p.c.Instance, Family: p.c.Family, Version: p.c.Version})
			}
			keys := []string{planner.TagCapturing}
			if m.tags[planner.TagImageContent] != "" {
				keys = append(keys, planner.TagImageContent)
			}
			return p.untag(ctx, p.c.Instance, keys...)
		case now.After(deadline):
			return fmt.Errorf("the instance %s is still %s after %s, and should be started again", m.id, m.state, changeTime)
		case m.state == planner.Stopped && now.Sub(asked) > askedLately:
			_, err := fleet.Do(ctx, p.Session, fleet.Request{Action: "StartInstances", Instances: 1, Doing: "start " + p.c.Instance + " again"},
				p.Session.EC2.StartInstances, &ec2.StartInstancesInput{InstanceIds: []string{p.c.Instance}})
			if err != nil && code(err) != "IncorrectInstanceState" {
				return err
			}
			asked = now
		default:
			if err := p.Session.Sleep(ctx, lookEvery); err != nil {
				return err
			}
		}
	}
}
