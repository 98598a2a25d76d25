package ec2sim_test

import (
	"fmt"
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
