package ec2sim_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// What an image may be called, and what can be said of its devices.
func TestCapturesThatAreRefused(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	all := run(t, c, some(2))
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: all[1:]}); err != nil {
		t.Fatal(err)
	}
	root := func(e types.EbsBlockDevice) []types.BlockDeviceMapping {
		return []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &e}}
	}
	for _, test := range []struct {
		instance, name string
		devices        []types.BlockDeviceMapping
		want           string
	}{
		{all[0], "ab", nil, "InvalidAMIName.Malformed"},
		{all[0], strings.Repeat("a", 129), nil, "InvalidAMIName.Malformed"},
		{all[0], "a:b", nil, "InvalidAMIName.Malformed"},
		{all[0], "hpc-base-2026.11", nil, "InvalidAMIName.Duplicate"},
		{all[0], "hpc-base-2026.12", nil, ""}, // a stranger's
		{all[1], "dead", nil, "InvalidParameterValue"},
		{all[0], "larger", root(types.EbsBlockDevice{VolumeSize: aws.Int32(100)}), "InvalidBlockDeviceMapping"},
		{all[0], "kept", root(types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)}), ""},
		{"i-00000000000000001", "nobody's", nil, "InvalidInstanceID.NotFound"},
	} {
		_, err := c.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &test.instance, Name: &test.name, BlockDeviceMappings: test.devices})
		if got, _ := code(err); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// The key of a volume goes with it to its snapshot, its image and the instances of that; a copy has a key of
// its own region.
func TestKeysAreCarried(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	const digits = "12345678-1234-1234-1234-123456789012"
	in := some(1)
	in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{Encrypted: aws.Bool(true), KmsKeyId: aws.String(digits)}}}
	id := capture(t, c, run(t, c, in)[0], "secret")
	key := func(c *ec2.Client, image string) string {
		e := imageNow(t, c, image).BlockDeviceMappings[0].Ebs
		if !*e.Encrypted {
			t.Errorf("%s is not encrypted", image)
		}
		return *snapshotNow(t, c, *e.SnapshotId).KmsKeyId
	}
	customer := "arn:aws:kms:us-east-1:123456789012:key/" + digits
	if got := key(c, id); got != customer {
		t.Errorf("the snapshot's key: %s", got)
	}
	run(t, c, of(id))
	out, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("snapshot-id", *imageNow(t, c, id).BlockDeviceMappings[0].Ebs.SnapshotId)}})
	if err != nil || len(out.Volumes) != 1 || *out.Volumes[0].KmsKeyId != customer {
		t.Errorf("a volume of it: %+v %v", out, err)
	}
	abroad := clientIn(r, "eu-west-1")
	for named, want := range map[string]string{
		"":              "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-a000-000000000eb5",
		"alias/aws/ebs": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-a000-000000000eb5",
		digits:          "arn:aws:kms:eu-west-1:123456789012:key/" + digits,
	} {
		in := copyOf(id, "copy with "+strings.ReplaceAll(named, "/", "-"))
		if named != "" {
			in.Encrypted, in.KmsKeyId = aws.Bool(true), &named
		}
		out, err := abroad.CopyImage(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := key(abroad, *out.ImageId); got != want {
			t.Errorf("copied with %q it has the key %s, want %s", named, got, want)
		}
	}
}

// A copy is made once for a client token, has the tags that are asked for, and takes its time.
func TestCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := slow()
		o.Timing.CopyImage = at(time.Minute)
		r := ec2sim.New(o)
		c := clientIn(r, "eu-west-1")
		ask := func(name string) *ec2.CopyImageInput {
			in := copyOf(ec2sim.BaseImage, name)
			in.ClientToken, in.CopyImageTags, in.Description = aws.String("t"), aws.Bool(true), aws.String("a copy")
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "image", Tags: []types.Tag{tag(ec2sim.ChannelTag, "mine")}}, {ResourceType: "snapshot", Tags: []types.Tag{tag("a", "b")}}}
			return in
		}
		first, err := c.CopyImage(t.Context(), ask("copied"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.CopyImage(t.Context(), ask("copied"))
		if err != nil || *again.ImageId != *first.ImageId {
			t.Errorf("a repeat: %v %v", again, err)
		}
		_, err = c.CopyImage(t.Context(), ask("another"))
		wantCode(t, err, "IdempotentParameterMismatch", http.StatusBadRequest)
		i := imageNow(t, c, *first.ImageId)
		var tags []string
		for _, t := range i.Tags {
			tags = append(tags, *t.Key+"="+*t.Value)
		}
		if want := []string{"cluster:image-channel=mine", "cluster:image-family=hpc-base", "cluster:image-version=2026.11"}; !slices.Equal(tags, want) || i.State != "pending" || *i.Description != "a copy" {
			t.Errorf("the copy: %s %v", i.State, tags)
		}
		if s := snapshotNow(t, c, *i.BlockDeviceMappings[0].Ebs.SnapshotId); *s.VolumeId != "vol-ffffffff" || *s.Tags[0].Key != "a" || s.State != "pending" {
			t.Errorf("its snapshot: %+v", s)
		}
		time.Sleep(2 * time.Minute)
		if s := imageNow(t, c, *first.ImageId).State; s != "available" {
			t.Errorf("after two minutes: %s", s)
		}
		out, err := c.GetImageAncestry(t.Context(), &ec2.GetImageAncestryInput{ImageId: first.ImageId})
		if err != nil || len(out.ImageAncestryEntries) != 2 || *out.ImageAncestryEntries[1].ImageId != ec2sim.BaseImage {
			t.Errorf("its ancestry: %+v %v", out, err)
		}
	})
}
