package fleet_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
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

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

var (
	seeds = flag.Uint64("seeds", 1000, "how many storms to run")
	first = flag.Uint64("first", 1, "the first storm of them; so a long run can be dealt out")
	seed  = flag.Uint64("seed", 0, "replay this storm alone; 0: none")
)

// TestStorms runs random files in random regions through random trouble: refused calls, lost
// replies, kills, interrupts, shortages that come and go, nodes that die young, throttles by other
// users of the account, and commands that run at once. Whatever happened, one quiet up afterwards ends with exactly the wanted
// nodes, all proven; one quiet down ends with none; and nobody else's instances were touched.
func TestStorms(t *testing.T) {
	if *seed != 0 {
		t.Run(fmt.Sprint(*seed), func(t *testing.T) { storm(t, *seed) })
		return
	}
	n := *seeds
	if testing.Short() {
		n = min(n, 50) // for the race detector
	}
	for s := *first; s < *first+n; s++ {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("replay it: go test ./fleet -run TestStorms -seed %d -v", s)
				}
			}()
			storm(t, s)
		})
	}
}

func storm(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0x5703))
	o := ec2sim.Options{
		Seed:           seed,
		DeadTokenFails: rnd.IntN(2) == 0,
		Timing: ec2sim.Timing{
			Pending: ec2sim.Range{Min: time.Second, Max: time.Duration(2+rnd.IntN(40)) * time.Second},
			Visible: ec2sim.Range{Max: time.Duration(rnd.IntN(15)) * time.Second},
			Devices: ec2sim.Range{Min: time.Second, Max: time.Duration(2+rnd.IntN(20)) * time.Second},
			Listed:  time.Duration(5+rnd.IntN(56)) * time.Minute,
		},
	}
	inWorld(t, o, func(w *world) {
		w.others = w.foreign()
		want := randomCluster(rnd)
		gale := &gale{next: w.region, rnd: rand.New(rand.NewPCG(seed, 0x9a1e)), rate: rnd.Float64() * 0.3}
		for range 1 + rnd.IntN(4) {
			w.trouble(rnd, want)
			w.command(rnd, gale, want)
			if rnd.IntN(3) == 0 {
				want = changed(rnd, want)
			}
			time.Sleep(time.Duration(rnd.IntN(90)) * time.Second)
		}
		w.region.Calm()
		w.client = w.region
		time.Sleep(20 * time.Minute) // an instance that is stuck is known for it by now
		w.mustUp(want)
		w.check(want)
		w.untouched()
		if _, err := w.up(want.Empty()); err != nil {
			w.Errorf("the quiet down: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if left := len(w.living()) - len(w.others); left != 0 {
			w.Errorf("the quiet down left %d instances", left)
		}
		w.untouched()
	})
}

// A gale is a network, and an EC2, on which some requests go wrong, and through which the process
// is sometimes killed. Its fields are guarded by mu, for commands run side by side.
type gale struct {
	next httpClient
	rate float64 // of requests that go wrong

	mu   sync.Mutex
	rnd  *rand.Rand
	left int // requests until the kill; negative: none
	dead chan struct{}
}

func (g *gale) fate() (before, after bool, code string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left == 0 {
		return true, false, ""
	}
	if g.left > 0 {
		if g.left--; g.left == 0 {
			close(g.dead)
			return g.rnd.IntN(2) == 0, true, ""
		}
	}
	if g.rnd.Float64() >= g.rate {
		return false, false, ""
	}
	switch g.rnd.IntN(5) {
	case 0:
		return true, false, ""
	case 1:
		return false, true, ""
	case 2:
		return false, false, "RequestLimitExceeded"
	case 3:
		return false, true, "InternalError" // done, and an error for an answer
	default:
		return false, false, "ServiceUnavailable"
	}
}

func (g *gale) Do(q *http.Request) (*http.Response, error) {
	before, after, code := g.fate()
	if before {
		return nil, errKilled
	}
	if code != "" && !after {
		return refusal(q, code), nil
	}
	resp, err := g.next.Do(q)
	switch {
	case after && code != "":
		return refusal(q, code), nil
	case after:
		return nil, errKilled
	}
	return resp, err
}

func refusal(q *http.Request, code string) *http.Response {
	body := fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>a gale</Message></Error></Errors><RequestID>r</RequestID></Response>", code)
	return &http.Response{StatusCode: 503, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: q}
}

// command runs one or two commands through the gale. They may be killed or interrupted; then what
// is left of them goes on beside the next one for as long as its requests in flight last.
func (w *world) command(rnd *rand.Rand, g *gale, want *spec.Cluster) {
	runs := []*spec.Cluster{want}
	switch rnd.IntN(6) {
	case 0:
		runs = append(runs, want) // two at once
	case 1:
		runs = append(runs, want.Empty()) // up against down
	case 2:
		runs = []*spec.Cluster{want.Empty()}
	}
	g.mu.Lock()
	g.left, g.dead = -1, make(chan struct{})
	if rnd.IntN(2) == 0 {
		g.left = 1 + rnd.IntN(25)
	}
	dead := g.dead
	g.mu.Unlock()
	// The process that is killed has a network of its own: what it sends later goes nowhere.
	mine := &cut{next: g, dead: dead}
	ctx, interrupt := context.WithCancel(w.Context())
	defer interrupt()
	if rnd.IntN(4) == 0 {
		stop := time.AfterFunc(time.Duration(rnd.IntN(30))*time.Second, interrupt)
		defer stop.Stop()
	}
	done := make(chan struct{}, len(runs))
	for _, r := range runs {
		w.client = mine
		l := w.launcher()
		l.Notify = nil
		go func() {
			defer func() { done <- struct{}{} }()
			have, err := l.Observe(ctx, r, fleet.Placing)
			if err != nil {
				return
			}
			if p := planner.Diff(r, have); len(p.Blockers) == 0 {
				l.Apply(ctx, r, have, p)
			}
		}()
	}
	for range runs {
		select {
		case <-done:
		case <-dead:
			return
		}
	}
}

// cut is a connection that ends when its process is killed.
type cut struct {
	next httpClient
	dead chan struct{}
}

func (c *cut) Do(q *http.Request) (*http.Response, error) {
	select {
	case <-c.dead:
		return nil, errKilled
	default:
		return c.next.Do(q)
	}
}

// trouble is what the region itself has in store.
func (w *world) trouble(rnd *rand.Rand, want *spec.Cluster) {
	w.region.Calm()
	for _, g := range want.Groups {
		for _, typ := range g.InstanceTypes {
			for _, zone := range []string{"us-east-1a", "us-east-1b"} {
				if rnd.IntN(3) == 0 {
					w.region.SetCapacity(ec2sim.Pool{Type: typ, Zone: zone}, rnd.IntN(2*g.Count+1))
				}
			}
		}
	}
	switch rnd.IntN(9) {
	case 0:
		w.region.Inject(ec2sim.Fault{Instances: []int{1 + rnd.IntN(20), 1 + rnd.IntN(20)}, Dies: "Server.InternalError"})
	case 1:
		w.region.Inject(ec2sim.Fault{EqualIndexes: true, Call: 1 + rnd.IntN(3)})
	case 2:
		w.region.Inject(ec2sim.Fault{Instances: []int{1 + rnd.IntN(20)}, Stuck: true})
	case 3:
		w.region.Inject(ec2sim.Fault{Instances: []int{1 + rnd.IntN(20), 1 + rnd.IntN(20)}, Impaired: true})
	}
	if ids := w.ours(); len(ids) > 0 && rnd.IntN(4) == 0 {
		id := ids[rnd.IntN(len(ids))]
		if rnd.IntN(2) == 0 {
			w.region.Kill(id)
		} else {
			w.region.Stop(id)
		}
	}
}

func (w *world) ours() (ids []string) {
	for _, i := range w.living() {
		if slices.ContainsFunc(i.Tags, func(t types.Tag) bool { return *t.Key == "cluster:name" && *t.Value == "cfd" }) {
			ids = append(ids, *i.InstanceId)
		}
	}
	return ids
}

func randomCluster(rnd *rand.Rand) *spec.Cluster {
	c := &spec.Cluster{Name: "cfd", Region: "us-east-1"}
	for n := range 1 + rnd.IntN(3) {
		count := 1 + rnd.IntN(9)
		if rnd.IntN(60) == 0 {
			count = 90 + rnd.IntN(120)
		}
		g := cluster(count).Groups[0]
		g.Name = fmt.Sprintf("group%d", n)
		g.InstanceTypes = []string{"c7i.large", "m7i.large", "c7a.large"}[n:]
		if rnd.IntN(2) == 0 {
			g.Subnets = []string{ec2sim.SubnetA, ec2sim.SubnetB}
			if rnd.IntN(3) == 0 {
				g.Launch.Subnets = spec.SubnetsAll
			}
		}
		if rnd.IntN(4) == 0 {
			g.Market = spec.Spot
		}
		if g.Launch.Subnets == spec.SubnetsFirst && rnd.IntN(4) == 0 {
			g.Placement = spec.PlacementCluster
		}
		if rnd.IntN(3) == 0 {
			g.Launch.All, g.Launch.Min = false, 1+rnd.IntN(count)
		}
		if rnd.IntN(6) == 0 {
			g.Launch.Wait = spec.WaitChecked
		}
		if rnd.IntN(4) == 0 {
			g.Launch.Together = "gang"
		}
		if rnd.IntN(4) == 0 {
			g.Launch.Retry = time.Duration(rnd.IntN(20)) * time.Minute
		}
		if rnd.IntN(3) > 0 {
			g.Update = spec.Update{MaxUnavailable: 1 + rnd.IntN(count), Order: orders[rnd.IntN(2)]}
		}
		c.Groups = append(c.Groups, g)
	}
	return c
}

// changed is the file after an edit.
func changed(rnd *rand.Rand, c *spec.Cluster) *spec.Cluster {
	n := *c
	n.Groups = slices.Clone(c.Groups)
	g := &n.Groups[rnd.IntN(len(n.Groups))]
	switch rnd.IntN(5) {
	case 0, 1:
		if g.Image.ID == ec2sim.BaseImageBefore {
			g.Image.ID = ec2sim.BaseImage
			break
		}
		g.Image.ID = ec2sim.BaseImageBefore
	case 2:
		g.Tags = map[string]string{"edit": fmt.Sprint(rnd.IntN(5))}
	case 3:
		if len(n.Groups) > 1 {
			n.Groups = n.Groups[:len(n.Groups)-1]
			break
		}
		fallthrough
	default:
		g.Count = 1 + rnd.IntN(20)
		g.Launch.Min = min(g.Launch.Min, g.Count)
		if g.Launch.All {
			g.Launch.Min = g.Count
		}
	}
	return &n
}

// foreign launches instances that are somebody else's: without tags, and of another cluster.
func (w *world) foreign() map[string]string {
	w.Helper()
	client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid")})
	states := map[string]string{}
	for _, tags := range [][]types.Tag{nil, {{Key: new("cluster:name"), Value: new("cfd2")}, {Key: new("cluster:group"), Value: new("group0")}, {Key: new("cluster:slots"), Value: new("0")}}} {
		in := &ec2.RunInstancesInput{
			ImageId: new(ec2sim.AmazonLinux), InstanceType: "t3.micro", MinCount: new(int32(1)), MaxCount: new(int32(1)),
			SubnetId: new(ec2sim.SubnetA),
		}
		if tags != nil {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tags}}
		}
		out, err := client.RunInstances(w.Context(), in)
		if err != nil {
			w.Fatal(err)
		}
		states[*out.Instances[0].InstanceId] = fmt.Sprint(tags)
	}
	time.Sleep(time.Minute)
	return states
}

func (w *world) untouched() {
	w.Helper()
	for _, i := range w.instances() {
		if _, ok := w.others[*i.InstanceId]; ok && i.State.Name != types.InstanceStateNameRunning {
			w.Errorf("%s is somebody else's, and is %s", *i.InstanceId, i.State.Name)
		}
	}
}
