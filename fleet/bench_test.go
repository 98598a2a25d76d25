package fleet_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"cluster/fleet/ec2sim"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What the embedded region, left at its defaults, takes for things: EC2's published buckets, and
// boot times and latencies as in ec2sim.Timing.
const (
	requestTokens  = 5.0    // RunInstances calls in a full bucket
	instanceTokens = 1000.0 // instances in a full bucket
	refill         = 2.0    // tokens a second, of either
	runLatency     = 1500 * time.Millisecond
	callLatency    = 100 * time.Millisecond
	slowestBoot    = 18 * time.Second
)

// floor is the least time in which n nodes can be up and proven, whoever launches them with these
// means:
//
//   - what a plan has to know first: what there is, who asks, the image, one after the other, and then
//     the type, its zones, the subnet and the quota, all at once. Four times a call's latency, while
//     the buckets fill;
//   - the wait for the last launch call's token of the request bucket, or for its instances' tokens
//     of the instance bucket, whichever is longer. A call is let through whole, so the last one waits
//     for the tokens of all;
//   - that call, and the slowest boot that the region knows: the last call may always have got it;
//   - one look at all instances and one at all root volumes, a call a thousand, which prove it.
//
// requests and instances are what the buckets hold when it begins.
func floor(n int, requests, instances float64) time.Duration {
	const asking = 4 * callLatency
	launches, nodes := float64((n+99)/100), float64(n)
	wait := max(0,
		(launches-min(requestTokens, requests+refill*asking.Seconds()))/refill,
		(nodes-min(instanceTokens, instances+refill*asking.Seconds()))/refill)
	looking := time.Duration(2*((n+999)/1000)) * callLatency
	return asking + time.Duration(wait*float64(time.Second)) + runLatency + slowestBoot + looking
}

// figures is what one up cost.
type figures struct {
	drained   bool
	took      time.Duration // the region's
	floor     time.Duration
	calls     int
	byAction  map[string]int
	throttled int
	heap      uint64 // bytes, at the most: launcher and region together
}

func (f figures) above() float64 { return 100 * (f.took.Seconds()/f.floor.Seconds() - 1) }

func (f figures) String() string {
	return fmt.Sprintf("%.1f s, %.1f %% above the floor of %.1f s; %d calls %v, %d throttled; heap %d MB",
		f.took.Seconds(), f.above(), f.floor.Seconds(), f.calls, f.byAction, f.throttled, f.heap>>20)
}

// measureUp brings n nodes up in a fresh region, in a subnet with room for 16,379. With drained, half of
// both of its buckets is gone.
func measureUp(t *testing.T, n int, drained bool) (f figures) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		requests, instances := requestTokens, instanceTokens
		if drained {
			requests, instances = w.drain()
		}
		heap := &heapMeter{next: w.region}
		heap.start()
		w.client = heap
		want := cluster(n, func(g *spec.Group) {
			g.Subnets = []string{w.region.AddSubnet(ec2sim.SubnetSpec{Zone: "us-east-1a", CIDR: "172.31.64.0/18"})}
		})
		before := len(w.region.Journal())
		up := w.mustUp(want)
		f = figures{drained: drained, took: up.Elapsed, floor: floor(n, requests, instances), calls: up.Calls, byAction: up.ByAction, heap: heap.most}
		for _, c := range w.region.Journal()[before:] {
			if c.Code == "RequestLimitExceeded" {
				f.throttled++
			}
		}
	})
	return f
}

// drain is another user of the account who empties the request bucket of RunInstances and takes half of
// its instance bucket, all at once. It says what they hold by the time this user has the answers: the
// request bucket is half full again.
func (w *world) drain() (requests, instances float64) {
	w.Helper()
	client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid")})
	const calls, each = 5, 100
	start := w.region.Now()
	failed := make(chan error)
	for range calls {
		go func() {
			_, err := client.RunInstances(w.Context(), &ec2.RunInstancesInput{
				ImageId: new(ec2sim.AmazonLinux), InstanceType: types.InstanceTypeC7iLarge,
				SubnetId: new(ec2sim.SubnetC), MinCount: new(int32(each)), MaxCount: new(int32(each)),
			})
			failed <- err
		}()
	}
	for range calls {
		if err := <-failed; err != nil {
			w.Fatal(err)
		}
	}
	back := refill * w.region.Now().Sub(start).Seconds()
	return requestTokens - calls + back, instanceTokens - calls*each + back
}

// A heapMeter is an HTTP client that looks at the heap around every call.
type heapMeter struct {
	next httpClient

	mu   sync.Mutex
	base uint64
	most uint64 // bytes more than at the start
}

func (h *heapMeter) start() {
	runtime.GC()
	h.base = heapNow()
}

func (h *heapMeter) Do(q *http.Request) (*http.Response, error) {
	h.look()
	defer h.look()
	return h.next.Do(q)
}

func (h *heapMeter) look() {
	now := heapNow()
	h.mu.Lock()
	defer h.mu.Unlock()
	if now > h.base {
		h.most = max(h.most, now-h.base)
	}
}

// heapNow is the heap's size in bytes, garbage included.
func heapNow() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// The states of the account in which an up is measured, and how far above the floor it may end.
var accounts = []struct {
	name    string
	drained bool
	above   float64 // percent
}{
	{"alone", false, 5},
	{"drained", true, 15},
}

// hold says what is wrong with the figures of an up of n nodes.
func (f figures) hold(tb testing.TB, n int, above float64) {
	tb.Helper()
	if f.above() > above {
		tb.Errorf("%.1f s are %.1f %% above the floor of %.1f s, want at most %.0f %%", f.took.Seconds(), f.above(), f.floor.Seconds(), above)
	}
	if f.took < f.floor-slowestBoot {
		tb.Errorf("%s cannot be, not even with the fastest boots: the floor of %s is wrong", f.took, f.floor)
	}
	if !f.drained && f.throttled > 0 {
		tb.Errorf("%d requests were throttled, with nobody else in the account", f.throttled)
	}
	if launches := (n + 99) / 100; f.byAction["RunInstances"] != launches+f.throttled {
		tb.Errorf("%d launch calls, want %d and the %d throttled ones", f.byAction["RunInstances"], launches, f.throttled)
	}
	row := fmt.Sprintf("| %d | %s | %d | %.0f s | %.0f s |", n, buckets(f.drained), f.calls, f.took.Seconds(), f.floor.Seconds())
	if readme, err := os.ReadFile("../README.md"); err != nil || !strings.Contains(string(readme), row+"\n") {
		tb.Errorf("the README does not have the row as measured (%v):\n%s", err, row)
	}
	if f.heap > 300<<20 {
		tb.Errorf("the heap grew by %d MB, want at most 300", f.heap>>20)
	}
}

// buckets is how the README says what of the account's buckets is left.
func buckets(drained bool) string {
	if drained {
		return "half"
	}
	return "full"
}

// TestSpeedFloor holds the time, the calls and the memory of an up, with the account's buckets full
// and with half of them used by somebody else. BenchmarkUp does the same for more nodes, and takes longer.
func TestSpeedFloor(t *testing.T) {
	for _, n := range []int{64, 1000} {
		for _, a := range accounts {
			t.Run(fmt.Sprint(n)+"/"+a.name, func(t *testing.T) {
				if n > 64 {
					large(t)
				}
				f := measureUp(t, n, a.drained)
				t.Log(f)
				f.hold(t, n, a.above)
			})
		}
	}
}

// BenchmarkUp reports what an up costs in the region's seconds and in API calls; the time of the
// computer that runs it says nothing about EC2.
func BenchmarkUp(b *testing.B) {
	for _, n := range []int{64, 1000, 4096, 10_000} {
		for _, a := range accounts {
			b.Run(fmt.Sprintf("%d/%s", n, a.name), func(b *testing.B) {
				var f figures
				for b.Loop() {
					inTest(b, func(t *testing.T) { f = measureUp(t, n, a.drained) })
				}
				f.hold(b, n, a.above)
				b.ReportMetric(f.took.Seconds(), "region-s")
				b.ReportMetric(f.above(), "%-above-floor")
				b.ReportMetric(float64(f.calls), "calls")
				b.ReportMetric(float64(f.throttled), "throttled")
				b.ReportMetric(float64(f.heap>>20), "heap-MB")
			})
		}
	}
}

// inTest gives a benchmark the *testing.T that a bubble of package synctest wants.
func inTest(b *testing.B, f func(t *testing.T)) {
	b.Helper()
	all := func(_, _ string) (bool, error) { return true, nil }
	if !testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: f}}) {
		b.Fatal("the up that was to be measured did not work")
	}
}
