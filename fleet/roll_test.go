package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

var orders = []spec.UpdateOrder{spec.TerminateFirst, spec.LaunchFirst}

// rolling is a file whose group of count nodes is replaced most at a time.
func rolling(count, most int, order spec.UpdateOrder, edit ...func(*spec.Group)) *spec.Cluster {
	return cluster(count, append([]func(*spec.Group){func(g *spec.Group) {
		g.Update = spec.Update{MaxUnavailable: most, Order: order}
	}}, edit...)...)
}

// before is the same file with the image that came before.
func before(c *spec.Cluster) *spec.Cluster {
	old := *c
	old.Groups = slices.Clone(c.Groups)
	for i := range old.Groups {
		old.Groups[i].Image.ID = ec2sim.BaseImageBefore
	}
	return &old
}

// nodes are the instances that run, by node and image.
func (w *world) nodes() (names map[string]int, images map[string]int) {
	w.Helper()
	names, images = map[string]int{}, map[string]int{}
	for _, i := range w.instances() {
		if i.State.Name != types.InstanceStateNameRunning {
			continue
		}
		tags := fleet.FromTags(i.Tags)
		slots, err := planner.ParseSlots(tags[planner.TagSlots])
		if err != nil || int(*i.AmiLaunchIndex) >= len(slots) {
			w.Fatalf("%s has slots %q and index %d", *i.InstanceId, tags[planner.TagSlots], *i.AmiLaunchIndex)
		}
		names[planner.NodeName(tags[planner.TagGroup], slots[*i.AmiLaunchIndex])]++
		images[*i.ImageId]++
	}
	return names, images
}

// A watch counts in how many slots something runs, whenever something was taken down: in between the number only
// grows.
type watch struct {
	w    *world
	next httpClient

	mu     sync.Mutex
	lowest int
}

func (c *watch) Do(q *http.Request) (*http.Response, error) {
	action := actionOf(q)
	resp, err := c.next.Do(q)
	if action == "TerminateInstances" {
		names, _ := c.w.nodes()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lowest = min(c.lowest, len(names))
	}
	return resp, err
}

func (w *world) watched(want *spec.Cluster) *watch {
	w.mustUp(before(want))
	c := &watch{w: w, next: w.region, lowest: want.Groups[0].Count}
	w.client = c
	return c
}

// spare is how many nodes may be down at a time.
func spare(u spec.Update) int {
	if u.Order == spec.LaunchFirst {
		return 0
	}
	return u.MaxUnavailable
}

func TestRollsBatchByBatch(t *testing.T) {
	nodes := 100
	if testing.Short() {
		nodes = 30
	}
	for _, order := range orders {
		t.Run(string(order), func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := rolling(nodes, nodes/10, order)
				c := w.watched(want)
				w.events = nil
				r := w.mustUp(want)
				w.check(want)
				if lost := nodes - c.lowest; lost > spare(want.Groups[0].Update) {
					w.Errorf("%d nodes were down at a time", lost)
				}
				if g := r.Groups[0]; g.Launched != nodes || g.Terminated != nodes || g.Running != nodes {
					w.Errorf("report: %+v", g)
				}
				if r.Roll.Batch != 10 || r.Roll.Batches != 10 || len(r.Roll.Groups[0].Replaced) != nodes {
					w.Errorf("roll: %+v", r.Roll)
				}
				if n := len(w.instances()); n != 2*nodes {
					w.Errorf("%d instances were ever launched, want %d", n, 2*nodes)
				}
				w.Logf("%d calls, %s: %v", r.Calls, r.Elapsed, r.ByAction)
				if r.Calls > 120 {
					w.Errorf("%d calls for ten batches", r.Calls)
				}
				// Each batch is told in its order.
				var told []string
				for _, e := range w.events {
					if e.Batch == 3 && slices.Contains([]fleet.EventType{fleet.EventLaunchStart, fleet.EventTerminateStart, fleet.EventVerify}, e.Type) {
						told = append(told, fmt.Sprintf("%s %d/%d", e.Type, e.Batch, e.Batches))
					}
				}
				tale := []string{"terminate_start 3/10", "launch_start 3/10", "verify 3/10"}
				if order == spec.LaunchFirst {
					tale = []string{"launch_start 3/10", "verify 3/10", "terminate_start 3/10"}
				}
				if !slices.Equal(told, tale) {
					w.Errorf("batch 3: %v, want %v", told, tale)
				}
			})
		})
	}
}

// The kill matrix of a roll: it is killed at every request, before it and after it took effect; then the
// same command runs again, at once. At no request are more nodes down than the file allows. The first eight requests
// only look, and are left out.
func TestRollKilledAtEveryCallConverges(t *testing.T) {
	nodes, most := 30, 15
	if testing.Short() {
		nodes, most = 4, 2
	}
	for _, order := range orders {
		for _, after := range []bool{false, true} {
			for at := 9; ; at++ {
				died := ""
				t.Run(fmt.Sprintf("%s/after=%v/%d", order, after, at), func(t *testing.T) {
					inWorld(t, ec2sim.Options{}, func(w *world) {
						want := rolling(nodes, most, order)
						c := w.watched(want)
						died = w.killedThrough(c, want, at, after)
						w.client = c
						w.mustUp(want)
						w.client = w.region
						w.check(want)
						if lost := nodes - c.lowest; lost > spare(want.Groups[0].Update) {
							w.Errorf("killed at %s: %d nodes were down at a time", died, lost)
						}
						if n := len(w.instances()); n != 2*nodes {
							w.Errorf("killed at %s: %d instances were ever launched, want %d", died, n, 2*nodes)
						}
					})
				})
				if died == "" {
					break
				}
			}
		}
	}
}

// A bad image stops in its first batch; the file edited back brings the old nodes back.
func TestRollStopsAtTheBatchThatDoesNotComeUp(t *testing.T) {
	for _, order := range orders {
		t.Run(string(order), func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := rolling(20, 5, order)
				w.mustUp(before(want))
				w.region.Inject(ec2sim.Fault{Instances: upTo(6, 60), Dies: "Client.InternalError", Message: "Client error on launch"})
				r, err := w.up(want)
				_, lost := errors.AsType[*fleet.LostError](err)
				stopped, ok := errors.AsType[*fleet.RollError](err)
				if !lost || !ok {
					w.Fatalf("up ended with %v, want a LostError and a RollError", err)
				}
				g := stopped.Groups[0]
				replaced, old, down := "0-4", "10-19", "5-9"
				if order == spec.LaunchFirst {
					old, down = "5-19", ""
				}
				if stopped.Batch != 2 || stopped.Batches != 4 || g.Replaced.String() != replaced || g.Old.String() != old || g.Down.String() != down {
					w.Errorf("stopped in %d of %d: %+v", stopped.Batch, stopped.Batches, g)
				}
				if r.Groups[0].Launched != 5 || r.Groups[0].Running != 20-len(g.Down) {
					w.Errorf("report: %+v", r.Groups[0])
				}
				time.Sleep(2 * time.Minute)
				names, images := w.nodes()
				if len(names) != 20-len(g.Down) || images[ec2sim.BaseImage] != 5 || len(w.living()) != len(names) {
					w.Errorf("%d nodes run, of %v", len(names), images)
				}
				w.region.Calm()
				w.mustUp(before(want))
				w.check(before(want))
				w.mustUp(want)
				w.check(want)
			})
		})
	}
}

// upTo are the numbers from a to b.
func upTo(a, b int) (all []int) {
	for n := a; n <= b; n++ {
		all = append(all, n)
	}
	return all
}

func TestRollStopsAtTheBatchThatIsNotIdentical(t *testing.T) {
	for _, order := range orders {
		t.Run(string(order), func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := rolling(20, 5, order)
				c := w.watched(want)
				w.region.Inject(ec2sim.Fault{Instances: []int{7}, RootSnapshot: "snap-0123456789abcdef0"})
				_, err := w.up(want)
				wrong, ok := errors.AsType[*fleet.IdentityError](err)
				stopped, rolled := errors.AsType[*fleet.RollError](err)
				if !ok || !rolled || stopped.Batch != 2 {
					w.Fatalf("up ended with %v", err)
				}
				if m := wrong.Verdict.Mismatched; len(m) != 1 || m[0].Node != "compute-6" || m[0].Check != "root_snapshot" {
					w.Errorf("found: %+v", m)
				}
				time.Sleep(2 * time.Minute)
				_, images := w.nodes()
				fresh := map[spec.UpdateOrder]int{spec.TerminateFirst: 10, spec.LaunchFirst: 5}[order]
				if images[ec2sim.BaseImage] != fresh || images[ec2sim.BaseImageBefore] != 20-fresh || wrong.Ended != (order == spec.LaunchFirst) {
					w.Errorf("the nodes run from %v, ended again: %v", images, wrong.Ended)
				}
				w.mustUp(want)
				w.check(want)
				if lost := 20 - c.lowest; lost > spare(want.Groups[0].Update) {
					w.Errorf("%d nodes were down at a time", lost)
				}
			})
		})
	}
}

// A batch that finds no room is short: what launches first has lost nothing by it.
func TestRollWithoutRoomIsShort(t *testing.T) {
	for _, order := range orders {
		t.Run(string(order), func(t *testing.T) {
			o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 20}}
			inWorld(t, o, func(w *world) {
				want := rolling(20, 5, order)
				c := w.watched(want)
				r, err := w.up(want)
				if order == spec.TerminateFirst {
					if err != nil {
						w.Errorf("in the room of the old nodes: %v", err)
					}
					return
				}
				_, short := errors.AsType[*fleet.ShortError](err)
				if _, ok := errors.AsType[*fleet.RollError](err); !ok || !short {
					w.Fatalf("up ended with %v", err)
				}
				if c.lowest != 20 || len(r.Roll.Groups[0].Old) != 20 {
					w.Errorf("%d nodes ran at the least: %+v", c.lowest, r.Roll.Groups[0])
				}
			})
		})
	}
}

func TestRollAsksAgainForRoom(t *testing.T) {
	o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 20}}
	inWorld(t, o, func(w *world) {
		want := rolling(20, 5, spec.LaunchFirst, func(g *spec.Group) { g.Launch.Retry = 30 * time.Minute })
		w.mustUp(before(want))
		time.AfterFunc(10*time.Minute, w.region.Calm)
		w.mustUp(want)
		w.check(want)
	})
}

// The first batch decides the type, as the first call of a launch does.
func TestRolledGroupIsNotMixed(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := rolling(20, 5, spec.TerminateFirst, func(g *spec.Group) { g.InstanceTypes = []string{"c7i.large", "c7i.xlarge"} })
		w.mustUp(before(want))
		w.region.SetCapacity(ec2sim.Pool{Type: "c7i.large", Zone: "us-east-1a"}, 3)
		// There is room for the first type again as soon as the second batch begins.
		w.client = &snoop{next: w.region, before: func(action string, n int) {
			if action == "TerminateInstances" && n == 2 {
				w.region.Calm()
			}
		}}
		w.mustUp(want)
		w.check(want)
		for _, i := range w.living() {
			if i.InstanceType != "c7i.xlarge" {
				w.Fatalf("%s is %s: the group is mixed", *i.InstanceId, i.InstanceType)
			}
		}
	})
}

// A launch with the same parameters has the token of the old nodes, which must not be given back for new ones.
func TestRollOfTheSameLaunchIsNotTheOldNodes(t *testing.T) {
	for _, order := range orders {
		inWorld(t, ec2sim.Options{}, func(w *world) {
			want := rolling(6, 6, order)
			w.mustUp(want)
			for _, id := range w.region.Instances() {
				if err := w.region.SwapRootVolume(id); err != nil {
					w.Fatal(err)
				}
			}
			if r := w.mustUp(want); r.Groups[0].Launched != 6 {
				w.Errorf("%s: launched %d, want 6", order, r.Groups[0].Launched)
			}
			w.check(want)
		})
	}
}

// A group that may be short is rolled with what it has: those it lacks count as down.
func TestShortGroupIsRolledInSmallerBatches(t *testing.T) {
	for most, done := range map[int]bool{6: true, 4: false} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			o := ec2sim.Options{Capacity: map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 16}}
			inWorld(t, o, func(w *world) {
				want := rolling(20, most, spec.TerminateFirst, func(g *spec.Group) { g.Launch.All, g.Launch.Min = false, 10 })
				if _, err := w.up(before(want)); err == nil {
					w.Fatal("there was room for all")
				}
				w.events = nil
				r, err := w.up(want)
				short, ok := errors.AsType[*fleet.ShortError](err)
				_, stopped := errors.AsType[*fleet.RollError](err)
				if !ok || !short.Kept || stopped == done {
					w.Fatalf("up ended with %v", err)
				}
				_, images := w.nodes()
				if g := r.Roll.Groups[0]; done != (images[ec2sim.BaseImage] == 16 && len(g.Replaced) == 16) || !done && len(g.Old) != 16 {
					w.Errorf("the nodes run from %v: %+v", images, g)
				}
				for _, e := range w.events {
					if e.Type == fleet.EventTerminateStart && e.Got > most-4 {
						w.Errorf("batch %d takes down %d of 16 nodes", e.Batch, e.Got)
					}
				}
			})
		})
	}
}

// A node that dies before its batch comes waits for it, and leaves less to be taken down besides.
func TestOldNodeThatDiesWaitsForItsBatch(t *testing.T) {
	for _, order := range orders {
		inWorld(t, ec2sim.Options{}, func(w *world) {
			want := rolling(12, 3, order)
			w.mustUp(before(want))
			victim := w.region.Instances()[9]
			launches := 0
			w.client = &snoop{next: w.region, before: func(action string, n int) {
				if action == "RunInstances" && n == 1 {
					w.region.Kill(victim)
				}
				if action == "RunInstances" {
					launches++
				}
			}}
			r := w.mustUp(want)
			w.check(want)
			if launches != 4 || r.Groups[0].Replaced != 0 || r.Groups[0].Launched != 12 {
				w.Errorf("%s: %d launches, report %+v", order, launches, r.Groups[0])
			}
		})
	}
}

// Two groups roll side by side; one that fails holds the other up, and its gang's batch is given back.
func TestGroupsRollTogether(t *testing.T) {
	for _, together := range []string{"", "mpi"} {
		t.Run(together, func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				want := twoGroups(together)
				want.Groups[0].Count, want.Groups[0].Launch.Min = 4, 4
				for i := range want.Groups {
					want.Groups[i].Update = spec.Update{MaxUnavailable: 2 + 8*i, Order: orders[i]}
				}
				w.mustUp(before(want))
				w.region.Inject(ec2sim.Fault{Action: "RunInstances", Call: 4, Code: "InvalidParameterValue"})
				_, err := w.up(want)
				stopped, ok := errors.AsType[*fleet.RollError](err)
				if !ok || stopped.Batch != 2 || stopped.Batches != 4 {
					w.Fatalf("up ended with %v: %+v", err, stopped)
				}
				time.Sleep(2 * time.Minute)
				for _, g := range stopped.Groups {
					if len(g.Replaced) == 0 || g.Name == "compute" && len(g.Down) > 0 {
						w.Errorf("%+v", g)
					}
				}
				w.region.Calm()
				w.mustUp(want)
				w.check(want)
			})
		})
	}
}

func TestInterruptedRollSaysHowFarItGot(t *testing.T) {
	for _, order := range orders {
		inWorld(t, ec2sim.Options{}, func(w *world) {
			want := rolling(12, 3, order)
			w.mustUp(before(want))
			stop := errors.New("interrupted")
			ctx, cancel := context.WithCancelCause(w.Context())
			w.client = &snoop{next: w.region, before: func(action string, n int) {
				if action == "RunInstances" && n == 2 {
					cancel(stop)
				}
			}}
			r, err := w.upContext(ctx, want)
			if _, stopped := errors.AsType[*fleet.RollError](err); !errors.Is(err, stop) || stopped {
				w.Fatalf("up ended with %v, want the cause alone", err)
			}
			g := r.Roll.Groups[0]
			if r.Roll.Batch != 2 || g.Replaced.String() != "0-2" || g.Unproven.String() != "3-5" || g.Old.String() != "6-11" || g.Down != nil {
				w.Errorf("%s: %+v", order, r.Roll)
			}
			w.client = w.region
			w.mustUp(want)
			w.check(want)
			if n := len(w.instances()); n != 24 {
				w.Errorf("%s: %d instances were ever launched, want 24", order, n)
			}
		})
	}
}

// The names of old images cost a call where something is replaced, and none where nothing is.
func TestOldImagesAreLookedUpOnlyToBeReplaced(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		want := rolling(4, 1, spec.TerminateFirst)
		w.mustUp(before(want))
		if r := w.mustUp(before(want)); r.ByAction["DescribeImages"] != 1 {
			w.Errorf("settled: %v", r.ByAction)
		}
		l := w.launcher()
		_, p := w.plan(l, want)
		if _, by := l.Session.Calls(); by["DescribeImages"] != 2 {
			w.Errorf("to be replaced: %v", by)
		}
		if why := p.Actions[0].Why.Text; !strings.HasPrefix(why, "image 2026.10 -> 2026.11 (") {
			w.Errorf("because %s", why)
		}
	})
}
