package fleet_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/spec"
)

// TestPolicyIsWhatTheCallsNeed lives whole lives of files, and compares the calls that EC2 saw with the
// actions of the file's policy: each is allowed, and nothing is allowed that is never called.
func TestPolicyIsWhatTheCallsNeed(t *testing.T) {
	files := []struct {
		name string
		edit func(*spec.Group)
	}{
		{"plain", func(*spec.Group) {}},
		{"placed", func(g *spec.Group) {
			g.Placement = spec.PlacementCluster
			g.SecurityGroups, g.KeyName = []string{ec2sim.SecurityGroup}, ec2sim.KeyName
		}},
		{"spot", func(g *spec.Group) { g.Market = spec.Spot }},
		{"reserve", func(g *spec.Group) { g.Launch.Reserve = true }},
		{"checked", func(g *spec.Group) { g.Launch.Wait = spec.WaitChecked }},
		{"mortal", func(g *spec.Group) { g.TTL = 8 * time.Hour }},
	}
	seen := map[string]bool{} // in any of the lives so far; the plain one comes first
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				w.launch.DryRun = true                                                                    // as plan does
				w.region.Inject(ec2sim.Fault{Action: "GetServiceQuota", Code: "NoSuchResourceException"}) // so that the default is asked for
				w.region.Inject(ec2sim.Fault{Action: "GetAWSDefaultServiceQuota", Code: "ServiceException"})
				want := cluster(12, f.edit)
				w.live(want)
				w.comparePolicy(fleet.PolicyFor(want, "us-east-1"), seen)
			})
		})
	}
}

// live brings a cluster up, has one of its nodes stopped and started, changes its tags, and takes it down.
func (w *world) live(want *spec.Cluster) {
	w.Helper()
	w.mustUp(want)
	if _, err := w.launcher().Session.HostKeys(w.Context(), w.region.Instances()[0]); err != nil {
		w.Fatal(err)
	}
	victim := w.region.Instances()[0]
	if want.Groups[0].Launch.Reserve || want.Groups[0].Market == spec.Spot {
		w.region.Kill(victim) // one whose reservation was given back does not start again; Spot does not stop
	} else {
		w.region.Stop(victim)
	}
	if r := w.mustUp(want); r.Groups[0].Started+r.Groups[0].Launched == 0 {
		w.Errorf("the lost node was left alone: %+v", r.Groups[0])
	}
	want.Groups[0].Tags = map[string]string{"project": "wind"}
	if r := w.mustUp(want); r.Groups[0].Retagged != 12 {
		w.Errorf("retagged %d, want 12", r.Groups[0].Retagged)
	}
	if _, err := w.up(want.Empty()); err != nil {
		w.Fatal(err)
	}
	if n := len(w.region.Instances()); n > 0 {
		w.Errorf("%d instances are left", n)
	}
}

func (w *world) comparePolicy(p fleet.Policy, seen map[string]bool) {
	w.Helper()
	allowed, tagged := p.Actions(), needTag(p)
	for _, c := range w.region.Journal() {
		if c.Action == "GetCallerIdentity" {
			continue // it needs no permission
		}
		action := "ec2:" + c.Action
		if strings.HasSuffix(c.Action, "ServiceQuota") {
			action = "servicequotas:" + c.Action
		}
		if !slices.Contains(allowed, action) {
			w.Fatalf("%s was called and is not allowed", action)
		}
		seen[action] = true
		if tagged[action] && !carriesName(c) {
			w.Errorf("%s is allowed with the cluster's name tag only, and was called without: %v", action, c.Params)
		}
	}
	for _, a := range allowed {
		if !strings.HasPrefix(a, "iam:") && !seen[a] {
			w.Errorf("%s is allowed and was never called", a)
		}
	}
}

// needTag are the actions that a policy allows only for what gets a tag with the call itself.
func needTag(p fleet.Policy) map[string]bool {
	actions := map[string]bool{}
	for _, s := range p.Statement {
		if names := s.Condition["StringEquals"]["aws:RequestTag/cluster:name"]; slices.Equal(names, []string{"cfd"}) {
			for _, a := range s.Action {
				actions[a] = true
			}
		}
	}
	return actions
}

// carriesName says that a call tags what it makes with the cluster's name.
func carriesName(c ec2sim.Call) bool {
	for k, v := range c.Params {
		if strings.HasPrefix(k, "TagSpecification") && strings.HasSuffix(k, ".Key") && v[0] == "cluster:name" &&
			c.Params.Get(strings.TrimSuffix(k, "Key")+"Value") == "cfd" {
			return true
		}
	}
	return false
}

// TestPolicyNamesItsRegion holds the form of the resources: the region's own partition, and no account in
// the names of what AWS shares.
func TestPolicyNamesItsRegion(t *testing.T) {
	for region, prefix := range map[string]string{
		"us-east-1": "arn:aws:ec2:us-east-1:", "*": "arn:aws:ec2:*:",
		"cn-north-1": "arn:aws-cn:ec2:cn-north-1:", "us-gov-west-1": "arn:aws-us-gov:ec2:us-gov-west-1:",
	} {
		p := fleet.PolicyFor(cluster(1), region)
		var all []string
		for _, s := range p.Statement {
			all = append(all, s.Resource...)
		}
		for _, want := range []string{prefix + "*:instance/*", prefix + ":image/*"} {
			if !slices.Contains(all, want) {
				t.Errorf("%s: no resource %s in %v", region, want, all)
			}
		}
		for _, r := range all {
			if r != "*" && !strings.HasPrefix(r, prefix) {
				t.Errorf("%s: %s is elsewhere", region, r)
			}
		}
	}
}
