package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/fleet/attest"
	"cluster/planner"
	"cluster/spec"

	"golang.org/x/sync/errgroup"
)

// An askedNode is an instance that is to be asked, and in the end what it said.
type askedNode struct {
	attest.Node
	target target
	runs   bool
}

// lookedAt are the instances that live, in the order of a manifest.
func lookedAt(want *spec.Cluster, have planner.Observed, region string) (all []askedNode) {
	by := map[string]planner.Instance{}
	for _, i := range have.Instances {
		by[i.ID] = i
	}
	for _, m := range manifestNodes(want, have) {
		i := by[m.Instance]
		all = append(all, askedNode{
			Node: attest.Node{
				Name: m.Name, Group: m.Group, Volume: m.Volume, Silent: fmt.Sprintf("it does not run: it is %s", i.State),
				Expected: attest.Expected{
					Account: i.Account, Region: region, Instance: i.ID, Image: i.ImageID, InstanceType: i.InstanceType,
					Architecture: i.Architecture, PrivateIP: i.PrivateIP, Launched: i.Launched,
				},
			},
			target: target{node: nodeKey{m.Group, m.Slot}, instance: i.ID, private: i.PrivateIP, public: i.PublicIP, launched: i.Launched},
			runs:   i.State == planner.Running,
		})
	}
	return all
}

// askable are the instances that live, and the way to those that run, whose host keys are looked for.
func (a *app) askable(ctx context.Context, l *link, want *spec.Cluster, have planner.Observed, way sshWay, o remoteOptions) ([]askedNode, sshWay, error) {
	all := lookedAt(want, have, l.Session.Region)
	r := &reached{link: l, keys: a.keyring(l, want.Name), want: want, have: have}
	var at []int
	for n, q := range all {
		if q.runs {
			r.nodes, at = append(r.nodes, q.target), append(at, n)
		}
	}
	var err error
	if r.way, err = way.to(want, slices.Clone(r.nodes), o); err != nil {
		return nil, way, err
	}
	if err := r.learn(ctx, r.nodes); err != nil {
		return nil, way, err
	}
	for i, n := range at {
		all[n].target = r.nodes[i]
	}
	return all, r.way, nil
}

// reports asks all nodes that run, many at a time, for a report, and with "packages" for the list of them too.
func (a *app) reports(ctx context.Context, way sshWay, all []askedNode, o nodeOptions, more string) error {
	var g errgroup.Group
	g.SetLimit(o.atOnce)
	for n := range all {
		if q := &all[n]; q.runs {
			g.Go(func() error {
				q.Report, q.Silent = a.reportOf(ctx, way, q.target, o.timeout, more)
				return nil
			})
		}
	}
	g.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// reportOf asks one node. Without a report it says why there is none.
func (a *app) reportOf(ctx context.Context, way sshWay, t target, timeout time.Duration, more string) (*attest.Report, string) {
	if err := way.check([]target{t}); err != nil {
		return nil, "it has no public address"
	}
	nonce := rand.Text()
	out, said := capped{most: attest.MaxReport}, &tail{most: 4 << 10}
	code, ended := a.remotely(ctx, t, timeout, func(ctx context.Context, t target) *exec.Cmd {
		cmd := exec.CommandContext(ctx, way.program, way.args(t, batch, filled("sh", "-s", nonce, more))...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(attest.Script()), &out, said
		return cmd
	})
	r, err := attest.ParseReport(out.kept.String(), nonce)
	switch last := strings.TrimRight(lastLine(string(said.kept)), "."); {
	case err == nil:
		return r, ""
	case code == 0, out.kept.Len() > attest.MaxReport:
		return nil, err.Error()
	case last != "":
		return nil, ended + ": " + last
	default:
		return nil, ended
	}
}

// capped keeps what is written, up to a little more than the most that counts; then it ends the writing.
type capped struct {
	kept bytes.Buffer // not embedded: it would read for itself, and without an end
	most int
}

func (c *capped) Write(b []byte) (int, error) {
	if c.kept.Len() > c.most {
		return 0, fmt.Errorf("more than %d bytes", c.most)
	}
	return c.kept.Write(b)
}

// tail keeps the end of what is written.
type tail struct {
	kept []byte
	most int
}

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	t.kept = t.kept[max(0, len(t.kept)-t.most):]
	return len(b), nil
}

// installed asks one node what is installed.
func (a *app) installed(ctx context.Context, l *link, want *spec.Cluster, instance string, way sshWay, o remoteOptions) (string, error) {
	have, err := l.Observe(ctx, want, fleet.Nodes)
	if err != nil {
		return "", err
	}
	nodes, way, err := a.askable(ctx, l, want, have, way, o)
	if err != nil {
		return "", err
	}
	n := slices.IndexFunc(nodes, func(q askedNode) bool { return q.target.instance == instance && q.runs })
	if n < 0 {
		return "", &refusedError{message: fmt.Sprintf("%s is no running node of cluster %s", instance, want.Name), hint: "Only nodes can be asked what is installed: leave --record out."}
	}
	r, why := a.reportOf(ctx, way, nodes[n].target, time.Minute, "")
	switch {
	case r != nil && r.Content.Count > 0:
		return r.Content.String(), nil
	case r != nil:
		why = "it does not tell its packages"
	}
	return "", &refusedError{
		message: fmt.Sprintf("%s cannot be asked what is installed: %s", nodes[n].Name, why),
		hint:    "Nothing was stopped. Without --record the image is made all the same, and nothing is recorded.",
	}
}
