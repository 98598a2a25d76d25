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
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"
)

// image is a version of the family hpc, n days old when the world began.
func image(version string, edit ...func(*ami.Image)) ami.Image {
	i := ami.Image{Family: "hpc", Version: version, Protected: "disabled", Disks: []ami.Disk{{Device: "/dev/xvda", Snapshot: "snap-" + version, Size: 10}}}
	i.ID, i.State = "ami-"+version, "available"
	i.Tags = map[string]string{planner.TagImageFamily: "hpc", planner.TagImageVersion: version}
	for _, e := range edit {
		e(&i)
	}
	return i
}

// channel promotes an image at a second of the day.
func channel(name string, second int) func(*ami.Image) {
	return func(i *ami.Image) {
		p := planner.Promotion{Channel: name, At: time.Date(2026, 11, 26, 0, 0, second, 0, time.UTC)}
		i.Tags[planner.TagPromotion(name)] = p.Tag()
		i.Promotions = planner.Promotions(i.Tags)
	}
}

func TestPrune(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	family := []ami.Image{
		image("1.0"),
		image("1.1", channel("stable", 1)),
		image("1.2", channel("stable", 2)),
		image("1.3", channel("stable", 3), func(i *ami.Image) { i.Parent = "ami-1.0" }),
		image("1.4", func(i *ami.Image) { i.Protected = "enabled-with-cooldown" }),
		image("1.5"), // an instance
		image("1.6", func(i *ami.Image) { i.State = "failed" }),
		image("1.7", func(i *ami.Image) { i.Disks[0].Snapshot = "snap-1.9" }), // shares its snapshot with what stays
		image("1.8"),
		image("1.9"),
	}
	snapshots := []ami.Snapshot{
		{ID: "snap-1.9", Started: now.AddDate(0, 0, -1)},
		{ID: "snap-0.9", Size: 5, Started: now.AddDate(0, 0, -1), Of: "ami-0.9"},
		{ID: "snap-of-1.0", Started: now.AddDate(0, 0, -1), Of: "ami-1.0"}, // an image that is there still
		{ID: "snap-young", Started: now.Add(-time.Minute)},
		{ID: "snap-pending", State: "pending", Started: now.AddDate(0, 0, -1)},
	}
	p := ami.Prune(family, 2, map[string][]string{"ami-1.5": {"1 instance is made from it"}}, snapshots, now)
	var kept []string
	for _, k := range p.Kept {
		kept = append(kept, k.Image.Version+": "+strings.Join(k.Why, ", "))
	}
	if want := []string{
		"1.9: it is one of the 2 versions to keep", "1.8: it is one of the 2 versions to keep", "1.5: 1 instance is made from it",
		"1.4: it is protected, with a cool-down of a day", "1.3: it holds the channel stable", "1.2: a rollback of stable would go to it",
	}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
	var gone []string
	for _, d := range p.Remove {
		gone = append(gone, fmt.Sprintf("%s %v %d", d.Image.Version, d.Snapshots, d.GiB))
	}
	if want := []string{"1.7 [] 0", "1.6 [snap-1.6] 10", "1.1 [snap-1.1] 10", "1.0 [snap-1.0] 10"}; !slices.Equal(gone, want) {
		t.Errorf("removes %q, want %q", gone, want)
	}
	if len(p.Strays) != 1 || p.Strays[0].ID != "snap-0.9" {
		t.Errorf("strays %v", p.Strays)
	}
	if n, gib := p.Snapshots(); n != 4 || gib != 35 {
		t.Errorf("%d snapshots, %d GiB", n, gib)
	}
	if !slices.Equal(p.Orphan, []string{"ami-1.3"}) {
		t.Errorf("orphans %v", p.Orphan)
	}
	family = append(family, image("2.0", func(i *ami.Image) { i.State = "pending" }))
	if p := ami.Prune(family, 2, nil, snapshots, now); len(p.Strays) > 0 || p.Kept[0].Why[0] != "it is being made" {
		t.Errorf("while an image is being made: strays %v, first kept %v", p.Strays, p.Kept[0].Why)
	}
}

// Whatever there is, each image is kept or goes, what is needed stays, and pruning what is left again
// removes nothing.
func TestPruneIsSafeAndComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var family []ami.Image
		uses := map[string][]string{}
		for n := range rapid.IntRange(0, 12).Draw(t, "images") {
			i := image(fmt.Sprintf("1.%d", n))
			i.State = rapid.SampledFrom([]string{"available", "available", "failed", "disabled", "pending"}).Draw(t, "state")
			if rapid.IntRange(0, 3).Draw(t, "promoted") == 0 {
				channel(rapid.SampledFrom([]string{"stable", "next"}).Draw(t, "channel"), rapid.IntRange(0, 59).Draw(t, "second"))(&i)
			}
			if rapid.IntRange(0, 4).Draw(t, "revoked") == 0 {
				i.Revoked = &planner.Revocation{Reason: "bad"}
			}
			if rapid.IntRange(0, 4).Draw(t, "used") == 0 {
				uses[i.ID] = []string{"used"}
			}
			family = append(family, i)
		}
		keep := rapid.IntRange(1, 5).Draw(t, "keep")
		p := ami.Prune(family, keep, uses, nil, time.Time{})
		if len(p.Kept)+len(p.Remove) != len(family) {
			t.Fatalf("%d kept and %d removed of %d", len(p.Kept), len(p.Remove), len(family))
		}
		good := func(i ami.Image) bool { return i.State == "available" && i.Revoked == nil }
		had, has := 0, 0
		for _, i := range family {
			if good(i) {
				had++
			}
		}
		for _, k := range p.Kept {
			if good(k.Image) {
				has++
			}
		}
		if has < min(keep, had) && !slices.ContainsFunc(family, func(i ami.Image) bool { return i.State == "disabled" }) {
			t.Errorf("%d good versions stay of %d, want at least %d", has, had, keep)
		}
		var left []ami.Image
		for _, k := range p.Kept {
			left = append(left, k.Image)
		}
		for _, d := range p.Remove {
			if len(uses[d.Image.ID]) > 0 || d.Image.State == "pending" {
				t.Errorf("%s goes, and is %s and used: %v", d.Image.Version, d.Image.State, uses[d.Image.ID])
			}
			for _, c := range []string{"stable", "next"} {
				was, is := holdersOf(family, c), holdersOf(left, c)
				if !slices.Equal(was[:min(2, len(was))], is[:min(2, len(is))]) {
					t.Errorf("%s was held by %v and is by %v", c, was, is)
				}
			}
		}
		if again := ami.Prune(left, keep, uses, nil, time.Time{}); !again.Empty() {
			t.Errorf("pruned again, %d go", len(again.Remove))
		}
	})
}

func holdersOf(images []ami.Image, channel string) (ids []string) {
	var all []planner.Image
	for _, i := range images {
		all = append(all, i.Image)
	}
	for _, h := range planner.Holders(all, channel) {
		ids = append(ids, h.ID)
	}
	return ids
}

// old makes versions of the family old, 0.1 the oldest, and returns their ids.
func (w *world) old(versions ...string) (ids []string) {
	for n, v := range versions {
		ids = append(ids, w.region.AddImage(ec2sim.ImageSpec{
			Name: ami.ImageName("old", v), Created: w.region.Now().AddDate(0, 0, -100+n),
			Tags: map[string]string{ec2sim.FamilyTag: "old", ec2sim.VersionTag: v},
		}))
	}
	// A capture tags its snapshots as its image.
	for _, id := range ids {
		w.tag(ec2sim.RootSnapshot(id), ec2sim.FamilyTag, "old")
	}
	return ids
}

func (w *world) tag(id, key, value string) {
	w.Helper()
	must[*ec2.CreateTagsOutput](w)(w.ec2().CreateTags(w.Context(), &ec2.CreateTagsInput{
		Resources: []string{id}, Tags: []types.Tag{{Key: new(key), Value: new(value)}}}))
}

// left are the versions and snapshots of the family old that there are.
func (w *world) left() (versions, snapshots []string) {
	w.Helper()
	for _, i := range w.family("old") {
		versions = append(versions, i.Version)
	}
	out := must[*ec2.DescribeSnapshotsOutput](w)(w.ec2().DescribeSnapshots(w.Context(), &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: new("tag:" + ec2sim.FamilyTag), Values: []string{"old"}}}}))
	for _, s := range out.Snapshots {
		snapshots = append(snapshots, *s.SnapshotId)
	}
	slices.Sort(snapshots)
	return versions, snapshots
}

func (w *world) prune(k *ami.Keeper, keep int, more map[string][]string) (ami.Pruning, error) {
	p, err := k.PlanPrune(w.Context(), "old", keep, more)
	if err == nil {
		_, err = k.Prune(w.Context(), p)
	}
	return p, err
}

func TestPruneKeepsWhatIsUsed(t *testing.T) {
	inWorld(t, func(w *world) {
		ids := w.old("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7")
		must[*ec2.CreateLaunchTemplateOutput](w)(w.ec2().CreateLaunchTemplate(w.Context(), &ec2.CreateLaunchTemplateInput{
			LaunchTemplateName: new("batch"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: new(ids[0])}}))
		must[*ec2.RunInstancesOutput](w)(w.ec2().RunInstances(w.Context(), &ec2.RunInstancesInput{
			ImageId: new(ids[1]), InstanceType: "c7i.large", MinCount: new(int32(1)), MaxCount: new(int32(1))}))
		w.tag(ids[2], ec2sim.ChannelTag, "stable")
		must[*ec2.EnableImageDeregistrationProtectionOutput](w)(w.ec2().EnableImageDeregistrationProtection(w.Context(),
			&ec2.EnableImageDeregistrationProtectionInput{ImageId: new(ids[3])}))
		time.Sleep(time.Hour)

		k := w.keeper("")
		p, err := w.prune(k, 1, map[string][]string{ids[4]: {"the lock cfd.cluster.lock.hcl names it"}})
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := k.Session.Calls(); n != 5 {
			t.Errorf("%d calls, want 4 to look and 1 to remove", n)
		}
		if len(p.Remove) != 1 || p.Remove[0].Image.Version != "0.6" {
			t.Errorf("removed %+v", p.Remove)
		}
		versions, snapshots := w.left()
		if want := []string{"0.7", "0.5", "0.4", "0.3", "0.2", "0.1"}; !slices.Equal(versions, want) || len(snapshots) != 6 {
			t.Errorf("left %v, %v", versions, snapshots)
		}
		for _, kept := range p.Kept {
			if want := map[string]string{
				"0.1": "launch template lt-", "0.2": "1 instance is made", "0.3": "holds the channel stable", "0.4": "protected", "0.5": "lock", "0.7": "to keep",
			}[kept.Image.Version]; !strings.Contains(strings.Join(kept.Why, ", "), want) {
				t.Errorf("%s is kept because %q, want %q", kept.Image.Version, kept.Why, want)
			}
		}
		// EC2 shows a deregistered image for a while.
		w.region.AddImage(ec2sim.ImageSpec{Name: "old-0.0", State: "deregistered", Tags: map[string]string{ec2sim.FamilyTag: "old", ec2sim.VersionTag: "0.0"}})
		if p, err = w.keeper("").PlanPrune(w.Context(), "old", 7, nil); err != nil || !p.Empty() {
			t.Errorf("would remove %+v, %v", p.Remove, err)
		}
		_, err = w.keeper("").PlanPrune(w.Context(), "odl", 1, nil)
		w.refused(err, "Did you mean old?")
	})
}

// What came into use while somebody was asked stays, and nothing goes that he was not asked about.
func TestPruneAsksAgain(t *testing.T) {
	family := []ami.Image{image("1.0"), image("1.1"), image("1.2"), image("1.3")}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	stray := []ami.Snapshot{{ID: "snap-a", Started: now.AddDate(0, 0, -1)}, {ID: "snap-b", Started: now.AddDate(0, 0, -1)}}
	shown := ami.Prune(family, 2, map[string][]string{}, stray[:1], now)
	later := ami.Prune(append(family, image("1.4")), 2, map[string][]string{"ami-1.1": {"used"}}, stray, now)
	p := shown.And(later)
	if len(p.Remove) != 1 || p.Remove[0].Image.Version != "1.0" || len(p.Strays) != 1 || p.Strays[0].ID != "snap-a" {
		t.Errorf("removes %+v and %+v", p.Remove, p.Strays)
	}
}

func TestKilledPruneConverges(t *testing.T) {
	kills := killEverywhere(t, func(w *world) {
		w.old("0.1", "0.2", "0.3", "0.4")
		// Somebody deregistered one by hand, and forgot its snapshot.
		id := w.old("0.0")[0]
		must[*ec2.DeregisterImageOutput](w)(w.ec2().DeregisterImage(w.Context(), &ec2.DeregisterImageInput{ImageId: new(id)}))
	}, func(w *world, k *ami.Keeper) error {
		_, err := w.prune(k, 2, nil)
		return err
	}, func(w *world, died string) {
		versions, snapshots := w.left()
		if !slices.Equal(versions, []string{"0.4", "0.3"}) || len(snapshots) != 2 {
			w.Errorf("killed at %s: left %v and the snapshots %v", died, versions, snapshots)
		}
		if len(w.family("hpc-base")) != 2 {
			w.Error("another family lost images")
		}
	})
	if kills < 14 {
		t.Errorf("only %d kills: the test does not reach the calls that remove", kills)
	}
}
