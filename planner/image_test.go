package planner_test

import (
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"
)

func TestResolveImage(t *testing.T) {
	at := func(day int) time.Time { return epoch.AddDate(0, 0, day) }
	img := func(id, name, owner string, day int) planner.Image {
		return planner.Image{
			ID: id, Name: name, Owner: owner, State: "available", RootDevice: "/dev/xvda", RootSnapshot: "snap-" + id,
			Created: at(day),
		}
	}
	release := func(id, version, channel string, day int) planner.Image {
		i := img(id, "hpc", "1", day)
		i.OwnerAlias = "self"
		i.Tags = map[string]string{planner.TagImageFamily: "hpc", planner.TagImageVersion: version, planner.TagImageChannel: channel}
		return i
	}
	stranger := release("ami-thief", "9.9.9", "stable", 99)
	stranger.OwnerAlias = ""
	broken := img("ami-broken", "base-4", "1", 9)
	broken.State, broken.StateReason = "failed", "no snapshot"
	waiting := img("ami-waiting", "wait-1", "1", 9)
	waiting.State = "pending"
	store := img("ami-store", "store-1", "1", 1)
	store.RootDevice, store.RootSnapshot = "", ""
	blind := img("ami-blind", "blind-1", "1", 1)
	blind.RootSnapshot = ""
	amazon := img("ami-amazon", "al2023", "137112412989", 1)
	amazon.OwnerAlias = "amazon"
	images := []planner.Image{
		img("ami-2", "base-2", "1", 2), img("ami-3b", "base-3", "1", 3), img("ami-3a", "base-3", "1", 3), img("ami-1", "base-1", "1", 1),
		img("ami-look", "base-9", "666666666666", 50),
		broken, waiting, store, blind, amazon, stranger,
		release("ami-v9", "1.9.0", "stable", 5), release("ami-v10", "1.10.0", "stable", 4), release("ami-rc", "1.10.0-rc1", "stable", 6),
		release("ami-beta", "2.0.0", "beta", 7),
	}
	for _, tt := range []struct {
		name  string
		want  spec.Image
		id    string
		block string // part of the blocker's detail; empty: none
	}{
		{"id", spec.Image{ID: "ami-1"}, "ami-1", ""},
		{"no such id", spec.Image{ID: "ami-0"}, "", "ami-0 does not exist"},
		{"id that failed", spec.Image{ID: "ami-broken"}, "ami-broken", "base-4 (ami-broken) is failed (no snapshot). Only an available"},
		{"id that is pending", spec.Image{ID: "ami-waiting"}, "ami-waiting", "is pending. It can be used once"},
		{"not EBS-backed", spec.Image{ID: "ami-store"}, "ami-store", "not EBS-backed"},
		{"no snapshot", spec.Image{ID: "ami-blind"}, "ami-blind", "names no snapshot for /dev/xvda"},
		{"newest of a name, the id settles a draw", spec.Image{Name: "base-*", Owners: []string{"1"}}, "ami-3a", ""},
		{"wildcards", spec.Image{Name: "?ase-2", Owners: []string{"1"}}, "ami-2", ""},
		{"a look-alike of another owner", spec.Image{Name: "base-9", Owners: []string{"1", "self"}}, "", `no image named "base-9" of the owner 1 or self (but 1 of other owners)`},
		{"only unavailable", spec.Image{Name: "base-4", Owners: []string{"1"}}, "", "is failed"},
		{"alias", spec.Image{Name: "al*", Owners: []string{"amazon"}}, "ami-amazon", ""},
		{"self is own", spec.Image{Name: "hpc", Owners: []string{"self"}}, "ami-beta", ""},
		{"channel: the highest version", spec.Image{Family: "hpc", Channel: "stable"}, "ami-v10", ""},
		{"version", spec.Image{Family: "hpc", Version: "1.9.0"}, "ami-v9", ""},
		{"no such version", spec.Image{Family: "hpc", Version: "3.0.0"}, "", `version "3.0.0" (but 2.0.0, 1.10.0, 1.10.0-rc1, 1.9.0)`},
		{"no such channel", spec.Image{Family: "hpc", Channel: "gold"}, "", `channel "gold" (but 2.0.0`},
		{"no such family", spec.Image{Family: "web", Channel: "stable"}, "", `no own image of the family "web" with the channel "stable" in`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, blockers := planner.ResolveImage(tt.want, images)
			if got.ID != tt.id {
				t.Errorf("resolves to %q, want %q", got.ID, tt.id)
			}
			if tt.block == "" && len(blockers) > 0 || tt.block != "" && (len(blockers) != 1 || !strings.Contains(blockers[0].Detail, tt.block)) {
				t.Errorf("blockers %v, want %q", blockers, tt.block)
			}
		})
	}
}

func TestOwnImagesAreThoseOfTheAccount(t *testing.T) {
	g := computeGroup(1)
	g.Image = spec.Image{Name: "base-*", Owners: []string{"self"}}
	have := region()
	if got := planner.Diff(clusterOf(g), have).Groups[0].Image.ID; got != "ami-b" {
		t.Errorf("the account's newest is %q", got)
	}
	have.Account = "999999999999"
	if p := planner.Diff(clusterOf(g), have); len(p.Blockers) != 1 || p.Groups[0].Image.ID != "" {
		t.Errorf("another account's images are taken for own: %v", p.Groups[0].Image)
	}
}
