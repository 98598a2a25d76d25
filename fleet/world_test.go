package fleet_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A world is an embedded region and a launcher that talks to it, in a synctest bubble.
type world struct {
	*testing.T
	region *ec2sim.Region
	client httpClient // what the launcher talks through; the region unless a test puts something between
	events []fleet.Event
	others map[string]string // ids of instances that are somebody else's
	launch fleet.Launcher    // Session and Notify are set for each command
}

// large marks a test that takes long under the race detector, which is run with -short.
func large(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand nodes take long under the race detector")
	}
}

// inWorld runs f in a bubble of its own.
func inWorld(t *testing.T, o ec2sim.Options, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, region: ec2sim.New(o)}
		w.client = w.region
		f(w)
	})
}

// launcher is a fresh process: a new session that knows nothing.
func (w *world) launcher() *fleet.Launcher {
	w.Helper()
	s, err := fleet.Open(w.Context(), fleet.SessionOptions{HTTPClient: w.client, Now: w.region.Now})
	if err != nil {
		w.Fatal(err)
	}
	l := w.launch
	l.Session = s
	l.Notify = func(e fleet.Event) { w.events = append(w.events, e) }
	return &l
}

// plan observes and diffs.
func (w *world) plan(l *fleet.Launcher, want *spec.Cluster) (planner.Observed, planner.Plan) {
	w.Helper()
	have, err := l.Observe(w.Context(), want, fleet.Placing)
	if err != nil {
		w.Fatalf("observe: %v", err)
	}
	p := planner.Diff(want, have)
	for _, b := range p.Blockers {
		w.Fatalf("blocker: %s: %s", b.Summary, b.Detail)
	}
	return have, p
}

// up is one command: a new process observes, plans and applies.
func (w *world) up(want *spec.Cluster) (fleet.Report, error) {
	w.Helper()
	return w.upContext(w.Context(), want)
}

func (w *world) upContext(ctx context.Context, want *spec.Cluster) (fleet.Report, error) {
	w.Helper()
	l := w.launcher()
	have, err := l.Observe(ctx, want, fleet.Placing)
	if err != nil {
		return fleet.Report{}, err
	}
	p := planner.Diff(want, have)
	if len(p.Blockers) > 0 {
		return fleet.Report{}, fmt.Errorf("blocked: %s: %s", p.Blockers[0].Summary, p.Blockers[0].Detail)
	}
	return l.Apply(ctx, want, have, p)
}

// mustUp is an up that ends identical.
func (w *world) mustUp(want *spec.Cluster) fleet.Report {
	w.Helper()
	r, err := w.up(want)
	if err != nil {
		w.Fatalf("up: %v\nrefusals: %+v", err, r.Groups)
	}
	if r.Verdict == nil || !r.Verdict.Identical {
		w.Fatalf("up ended without proof: %+v", r.Verdict)
	}
	return r
}

// instances are all of the region, whoever they belong to, by id.
func (w *world) instances() []types.Instance {
	w.Helper()
	client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: w.region, BaseEndpoint: new("http://ec2.invalid"), Credentials: nil})
	var all []types.Instance
	var token *string
	for {
		out, err := client.DescribeInstances(w.Context(), &ec2.DescribeInstancesInput{MaxResults: new(int32(1000)), NextToken: token})
		if err != nil {
			w.Fatal(err)
		}
		for _, r := range out.Reservations {
			all = append(all, r.Instances...)
		}
		if token = out.NextToken; token == nil || *token == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b types.Instance) int { return strings.Compare(*a.InstanceId, *b.InstanceId) })
	return all
}

// living are the instances of the region that are not on their way out.
func (w *world) living() []types.Instance {
	w.Helper()
	return slices.DeleteFunc(w.instances(), func(i types.Instance) bool {
		return i.State.Name == types.InstanceStateNameTerminated || i.State.Name == types.InstanceStateNameShuttingDown
	})
}

// check says that the region holds exactly the wanted nodes, each slot once, all running.
func (w *world) check(want *spec.Cluster) {
	w.Helper()
	time.Sleep(5 * time.Minute) // whatever was in flight has come to light, in the bubble's time
	count := 0
	for _, g := range want.Groups {
		count += g.Count
	}
	living := slices.DeleteFunc(w.living(), func(i types.Instance) bool { _, other := w.others[*i.InstanceId]; return other })
	if len(living) != count {
		w.Errorf("%d instances live, want %d", len(living), count)
	}
	l := w.launcher()
	have, err := l.Observe(w.Context(), want, fleet.Roots)
	if err != nil {
		w.Fatal(err)
	}
	if v := planner.Verify(want, have, planner.LevelRoot); !v.Identical {
		w.Errorf("not identical, %d findings, first %+v", len(v.Mismatched), v.Mismatched[0])
	}
	for _, i := range living {
		if !slices.ContainsFunc(i.Tags, func(t types.Tag) bool { return *t.Key == "cluster:name" }) {
			w.Errorf("%s carries no tag of the cluster", *i.InstanceId)
		}
	}
}

// throttled counts the requests that EC2 refused for their rate.
func (w *world) throttled() (n int) {
	for _, c := range w.region.Journal() {
		if c.Code == "RequestLimitExceeded" {
			n++
		}
	}
	return n
}

// cluster is a file with one group, compute, of c7i.large.
func cluster(count int, edit ...func(*spec.Group)) *spec.Cluster {
	g := spec.Group{
		Name: "compute", Count: count,
		InstanceTypes: []string{"c7i.large"},
		Placement:     spec.PlacementNone, Market: spec.OnDemand,
		Image:   spec.Image{ID: ec2sim.BaseImage},
		Subnets: []string{ec2sim.SubnetA},
		Launch:  spec.Launch{All: true, Min: count, Timeout: 15 * time.Minute, Subnets: spec.SubnetsFirst},
	}
	for _, e := range edit {
		e(&g)
	}
	return &spec.Cluster{Name: "cfd", Region: "us-east-1", Groups: []spec.Group{g}}
}
