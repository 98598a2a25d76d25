package ami_test

import (
	"errors"
	"slices"
	"testing"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const elsewhere = "eu-west-1"

// original is an image elsewhere, on its way to us-east-1.
func (w *world) original(edit ...func(*ec2sim.ImageSpec)) ami.Transfer {
	w.Helper()
	s := ec2sim.ImageSpec{Region: elsewhere, Name: "md-1.0.0", Description: "made by hand", Tags: map[string]string{
		"cluster:image-family": "md", "cluster:image-version": "1.0.0", "cluster:image-parent": "ami-0123456789abcdef0",
		"cluster:image-channel:stable": "2026-11-26T10:00:00.000Z", "project": "wind",
	}}
	for _, e := range edit {
		e(&s)
	}
	w.region.AddImage(s)
	return w.transfer()
}

func (w *world) transfer() ami.Transfer {
	w.Helper()
	k := w.keeper(elsewhere)
	img, _, err := k.Get(w.Context(), "md", "1.0.0")
	if err != nil {
		w.Fatal(err)
	}
	return ami.Transfer{Image: img, Region: elsewhere, Shares: must[ami.Shares](w)(k.Shares(w.Context(), img))}
}

// transferred says that there is exactly the copy that was asked for.
func (w *world) transferred(t ami.Transfer, died string) {
	w.Helper()
	img := w.only("", "md")
	if img.CopyOf != elsewhere+"/"+t.Image.ID || img.Version != "1.0.0" || img.Parent != "ami-0123456789abcdef0" || img.Tags["project"] != "wind" {
		w.Errorf("killed at %s: the copy is %+v", died, img)
	}
	if len(img.Promotions) > 0 {
		w.Errorf("killed at %s: the copy holds %v", died, img.Promotions)
	}
	got := must[ami.Shares](w)(w.keeper("").Shares(w.Context(), img))
	if !slices.Equal(got.Launch.Accounts, t.Shares.Launch.Accounts) || !slices.Equal(got.Copy, t.Shares.Copy) {
		w.Errorf("killed at %s: the copy is shared with %+v, want %+v", died, got, t.Shares)
	}
}

func TestTransfer(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.original()
		done := must[ami.Transferred](w)(w.keeper("").Transfer(w.Context(), x))
		w.transferred(x, "no call")
		if done.Already {
			w.Error("the first copy was there already")
		}
		k := w.keeper("")
		done = must[ami.Transferred](w)(k.Transfer(w.Context(), x))
		if calls, by := k.Session.Calls(); !done.Already || calls != 1 {
			w.Errorf("again: %+v, %v", done, by)
		}

		// Whom it is shared with later, the next run adds.
		must[ami.Shared](w)(w.keeper(elsewhere).Share(w.Context(), "md", "1.0.0", ami.Grants{Accounts: []string{"111122223333"}}))
		x = w.transfer()
		if done = must[ami.Transferred](w)(w.keeper("").Transfer(w.Context(), x)); done.Already {
			w.Error("a share that was missing was no change")
		}
		w.transferred(x, "no call")
	})
}

func TestTransferIsKilledAnywhere(t *testing.T) {
	var x ami.Transfer
	kills := killEverywhere(t,
		func(w *world) {
			w.original()
			must[ami.Shared](w)(w.keeper(elsewhere).Share(w.Context(), "md", "1.0.0", ami.Grants{Accounts: []string{"111122223333", "222233334444"}}))
			x = w.transfer()
		},
		func(w *world, k *ami.Keeper) error {
			_, err := k.Transfer(w.Context(), x)
			return err
		},
		func(w *world, died string) { w.transferred(x, died) })
	if kills < 20 {
		t.Errorf("it was killed %d times only", kills)
	}
	t.Logf("killed %d times", kills)
}

// Whoever says the same while it is under way gets the same copy, and so does the first.
func TestTransferTwiceAtOnce(t *testing.T) {
	for _, when := range []ami.EventType{ami.EventCreating, ami.EventProgress, ami.EventAvailable} {
		inWorld(t, func(w *world) {
			x := w.original()
			k := w.keeper("")
			k.Notify = w.meanwhile(when, func() error {
				_, err := w.keeper("").Transfer(w.Context(), x)
				return err
			})
			must[ami.Transferred](w)(k.Transfer(w.Context(), x))
			w.transferred(x, "no call, and twice at "+string(when))
		})
	}
}

func TestTransferThatFails(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.original()
		w.region.Inject(ec2sim.Fault{Action: "CopyImage", Call: 1, Fails: "the key is disabled"})
		_, err := w.keeper("").Transfer(w.Context(), x)
		if e, ok := errors.AsType[*ami.FailedError](err); !ok || !e.Gone {
			w.Fatalf("%v", err)
		}
		if images, snapshots := w.stock("", "md"); len(images)+len(snapshots) > 0 {
			w.Errorf("left: %v %v", images, snapshots)
		}
		must[ami.Transferred](w)(w.keeper("").Transfer(w.Context(), x))
		w.transferred(x, "no call")
	})
}

func TestTransferRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.original(func(s *ec2sim.ImageSpec) { s.Encrypted = true })
		w.region.AddImage(ec2sim.ImageSpec{Name: "md-1.0.0"})
		_, err := w.keeper("").Transfer(w.Context(), x)
		w.refused(err, "there is an image named md-1.0.0", "no copy of "+x.Image.ID)

		x.Shares = ami.Shares{Launch: ami.Grants{Accounts: []string{"111122223333"}}}
		_, err = w.keeper("us-west-2").Transfer(w.Context(), x)
		w.refused(err, "encrypted and shared", "--kms-key")

		x.Image.State = string(types.ImageStatePending)
		_, err = w.keeper("us-west-2").Transfer(w.Context(), x)
		w.refused(err, "is pending")
	})
}
