package ec2sim_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// capture makes an image of an instance, tagged with family=x as are its snapshots.
func capture(t *testing.T, c *ec2.Client, instance, name string) string {
	t.Helper()
	tags := []types.Tag{tag("family", "x")}
	out, err := c.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &instance, Name: &name, TagSpecifications: []types.TagSpecification{
		{ResourceType: "image", Tags: tags}, {ResourceType: "snapshot", Tags: tags},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ImageId
}

// of asks for an instance of an image.
func of(image string) *ec2.RunInstancesInput {
	in := some(1)
	in.ImageId = &image
	return in
}

// imageNow is an image as it is described now.
func imageNow(t *testing.T, c *ec2.Client, id string) types.Image {
	t.Helper()
	out, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}, IncludeDisabled: aws.Bool(true)})
	if err != nil || len(out.Images) != 1 {
		t.Fatalf("%s: %v %v", id, out, err)
	}
	return out.Images[0]
}

// snapshotNow is a snapshot as it is described now.
func snapshotNow(t *testing.T, c *ec2.Client, id string) types.Snapshot {
	t.Helper()
	out, err := c.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Snapshots[0]
}

func TestTheLifeOfAnImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := slow()
		o.Timing.Snapshot = at(50 * time.Second)
		r := ec2sim.New(o)
		c := client(r)
		source := run(t, c, some(1))[0]
		time.Sleep(10 * time.Second)
		begin := time.Now()
		id := capture(t, c, source, "hpc-1.0.0")
		i := imageNow(t, c, id)
		root := *i.BlockDeviceMappings[0].Ebs.SnapshotId
		if i.State != "pending" || *i.SourceInstanceId != source || *i.SourceImageId != ec2sim.BaseImage || *i.SourceImageRegion != "us-east-1" || *i.RootDeviceName != "/dev/xvda" ||
			i.ImdsSupport != "v2.0" || i.BootMode != "uefi-preferred" || *i.OwnerId != "123456789012" || *i.ImageLocation != "123456789012/hpc-1.0.0" || *i.Tags[0].Value != "x" {
			t.Errorf("new: %+v", i)
		}
		_, err := c.RunInstances(t.Context(), of(id))
		wantCode(t, err, "InvalidAMIID.Unavailable", http.StatusBadRequest)
		_, err = c.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &source, Name: aws.String("hpc-1.0.0")})
		wantCode(t, err, "InvalidAMIName.Duplicate", http.StatusBadRequest)
		if !strings.Contains(err.Error(), id) {
			t.Errorf("it does not say who has the name: %v", err)
		}
		for _, step := range []struct {
			at       time.Duration
			progress string
			state    types.SnapshotState
			image    types.ImageState
		}{
			{25 * time.Second, "50%", "pending", "pending"},
			{49 * time.Second, "98%", "pending", "pending"},
			{51 * time.Second, "100%", "completed", "available"},
		} {
			time.Sleep(time.Until(begin.Add(step.at)))
			s := snapshotNow(t, c, root)
			if *s.Progress != step.progress || s.State != step.state || *s.Tags[0].Value != "x" || *s.VolumeSize != 20 || *s.OwnerId != "123456789012" {
				t.Errorf("after %v: %s %s %+v", step.at, *s.Progress, s.State, s.Tags)
			}
			if i := imageNow(t, c, id); i.State != step.image {
				t.Errorf("after %v the image is %s", step.at, i.State)
			}
		}
		run(t, c, of(id))
		time.Sleep(15 * time.Second)
		out, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("snapshot-id", root)}})
		if err != nil || len(out.Volumes) != 1 {
			t.Errorf("volumes from the new root snapshot: %v %v", out, err)
		}
	})
}

// What there is of an image after it was deregistered, and what of its snapshots.
func TestDeregister(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	id := capture(t, c, run(t, c, some(1))[0], "hpc-1.0.0")
	snapshot := *imageNow(t, c, id).BlockDeviceMappings[0].Ebs.SnapshotId
	remove := func() error {
		_, err := c.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &snapshot})
		return err
	}
	wantCode(t, remove(), "InvalidSnapshot.InUse", http.StatusBadRequest)
	node := run(t, c, of(id))
	out, err := c.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &id})
	if err != nil || !*out.Return || len(out.DeleteSnapshotResults) > 0 {
		t.Fatal(out, err)
	}
	look := func() error {
		out, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
		if err == nil && len(out.Images) > 0 {
			t.Errorf("it is still described: %v", out.Images)
		}
		return err
	}
	if err := look(); err != nil {
		t.Errorf("as long as an instance is of it: %v", err)
	}
	_, err = c.RunInstances(t.Context(), of(id))
	wantCode(t, err, "InvalidAMIID.Unavailable", http.StatusBadRequest)
	_, err = c.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &id})
	wantCode(t, err, "InvalidAMIID.Unavailable", http.StatusBadRequest)
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: node}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, look(), "InvalidAMIID.NotFound", http.StatusBadRequest)
	if err := remove(); err != nil {
		t.Error(err)
	}
	wantCode(t, remove(), "InvalidSnapshot.NotFound", http.StatusBadRequest)
	again := capture(t, c, run(t, c, some(1))[0], "hpc-1.0.0") // the name is free
	out, err = c.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &again, DeleteAssociatedSnapshots: aws.Bool(true)})
	if err != nil || len(out.DeleteSnapshotResults) != 1 || out.DeleteSnapshotResults[0].ReturnCode != "success" {
		t.Errorf("%+v %v", out, err)
	}
}
