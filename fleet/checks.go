package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// checksEvery is how often status checks are asked for. EC2 makes them every minute ("Status checks for
// Amazon EC2 instances" in the EC2 User Guide).
const checksEvery = 30 * time.Second

// checks are what EC2 says of a node's status checks: the system's, the instance's and its volumes'.
type checks struct {
	passed   bool
	impaired string // which of them fail, for people; empty: none does
	seen     int    // looks in a row that found them failing
}

// wantsChecks says that a node is up only once its status checks have passed.
func (a *apply) wantsChecks(n *node) bool {
	g := a.group(n.Group)
	return g != nil && g.spec != nil && !g.aside(n) && g.spec.Launch.Wait == spec.WaitChecked
}

// up says that a node is what its group waits for: it runs, and has passed its checks where the file
// wants that and the node is to stay.
func (a *apply) up(n *node) bool {
	return n.State == planner.Running && !a.ended[n.ID] && (n.checks.passed || a.old[n.ID] || !a.wantsChecks(n))
}

// onlyChecks says that all nodes run, and that some are waited for because of their status checks alone.
func (a *apply) onlyChecks() bool {
	some := false
	for _, n := range a.nodes {
		if g := a.group(n.Group); a.ended[n.ID] || n.refused || g != nil && g.aside(n) {
			continue
		}
		if n.State != planner.Running {
			return false
		}
		some = some || !a.up(n)
	}
	return some
}

// check asks for the status checks of nodes that run and have not passed them, if there are any.
func (a *apply) check(ctx context.Context) error {
	var waiting []*node
	for _, n := range a.nodes {
		if n.State == planner.Running && !a.ended[n.ID] && !a.up(n) {
			waiting = append(waiting, n)
		}
	}
	slices.SortFunc(waiting, func(x, y *node) int { return byNode(x.Instance, y.Instance) })
	if len(waiting) == 0 || a.s.now().Sub(a.checked) < checksEvery {
		return nil
	}
	found, err := a.s.statuses(ctx, a.want.Name)
	if err != nil {
		return err
	}
	a.checked = a.s.now()
	for _, n := range waiting {
		c, ok := found[n.ID]
		if ok && c.impaired != "" {
			c.seen = n.checks.seen + 1
		}
		n.checks = c
		if c.passed {
			a.emit(Event{Type: EventCondition, Group: n.Group, Node: planner.NodeName(n.Group, n.Slot), Instance: n.ID, Condition: spec.WaitChecked, Met: true})
		}
	}
	a.emit(Event{Type: EventWaiting, Counts: a.counts()})
	return nil
}

// endImpaired ends nodes whose status checks failed in two looks in a row. They are lost like those
// that died on the way up.
func (a *apply) endImpaired(ctx context.Context) error {
	var nodes []planner.Instance
	for _, n := range a.nodes {
		if n.checks.seen > 1 && n.State == planner.Running && !a.ended[n.ID] {
			nodes = append(nodes, n.Instance)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	sortNodes(nodes)
	if err := a.terminateSome(ctx, nodes); err != nil {
		return err
	}
	for _, i := range nodes {
		if n := a.nodes[i.ID]; !a.protected[i.ID] {
			n.State, n.StateReason = planner.ShuttingDown, "status checks failed: "+n.checks.impaired
		}
	}
	return nil
}

// Impaired are the running instances of the region whose status checks fail, by id, with which of them do. One call
// for a thousand instances.
func (s *Session) Impaired(ctx context.Context, cluster string) (map[string]string, error) {
	found, err := s.statuses(ctx, cluster)
	impaired := map[string]string{}
	for id, c := range found {
		if c.impaired != "" {
			impaired[id] = "status checks failed: " + c.impaired
		}
	}
	return impaired, err
}

// statuses are the status checks of the running instances in the region, by id. EC2 finds them by no
// tag ("DescribeInstanceStatus" in the EC2 API Reference has no such filter) and takes at most 100 ids, so
// all are asked for, a thousand a call.
func (s *Session) statuses(ctx context.Context, cluster string) (map[string]checks, error) {
	found := map[string]checks{}
	err := Pages(func(token *string) (*string, error) {
		out, err := Do(ctx, s, Request{Action: "DescribeInstanceStatus", Doing: "look at the status checks of cluster " + cluster},
			s.EC2.DescribeInstanceStatus, &ec2.DescribeInstanceStatusInput{MaxResults: new(int32(page)), NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, i := range out.InstanceStatuses {
			found[value(i.InstanceId)] = toChecks(i)
		}
		return out.NextToken, nil
	})
	return found, err
}

func toChecks(i types.InstanceStatus) (c checks) {
	c.passed = true
	add := func(what string, status types.SummaryStatus) {
		switch status {
		case types.SummaryStatusImpaired:
			if c.impaired != "" {
				c.impaired += ", "
			}
			c.impaired += fmt.Sprintf("%s %s", what, status)
			c.passed = false
		case types.SummaryStatusOk, types.SummaryStatusNotApplicable:
		default: // initializing, insufficient-data, or not told
			c.passed = false
		}
	}
	if i.SystemStatus == nil || i.InstanceStatus == nil {
		return checks{}
	}
	add("system", i.SystemStatus.Status)
	add("instance", i.InstanceStatus.Status)
	if v := i.AttachedEbsStatus; v != nil && v.Status != "" {
		add("volumes", v.Status)
	}
	return c
}
