package ec2sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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

func TestDeregistrationProtection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{Instant: true})
		c := client(r)
		id := r.AddImage(ec2sim.ImageSpec{Name: "mine"})
		deregister := func() error {
			_, err := c.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &id})
			return err
		}
		enable := func(cooldown bool) {
			if _, err := c.EnableImageDeregistrationProtection(t.Context(), &ec2.EnableImageDeregistrationProtectionInput{ImageId: &id, WithCooldown: &cooldown}); err != nil {
				t.Fatal(err)
			}
		}
		disable := func() {
			if _, err := c.DisableImageDeregistrationProtection(t.Context(), &ec2.DisableImageDeregistrationProtectionInput{ImageId: &id}); err != nil {
				t.Fatal(err)
			}
		}
		says := func(want string) {
			t.Helper()
			if got := *imageNow(t, c, id).DeregistrationProtection; !strings.HasPrefix(got, want) {
				t.Errorf("the protection is %s, want %s", got, want)
			}
		}
		says("disabled")
		enable(false)
		says("enabled-without-cooldown")
		wantCode(t, deregister(), "OperationNotPermitted", http.StatusBadRequest)
		disable()
		says("disabled")
		enable(true)
		says("enabled-with-cooldown")
		disable()
		says("disabled-after-")
		time.Sleep(23 * time.Hour)
		disable() // does not begin the day anew
		wantCode(t, deregister(), "OperationNotPermitted", http.StatusBadRequest)
		time.Sleep(time.Hour)
		says("disabled")
		if err := deregister(); err != nil {
			t.Error(err)
		}
	})
}

// A disabled image is neither seen nor launched, and is its owner's alone from then on.
func TestDisabledImages(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c, other := client(r), clientOf(r, friend, "us-east-1")
	id := r.AddImage(ec2sim.ImageSpec{Name: "mine", Users: []string{friend}})
	run(t, other, of(id))
	if _, err := c.DisableImage(t.Context(), &ec2.DisableImageInput{ImageId: &id}); err != nil {
		t.Fatal(err)
	}
	if i := imageNow(t, c, id); i.State != "disabled" {
		t.Errorf("it is %s", i.State)
	}
	out, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if err != nil || len(out.Images) > 0 {
		t.Errorf("it is seen: %v %v", out, err)
	}
	_, err = c.RunInstances(t.Context(), of(id))
	wantCode(t, err, "InvalidAMIID.Unavailable", http.StatusBadRequest)
	if _, err := c.EnableImage(t.Context(), &ec2.EnableImageInput{ImageId: &id}); err != nil {
		t.Fatal(err)
	}
	run(t, c, of(id))
	_, err = other.RunInstances(t.Context(), of(id))
	wantCode(t, err, "AuthFailure", http.StatusUnauthorized)
}

func TestDeprecatedImages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{Instant: true})
		c, other := client(r), clientOf(r, friend, "us-east-1")
		id := r.AddImage(ec2sim.ImageSpec{Name: "mine", Public: true})
		deprecate := func(in time.Duration) error {
			_, err := c.EnableImageDeprecation(t.Context(), &ec2.EnableImageDeprecationInput{ImageId: &id, DeprecateAt: aws.Time(time.Now().Add(in))})
			return err
		}
		seen := func(c *ec2.Client, deprecated bool) bool {
			out, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []types.Filter{filter("name", "mine")}, IncludeDeprecated: &deprecated})
			if err != nil {
				t.Fatal(err)
			}
			return len(out.Images) > 0
		}
		wantCode(t, deprecate(-time.Hour), "InvalidParameterValue", http.StatusBadRequest)
		wantCode(t, deprecate(3*365*24*time.Hour), "InvalidParameterValue", http.StatusBadRequest) // it is public
		if err := deprecate(time.Hour + 20*time.Second); err != nil {
			t.Fatal(err)
		}
		if at, want := *imageNow(t, c, id).DeprecationTime, time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04:05.000Z"); at != want {
			t.Errorf("deprecated at %s, want %s", at, want)
		}
		if !seen(other, false) {
			t.Error("it is deprecated too early")
		}
		time.Sleep(2 * time.Hour)
		if seen(other, false) || !seen(other, true) || !seen(c, false) {
			t.Error("a deprecated image is for its owner and for who asks for it")
		}
		run(t, other, of(id))
		if _, err := c.DisableImageDeprecation(t.Context(), &ec2.DisableImageDeprecationInput{ImageId: &id}); err != nil {
			t.Fatal(err)
		}
		if !seen(other, false) {
			t.Error("it is still deprecated")
		}
	})
}

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

// A file that was written before a region knew of accounts, copies and launch templates is read, and so is
// one that has other accounts.
func TestOlderFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	o := ec2sim.Options{Instant: true, Path: path}
	r := open(t, o)
	run(t, client(r), some(1))
	run(t, clientOf(r, friend, "us-east-1"), of(ec2sim.AmazonLinux))
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stamp, rest, _ := bytes.Cut(raw, []byte("\n"))
	var state map[string]any
	if err := json.Unmarshal(rest, &state); err != nil {
		t.Fatal(err)
	}
	worlds := state["Worlds"].(map[string]any)
	for key, w := range worlds {
		w := w.(map[string]any)
		if _, ok := w["Images"]; ok != (key == "us-east-1") {
			t.Errorf("the images are kept in %s", key)
		}
		delete(w, "Copies")
		delete(w, "Templates")
	}
	if rest, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%s older\n%s", stamp, rest), 0o600); err != nil {
		t.Fatal(err)
	}
	r = open(t, o)
	for _, c := range []*ec2.Client{client(r), clientOf(r, friend, "us-east-1")} {
		if n := len(describe(t, c)); n != 1 {
			t.Errorf("%d instances", n)
		}
		in := copyOf(ec2sim.LookAlikeImage, "copied")
		in.ClientToken = aws.String("x")
		_, err := c.CopyImage(t.Context(), in)
		wantCode(t, err, "InvalidRequest", http.StatusBadRequest) // public, but not its snapshot
		if _, err := c.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("abc"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2sim.AmazonLinux)}}); err != nil {
			t.Error(err)
		}
	}
	if _, err := client(r).CopyImage(t.Context(), copyOf(ec2sim.BaseImage, "copied")); err != nil {
		t.Error(err)
	}
}

// A thousand images and their snapshots fill a page, and filters find one among them.
func TestManyImages(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	for n := range 1100 {
		r.AddImage(ec2sim.ImageSpec{Name: fmt.Sprintf("run-%04d", n), Created: time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC), Tags: map[string]string{"n": fmt.Sprint(n)}})
	}
	seen := map[string]bool{}
	pages := ec2.NewDescribeImagesPaginator(c, &ec2.DescribeImagesInput{Owners: []string{"self"}, MaxResults: aws.Int32(1000)})
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 && len(page.Images) != 1000 {
			t.Errorf("a page of %d", len(page.Images))
		}
		for _, i := range page.Images {
			seen[*i.ImageId] = true
		}
	}
	if len(seen) != 1103 {
		t.Errorf("%d images", len(seen))
	}
	for _, f := range []types.Filter{
		filter("name", "run-0007"), filter("tag:n", "7"), filter("creation-date", "2026-01-01T00:07:*"),
		filter("block-device-mapping.snapshot-id", func() string {
			out, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []types.Filter{filter("tag:n", "7")}})
			if err != nil {
				t.Fatal(err)
			}
			return *out.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId
		}()),
	} {
		out, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}, Filters: []types.Filter{f, filter("is-public", "false"), filter("state", "available"), filter("owner-id", "123456789012"), filter("architecture", "x86_64"), filter("tag-key", "n")}})
		if err != nil || len(out.Images) != 1 || *out.Images[0].Name != "run-0007" {
			t.Errorf("%s=%v: %d %v", *f.Name, f.Values, len(out.Images), err)
		}
	}
}
