package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cluster/fleet"
	"cluster/fleet/attest"
	"cluster/planner"
	"cluster/spec"
)

// same asks the nodes that have got so far what they are, where their groups wait for that. It is a matter of all nodes, and
// nothing that comes with time: they are asked once. The first error says which ones are not the same.
func (c *collector) same(ctx context.Context, want *spec.Cluster) (unlikeNodes, err error) {
	waits := func(g string) bool {
		group, ok := want.Group(g)
		return ok && group.Count > 0 && group.Launch.Wait == spec.WaitSame
	}
	if !slices.ContainsFunc(want.Groups, func(g spec.Group) bool { return waits(g.Name) }) {
		return nil, nil
	}
	have, err := c.l.Observe(ctx, want, fleet.Roots)
	if err != nil {
		return nil, err
	}
	asked, err := c.r.attest(ctx, c.l, want, have, planner.Verify(want, have, planner.LevelRoot), c.r.way,
		nodeOptions{remoteOptions: c.r.remote, timeout: time.Minute, atOnce: connectionsAtOnce})
	c.r.quiet.Store(false) // there may be calls again
	if err != nil {
		return nil, err
	}
	var verdicts []nodeVerdict
	for _, v := range asked {
		i := slices.IndexFunc(c.nodes, func(n *pending) bool { return n.instance == v.Node.Expected.Instance })
		if i < 0 || !waits(v.key.Group) || c.gaveUp(c.nodes[i]) {
			continue
		}
		verdicts = append(verdicts, v)
		n := news{node: c.nodes[i], condition: spec.WaitSame}
		if v.Verdict != attest.Same {
			n.err = verdictError(v)
		}
		c.hear(n)
	}
	c.counts()
	return unlike(verdicts), nil
}

// gaveUp says that a node has failed a condition.
func (c *collector) gaveUp(n *pending) bool {
	return slices.ContainsFunc(c.failed, func(f fleet.FailedNode) bool { return f.Instance == n.instance })
}

// verdictError is why a node is not the same: the first finding of those that say most.
func verdictError(v nodeVerdict) error {
	for _, f := range v.Findings {
		if f.Verdict == v.Verdict {
			return fmt.Errorf("%s: %s: %s", v.Verdict, f.Check, f.Reason)
		}
	}
	return fmt.Errorf("%s", v.Verdict)
}
