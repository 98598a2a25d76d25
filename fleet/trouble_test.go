package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/spec"
)

func TestLadderTakesTheNextRungForTheWholeGroup(t *testing.T) {
	large(t)
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{
		{Type: "c7i.large", Zone: "us-east-1a"}:  250,
		{Type: "c7i.large", Zone: "us-east-1b"}:  0,
		{Type: "c7i.xlarge", Zone: "us-east-1a"}: 299,
	}}
	inWorld(t, o, func(w *world) {
		want := cluster(300, func(g *spec.Group) {
			g.InstanceTypes = []string{"c7i.large", "c7i.xlarge"}
			g.Subnets = []string{ec2sim.SubnetA, ec2sim.SubnetB}
		})
		r := w.mustUp(want)
		w.check(want)
		for _, i := range w.living() {
			if i.InstanceType != "c7i.xlarge" || *i.Placement.AvailabilityZone != "us-east-1b" {
				w.Fatalf("%s is %s in %s: the group is mixed", *i.InstanceId, i.InstanceType, *i.Placement.AvailabilityZone)
			}
		}
		if g := r.Groups[0]; g.Launched != 300 || g.Released == 0 || len(g.Refusals) < 3 {
			w.Errorf("report: %+v", g)
		}
	})
}

func TestShortAllLeavesNothing(t *testing.T) {
	large(t)
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 999}}
	inWorld(t, o, func(w *world) {
		_, err := w.up(cluster(1000))
		short, ok := errors.AsType[*fleet.ShortError](err)
		if !ok || short.Kept || short.Got != 0 {
			w.Fatalf("up ended with %#v, want nothing kept", err)
		}
		if short.Refusals[0].Code != "InsufficientInstanceCapacity" || short.Refusals[0].Class != fleet.Capacity {
			w.Errorf("refusals: %+v", short.Refusals)
		}
		time.Sleep(5 * time.Minute)
		if n := len(w.living()); n != 0 {
			w.Errorf("%d instances are left", n)
		}
	})
}

func TestShortWithMinIsUsable(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 57}}
	inWorld(t, o, func(w *world) {
		want := cluster(64, func(g *spec.Group) { g.Launch.All, g.Launch.Min = false, 48 })
		r, err := w.up(want)
		short, ok := errors.AsType[*fleet.ShortError](err)
		if !ok || !short.Kept || short.Got != 57 {
			w.Fatalf("up ended with %v, want 57 kept", err)
		}
		if r.Verdict == nil || !r.Verdict.Identical {
			w.Errorf("the 57 are not proven: %+v", r.Verdict)
		}
		if n := len(w.living()); n != 57 {
			w.Errorf("%d live, want 57", n)
		}
	})
}

func TestCapacityIsAskedForOnce(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 0}}
	inWorld(t, o, func(w *world) {
		r, err := w.up(cluster(10))
		if _, ok := errors.AsType[*fleet.ShortError](err); !ok {
			w.Fatalf("up ended with %v", err)
		}
		if n := r.ByAction["RunInstances"]; n != 1 {
			w.Errorf("%d launch calls, want 1: a capacity error is not repeated", n)
		}
	})
}

// A plan sees the quota, and not what others use of it.
func TestQuotaIsShort(t *testing.T) {
	inWorld(t, ec2sim.Options{VCPUQuota: 130}, func(w *world) {
		w.foreign()
		_, err := w.up(cluster(64))
		short, ok := errors.AsType[*fleet.ShortError](err)
		if !ok || short.Refusals[0].Class != fleet.Quota {
			w.Fatalf("up ended with %v", err)
		}
	})
}

func TestYoungDeathsAreMadeGood(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Instances: []int{3, 70}, Dies: "Server.InternalError", Message: "Client.VolumeLimitExceeded: Volume limit exceeded"})
		want := cluster(100)
		r := w.mustUp(want)
		if r.Groups[0].Replaced != 2 {
			w.Errorf("replaced %d, want 2", r.Groups[0].Replaced)
		}
		lost := 0
		for _, e := range w.events {
			if e.Type == fleet.EventNodeLost {
				lost++
				if !strings.Contains(e.Message, "Volume limit exceeded") {
					w.Errorf("%s was lost without its reason: %q", e.Node, e.Message)
				}
			}
		}
		if lost != 2 {
			w.Errorf("%d node_lost events, want 2", lost)
		}
		w.check(want)
	})
}

func TestTooManyYoungDeathsGiveUp(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Dies: "Client.InternalError", Message: "Client error on launch"})
		_, err := w.up(cluster(10))
		if _, ok := errors.AsType[*fleet.LostError](err); !ok {
			w.Fatalf("up ended with %v, want a LostError", err)
		}
		time.Sleep(5 * time.Minute)
		if n := len(w.living()); n != 0 {
			w.Errorf("%d instances are left", n)
		}
	})
}

func TestTimeoutReleasesTheGroup(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Instances: []int{5}, Stuck: true})
		_, err := w.up(cluster(10))
		late, ok := errors.AsType[*fleet.TimeoutError](err)
		if !ok || late.Running != 9 || late.Waited < 15*time.Minute || late.Waited > 16*time.Minute {
			w.Fatalf("up ended with %v", err)
		}
		time.Sleep(5 * time.Minute)
		if n := len(w.living()); n != 0 {
			w.Errorf("%d instances are left", n)
		}
	})
}

func TestLostReplyLaunchesOnce(t *testing.T) {
	large(t)
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Action: "RunInstances", Call: 2, LoseReply: true})
		want := cluster(300)
		w.mustUp(want)
		if n := len(w.instances()); n != 300 {
			w.Errorf("%d instances were ever launched, want 300", n)
		}
		w.check(want)
	})
}

func TestDeadTokensAreSteppedOver(t *testing.T) {
	large(t)
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("fails=%v", fails), func(t *testing.T) {
			inWorld(t, ec2sim.Options{DeadTokenFails: fails}, func(w *world) {
				want := cluster(150)
				for range 3 {
					w.mustUp(want)
					w.check(want)
					if _, err := w.up(want.Empty()); err != nil {
						w.Fatal(err)
					}
					time.Sleep(2 * time.Hour) // the dead are listed no longer, and their tokens still count
				}
			})
		})
	}
}

func TestEqualIndexesGetSlotsOfTheirOwn(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{EqualIndexes: true})
		want := cluster(20, func(g *spec.Group) { g.Market = spec.Spot })
		w.mustUp(want)
		w.check(want)
		if n := len(w.instances()); n != 20 {
			w.Errorf("%d instances were launched, want 20", n)
		}
	})
}

func TestPlacementGroupComesAndGoes(t *testing.T) {
	large(t)
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(200, func(g *spec.Group) { g.Placement = spec.PlacementCluster })
		r := w.mustUp(want)
		if n := r.ByAction["RunInstances"]; n != 1 {
			w.Errorf("%d launch calls into a cluster placement group, want 1", n)
		}
		w.check(want)
		if _, err := w.up(want.Empty()); err != nil {
			w.Fatal(err)
		}
		l := w.launcher()
		have, p := w.plan(l, want.Empty())
		if len(have.PlacementGroups) > 0 || !p.Empty() {
			w.Errorf("left: %+v %+v", have.PlacementGroups, p)
		}
	})
}

func TestEFAInterfaces(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(4, func(g *spec.Group) {
			g.InstanceTypes = []string{"hpc7a.96xlarge"}
			g.Subnets = []string{ec2sim.SubnetA, ec2sim.SubnetB, ec2sim.SubnetC}
			g.EFA, g.Placement = true, spec.PlacementCluster
		})
		w.mustUp(want)
		w.check(want)
	})
}

func TestProtectedInstanceIsNamedAndTheRestGoes(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Instances: []int{7}, Protected: true})
		want := cluster(30)
		w.mustUp(want)
		r, err := w.up(want.Empty())
		p, ok := errors.AsType[*fleet.ProtectedError](err)
		if !ok || len(p.Instances) != 1 {
			w.Fatalf("down ended with %v", err)
		}
		if left := w.living(); len(left) != 1 || *left[0].InstanceId != p.Instances[0] {
			w.Errorf("%d instances are left", len(left))
		}
		if len(r.Left) != 1 {
			w.Errorf("the report names %d left", len(r.Left))
		}
	})
}

func TestSubnetsAllDealsTheGroupOut(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := cluster(7, func(g *spec.Group) {
			g.Subnets = []string{ec2sim.SubnetA, ec2sim.SubnetB, ec2sim.SubnetC}
			g.Launch.Subnets = spec.SubnetsAll
		})
		w.mustUp(want)
		w.check(want)
		zones := map[string]int{}
		for _, i := range w.living() {
			zones[*i.Placement.AvailabilityZone]++
		}
		if zones["us-east-1a"] != 3 || zones["us-east-1b"] != 2 || zones["us-east-1c"] != 2 {
			w.Errorf("zones: %v", zones)
		}
	})
}

func TestThrottledByOthersWaits(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		for n := range 4 {
			w.region.Inject(ec2sim.Fault{Action: "RunInstances", Call: n + 1, Code: "RequestLimitExceeded"})
		}
		want := cluster(100)
		r := w.mustUp(want)
		if n := r.ByAction["RunInstances"]; n != 5 {
			w.Errorf("%d launch calls, want 5", n)
		}
		w.check(want)
	})
}

func TestPermissionStopsAtOnce(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Action: "RunInstances", Code: "UnauthorizedOperation", Message: "You are not authorized"})
		r, err := w.up(cluster(10))
		e, ok := errors.AsType[*fleet.CallError](err)
		if !ok || e.Class != fleet.Permission || e.Code != "UnauthorizedOperation" {
			w.Fatalf("up ended with %v", err)
		}
		if n := r.ByAction["RunInstances"]; n != 1 {
			w.Errorf("%d launch calls, want 1", n)
		}
	})
}

func TestInterruptKeepsWhatExistsAndTheNextRunGoesOn(t *testing.T) {
	large(t)
	inWorld(t, ec2sim.Options{}, func(w *world) {
		stop := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(w.Context())
		w.client = &snoop{next: w.region, before: func(action string, n int) {
			if action == "RunInstances" && n == 3 {
				cancel(stop)
			}
		}}
		want := cluster(1000)
		r, err := w.upContext(ctx, want)
		if !errors.Is(err, stop) {
			w.Fatalf("up ended with %v, want the cause of the interrupt", err)
		}
		time.Sleep(10 * time.Second) // until all that was launched can be seen
		n := len(w.instances())
		if n == 0 || n == 1000 || r.Groups[0].Launched != n {
			w.Errorf("%d instances exist, and the report says %d", n, r.Groups[0].Launched)
		}
		w.client = w.region
		w.mustUp(want)
		if n := len(w.instances()); n != 1000 {
			w.Errorf("%d instances were ever launched, want 1000", n)
		}
		w.check(want)
	})
}

// httpClient is the SDK's.
type httpClient interface {
	Do(*http.Request) (*http.Response, error)
}

// snoop tells of every request before it is sent, with its number among those of its action.
type snoop struct {
	next   httpClient
	before func(action string, n int)

	mu   sync.Mutex
	seen map[string]int
}

func (s *snoop) Do(q *http.Request) (*http.Response, error) {
	action := actionOf(q)
	s.mu.Lock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	s.seen[action]++
	n := s.seen[action]
	s.mu.Unlock()
	s.before(action, n)
	return s.next.Do(q)
}

func TestRetryGoesOnAskingUntilThereIsRoom(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 10}}
	inWorld(t, o, func(w *world) {
		time.AfterFunc(10*time.Minute, w.region.Calm)
		want := cluster(50, func(g *spec.Group) { g.Launch.Retry = 30 * time.Minute })
		r := w.mustUp(want)
		if r.Elapsed < 10*time.Minute || r.Elapsed > 14*time.Minute {
			w.Errorf("up took %s, want little more than the ten minutes of the shortage", r.Elapsed)
		}
		if n := r.ByAction["RunInstances"]; n > 8 {
			w.Errorf("%d launch calls in ten minutes of shortage", n)
		}
		w.check(want)
	})
}

func TestRetryEnds(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 10}}
	inWorld(t, o, func(w *world) {
		r, err := w.up(cluster(50, func(g *spec.Group) { g.Launch.Retry = 10 * time.Minute }))
		if _, ok := errors.AsType[*fleet.ShortError](err); !ok {
			w.Fatalf("up ended with %v", err)
		}
		if r.Elapsed > 11*time.Minute {
			w.Errorf("up took %s", r.Elapsed)
		}
		time.Sleep(time.Minute)
		if n := len(w.living()); n != 0 {
			w.Errorf("%d instances are left", n)
		}
	})
}

// twoGroups is a head and its compute nodes.
func twoGroups(together string) *spec.Cluster {
	want := cluster(40)
	head := cluster(1).Groups[0]
	head.Name, head.InstanceTypes = "head", []string{"m7i.large"}
	want.Groups = append([]spec.Group{head}, want.Groups...)
	for i := range want.Groups {
		want.Groups[i].Launch.Together = together
	}
	return want
}

func TestGangIsReleasedWhole(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 39}}
	for _, together := range []string{"", "mpi"} {
		t.Run(together, func(t *testing.T) {
			inWorld(t, o, func(w *world) {
				_, err := w.up(twoGroups(together))
				if _, ok := errors.AsType[*fleet.ShortError](err); !ok {
					w.Fatalf("up ended with %v", err)
				}
				_, gang := errors.AsType[*fleet.GangError](err)
				time.Sleep(2 * time.Minute)
				if n, left := len(w.living()), map[string]int{"": 1, "mpi": 0}[together]; n != left || gang != (together != "") {
					w.Errorf("%d instances are left, want %d; a GangError: %v", n, left, gang)
				}
			})
		})
	}
}

// A stopped node that EC2 has no room for is not waited for, and the others are what they were.
func TestStartWithoutRoomIsShortAtOnce(t *testing.T) {
	for _, least := range []int{12, 11} {
		t.Run(fmt.Sprint(least), func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := cluster(12, func(g *spec.Group) { g.Launch.All, g.Launch.Min = least == 12, least })
				w.mustUp(want)
				w.region.Stop(w.region.Instances()[0])
				time.Sleep(time.Minute)
				w.region.Inject(ec2sim.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity"})
				r, err := w.up(want)
				short, ok := errors.AsType[*fleet.ShortError](err)
				if !ok || short.Got != 11 || short.Kept != (least == 11) {
					w.Fatalf("up ended with %#v", err)
				}
				if r.Elapsed > time.Minute {
					w.Errorf("up took %s", r.Elapsed)
				}
				if proven := r.Verdict != nil && r.Verdict.Identical; proven != short.Kept {
					w.Errorf("verdict: %+v", r.Verdict)
				}
				if n := len(w.living()); n != 12 {
					w.Errorf("%d instances are left, want all 12", n)
				}
			})
		})
	}
}

// checked has a group wait for its status checks.
func checked(g *spec.Group) { g.Launch.Wait = spec.WaitChecked }

func TestImpairedNodesAreReplaced(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Instances: []int{3, 7}, Impaired: true})
		want := cluster(20, checked)
		r := w.mustUp(want)
		if g := r.Groups[0]; g.Replaced != 2 || g.Running != 20 {
			w.Errorf("%d replaced and %d running, want 2 and 20", g.Replaced, g.Running)
		}
		if n := r.ByAction["DescribeInstanceStatus"]; n > 14 {
			w.Errorf("status checks were asked for %d times in %s", n, r.Elapsed)
		}
		lost := 0
		for _, e := range w.events {
			if e.Type == fleet.EventNodeLost {
				lost++
				if !strings.Contains(e.Message, "instance impaired") {
					w.Errorf("%s is lost because of %q", e.Node, e.Message)
				}
			}
		}
		if lost != 2 {
			w.Errorf("%d nodes were told as lost, want 2", lost)
		}
		w.check(want)

		// A cluster that is as it should be is asked once more, and nothing happens to it.
		again := w.mustUp(want)
		if again.Groups[0].Launched != 0 || again.ByAction["DescribeInstanceStatus"] != 1 {
			w.Errorf("up again: %d launched, calls %v", again.Groups[0].Launched, again.ByAction)
		}
	})
}

func TestImpairedNodesBeyondTheBudgetGiveUp(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Impaired: true})
		_, err := w.up(cluster(4, checked))
		lost, ok := errors.AsType[*fleet.LostError](err)
		if !ok || !strings.Contains(lost.Message, "status checks failed") {
			w.Fatalf("up: %v, want a LostError that tells of status checks", err)
		}
		time.Sleep(2 * time.Minute)
		if n := len(w.living()); n != 0 {
			w.Errorf("%d instances are left", n)
		}
	})
}

// Without the wish for checks none are asked for, and an impaired node is a node.
func TestImpairedNodesRunWhereNobodyAsks(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Impaired: true})
		if r := w.mustUp(cluster(4)); r.ByAction["DescribeInstanceStatus"] != 0 {
			w.Errorf("status checks were asked for: %v", r.ByAction)
		}
	})
}

// A node of an earlier run that fails its checks only now is made good too, though this plan launches nothing.
func TestElderNodesThatFailTheirChecksAreReplaced(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.region.Inject(ec2sim.Fault{Instances: []int{2}, Impaired: true})
		w.mustUp(cluster(4))
		w.region.Calm()
		time.Sleep(5 * time.Minute)
		want := cluster(4, checked)
		if r := w.mustUp(want); r.Groups[0].Replaced != 1 || r.Groups[0].Running != 4 {
			w.Errorf("%d replaced and %d running, want 1 and 4", r.Groups[0].Replaced, r.Groups[0].Running)
		}
		w.check(want)
	})
}
