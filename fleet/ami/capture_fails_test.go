package ami_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A failed image goes with its snapshots, and the instance runs again; the next run makes it.
func TestCaptureThatFails(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.node()
		w.region.Inject(ec2sim.Fault{Action: "CreateImage", Call: 1, Fails: "The volume could not be read"})
		done, err := w.keeper("").Capture(w.Context(), capture(id))
		e, ok := errors.AsType[*ami.FailedError](err)
		if !ok || !strings.Contains(e.Reason, "could not be read") || !e.Gone || done.Stopped {
			w.Fatalf("%v, %+v", err, done)
		}
		if images, snapshots := w.stock("", "md"); len(images)+len(snapshots) > 0 {
			w.Errorf("left: %v %v", images, snapshots)
		}
		if i := w.instances()[id]; i.State.Name != types.InstanceStateNameRunning {
			w.Errorf("the instance is %s", i.State.Name)
		}
		must[ami.Captured](w)(w.keeper("").Capture(w.Context(), capture(id)))
		w.captured(id, "no call")
	})
}

// A failed snapshot whose image was deregistered without it is taken away by the next capture; one of
// another instance is not.
func TestCaptureRemovesFailedSnapshotsOfItsOwn(t *testing.T) {
	inWorld(t, func(w *world) {
		id, other := w.node(), w.node()
		w.region.Inject(ec2sim.Fault{Action: "CreateImage", Fails: "broken"})
		for _, of := range []string{id, other} {
			tags := []types.Tag{{Key: new("cluster:image-family"), Value: new("md")}, {Key: new("cluster:image-version"), Value: new("1.0.0")},
				{Key: new("cluster:image-from"), Value: new(of)}}
			out, err := w.ec2().CreateImage(w.Context(), &ec2.CreateImageInput{InstanceId: new(of), Name: new("half-" + of), TagSpecifications: []types.TagSpecification{
				{ResourceType: types.ResourceTypeSnapshot, Tags: tags},
			}})
			if err != nil {
				w.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
			if _, err := w.ec2().DeregisterImage(w.Context(), &ec2.DeregisterImageInput{ImageId: out.ImageId}); err != nil {
				w.Fatal(err)
			}
		}
		w.region.Calm()
		if _, before := w.stock("", "md"); len(before) != 2 {
			w.Fatalf("%d failed snapshots, want 2", len(before))
		}
		done := must[ami.Captured](w)(w.keeper("").Capture(w.Context(), capture(id)))
		if _, after := w.stock("", "md"); len(after) != 2 || !slices.Contains(after, done.Image.RootSnapshot) {
			w.Errorf("left: %v, want the image's own and that of the other instance", after)
		}
	})
}

// Killed anywhere around a failure, the next run ends with the image, and nothing of the failed one.
func TestCaptureThatFailsIsKilledAnywhere(t *testing.T) {
	var id string
	died := "x"
	for _, after := range []bool{false, true} {
		for at := 1; died != ""; at++ {
			inWorld(t, func(w *world) {
				id = w.node()
				w.region.Inject(ec2sim.Fault{Action: "CreateImage", Call: 1, Fails: "broken"})
				died = w.dies(at, after, func(k *ami.Keeper) error {
					_, err := k.Capture(w.Context(), capture(id))
					return err
				})
				if died == "" {
					return
				}
				if _, err := w.keeper("").Capture(w.Context(), capture(id)); err != nil {
					if _, ok := errors.AsType[*ami.FailedError](err); !ok {
						w.Errorf("killed at %s (after=%v): %v", died, after, err)
					}
					must[ami.Captured](w)(w.keeper("").Capture(w.Context(), capture(id)))
				}
				w.captured(id, died)
			})
		}
		died = "x"
	}
}
