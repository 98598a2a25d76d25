package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"

	"pgregory.net/rapid"
)

// version is an own image of the family hpc with more tags.
func version(v string, tags ...string) planner.Image {
	i := planner.Image{
		ID: "ami-" + v, Name: "hpc-" + v, Owner: "1", OwnerAlias: "self", Architecture: "x86_64", State: "available", RootDevice: "/dev/xvda", RootSnapshot: "snap-" + v,
		Tags: map[string]string{planner.TagImageFamily: "hpc", planner.TagImageVersion: v},
	}
	for p := range slices.Chunk(tags, 2) {
		i.Tags[p[0]] = p[1]
	}
	return i
}

const stableTag = planner.TagImageChannel + ":stable"

func TestHolders(t *testing.T) {
	early, late := "2026-11-26T10:00:00.000Z", "2026-11-26T10:00:00.001Z"
	for _, tt := range []struct {
		name   string
		images []planner.Image
		want   string
	}{
		{"none", []planner.Image{version("1"), version("2", planner.TagImageChannel+":next", late)}, ""},
		{"the latest, by a millisecond", []planner.Image{version("1", stableTag, late), version("2", stableTag, early)}, "1 2"},
		{"a withdrawn one holds no more", []planner.Image{version("1", stableTag, early), version("2", stableTag, "withdrawn "+late)}, "1"},
		{"the plain tag comes before all times", []planner.Image{version("9", planner.TagImageChannel, "stable"), version("1", stableTag, early)}, "1 9"},
		{"of plain tags, the highest version", []planner.Image{version("1.9", planner.TagImageChannel, "stable"), version("1.10", planner.TagImageChannel, "stable")}, "1.10 1.9"},
		{"a withdrawal outweighs the plain tag", []planner.Image{version("9", planner.TagImageChannel, "stable", stableTag, "withdrawn "+late)}, ""},
		{"at the same time, the highest version", []planner.Image{version("1", stableTag, late), version("2", stableTag, late)}, "2 1"},
		{"a value that is no time comes first of all", []planner.Image{version("1", stableTag, early), version("2", stableTag, "yes")}, "1 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, h := range planner.Holders(tt.images, "stable") {
				got = append(got, h.Tags[planner.TagImageVersion])
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("held by %q, want %q", s, tt.want)
			}
		})
	}
}

// Whatever promotions and rollbacks happened, in an order that tags are written in, the channel is
// where a stack of them would be.
func TestChannelsAreAStack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		images := []planner.Image{version("1"), version("2"), version("3"), version("4")}
		now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
		var stack []int
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			now = now.Add(time.Millisecond)
			holders := planner.Holders(images, "stable")
			if rapid.Bool().Draw(t, "promote") {
				n := rapid.IntRange(0, len(images)-1).Draw(t, "which")
				images[n].Tags[stableTag] = planner.Promotion{At: now}.Tag()
				stack = append(slices.DeleteFunc(stack, func(i int) bool { return i == n }), n)
			} else if len(holders) > 0 {
				holders[0].Tags[stableTag] = planner.Promotion{At: now, Withdrawn: true}.Tag()
				stack = stack[:len(stack)-1]
			}
			got, blockers := planner.ResolveImage(spec.Image{Family: "hpc", Channel: "stable"}, images)
			if len(stack) == 0 {
				if got.ID != "" || len(blockers) != 1 {
					t.Fatalf("nobody holds the channel, and it resolves to %q", got.ID)
				}
				continue
			}
			if want := images[stack[len(stack)-1]].ID; got.ID != want {
				t.Fatalf("resolves to %q, want %q", got.ID, want)
			}
		}
	})
}

func TestAHolderThatCannotLaunchStillHolds(t *testing.T) {
	before := version("1", stableTag, "2026-11-26T10:00:00.000Z")
	holder := version("2", stableTag, "2026-11-26T11:00:00.000Z")
	holder.State = "disabled"
	got, blockers := planner.ResolveImage(spec.Image{Family: "hpc", Channel: "stable"}, []planner.Image{before, holder})
	if got.ID != "" || len(blockers) != 1 || !strings.Contains(blockers[0].Detail, "hpc-2 (ami-2) is disabled") {
		t.Errorf("resolves to %q, blockers %v", got.ID, blockers)
	}
}

func TestDeregisteredImagesAreGone(t *testing.T) {
	before := version("1", stableTag, "2026-11-26T10:00:00.000Z")
	holder := version("2", stableTag, "2026-11-26T11:00:00.000Z")
	holder.State = "deregistered"
	images := []planner.Image{before, holder}
	if got, _ := planner.ResolveImage(spec.Image{Family: "hpc", Channel: "stable"}, images); got.ID != before.ID {
		t.Errorf("the channel resolves to %q", got.ID)
	}
	if got, blockers := planner.ResolveImage(spec.Image{Family: "hpc", Version: "2"}, images); got.ID != "" || len(blockers) != 1 || !strings.Contains(blockers[0].Detail, "(but 1)") {
		t.Errorf("the version resolves to %q, %v", got.ID, blockers)
	}
}

func TestPromotionsAreReadAsWritten(t *testing.T) {
	at := time.Date(2026, 11, 26, 10, 0, 0, 7e6, time.UTC)
	tags := map[string]string{
		planner.TagPromotion("a"): planner.Promotion{At: at}.Tag(),
		planner.TagPromotion("b"): planner.Promotion{At: at.In(time.FixedZone("x", 3600)), Withdrawn: true}.Tag(),
		planner.TagImageChannel:   "c",
	}
	want := []planner.Promotion{{Channel: "a", At: at}, {Channel: "b", At: at, Withdrawn: true}, {Channel: "c"}}
	if got := planner.Promotions(tags); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRevokedImages(t *testing.T) {
	revoked := version("2", stableTag, "2026-11-26T11:00:00.000Z", planner.TagImageRevoked,
		planner.Revocation{At: epoch, Reason: "bad libfabric"}.Tag())
	have := region()
	have.Account = "1"
	have.Images = []planner.Image{version("1", stableTag, "2026-11-26T10:00:00.000Z"), revoked}
	g := computeGroup(2)
	g.Image = spec.Image{Family: "hpc", Channel: "stable"}

	// A launch is blocked, and does not fall back to the version before.
	p := planner.Diff(clusterOf(g), have)
	if len(p.Blockers) != 1 || p.Blockers[0].Summary != "Image revoked" || !strings.Contains(p.Blockers[0].Detail, "hpc-2 (ami-2) was revoked on") ||
		!strings.Contains(p.Blockers[0].Detail, "(bad libfabric)") {
		t.Fatalf("blockers %v", p.Blockers)
	}
	if p.Groups[0].Image.ID != "ami-2" || len(p.Warnings) != 0 {
		t.Errorf("image %s, warnings %v", p.Groups[0].Image.ID, p.Warnings)
	}

	// A cluster that is complete is told of it and left alone.
	have.Instances = []planner.Instance{node(have, &g, 0), node(have, &g, 1)}
	p = planner.Diff(clusterOf(g), have)
	if len(p.Blockers) != 0 || len(p.Actions) != 0 {
		t.Errorf("blockers %v, actions %v", p.Blockers, p.Actions)
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].Detail, "2 nodes of the cluster run from the image hpc-2 (ami-2), which was revoked") ||
		!strings.Contains(p.Warnings[0].Detail, ": compute-0, compute-1.") {
		t.Errorf("warnings %v", p.Warnings)
	}
	have.Facts = nil
	if !planner.Verify(clusterOf(g), have, planner.LevelImage).Identical {
		t.Error("the nodes are not identical, because their image was revoked")
	}
}
