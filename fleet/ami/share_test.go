package ami_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"
)

const (
	friend = "444455556666"
	orgARN = "arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5"
	ouARN  = "arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-11223344"
)

// accounts are n accounts.
func accounts(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%012d", 700000000000+i))
	}
	return all
}

// as is a client of another account, in us-east-1.
func (w *world) as(account string) *ec2.Client {
	return ec2.New(ec2.Options{
		Region: "us-east-1", HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid"),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAX"+account, "x", ""),
	})
}

// sharedWith are whom EC2 says an image and its root snapshot are shared with.
func (w *world) sharedWith(id string) (g ami.Grants, snapshot []string) {
	w.Helper()
	out := must[*ec2.DescribeImageAttributeOutput](w)(w.ec2().DescribeImageAttribute(w.Context(), &ec2.DescribeImageAttributeInput{
		ImageId: new(id), Attribute: types.ImageAttributeNameLaunchPermission}))
	for _, p := range out.LaunchPermissions {
		switch {
		case p.UserId != nil:
			g.Accounts = append(g.Accounts, *p.UserId)
		case p.OrganizationArn != nil:
			g.Orgs = append(g.Orgs, *p.OrganizationArn)
		case p.OrganizationalUnitArn != nil:
			g.OUs = append(g.OUs, *p.OrganizationalUnitArn)
		default:
			g.Public = true
		}
	}
	s := must[*ec2.DescribeSnapshotAttributeOutput](w)(w.ec2().DescribeSnapshotAttribute(w.Context(), &ec2.DescribeSnapshotAttributeInput{
		SnapshotId: new(ec2sim.RootSnapshot(id)), Attribute: types.SnapshotAttributeNameCreateVolumePermission}))
	for _, p := range s.CreateVolumePermissions {
		snapshot = append(snapshot, *p.UserId)
	}
	slices.Sort(snapshot)
	return g, snapshot
}

func (w *world) share(k *ami.Keeper, want ami.Grants) ami.Shared {
	w.Helper()
	return must[ami.Shared](w)(k.Share(w.Context(), "hpc-base", "2026.11", want))
}

func TestShareFortyAccountsInFourCalls(t *testing.T) {
	inWorld(t, func(w *world) {
		for n, step := range []struct {
			accounts []string
			calls    int
			changed  int
		}{
			{accounts(40), 4, 40},
			{accounts(40), 3, 0},      // nothing to do, which three looks prove
			{accounts(42)[10:], 4, 2}, // the difference
			{accounts(700)[:60], 4, 18},
		} {
			k := w.keeper("")
			s := w.share(k, ami.Grants{Accounts: step.accounts})
			if calls, by := k.Session.Calls(); calls != step.calls {
				t.Errorf("step %d: %d calls, want %d: %v", n, calls, step.calls, by)
			}
			if len(s.Changed.Accounts) != step.changed {
				t.Errorf("step %d: %d accounts changed, want %d", n, len(s.Changed.Accounts), step.changed)
			}
		}
		g, snapshot := w.sharedWith(ec2sim.BaseImage)
		if want := accounts(60); !slices.Equal(g.Accounts, want) || !slices.Equal(snapshot, want) {
			t.Errorf("image %v\nsnapshot %v", g.Accounts, snapshot)
		}
		k := w.keeper("")
		must[ami.Shared](w)(k.Unshare(w.Context(), "hpc-base", "2026.11", ami.Grants{Accounts: accounts(50)}))
		if calls, by := k.Session.Calls(); calls != 4 {
			t.Errorf("unshare: %d calls: %v", calls, by)
		}
		if g, snapshot := w.sharedWith(ec2sim.BaseImage); len(g.Accounts) != 10 || !slices.Equal(snapshot, g.Accounts) {
			t.Errorf("image %v\nsnapshot %v", g.Accounts, snapshot)
		}
	})
}

// Six hundred accounts fit into one call for the image, and need two for the snapshot.
func TestShareWithManyAccounts(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keeper("")
		w.share(k, ami.Grants{Accounts: accounts(600)})
		if calls, by := k.Session.Calls(); calls != 5 || by["ModifyImageAttribute"] != 1 {
			t.Errorf("%d calls: %v", calls, by)
		}
		if g, snapshot := w.sharedWith(ec2sim.BaseImage); len(g.Accounts) != 600 || len(snapshot) != 600 {
			t.Errorf("%d accounts, %d of the snapshot", len(g.Accounts), len(snapshot))
		}
	})
}

// The second account can launch and copy what is shared with it, and nothing else.
func TestSharedImagesCanBeUsed(t *testing.T) {
	inWorld(t, func(w *world) {
		launch := func(id string) error {
			_, err := w.as(friend).RunInstances(w.Context(), &ec2.RunInstancesInput{
				ImageId: new(id), InstanceType: "c7i.large", MinCount: new(int32(1)), MaxCount: new(int32(1))})
			return err
		}
		copied := func(id string) error {
			_, err := w.as(friend).CopyImage(w.Context(), &ec2.CopyImageInput{
				SourceImageId: new(id), SourceRegion: new("us-east-1"), Name: new("mine-" + id)})
			return err
		}
		w.share(w.keeper(""), ami.Grants{Accounts: []string{friend}})
		if err := errors.Join(launch(ec2sim.BaseImage), copied(ec2sim.BaseImage)); err != nil {
			t.Errorf("the shared image: %v", err)
		}
		if launch(ec2sim.BaseImageBefore) == nil || copied(ec2sim.BaseImageBefore) == nil {
			t.Error("another image can be used as well")
		}
		must[ami.Shared](w)(w.keeper("").Unshare(w.Context(), "hpc-base", "2026.11", ami.Grants{Accounts: []string{friend}}))
		if launch(ec2sim.BaseImage) == nil || copied(ec2sim.BaseImage) == nil {
			t.Error("what was taken back can still be used")
		}
	})
}

// An image that somebody shared by hand gets its snapshots.
func TestSnapshotsFollow(t *testing.T) {
	inWorld(t, func(w *world) {
		must[*ec2.ModifyImageAttributeOutput](w)(w.ec2().ModifyImageAttribute(w.Context(), &ec2.ModifyImageAttributeInput{
			ImageId: new(ec2sim.BaseImage), LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{{UserId: new(friend)}}}}))
		s := w.share(w.keeper(""), ami.Grants{Accounts: []string{friend}})
		if !s.Changed.Empty() || s.Snapshots != 1 {
			t.Errorf("changed %v and %d snapshots", s.Changed, s.Snapshots)
		}
		if _, snapshot := w.sharedWith(ec2sim.BaseImage); !slices.Equal(snapshot, []string{friend}) {
			t.Errorf("the snapshot is shared with %v", snapshot)
		}
	})
}

func TestShareWithOrganizations(t *testing.T) {
	inWorld(t, func(w *world) {
		want := ami.Grants{Orgs: []string{orgARN}, OUs: []string{ouARN}}
		s := w.share(w.keeper(""), want)
		if s.Changed.Count() != 2 || s.Snapshots != 0 {
			t.Errorf("changed %v and %d snapshots", s.Changed, s.Snapshots)
		}
		if g, _ := w.sharedWith(ec2sim.BaseImage); g.Text() != "1 organization, 1 organizational unit" {
			t.Errorf("shared with %s", g.Text())
		}
		s = must[ami.Shared](w)(w.keeper("").Unshare(w.Context(), "hpc-base", "2026.11", ami.Grants{OUs: []string{ouARN}}))
		if g, _ := w.sharedWith(ec2sim.BaseImage); g.Text() != "1 organization" || s.Have.Text() != g.Text() {
			t.Errorf("shared with %s, and it says %s", g.Text(), s.Have.Text())
		}
	})
}

func TestSharesThatAreRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		add := func(version string, s ec2sim.ImageSpec) {
			s.Name = "hpc-base-" + version
			if s.Tags == nil {
				s.Tags = map[string]string{}
			}
			s.Tags[ec2sim.FamilyTag], s.Tags[ec2sim.VersionTag] = "hpc-base", version
			w.region.AddImage(s)
		}
		add("3.0", ec2sim.ImageSpec{Encrypted: true})
		add("3.1", ec2sim.ImageSpec{Encrypted: true, KMSKey: "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-4333-a444-555555555555"})
		add("3.2", ec2sim.ImageSpec{State: "pending"})
		add("3.3", ec2sim.ImageSpec{Tags: map[string]string{"cluster:image-revoked": "2026-11-26T10:00:00.000Z bad"}})
		share := func(version string, g ami.Grants) error {
			_, err := w.keeper("").Share(w.Context(), "hpc-base", version, g)
			return err
		}
		one := ami.Grants{Accounts: []string{friend}}
		w.refused(share("3.0", one), "EC2 does not share the encrypted image hpc-base 3.0", "default key", "a key of your own")
		w.refused(share("3.0", ami.Grants{Orgs: []string{orgARN}}), "default key")
		if g, _ := w.sharedWith(w.id("3.0")); !g.Empty() {
			t.Errorf("what was refused is shared with %s", g.Text())
		}
		if err := share("3.1", one); err != nil {
			t.Errorf("encrypted with a customer's key: %v", err)
		}
		w.refused(share("3.1", ami.Grants{Public: true}), "is encrypted and cannot be public")
		w.refused(share("3.2", one), "is pending")
		w.refused(share("3.3", one), "is revoked: bad", "Other accounts do not see that.")
		w.refused(share("2026.11", ami.Grants{Public: true}), "this account blocks public images in us-east-1 (block-new-sharing)")
		w.refused(share("9", one), "there is no hpc-base 9")

		must[*ec2.DisableImageBlockPublicAccessOutput](w)(w.ec2().DisableImageBlockPublicAccess(w.Context(), &ec2.DisableImageBlockPublicAccessInput{}))
		if err := share("2026.11", ami.Grants{Public: true}); err != nil {
			t.Error(err)
		}
		if g, _ := w.sharedWith(ec2sim.BaseImage); !g.Public {
			t.Error("it is not public")
		}
		must[*ec2.EnableImageBlockPublicAccessOutput](w)(w.ec2().EnableImageBlockPublicAccess(w.Context(), &ec2.EnableImageBlockPublicAccessInput{
			ImageBlockPublicAccessState: types.ImageBlockPublicAccessEnabledStateBlockNewSharing}))
		if err := share("2026.11", ami.Grants{Public: true}); err != nil {
			t.Errorf("what is public already is refused: %v", err)
		}
		must[ami.Shared](w)(w.keeper("").Unshare(w.Context(), "hpc-base", "2026.11", ami.Grants{Public: true}))
		if g, _ := w.sharedWith(ec2sim.BaseImage); g.Public {
			t.Error("it is still public")
		}
	})
}

// id is the image of a version of hpc-base.
func (w *world) id(version string) string {
	w.Helper()
	img, err := ami.PickVersion(w.family("hpc-base"), version)
	if err != nil {
		w.Fatal(err)
	}
	return img.ID
}

func TestKilledShareConverges(t *testing.T) {
	want := accounts(40)
	kills := killEverywhere(t, func(*world) {}, func(w *world, k *ami.Keeper) error {
		_, err := k.Share(w.Context(), "hpc-base", "2026.11", ami.Grants{Accounts: want, Orgs: []string{orgARN}})
		return err
	}, func(w *world, died string) {
		if g, snapshot := w.sharedWith(ec2sim.BaseImage); !slices.Equal(g.Accounts, want) || !slices.Equal(snapshot, want) || len(g.Orgs) != 1 {
			w.Errorf("killed at %s: shared with %s, its snapshot with %d accounts", died, g.Text(), len(snapshot))
		}
	})
	if kills != 8 {
		t.Errorf("%d kills, want 4 calls, twice", kills)
	}
}

func TestKilledUnshareConverges(t *testing.T) {
	all := accounts(40)
	killEverywhere(t, func(w *world) { w.share(w.keeper(""), ami.Grants{Accounts: all}) }, func(w *world, k *ami.Keeper) error {
		_, err := k.Unshare(w.Context(), "hpc-base", "2026.11", ami.Grants{Accounts: all[:30]})
		return err
	}, func(w *world, died string) {
		if g, snapshot := w.sharedWith(ec2sim.BaseImage); !slices.Equal(g.Accounts, all[30:]) || !slices.Equal(snapshot, all[30:]) {
			w.Errorf("killed at %s: shared with %s, its snapshot with %d accounts", died, g.Text(), len(snapshot))
		}
	})
}

func TestGrants(t *testing.T) {
	for word, problem := range map[string]string{
		"12345678901": "it is 012345678901", "1234-5678-9012": "without hyphens", "1": "this has 1", "me": "12 digits", "arn:aws:iam::1:root": "--org",
	} {
		err := ami.Grants{Accounts: []string{word}}.Check()
		if e, ok := errors.AsType[*ami.WordError](err); !ok || !strings.Contains(e.Error(), problem) {
			t.Errorf("%s: %v, want %q", word, err, problem)
		}
	}
	for _, g := range []ami.Grants{{Orgs: []string{"o-a1b2c3d4e5"}}, {Orgs: []string{ouARN}}, {OUs: []string{orgARN}}} {
		if g.Check() == nil {
			t.Errorf("%+v passes", g)
		}
	}
	if err := (ami.Grants{Accounts: []string{friend}, Orgs: []string{orgARN}, OUs: []string{ouARN}, Public: true}).Check(); err != nil {
		t.Error(err)
	}
}

func TestGrantsAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Custom(func(t *rapid.T) ami.Grants {
			words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 6)
			return ami.Grants{Accounts: words.Draw(t, "accounts"), Orgs: words.Draw(t, "orgs"), OUs: words.Draw(t, "ous"), Public: rapid.Bool().Draw(t, "public")}
		})
		g, h := one.Draw(t, "g"), one.Draw(t, "h")
		all, both, rest := g.Minus(ami.Grants{}), g.And(h), g.Minus(h)
		if both.Count()+rest.Count() != all.Count() || !both.Minus(h).Empty() || !rest.And(h).Empty() || !both.Minus(g).Empty() {
			t.Errorf("%+v and %+v: both %+v, rest %+v", g, h, both, rest)
		}
	})
}
