package ec2sim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
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

// The access key says whose request it is, wherever the client writes it.
func TestWhoAsks(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, Accounts: map[string]string{"AKIAFRIEND": friend}})
	s := httptest.NewServer(r)
	defer s.Close()
	for query, want := range map[string]string{
		"":                                 "123456789012",
		"&AWSAccessKeyId=AKIAFRIEND":       friend,
		"&AWSAccessKeyId=AKIA111111111111": "111111111111",
		"&AWSAccessKeyId=222222222222":     "222222222222",
		"&AWSAccessKeyId=AKIA1234":         "123456789012",
		"&X-Amz-Credential=333333333333/d/eu-west-3/ec2/aws4_request":   "333333333333",
		"&X-Amz-Credential=AKIAEXAMPLE/d/eu-west-3/ec2/aws4_request":    "123456789012",
		"&X-Amz-Credential=AKIA33333333333x/d/eu-west-3/ec2/aws4_reque": "123456789012",
	} {
		if _, body := get(t, s.URL, "/?Action=GetCallerIdentity&Version=2011-06-15"+query); !strings.Contains(body, "<Account>"+want+"</Account>") {
			t.Errorf("%s: %s", query, body)
		}
	}
	if c := r.Journal()[0]; c.Account == "" {
		t.Errorf("the journal does not say whose it was: %+v", c)
	}
}

// Every account has a default network of its own, and what it makes there has ids of its own.
func TestAccountsAreApart(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, VCPUQuota: 4})
	one, two := client(r), clientOf(r, friend, "us-east-1")
	in := func() *ec2.RunInstancesInput {
		in := of(ec2sim.AmazonLinux)
		in.MinCount, in.MaxCount = aws.Int32(2), aws.Int32(2)
		return in
	}
	a, b := run(t, one, in()), run(t, two, in()) // the quota of each
	if a[0] == b[0] || a[1] == b[1] {
		t.Errorf("%v and %v", a, b)
	}
	for c, want := range map[*ec2.Client]string{one: "123456789012", two: friend} {
		out, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{ec2sim.SubnetA}})
		if err != nil || *out.Subnets[0].OwnerId != want {
			t.Errorf("%s: %+v %v", want, out, err)
		}
	}
	if _, err := one.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{ec2sim.AmazonLinux}, Tags: []types.Tag{tag("mine", "yes")}}); err != nil {
		t.Fatal(err)
	}
	if n := len(imageNow(t, one, ec2sim.AmazonLinux).Tags); n != 1 {
		t.Errorf("%d tags", n)
	}
	if tags := imageNow(t, two, ec2sim.AmazonLinux).Tags; len(tags) > 0 {
		t.Errorf("another account's tags are seen: %v", tags)
	}
	if err := r.Kill(b[0]); err != nil {
		t.Errorf("another account's instance cannot be meddled with: %v", err)
	}
	if n := len(describe(t, two, filter("instance-state-name", "running"))); n != 1 {
		t.Errorf("%d of its instances run", n)
	}
}

// Which snapshots an account is shown: its own, those that are shared with it, and those of everyone.
func TestWhoseSnapshotsAreShown(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	one, two := client(r), clientOf(r, friend, "us-east-1")
	mine := ec2sim.RootSnapshot(r.AddImage(ec2sim.ImageSpec{Name: "mine"}))
	shared := ec2sim.RootSnapshot(r.AddImage(ec2sim.ImageSpec{Name: "shared"}))
	if err := shareSnapshot(t, one, shared, friend); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		c                  *ec2.Client
		owners, restorable []string
		mine, shared, all  bool
	}{
		{one, nil, nil, true, true, true},
		{one, []string{"self"}, nil, true, true, false},
		{one, nil, []string{friend}, false, true, false},
		{two, nil, nil, false, true, true},
		{two, []string{"123456789012"}, nil, false, true, false},
		{two, []string{"self"}, nil, false, false, false},
		{two, nil, []string{"self"}, false, true, false},
		{two, nil, []string{"all"}, false, false, true},
	} {
		out, err := test.c.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: test.owners, RestorableByUserIds: test.restorable})
		if err != nil {
			t.Fatal(err)
		}
		sees := func(id string) bool {
			return slices.ContainsFunc(out.Snapshots, func(s types.Snapshot) bool { return *s.SnapshotId == id })
		}
		if sees(mine) != test.mine || sees(shared) != test.shared || sees(ec2sim.RootSnapshot(ec2sim.AmazonLinux)) != test.all {
			t.Errorf("%v %v: mine %v, shared %v, public %v", test.owners, test.restorable, sees(mine), sees(shared), sees(ec2sim.RootSnapshot(ec2sim.AmazonLinux)))
		}
	}
}
