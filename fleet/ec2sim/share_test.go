package ec2sim_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

const friend = "210987654321"

// clientOf is a client of a region as an account.
func clientOf(r *ec2sim.Region, account, region string) *ec2.Client {
	o := clientIn(r, region).Options()
	o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIA" + account, SecretAccessKey: "secret"}, nil
	})
	return ec2.New(o)
}

// share changes who may launch an image.
func share(t *testing.T, c *ec2.Client, image string, add ...types.LaunchPermission) error {
	t.Helper()
	_, err := c.ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{ImageId: &image, LaunchPermission: &types.LaunchPermissionModifications{Add: add}})
	return err
}

// shareSnapshot gives a snapshot to an account.
func shareSnapshot(t *testing.T, c *ec2.Client, snapshot, account string) error {
	t.Helper()
	_, err := c.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{SnapshotId: &snapshot,
		CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: []types.CreateVolumePermission{{UserId: &account}}}})
	return err
}

func user(account string) types.LaunchPermission { return types.LaunchPermission{UserId: &account} }

func copyOf(image, name string) *ec2.CopyImageInput {
	return &ec2.CopyImageInput{Name: &name, SourceImageId: &image, SourceRegion: aws.String("us-east-1")}
}

// What another account can do with an image that is not shared, shared without its snapshot, and with it. The
// region is in a file, and each step sees it anew.
func TestAnotherAccount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	anew := func() (owner, other, abroad *ec2.Client) {
		r := open(t, ec2sim.Options{Instant: true, Path: path})
		return client(r), clientOf(r, friend, "us-east-1"), clientOf(r, friend, "eu-west-1")
	}
	owner, other, abroad := anew()
	id := capture(t, owner, run(t, owner, some(1))[0], "hpc-1.0.0")
	snapshot := *imageNow(t, owner, id).BlockDeviceMappings[0].Ebs.SnapshotId
	seen := func() int {
		out, err := other.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []types.Filter{filter("image-id", id)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range out.Images {
			if len(i.Tags) > 0 || *i.OwnerId != "123456789012" {
				t.Errorf("another account sees %+v", i)
			}
		}
		return len(out.Images)
	}
	launch := func() error { _, err := other.RunInstances(t.Context(), of(id)); return err }
	duplicate := func(name string) error {
		_, err := abroad.CopyImage(t.Context(), copyOf(id, name))
		return err
	}

	wantCode(t, launch(), "AuthFailure", http.StatusUnauthorized)
	wantCode(t, duplicate("mine"), "InvalidAMIID.NotFound", http.StatusBadRequest)
	wantCode(t, share(t, other, id, user(friend)), "InvalidAMIID.NotFound", http.StatusBadRequest)
	if n := seen(); n != 0 {
		t.Errorf("an unshared image is seen by %d", n)
	}

	if err := share(t, owner, id, user(friend), user("111111111111")); err != nil {
		t.Fatal(err)
	}
	owner, other, abroad = anew()
	if err := launch(); err != nil || seen() != 1 {
		t.Errorf("a shared image: %v, seen %d times", err, seen())
	}
	wantCode(t, duplicate("mine"), "InvalidRequest", http.StatusBadRequest)
	wantCode(t, share(t, other, id, user("333333333333")), "AuthFailure", http.StatusUnauthorized)
	_, err := other.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &id})
	wantCode(t, err, "AuthFailure", http.StatusUnauthorized)
	_, err = other.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{snapshot}})
	wantCode(t, err, "InvalidSnapshot.NotFound", http.StatusBadRequest)

	if err := shareSnapshot(t, owner, snapshot, friend); err != nil {
		t.Fatal(err)
	}
	owner, other, abroad = anew()
	if err := duplicate("mine"); err != nil {
		t.Error(err)
	}
	out, err := abroad.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
	if err != nil || len(out.Images) != 1 || *out.Images[0].OwnerId != friend || *out.Images[0].SourceImageId != id || *out.Images[0].SourceImageRegion != "us-east-1" {
		t.Errorf("the copy: %+v %v", out, err)
	}
	_, err = other.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &snapshot})
	wantCode(t, err, "AuthFailure", http.StatusUnauthorized)

	// Everything else is each account's own.
	if a, b := describe(t, owner), describe(t, other); len(a) != 1 || len(b) != 1 || *a[0].InstanceId == *b[0].InstanceId {
		t.Errorf("instances: %v and %v", ids(a), ids(b))
	}
	_, err = other.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids(describe(t, owner))})
	wantCode(t, err, "InvalidInstanceID.NotFound", http.StatusBadRequest)
	attribute, err := owner.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{ImageId: &id, Attribute: "launchPermission"})
	if err != nil || len(attribute.LaunchPermissions) != 2 {
		t.Errorf("%+v %v", attribute, err)
	}
}

// An image cannot be shared more widely than its snapshots and the account's settings allow.
func TestSharingIsRefused(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	customer := "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
	everyone := types.LaunchPermission{Group: types.PermissionGroupAll}
	plain := r.AddImage(ec2sim.ImageSpec{Name: "plain"})
	byDefault := r.AddImage(ec2sim.ImageSpec{Name: "default-key", Encrypted: true})
	byCustomer := r.AddImage(ec2sim.ImageSpec{Name: "customer-key", Encrypted: true, KMSKey: customer})
	state, err := c.GetImageBlockPublicAccessState(t.Context(), &ec2.GetImageBlockPublicAccessStateInput{})
	if err != nil || *state.ImageBlockPublicAccessState != "block-new-sharing" {
		t.Errorf("%+v %v", state, err)
	}
	wantCode(t, share(t, c, plain, everyone), "OperationNotPermitted", http.StatusBadRequest)
	if _, err := c.DisableImageBlockPublicAccess(t.Context(), &ec2.DisableImageBlockPublicAccessInput{}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		image string
		to    types.LaunchPermission
		want  string
	}{
		{plain, everyone, ""},
		{plain, user("12"), "InvalidAMIAttributeItemValue"},
		{plain, types.LaunchPermission{OrganizationArn: aws.String("arn:aws:organizations::1:organization/o-1")}, ""},
		{byDefault, user(friend), "InvalidParameter"},
		{byCustomer, user(friend), ""},
		{byCustomer, everyone, "InvalidParameter"},
	} {
		if got, _ := code(share(t, c, step.image, step.to)); got != step.want {
			t.Errorf("sharing %s with %+v: %q, want %q", step.image, step.to, got, step.want)
		}
	}
	wantCode(t, shareSnapshot(t, c, ec2sim.RootSnapshot(byDefault), friend), "OperationNotPermitted", http.StatusBadRequest)
	if err := shareSnapshot(t, c, ec2sim.RootSnapshot(byCustomer), friend); err != nil {
		t.Error(err)
	}
	if out, err := clientOf(r, friend, "us-east-1").RunInstances(t.Context(), of(plain)); err != nil || *out.OwnerId != friend {
		t.Errorf("a public image: %v", err)
	}
	if _, err := c.ResetImageAttribute(t.Context(), &ec2.ResetImageAttributeInput{ImageId: &plain, Attribute: "launchPermission"}); err != nil {
		t.Fatal(err)
	}
	_, err = clientOf(r, friend, "us-east-1").RunInstances(t.Context(), of(plain))
	wantCode(t, err, "AuthFailure", http.StatusUnauthorized)
}
