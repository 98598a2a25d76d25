package ami_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

func TestAudit(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	sound := func(version string, edit ...func(*ami.Image)) ami.Image {
		return image(version, append([]func(*ami.Image){func(i *ami.Image) {
			i.Created, i.IMDS, i.RootSnapshot, i.RootSize, i.Disks[0].Encrypted = now.AddDate(0, 0, -10), "v2.0", i.Disks[0].Snapshot, 10, true
		}}, edit...)...)
	}
	parent := sound("0.9")
	for _, tt := range []struct {
		check, detail string // empty: no finding
		edit          func(*ami.Image)
		facts         func(*ami.Facts)
	}{
		{},
		{check: ami.CheckState, detail: "it is failed (no room)", edit: func(i *ami.Image) { i.State, i.StateReason = "failed", "no room" }},
		{edit: func(i *ami.Image) { i.State, i.IMDS = "pending", "" }},
		{check: ami.CheckSnapshot, detail: "its snapshot snap-1.0 is gone", facts: func(f *ami.Facts) { delete(f.Snapshots, "snap-1.0") }},
		{check: ami.CheckSnapshot, detail: "is error", facts: func(f *ami.Facts) { f.Snapshots["snap-1.0"] = ami.Part{State: "error", Size: 10} }},
		{check: ami.CheckRoot, detail: "has 10 GiB and its snapshot 8", facts: func(f *ami.Facts) { f.Snapshots["snap-1.0"] = ami.Part{State: "completed", Size: 8} }},
		{check: ami.CheckRevoked, detail: "2 instances are made from it", edit: func(i *ami.Image) { i.Revoked = &planner.Revocation{Reason: "bad"} },
			facts: func(f *ami.Facts) { f.Uses = map[string][]ami.Use{"ami-1.0": {{}, {}}} }},
		{check: ami.CheckRevoked, detail: "shared with 1 account, who do not see that", edit: func(i *ami.Image) { i.Revoked = &planner.Revocation{Reason: "bad"} },
			facts: func(f *ami.Facts) { f.Shared = map[string]ami.Grants{"ami-1.0": {Accounts: []string{friend}}} }},
		{edit: func(i *ami.Image) { i.Revoked = &planner.Revocation{Reason: "bad"} }},
		{check: ami.CheckPublic, detail: "everybody can launch it", edit: func(i *ami.Image) { i.Public = true }},
		{edit: func(i *ami.Image) { i.Public, i.Channels = true, []string{"public"} }},
		{check: ami.CheckEncryption, detail: "not encrypted", edit: func(i *ami.Image) { i.Disks[0].Encrypted = false }},
		{check: ami.CheckIMDS, detail: "IMDSv1", edit: func(i *ami.Image) { i.IMDS = "" }},
		{check: ami.CheckAge, detail: "it is 200 days old", edit: func(i *ami.Image) { i.Created, i.Channels = now.AddDate(0, 0, -200), []string{"stable"} }},
		{edit: func(i *ami.Image) { i.Created = now.AddDate(0, 0, -200) }}, // nobody is told to use it
		{check: ami.CheckAncestors, detail: "ami-0.1 that it was made from is gone", edit: func(i *ami.Image) { i.Parent = "ami-0.1" }},
		{edit: func(i *ami.Image) { i.Parent, i.CopyOf = "ami-0.1", "eu-west-1/ami-9" }},
		{edit: func(i *ami.Image) { i.Parent = parent.ID }},
		{check: ami.CheckBase, detail: "hpc 0.9 (ami-0.9) that it was made from is deprecated since 2026-11-25", edit: func(i *ami.Image) { i.Parent = parent.ID },
			facts: func(f *ami.Facts) {
				p := f.Parents[parent.ID]
				p.Deprecated = now.AddDate(0, 0, -1)
				f.Parents[parent.ID] = p
			}},
	} {
		t.Run(tt.check+" "+tt.detail, func(t *testing.T) {
			i := sound("1.0")
			if tt.edit != nil {
				tt.edit(&i)
			}
			f := ami.Facts{At: now, Images: []ami.Image{i}, Snapshots: map[string]ami.Part{"snap-1.0": {State: "completed", Size: 10}},
				Parents: map[string]ami.Image{parent.ID: parent}}
			if tt.facts != nil {
				tt.facts(&f)
			}
			found := ami.Audit(f, 180*24*time.Hour)
			if tt.check == "" && len(found) > 0 {
				t.Errorf("found %+v", found)
			}
			if tt.check != "" && (len(found) != 1 || found[0].Check != tt.check || !strings.Contains(found[0].Detail, tt.detail)) {
				t.Errorf("found %+v, want %s: %s", found, tt.check, tt.detail)
			}
		})
	}
}

func TestFindFactsAndShow(t *testing.T) {
	inWorld(t, func(w *world) {
		w.share(w.keeper(""), ami.Grants{Accounts: []string{friend}})
		if _, _, _, err := w.keeper("").Revoke(w.Context(), "hpc-base", "2026.11", "bad"); err != nil {
			t.Fatal(err)
		}
		w.tag(ec2sim.BaseImage, planner.TagImageParent, ec2sim.AmazonLinux)
		w.tag(ec2sim.BaseImageBefore, planner.TagImageParent, "ami-00000000000000bad")
		must[*ec2.RunInstancesOutput](w)(w.ec2().RunInstances(w.Context(), &ec2.RunInstancesInput{
			ImageId: new(ec2sim.BaseImage), InstanceType: "c7i.large", MinCount: new(int32(2)), MaxCount: new(int32(2))}))
		time.Sleep(5 * time.Minute)

		k := w.keeper("")
		f := must[ami.Facts](w)(k.FindFacts(w.Context(), "hpc-base"))
		if n, by := k.Session.Calls(); n != 5 {
			t.Errorf("%d calls: %v", n, by)
		}
		var found []string
		for _, x := range ami.Audit(f, 40*24*time.Hour) {
			found = append(found, x.Image.Version+" "+x.Check)
		}
		// The region's time begins in the year 2000: nothing is old.
		if want := []string{"2026.11 revoked", "2026.11 revoked", "2026.11 encryption", "2026.10 encryption", "2026.10 ancestors"}; !slices.Equal(found, want) {
			t.Errorf("found %q, want %q", found, want)
		}

		for _, which := range []string{"2026.11", "next"} {
			d := must[ami.Details](w)(w.keeper("").Show(w.Context(), "hpc-base", which))
			if d.ID != ec2sim.BaseImage || !d.Own || !slices.Equal(d.Grants.Accounts, []string{friend}) || len(d.Uses) != 2 {
				t.Errorf("%s: %+v", which, d)
			}
			if len(d.Parts) != 1 || d.Parts[0].State != "completed" || d.Parts[0].Size != 20 {
				t.Errorf("snapshots %+v", d.Parts)
			}
			if len(d.Ancestors) != 1 || d.Ancestors[0].Image.OwnerAlias != "amazon" {
				t.Errorf("ancestors %+v", d.Ancestors)
			}
		}
		if d := must[ami.Details](w)(w.keeper("").Show(w.Context(), "", ec2sim.Ubuntu)); d.Own || len(d.Parts) > 0 || !d.Public {
			t.Errorf("somebody else's: %+v", d)
		}
		if d := must[ami.Details](w)(w.keeper("").Show(w.Context(), "hpc-base", "2026.10")); len(d.Ancestors) != 1 || d.Ancestors[0].Image.ID != "" {
			t.Errorf("a parent that is gone: %+v", d.Ancestors)
		}
		_, err := w.keeper("").Show(w.Context(), "", "ami-00000000000000bad")
		w.refused(err, "there is no image ami-00000000000000bad in us-east-1")
	})
}

// A list of 500 images, a thousand instances of them, in four calls.
func TestListOfFiveHundredTakesFourCalls(t *testing.T) {
	inWorld(t, func(w *world) {
		var ids []string
		for n := range 500 {
			v := fmt.Sprintf("1.%d", n)
			ids = append(ids, w.region.AddImage(ec2sim.ImageSpec{
				Name: ami.ImageName("many", v), Tags: map[string]string{ec2sim.FamilyTag: "many", ec2sim.VersionTag: v},
			}))
		}
		for _, id := range []string{ids[0], ids[499]} {
			must[*ec2.RunInstancesOutput](w)(w.ec2().RunInstances(w.Context(), &ec2.RunInstancesInput{
				ImageId: new(id), InstanceType: "c7i.large", MinCount: new(int32(30)), MaxCount: new(int32(30))}))
		}
		time.Sleep(5 * time.Minute)
		k := w.keeper("")
		images := must[[]ami.Image](w)(k.Find(w.Context(), "many"))
		uses := must[map[string][]ami.Use](w)(k.Uses(w.Context(), images))
		if n, by := k.Session.Calls(); n > 4 {
			t.Errorf("%d calls, want at most 4: %v", n, by)
		}
		if len(images) != 500 || images[0].Version != "1.499" || len(uses[ids[0]]) != 30 || len(uses[ids[499]]) != 30 {
			t.Errorf("%d images, the first %s, used by %d and %d", len(images), images[0].Version, len(uses[ids[0]]), len(uses[ids[499]]))
		}
	})
}

func TestDiff(t *testing.T) {
	a := image("1.0", func(i *ami.Image) {
		i.Tags["mpi"], i.BootMode, i.Architecture = "4.1", "uefi", "x86_64"
		i.Disks = append(i.Disks, ami.Disk{Device: "/dev/sdf", Size: 5, Type: "gp3"})
	})
	b := image("1.1", channel("stable", 1), func(i *ami.Image) {
		i.Tags["mpi"], i.BootMode, i.Architecture, i.Parent, i.Public = "5.0", "uefi", "arm64", "ami-1.0", true
		i.Disks[0].Size, i.Disks[0].Encrypted = 20, true
		i.Channels = []string{"stable"}
	})
	var got []string
	for _, d := range ami.Diff(a, b) {
		got = append(got, fmt.Sprintf("%s: %q %q", d.What, d.A, d.B))
	}
	want := []string{
		`version: "1.0" "1.1"`, `architecture: "x86_64" "arm64"`, `parent: "" "ami-1.0"`,
		`/dev/sdf size: "5 GiB" ""`, `/dev/sdf type: "gp3" ""`, `/dev/sdf encrypted: "false" ""`, `/dev/sdf deleted with its instance: "false" ""`,
		`/dev/xvda size: "10 GiB" "20 GiB"`, `/dev/xvda encrypted: "false" "true"`, `/dev/xvda snapshot: "snap-1.0" "snap-1.1"`,
		`channels: "" "stable"`, `public: "false" "true"`, `tag mpi: "4.1" "5.0"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := ami.Diff(b, b); len(d) > 0 {
		t.Errorf("an image differs from itself: %v", d)
	}
}
