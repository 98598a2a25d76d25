package ami_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const content = "dpkg 3 34e37c21e9a2c7bc7004eea83072665d122afca990a7152576fe426bed96ab7d debian-12"

// recorded is a capture of an instance that answers only while it runs.
func (w *world) recorded(id string) ami.Capture {
	c := capture(id)
	c.Ask = func(context.Context) (string, error) {
		if s := w.instances()[id].State.Name; s != types.InstanceStateNameRunning {
			return "", errors.New("it is " + string(s))
		}
		return content, nil
	}
	return c
}

// What an instance said before it was stopped is in its image, wherever the capture was killed, and the
// instance keeps nothing of it.
func TestCaptureRecordsContent(t *testing.T) {
	var id string
	kills := killEverywhere(t, func(w *world) { id = w.node() },
		func(w *world, k *ami.Keeper) error {
			_, err := k.Capture(w.Context(), w.recorded(id))
			return err
		},
		func(w *world, died string) {
			w.captured(id, died)
			if img := w.only("", "md"); img.Content != content {
				w.Errorf("killed at %s: the image holds %q", died, img.Content)
			}
			if tag := tagOf(w.instances()[id].Tags, "cluster:image-content"); tag != "" {
				w.Errorf("killed at %s: the instance still says %q", died, tag)
			}
		})
	if kills < 30 {
		t.Errorf("it was killed %d times only", kills)
	}
}

func TestCaptureCannotAsk(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node()
		c := w.recorded(id)
		c.Ask = func(context.Context) (string, error) { return "", errors.New("no route") }
		k := w.keeper("")
		if _, err := k.Capture(w.Context(), c); err == nil || err.Error() != "no route" {
			w.Errorf("it came to %v", err)
		}
		if _, by := k.Session.Calls(); by["StopInstances"]+by["CreateImage"]+by["CreateTags"] > 0 {
			w.Errorf("it touched an instance that it could not ask: %v", by)
		}
		if _, err := w.ec2().StopInstances(w.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
			w.Fatal(err)
		}
		time.Sleep(time.Minute)
		_, err := w.keeper("").Capture(w.Context(), w.recorded(id))
		w.refused(err, "stopped", "cannot be asked")
	})
}

// A build records what its builder says on the console, and a copy of the image keeps it.
func TestBuildRecordsContent(t *testing.T) {
	inWorld(t, func(w *world) {
		done := must[ami.Built](w)(w.keeper("").Build(w.Context(), recipe(), nil))
		if done.Image.Content == "" {
			w.Fatalf("the image is %+v", done.Image)
		}
		img := w.family(done.Image.Family)[0]
		moved := must[ami.Transferred](w)(w.keeper("eu-west-1").Transfer(w.Context(), ami.Transfer{Image: img, Region: "us-east-1"}))
		if moved.Image.Content != img.Content || img.Content == content {
			w.Errorf("the copy holds %q, and the original %q", moved.Image.Content, img.Content)
		}
		if other := must[ami.Image](w)(ami.Pick(w.family("hpc-base"), "stable")); other.Content != "" || other.ID == ec2sim.BaseImage {
			w.Errorf("an image of which nobody asked holds %q", other.Content)
		}
	})
}
