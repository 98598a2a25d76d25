package planner_test

import (
	"strings"
	"testing"
	"time"

	"cluster/planner"
	"cluster/spec"
)

// A time to live is a tag that may change, on nodes that have the timer.
func TestTTLChangesByRetagging(t *testing.T) {
	g := spec.Group{Name: "compute", Count: 1, InstanceTypes: []string{"c7i.large"}, TTL: 8 * time.Hour, Image: spec.Image{ID: "ami-1"}}
	img := planner.Image{ID: "ami-1", State: "available", RootDevice: "/dev/xvda", RootSnapshot: "snap-1", Architecture: "x86_64"}
	node := planner.Instance{
		ID: "i-1", State: planner.Running, Group: "compute", Slot: 0, ImageID: "ami-1", InstanceType: "c7i.large",
		Market: "on-demand", Spec: planner.Fingerprint(&g, img),
		Tags: map[string]string{planner.TagName: "cfd", planner.TagTTL: "8h0m0s"},
	}
	diff := func(ttl time.Duration, n planner.Instance) planner.Plan {
		g := g
		g.TTL = ttl
		return planner.Diff(&spec.Cluster{Name: "cfd", Groups: []spec.Group{g}}, planner.Observed{Instances: []planner.Instance{n}, Images: []planner.Image{img}})
	}
	if p := diff(8*time.Hour, node); !p.Empty() {
		t.Errorf("the same time to live: %+v", p.Actions)
	}
	for ttl, tag := range map[time.Duration]string{90 * time.Minute: "1h30m0s", 0: ""} {
		p := diff(ttl, node)
		if len(p.Actions) != 1 || p.Actions[0].Kind != planner.Retag || p.Actions[0].Tags[planner.TagTTL] != tag {
			t.Errorf("ttl %s: %+v", ttl, p.Actions)
		}
	}
	plain := g
	plain.TTL = 0
	node.Spec, node.Tags = planner.Fingerprint(&plain, img), map[string]string{planner.TagName: "cfd"}
	p := diff(time.Hour, node)
	if len(p.Actions) != 1 || p.Actions[0].Kind != planner.Replace || !strings.Contains(p.Actions[0].Why.Text, "no timer") {
		t.Errorf("a node without a timer: %+v", p.Actions)
	}
}

func TestExpires(t *testing.T) {
	born := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	i := planner.Instance{Launched: born, Tags: map[string]string{planner.TagTTL: planner.TTLTag(90 * time.Minute)}}
	if at, ok := i.Expires(); !ok || !at.Equal(born.Add(90*time.Minute)) {
		t.Errorf("expires at %s, %v", at, ok)
	}
	for _, tag := range []string{"", "soon", "-1h"} {
		i.Tags[planner.TagTTL] = tag
		if at, ok := i.Expires(); ok {
			t.Errorf("%q expires at %s", tag, at)
		}
	}
}
