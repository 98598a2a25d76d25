package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestPortable is what an EC2 that nobody here wrote has to say about the launcher, and about the
// embedded region. It runs over real sockets, in real time, against both: first the behaviours
// of the launcher (portable_behaviours_test.go), then the questions whose answers are compared one by
// one (portable_questions_test.go).
//
// The other EC2 is the one that CLUSTER_TEST_ENDPOINT names, or else, with CLUSTER_TEST_PORTABLE=1 as
// .ci/run sets it, moto, if moto_server is on the path. Nothing here asks for anything but an endpoint that
// answers as EC2 does, and that may be filled.
//
// There is no bubble around a server of another process, so its time is real, and the suite has to ask it
// until it has done what it does. Every such wait is bounded, and ends at the first answer that will do. The
// two halves run side by side: the one mostly waits, the other mostly keeps a processor busy.
func TestPortable(t *testing.T) {
	if testing.Short() {
		t.Skip("real time and real sockets: -short leaves them out")
	}
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "portable", "AWS_SECRET_ACCESS_KEY": "portable", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": region, "AWS_ENDPOINT_URL": "", "AWS_MAX_ATTEMPTS": "",
		endpointVariable: "",
	} {
		t.Setenv(k, v)
	}
	t.Run("ec2sim", func(t *testing.T) {
		t.Parallel()
		// For the launcher with EC2's lags and buckets, and with boots and ends that waste little of the
		// suite's time; for questions, which pay no heed to buckets, without any delay.
		embedded(t, ec2sim.Options{Speed: hurry, Timing: quick}).behave(t)
		embedded(t, ec2sim.Options{Instant: true}).answer(t)
	})
	t.Run("other", func(t *testing.T) {
		t.Parallel()
		e := other(t)
		e.behave(t)
		e.answer(t)
	})
}

const (
	region = "us-east-1"

	// hurry is how much faster than life the suite's clocks run: the embedded region's, and that of every
	// launcher, whose waits it divides.
	hurry = 100

	// endpointVariable is where the AWS configuration chain has the endpoint from.
	endpointVariable = "AWS_ENDPOINT_URL_EC2"
)

// quick is an EC2 that boots and ends instances in seconds.
var quick = ec2sim.Timing{
	Pending:      ec2sim.Range{Min: time.Second, Max: 4 * time.Second},
	ShuttingDown: ec2sim.Range{Min: 2 * time.Second, Max: 6 * time.Second},
	Stopping:     ec2sim.Range{Min: 2 * time.Second, Max: 6 * time.Second},
	Starting:     ec2sim.Range{Min: time.Second, Max: 4 * time.Second},
}

// looks are the launcher's: more of them than on EC2, where they would cost what others need.
var looks = []time.Duration{2 * time.Second}

// behave tries the launcher at the endpoint.
func (e endpoint) behave(t *testing.T) {
	e.gate = newGate(t, e)
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) { b.try(e.at(t, b.name)) })
	}
}

// answer puts all questions to the endpoint.
func (e endpoint) answer(t *testing.T) {
	t.Run("answers", func(t *testing.T) {
		p := e.at(t, "answers")
		for _, q := range slices.Concat(questions, imageQuestions) {
			t.Run(q.name, func(t *testing.T) {
				one := *p
				one.T = t
				q.compare(&one)
			})
		}
	})
}

// at prepares one behaviour at the endpoint.
func (e endpoint) at(t *testing.T, name string) *portable {
	e.empty(t)
	raw := ec2.New(ec2.Options{
		Region: region, BaseEndpoint: new(e.url), Retryer: aws.NopRetryer{}, HTTPClient: plainBodies{},
		Credentials: credentials.NewStaticCredentialsProvider("portable", "portable", ""),
	})
	return &portable{T: t, endpoint: e, site: discover(t, raw), raw: raw, name: strings.ReplaceAll(name, "_", "-")}
}

// A site is what an endpoint offers to launch with, found by asking.
type site struct {
	image, image2 types.Image    // two that fit, from owners of their own
	subnets       []types.Subnet // the default ones, one a zone
	group         string         // the default VPC's security group
	key           string
}

const instanceType = "c7i.large"

// The images that both endpoints have in some version.
var (
	amazonLinux = spec.Image{Name: "al2023-ami-2023.*-kernel-6.1-x86_64", Owners: []string{ec2sim.AmazonAccount}}
	ubuntu      = spec.Image{Name: "ubuntu/images/hvm-ssd*/ubuntu-*-amd64-server-*", Owners: []string{ec2sim.CanonicalAccount}}
)

func discover(t *testing.T, raw *ec2.Client) (s site) {
	t.Helper()
	ctx := t.Context()
	newest := func(i spec.Image) types.Image {
		out, err := raw.DescribeImages(ctx, &ec2.DescribeImagesInput{
			Owners: i.Owners, Filters: []types.Filter{{Name: new("name"), Values: []string{i.Name}}},
		})
		if err != nil || len(out.Images) == 0 {
			t.Fatalf("no image %s: %v", i.Name, err)
		}
		return slices.MaxFunc(out.Images, func(a, b types.Image) int { return strings.Compare(*a.CreationDate, *b.CreationDate) })
	}
	s.image, s.image2 = newest(amazonLinux), newest(ubuntu)

	subnets, err := raw.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{{Name: new("default-for-az"), Values: []string{"true"}}}})
	if err != nil || len(subnets.Subnets) < 3 {
		t.Fatalf("fewer than three default subnets: %v", err)
	}
	s.subnets = subnets.Subnets
	slices.SortFunc(s.subnets, func(a, b types.Subnet) int { return strings.Compare(*a.AvailabilityZone, *b.AvailabilityZone) })

	groups, err := raw.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		{Name: new("vpc-id"), Values: []string{*s.subnets[0].VpcId}}, {Name: new("group-name"), Values: []string{"default"}},
	}})
	if err != nil || len(groups.SecurityGroups) != 1 {
		t.Fatalf("not one default security group: %v", err)
	}
	s.group = *groups.SecurityGroups[0].GroupId

	key, err := raw.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{
		KeyName: new(fmt.Sprintf("portable-%d", time.Now().UnixNano())), KeyType: types.KeyTypeEd25519, // RSA keys take time to make
	})
	if err != nil {
		t.Fatalf("create a key pair: %v", err)
	}
	s.key = *key.KeyName
	t.Cleanup(func() {
		if _, err := raw.DeleteKeyPair(context.WithoutCancel(ctx), &ec2.DeleteKeyPairInput{KeyName: new(s.key)}); err != nil {
			t.Errorf("delete the key pair: %v", err)
		}
	})
	return s
}

// A portable is one behaviour or question being tried at an endpoint, with a cluster name of its own.
type portable struct {
	*testing.T
	endpoint
	site
	raw  *ec2.Client
	name string
}

// environment is held while a launcher reads it: the two halves of the suite share the one there is.
var environment sync.Mutex

// launcher is a fresh process, configured by nothing but the environment.
func (p *portable) launcher() *fleet.Launcher {
	p.Helper()
	environment.Lock()
	defer environment.Unlock()
	if err := os.Setenv(endpointVariable, p.gate.url); err != nil {
		p.Fatal(err)
	}
	s, err := fleet.Open(p.Context(), fleet.SessionOptions{Speed: hurry, Now: p.now})
	if err != nil {
		p.Fatal(err)
	}
	return &fleet.Launcher{Session: s, Looks: looks, Ends: looks}
}

// cluster is a file with one group of n nodes, compute, in the first default subnet. It sets the size
// of the root volume because moto wants it; see the question root_device_without_size.
func (p *portable) cluster(n int, edit ...func(*spec.Group)) *spec.Cluster {
	edits := append([]func(*spec.Group){func(g *spec.Group) {
		g.Image = spec.Image{ID: *p.image.ImageId}
		g.Subnets = []string{*p.subnets[0].SubnetId}
		g.RootVolume.Size = 20
	}}, edit...)
	c := cluster(n, edits...)
	c.Name = p.name
	return c
}

// plan is one look and what follows from it.
func (p *portable) plan(want *spec.Cluster) (*fleet.Launcher, planner.Observed, planner.Plan) {
	p.Helper()
	l := p.launcher()
	have, err := l.Observe(p.Context(), want, fleet.Placing)
	if err != nil {
		p.Fatalf("observe: %v", err)
	}
	return l, have, planner.Diff(want, have)
}

// up is one command that has to end well: identical, as far as the endpoint has anything to prove it
// by.
func (p *portable) up(want *spec.Cluster) fleet.Report {
	p.Helper()
	l, have, plan := p.plan(want)
	for _, b := range plan.Blockers {
		p.Fatalf("blocked: %s: %s", b.Summary, b.Detail)
	}
	r, err := l.Apply(p.Context(), want, have, plan)
	if wrong, ok := errors.AsType[*fleet.IdentityError](err); ok && p.rootless() {
		p.onlyUnproven(wrong.Verdict)
		err = nil
	}
	if err != nil {
		p.Fatalf("up: %v", err)
	}
	return r
}

// rootless says that the endpoint does not tell what a root volume was made from; see the
// question root_volume_snapshot.
func (p *portable) rootless() bool { return p.moto }

// onlyUnproven says that a verdict holds nothing against a node but that its root volume's snapshot
// is not known.
func (p *portable) onlyUnproven(v planner.Verdict) {
	p.Helper()
	for _, m := range v.Mismatched {
		if m.Check != "root_snapshot" || m.Got != "" {
			p.Errorf("%s: %s is %q, want %q", m.Node, m.Check, m.Got, m.Want)
		}
	}
	if len(v.Mismatched) != v.Nodes {
		p.Errorf("%d root volumes are unproven, want those of all %d nodes", len(v.Mismatched), v.Nodes)
	}
}

// check says that the endpoint holds exactly the wanted nodes, and that nothing is left to be done.
func (p *portable) check(want *spec.Cluster) []planner.Instance {
	p.Helper()
	_, have, plan := p.plan(want)
	if !plan.Empty() {
		p.Errorf("still to do: %+v", plan.Actions)
	}
	if v := planner.Verify(want, have, planner.LevelImage); !v.Identical {
		p.Errorf("%d findings, the first %+v", len(v.Mismatched), v.Mismatched[0])
	}
	switch v := planner.Verify(want, have, planner.LevelRoot); {
	case p.rootless():
		p.onlyUnproven(v)
	case !v.Identical:
		p.Errorf("%d findings, the first %+v", len(v.Mismatched), v.Mismatched[0])
	}
	return alive(have)
}

// nodes are the living instances of the cluster, by group and slot.
func (p *portable) nodes(want *spec.Cluster) []planner.Instance {
	p.Helper()
	have, err := p.launcher().Observe(p.Context(), want, fleet.Nodes)
	if err != nil {
		p.Fatal(err)
	}
	return alive(have)
}

// alive are the instances that are not dead, by group and slot.
func alive(have planner.Observed) []planner.Instance {
	nodes := slices.DeleteFunc(slices.Clone(have.Instances), func(i planner.Instance) bool { return i.State.Dead() })
	slices.SortFunc(nodes, func(a, b planner.Instance) int {
		return strings.Compare(fmt.Sprintf("%s %06d %s", a.Group, a.Slot, a.ID), fmt.Sprintf("%s %06d %s", b.Group, b.Slot, b.ID))
	})
	return nodes
}

// down ends the cluster.
func (p *portable) down(want *spec.Cluster) fleet.Report {
	p.Helper()
	l, have, plan := p.plan(want.Empty())
	r, err := l.Apply(p.Context(), want.Empty(), have, plan)
	if err != nil {
		p.Fatalf("down: %v", err)
	}
	if left := p.nodes(want); len(left) > 0 {
		p.Errorf("down left %d instances, the first %s (%s)", len(left), left[0].ID, left[0].State)
	}
	return r
}

// run launches one instance as somebody else would, with tags, and waits until it runs.
func (p *portable) foreign(image string, tags map[string]string) (id string) {
	p.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: new(image), InstanceType: instanceType, SubnetId: p.subnets[0].SubnetId,
		MinCount: new(int32(1)), MaxCount: new(int32(1)),
	}
	if len(tags) > 0 {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance}}
		for k, v := range tags {
			in.TagSpecifications[0].Tags = append(in.TagSpecifications[0].Tags, types.Tag{Key: new(k), Value: new(v)})
		}
	}
	out, err := p.raw.RunInstances(p.Context(), in)
	if err != nil {
		p.Fatalf("launch somebody else's instance: %v", err)
	}
	id = *out.Instances[0].InstanceId
	p.await(id, types.InstanceStateNameRunning)
	return id
}

// await waits until an instance is in a state.
func (p *portable) await(id string, state types.InstanceStateName) {
	p.Helper()
	var last types.InstanceStateName
	for range 300 {
		if last = p.state(id); last == state {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.Fatalf("%s is %s after half a minute, want %s", id, last, state)
}

// state is an instance's; empty if the endpoint does not show it.
func (p *portable) state(id string) types.InstanceStateName {
	p.Helper()
	out, err := p.raw.DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: new("instance-id"), Values: []string{id}}}})
	if err != nil {
		p.Fatal(err)
	}
	for _, r := range out.Reservations {
		return r.Instances[0].State.Name
	}
	return ""
}
