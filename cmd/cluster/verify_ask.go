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
			target: target{node: nodeKey{m.Group, m.Slot}, instance: i.ID, private: i.PrivateIP, public: i.PublicIP},
			runs:   i.State == planner.Running,
		})
	}
	return all
}

func running(all []askedNode) (nodes []target) {
	for _, q := range all {
		if q.runs {
			nodes = append(nodes, q.target)
		}
	}
	return nodes
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
	out, said := capped{most: attest.MaxReport}, capped{most: 4 << 10}
	command := &exec.Cmd{Args: []string{"sh", "-s", nonce}, Stdin: strings.NewReader(attest.Script()), Stdout: &out, Stderr: &said}
	if more != "" {
		command.Args = append(command.Args, more)
	}
	code, ended := a.remotely(ctx, way, t, timeout, command)
	r, err := attest.ParseReport(out.String(), nonce)
	switch last := lastLine(said.String()); {
	case err == nil:
		return r, ""
	case code == 0:
		return nil, err.Error()
	case last != "":
		return nil, ended + ": " + last
	default:
		return nil, ended
	}
}

// lastLine is the last of what ssh said, without the end of its sentence.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.Trim(text[strings.LastIndexByte(text, '\n')+1:], " \r.")
}

// capped keeps what is written, up to a little more than the most that counts; then it ends the writing.
type capped struct {
	bytes.Buffer
	most int
}

func (c *capped) Write(b []byte) (int, error) {
	if c.Len() > c.most {
		return 0, fmt.Errorf("more than %d bytes", c.most)
	}
	return c.Buffer.Write(b)
}

// installed asks one node what is installed.
func (a *app) installed(ctx context.Context, l *link, want *spec.Cluster, instance string, way sshWay, o remoteOptions) (string, error) {
	have, err := l.Observe(ctx, want, fleet.Nodes)
	if err != nil {
		return "", err
	}
	nodes := lookedAt(want, have, l.Session.Region)
	n := slices.IndexFunc(nodes, func(q askedNode) bool { return q.target.instance == instance && q.runs })
	if n < 0 {
		return "", &refusedError{message: fmt.Sprintf("%s is no running node of cluster %s", instance, want.Name), hint: "Only nodes can be asked what is installed: leave --record out."}
	}
	if way, err = newWay(way.program, way.login, want, running(nodes), o); err != nil {
		return "", err
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
