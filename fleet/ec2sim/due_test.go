package ec2sim_test

import (
	"encoding/base64"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// timed launches instances whose user data has the timer, with a time to live.
func timed(ttl string) *ec2.RunInstancesInput {
	in := some(2)
	in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n# cluster: time to live\n")))
	in.InstanceInitiatedShutdownBehavior = types.ShutdownBehaviorTerminate
	in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled}
	in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{tag("cluster:ttl", ttl)}}}
	return in
}

func TestNodesEndThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		c := client(r)
		run(t, c, timed("1h0m0s"))
		time.Sleep(59 * time.Minute)
		if n := len(r.Instances()); n != 2 {
			t.Fatalf("%d instances live before their time is over", n)
		}
		// Nobody looks for a while, and still the end was when it was.
		time.Sleep(50 * time.Minute)
		got := describe(t, c, filter("instance-state-name", "terminated"))
		if len(got) != 2 || *got[0].StateReason.Code != "Client.InstanceInitiatedShutdown" {
			t.Errorf("after their time: %+v", got)
		}
		time.Sleep(15 * time.Minute)
		if got := describe(t, c); len(got) != 0 {
			t.Errorf("%d are listed more than an hour after their end", len(got))
		}
	})
}

func TestTimeToLiveMayChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		c := client(r)
		ids := run(t, c, timed("1h0m0s"))
		retag := func(id, ttl string) {
			t.Helper()
			if _, err := c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("cluster:ttl", ttl)}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * time.Minute)
		retag(ids[0], "2h0m0s")
		time.Sleep(60 * time.Minute)
		retag(ids[1], "9h0m0s") // too late
		time.Sleep(time.Second)
		if got := r.Instances(); len(got) != 1 || got[0] != ids[0] {
			t.Errorf("alive after 90 minutes: %v, want %s", got, ids[0])
		}
		retag(ids[0], "0h45m0s") // over already, so it ends now
		time.Sleep(time.Second)
		if got := describe(t, c, filter("instance-id", ids[0])); got[0].State.Name != types.InstanceStateNameShuttingDown {
			t.Errorf("it is %s a second after its end was set", got[0].State.Name)
		}
	})
}

func TestWhoHasATimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		c := client(r)
		none := run(t, c, some(1))
		blind := timed("1h0m0s") // its metadata has no tags to read
		blind.MetadataOptions = nil
		none = append(none, run(t, c, blind)...)
		none = append(none, run(t, c, timed("soon"))...)
		plain := timed("1h0m0s")
		plain.UserData = nil
		none = append(none, run(t, c, plain)...)
		r.Inject(ec2sim.Fault{Stuck: true, Instances: []int{1, 2}})
		none = append(none, run(t, c, timed("1h0m0s"))...)

		protected := timed("1h0m0s")
		protected.DisableApiTermination = aws.Bool(true)
		run(t, c, protected)
		halting := timed("1h0m0s")
		halting.InstanceInitiatedShutdownBehavior = types.ShutdownBehaviorStop
		stopped := run(t, c, halting)
		time.Sleep(2 * time.Hour)
		if got := len(r.Instances()); got != len(none)+len(stopped) {
			t.Errorf("%d instances are not gone, want %d", got, len(none)+len(stopped))
		}
		got := describe(t, c, filter("instance-state-name", "stopped"))
		if len(got) != len(stopped) || *got[0].StateReason.Code != "Client.InstanceInitiatedShutdown" {
			t.Errorf("stopped: %+v", got)
		}
		// One that is started again finds its time over as soon as it runs.
		if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: stopped}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if got := describe(t, c, filter("instance-state-name", "stopped")); len(got) != len(stopped) {
			t.Errorf("%d are stopped again, want %d", len(got), len(stopped))
		}
	})
}

// Looking at a shared region does not write its file, and every process sees the same.
func TestSharedNodesEndThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "region.json")
		open := func() *ec2sim.Region {
			t.Helper()
			r, err := ec2sim.Open(ec2sim.Options{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		a, b := open(), open()
		ids := run(t, client(a), timed("1h0m0s"))
		time.Sleep(time.Hour + 10*time.Second)
		one, two := describe(t, client(a), filter("instance-id", ids[0])), describe(t, client(b), filter("instance-id", ids[0]))
		if one[0].State.Name != types.InstanceStateNameShuttingDown || two[0].State.Name != one[0].State.Name {
			t.Errorf("one sees %s, the other %s", one[0].State.Name, two[0].State.Name)
		}
	})
}
