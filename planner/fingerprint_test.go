package planner_test

import (
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
)

// A changed fingerprint replaces nodes that run, so its form is fixed here to the letter.
func TestFingerprintStaysTheSame(t *testing.T) {
	g := spec.Group{
		Name: "compute", Count: 3, InstanceTypes: []string{"a", "b"}, Placement: spec.PlacementCluster, Market: spec.Spot,
		EFA: true, Subnets: []string{"subnet-a"}, SecurityGroups: []string{"sg-2", "sg-1"}, KeyName: "me",
		InstanceProfile: "p", UserData: []byte("#!/bin/sh\n"), Tags: map[string]string{"a": "b"},
		RootVolume: spec.RootVolume{Size: 20, Type: "gp3", Encrypted: true},
	}
	for _, tt := range []struct {
		name string
		g    spec.Group
		want string
	}{
		{"everything set", g, "1 img=9d896601 ud=76a83232 rv=6e18b24b sg=46bcbb79 key=2ef7dfc8 mkt=f019f5bc pl=f7f81387 efa=ec896482 prof=3ce69e75"},
		{"nothing set", spec.Group{Name: "head"}, "1 img=9d896601 ud=- rv=- sg=- key=- mkt=255f5885 pl=97904638 efa=- prof=-"},
	} {
		if got := planner.Fingerprint(&tt.g, planner.Image{ID: "ami-a"}); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestFingerprintSaysWhichPartChanged(t *testing.T) {
	for _, tt := range []struct {
		part   string // empty: none
		change func(g *spec.Group)
	}{
		{"ud", func(g *spec.Group) { g.UserData = []byte("a") }},
		{"rv", func(g *spec.Group) { g.RootVolume.Size = 9 }},
		{"rv", func(g *spec.Group) { g.RootVolume.Throughput = 9 }},
		{"rv", func(g *spec.Group) { g.RootVolume.KMSKeyID = "k" }},
		{"sg", func(g *spec.Group) { g.SecurityGroups = []string{"sg-1"} }},
		{"key", func(g *spec.Group) { g.KeyName = "me" }},
		{"mkt", func(g *spec.Group) { g.Market = spec.Spot }},
		{"pl", func(g *spec.Group) { g.Placement = spec.PlacementSpread }},
		{"efa", func(g *spec.Group) { g.EFA = true }},
		{"prof", func(g *spec.Group) { g.InstanceProfile = "p" }},
		{"", func(g *spec.Group) { g.Market = "" }},
		{"", func(g *spec.Group) { g.Placement = "" }},
		{"", func(g *spec.Group) { g.UserData = []byte{} }},
		{"", func(g *spec.Group) { g.Count = 99 }},
		{"", func(g *spec.Group) { g.InstanceTypes = append(g.InstanceTypes, "x") }},
		{"", func(g *spec.Group) { g.Subnets = append(g.Subnets, "x") }},
		{"", func(g *spec.Group) { g.Tags = map[string]string{"x": "y"} }},
		{"", func(g *spec.Group) { g.Launch.Timeout = time.Hour }},
	} {
		before, after := computeGroup(1), computeGroup(1)
		tt.change(&after)
		img := planner.Image{ID: "ami-a"}
		var changed []string
		was, is := strings.Fields(planner.Fingerprint(&before, img)), strings.Fields(planner.Fingerprint(&after, img))
		for i := range was {
			if was[i] != is[i] {
				label, _, _ := strings.Cut(was[i], "=")
				changed = append(changed, label)
			}
		}
		if diff := cmp.Diff(tt.part, strings.Join(changed, " ")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestFingerprintIsATagValue(t *testing.T) {
	g := computeGroup(1)
	g.UserData = []byte(strings.Repeat("secret", 1000))
	got := planner.Fingerprint(&g, planner.Image{ID: "ami-a"})
	if len(got) > 256 || strings.Contains(got, "secret") {
		t.Errorf("%d characters: %s", len(got), got)
	}
}
