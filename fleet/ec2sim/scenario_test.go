package ec2sim_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// playing makes a region that plays a scenario, and whose calls take no time.
func playing(t *testing.T, s ec2sim.Scenario) (*ec2sim.Region, *ec2.Client) {
	t.Helper()
	o := ec2sim.Options{Timing: quick}
	o.Timing.ShuttingDown = ec2sim.Range{Min: 1, Max: 1}
	r := ec2sim.New(o)
	if err := r.Play(s); err != nil {
		t.Fatal(err)
	}
	return r, client(r)
}

func TestSupplyComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := playing(t, ec2sim.Scenario{Supply: []ec2sim.Supply{
			{Type: "c7?.*", Steps: []ec2sim.Step{{At: 0, Count: 1}}},
			{Type: "c7i.large", Zone: "*a", Every: 30 * time.Minute, Steps: []ec2sim.Step{{At: 0, Count: 4}, {At: 10 * time.Minute, Count: 0}, {At: 20 * time.Minute, Count: -1}}},
			{Type: "m7i.large", Steps: []ec2sim.Step{{At: time.Hour, Count: 0}}},
		}})
		// most is how many instances there is room for beside those that live, up to five.
		most := func(kind types.InstanceType, subnet string) (n int) {
			t.Helper()
			in := some(5)
			in.MinCount, in.InstanceType, in.SubnetId = aws.Int32(1), kind, aws.String(subnet)
			out, err := c.RunInstances(t.Context(), in)
			if got, _ := code(err); got == "InsufficientInstanceCapacity" {
				return 0
			} else if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids(out.Instances)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			return len(out.Instances)
		}
		steps := []struct {
			at   time.Duration
			want [3]int // c7i.large in a and in b, m7i.large
		}{
			{0, [3]int{4, 1, 5}}, {9 * time.Minute, [3]int{4, 1, 5}}, {10 * time.Minute, [3]int{0, 1, 5}}, {25 * time.Minute, [3]int{5, 1, 5}},
			{35 * time.Minute, [3]int{4, 1, 5}}, {42 * time.Minute, [3]int{0, 1, 5}}, {61 * time.Minute, [3]int{4, 1, 0}},
		}
		start := r.Now()
		for _, s := range steps {
			time.Sleep(s.at - r.Now().Sub(start))
			got := [3]int{most("c7i.large", ec2sim.SubnetA), most("c7i.large", ec2sim.SubnetB), most("m7i.large", ec2sim.SubnetA)}
			if got != s.want {
				t.Errorf("after %s there is room for %v, want %v", s.at, got, s.want)
			}
		}
		r.SetCapacity(ec2sim.Pool{Type: "m7i.large", Zone: "us-east-1a"}, 3)
		if n := most("m7i.large", ec2sim.SubnetA); n != 3 {
			t.Errorf("room for %d where 3 were set", n)
		}
		r.Calm()
		if n := most("c7i.large", ec2sim.SubnetB); n != 5 {
			t.Errorf("room for %d when all is calm", n)
		}
	})
}

// granted counts how many calls to launch go through, one every tenth of a second.
func granted(t *testing.T, c *ec2.Client, d time.Duration) (n int) {
	t.Helper()
	for range d / (100 * time.Millisecond) {
		if _, err := c.RunInstances(t.Context(), some(1)); err == nil {
			n++
		} else if got, _ := code(err); got != "RequestLimitExceeded" {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return n
}

func TestOthersDrainTheBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := playing(t, ec2sim.Scenario{Drains: []ec2sim.Drain{
			{Action: "RunInstances", Requests: 1},
			{Action: "Run*", From: time.Minute, To: 70 * time.Second, Every: 30 * time.Second, Requests: 100},
		}})
		// Full at the beginning, and refilled half as fast.
		if n := granted(t, c, 20*time.Second); n < 24 || n > 25 {
			t.Errorf("%d calls in 20 s, want 5 + 20", n)
		}
		time.Sleep(40 * time.Second)
		for turn := range 3 {
			if n := granted(t, c, 10*time.Second); n > 1 { // the first finds what nobody has taken yet
				t.Errorf("%d calls while others take all, in turn %d", n, turn)
			}
			if n := granted(t, c, 20*time.Second); n < 19 || n > 20 {
				t.Errorf("%d calls in 20 s, want 20, in turn %d", n, turn)
			}
		}
	})
}

func TestOthersLaunchInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := playing(t, ec2sim.Scenario{Drains: []ec2sim.Drain{{Action: "RunInstances", To: time.Second, Instances: 990}}})
		time.Sleep(time.Second)
		_, err := c.RunInstances(t.Context(), some(20))
		wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)
		time.Sleep(5 * time.Second)
		run(t, c, some(20))
	})
}

func TestBootTimesAndLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := playing(t, ec2sim.Scenario{
			Seed:   7,
			Timing: ec2sim.Timing{Visible: ec2sim.Range{Min: 20 * time.Second, Max: 20 * time.Second}},
			Boots: []ec2sim.Boot{
				{Share: 0.25, Takes: ec2sim.Range{Min: 10 * time.Minute, Max: 20 * time.Minute}},
				{Share: 0.5, Takes: ec2sim.Range{Min: time.Minute, Max: 2 * time.Minute}},
			},
		})
		run(t, c, some(400))
		time.Sleep(19 * time.Second)
		if n := len(describe(t, c)); n != 0 {
			t.Errorf("%d instances are seen too early", n)
		}
		running := func() int { return len(describe(t, c, filter("instance-state-name", "running"))) }
		for _, s := range []struct {
			after     time.Duration
			least, at int
		}{{11 * time.Second, 80, 120}, {100 * time.Second, 270, 330}, {18 * time.Minute, 400, 400}} {
			time.Sleep(s.after)
			if n := running(); n < s.least || n > s.at {
				t.Errorf("%d run, want %d to %d", n, s.least, s.at)
			}
		}
	})
}

func TestNodesOfAScenario(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := playing(t, ec2sim.Scenario{Faults: []ec2sim.Fault{
			{Dies: "Server.InternalError", Instances: []int{1}},
			{Dies: "Server.SpotInstanceTermination", Message: "reclaimed", Instances: []int{2}, After: ec2sim.Range{Min: 10 * time.Minute, Max: 20 * time.Minute}},
			{Impaired: true, Instances: []int{3}},
			{Dies: "Client.InternalError", Share: 0.1, From: time.Hour},
		}})
		run(t, c, some(4))
		time.Sleep(5 * time.Minute)
		if n := len(r.Instances()); n != 3 {
			t.Errorf("%d instances live after five minutes, want 3", n)
		}
		sick, err := c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{Filters: []types.Filter{filter("instance-status.status", "impaired")}})
		if err != nil || len(sick.InstanceStatuses) != 1 {
			t.Errorf("impaired: %+v, %v", sick, err)
		}
		time.Sleep(20 * time.Minute)
		if got := describe(t, c, filter("state-reason-code", "Server.SpotInstanceTermination")); len(got) != 1 || *got[0].StateReason.Message != "reclaimed" {
			t.Errorf("died while it ran: %+v", got)
		}
		time.Sleep(time.Hour)
		run(t, c, some(300))
		time.Sleep(time.Minute)
		if n := len(describe(t, c, filter("state-reason-code", "Client.InternalError"))); n < 15 || n > 45 {
			t.Errorf("%d of 300 died, want about 30", n)
		}
	})
}

func TestCallsOfAScenario(t *testing.T) {
	outcomes := func(seed uint64) (got []string) {
		synctest.Test(t, func(t *testing.T) {
			_, c := playing(t, ec2sim.Scenario{Seed: seed, Faults: []ec2sim.Fault{
				{Action: "DescribeSubnets", Share: 0.3, Code: "InternalError"},
				{Action: "DescribeVpcs", From: time.Minute, To: 2 * time.Minute, Code: "Unavailable"},
				{Action: "DescribeRegions", Call: 2, Slow: 20 * time.Second},
			}})
			for range 100 {
				_, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5)})
				s, _ := code(err)
				got = append(got, s)
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(20 * time.Second)
			for _, want := range []string{"", "Unavailable", ""} {
				_, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
				if s, _ := code(err); s != want {
					t.Errorf("got %v, want %q", err, want)
				}
				time.Sleep(time.Minute)
			}
			for _, want := range []time.Duration{0, 20 * time.Second, 0} {
				before := time.Now()
				if _, err := c.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{}); err != nil {
					t.Error(err)
				}
				if took := time.Since(before).Truncate(time.Second); took != want {
					t.Errorf("it took %s, want %s", took, want)
				}
			}
		})
		return got
	}
	one, again, other := outcomes(1), outcomes(1), outcomes(2)
	n := 0
	for _, s := range one {
		if s == "InternalError" {
			n++
		}
	}
	if n < 15 || n > 45 {
		t.Errorf("%d of 100 calls failed, want about 30", n)
	}
	if !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Error("the seed does not decide which calls fail")
	}
}

// An error that belies what was done: the same call again finds it done.
func TestDoneButAnError(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	r.Inject(ec2sim.Fault{Action: "RunInstances", Call: 1, Code: "InternalError", Done: true})
	_, err := c.RunInstances(t.Context(), tokened(3, "a"))
	wantCode(t, err, "InternalError", http.StatusInternalServerError)
	if n := len(r.Instances()); n != 3 {
		t.Errorf("%d instances, want 3", n)
	}
	if again := run(t, c, tokened(3, "a")); len(again) != 3 || len(r.Instances()) != 3 {
		t.Errorf("%v of %v", again, r.Instances())
	}
}

// Every process that shares a region plays its scenario, from the moment at which the first one loaded it.
func TestScenarioIsShared(t *testing.T) {
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
		drought := ec2sim.Scenario{Name: "drought", Supply: []ec2sim.Supply{{Steps: []ec2sim.Step{{Count: 0}, {At: 30 * time.Second, Count: 3}}}}}
		play := func(r *ec2sim.Region, s ec2sim.Scenario) string {
			t.Helper()
			if err := r.Play(s); err != nil {
				t.Fatal(err)
			}
			name, since, ok := r.Playing()
			return fmt.Sprint(name, " ", r.Now().Sub(since), " ", ok)
		}
		if got := play(open(), drought); got != "drought 0s true" {
			t.Error(got)
		}
		time.Sleep(20 * time.Second)
		two := open()
		_, err := client(two).RunInstances(t.Context(), some(1))
		wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
		time.Sleep(20 * time.Second)
		three := open()
		if got := play(three, drought); got == "drought 0s true" {
			t.Error("the scenario began anew:", got)
		}
		run(t, client(three), some(3))
		_, err = client(two).RunInstances(t.Context(), some(1))
		wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
		if got := play(two, ec2sim.Scenario{Name: "calm"}); got != "calm 0s true" {
			t.Error(got)
		}
		run(t, client(three), some(4))
		three.Reset()
		if name, _, ok := two.Playing(); ok {
			t.Error("it plays after a reset:", name)
		}
	})
}

func TestScenarioThatCannotBe(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{})
	for name, s := range map[string]ec2sim.Scenario{
		"steps backwards":   {Supply: []ec2sim.Supply{{Steps: []ec2sim.Step{{At: 2}, {At: 1}}}}},
		"step after a turn": {Supply: []ec2sim.Supply{{Every: time.Minute, Steps: []ec2sim.Step{{At: time.Minute}}}}},
		"drain backwards":   {Drains: []ec2sim.Drain{{From: 2, To: 1}}},
		"drain too often":   {Drains: []ec2sim.Drain{{To: 1, Every: 2}}},
		"more than all":     {Boots: []ec2sim.Boot{{Share: 0.6}, {Share: 0.6}}},
		"nothing":           {Faults: []ec2sim.Fault{{Action: "RunInstances"}}},
		"more than a whole": {Faults: []ec2sim.Fault{{Code: "X", Share: 2}}},
		"done and silent":   {Faults: []ec2sim.Fault{{LoseReply: true, Done: true}}},
	} {
		if err := r.Play(s); err == nil {
			t.Errorf("%s: was played", name)
		}
	}
	if _, _, ok := r.Playing(); ok {
		t.Error("something is played")
	}
}
