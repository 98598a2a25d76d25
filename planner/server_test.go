package planner_test

import (
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"
)

// A node mounts once, when it boots, what another node serves: it is told the address while it waits for it, and replaced
// when what it mounts is gone.
func TestNodesFollowTheirServer(t *testing.T) {
	img := planner.Image{ID: "ami-1", State: "available", RootDevice: "/dev/xvda", RootSnapshot: "snap-1", Architecture: "x86_64"}
	data := spec.Mount{Path: "/data", Kind: spec.MountVolume, From: "head", Volume: spec.RootVolume{Size: 100}}
	group := func(name string) spec.Group {
		return spec.Group{Name: name, Count: 1, InstanceTypes: []string{"c7i.large"}, Image: spec.Image{ID: "ami-1"}, Mounts: []spec.Mount{data}}
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	node := func(g spec.Group, ip, server string, age time.Duration) planner.Instance {
		return planner.Instance{
			ID: "i-" + g.Name, State: planner.Running, Group: g.Name, ImageID: "ami-1", InstanceType: "c7i.large", PrivateIP: ip,
			Market: "on-demand", Launched: now.Add(-age), Spec: planner.Fingerprint(&g, img),
			Tags: map[string]string{planner.TagName: "cfd", planner.TagServer: server},
		}
	}
	dead := node(group("head"), "10.0.0.5", "", time.Hour)
	dead.State = planner.Terminated
	other := group("head")
	other.KeyName = "me" // the file has another key now: it is replaced
	for _, tt := range []struct {
		name        string
		head        planner.Instance
		server      string // that compute-0 was told
		age         time.Duration
		kinds, text string
		warned      bool
	}{
		{"all is well", node(group("head"), "10.0.0.5", "", time.Hour), "10.0.0.5/i-head", time.Hour, "", "", false},
		{"it waits for the address", node(group("head"), "10.0.0.5", "", time.Minute), "", time.Minute, "~", "cluster:server", false},
		{"it has given up", node(group("head"), "10.0.0.5", "", time.Hour), "", time.Hour, "±", "it has waited for head-0 in vain", false},
		{"another address", node(group("head"), "10.0.0.9", "", time.Hour), "10.0.0.5/i-head", time.Hour, "±", "head-0 is now i-head at 10.0.0.9, and no longer i-head at 10.0.0.5", false},
		{"the address went to another", node(group("head"), "10.0.0.5", "", time.Hour), "10.0.0.5/i-old", time.Hour, "±", "head-0 is now i-head at 10.0.0.5, and no longer i-old at 10.0.0.5", false},
		{"it is gone", dead, "10.0.0.5/i-head", time.Hour, "± +", "head-0, which serves it from 10.0.0.5, goes or is gone", false},
		{"it goes", node(other, "10.0.0.5", "", time.Hour), "10.0.0.5/i-head", time.Hour, "± ±", "head-0, which serves it from 10.0.0.5, goes or is gone", true},
	} {
		// The group that serves comes last in the file, which makes no difference.
		want := &spec.Cluster{Name: "cfd", Groups: []spec.Group{group("compute"), group("head")}}
		p := planner.Diff(want, planner.Observed{
			At: now, Images: []planner.Image{img},
			Instances: []planner.Instance{tt.head, node(group("compute"), "10.0.0.6", tt.server, tt.age)},
		})
		var kinds, texts []string
		for _, a := range p.Actions {
			kinds, texts = append(kinds, string(a.Kind)), append(texts, a.Why.Text)
			if a.Kind == planner.Retag && a.Tags[planner.TagServer] != "10.0.0.5/i-head" {
				t.Errorf("%s: tags %v", tt.name, a.Tags)
			}
		}
		if strings.Join(kinds, " ") != tt.kinds || !strings.Contains(strings.Join(texts, "; "), tt.text) {
			t.Errorf("%s: %v because %q, want %s because %q", tt.name, kinds, texts, tt.kinds, tt.text)
		}
		if warned := len(p.Warnings) > 0 && p.Warnings[0].Summary == "Data goes with a node"; warned != tt.warned {
			t.Errorf("%s: warnings %+v", tt.name, p.Warnings)
		}
	}
}
