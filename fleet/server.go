package fleet

import (
	"cmp"
	"context"
	"slices"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// tellServer tells nodes at which address the node is that serves volumes to them. They wait for that tag while
// they boot; it is told with the first look that shows both, the one that serves running. A node that has been told
// once mounts from there for life: it is replaced rather than told again.
func (a *apply) tellServer(ctx context.Context) error {
	var ids []string
	name, tag := "", ""
	for _, i := range a.last {
		n := a.nodes[i.ID]
		if n == nil || n.served || n.State.Dead() || a.ended[n.ID] || a.old[n.ID] || n.Tags[planner.TagServer] != "" {
			continue
		}
		g := a.group(n.Group)
		if g == nil || g.spec == nil || g.spec.Server() == "" {
			continue
		}
		if name == "" {
			name = g.spec.Server()
			tag = a.serverTag(name)
		}
		if tag != "" {
			ids = append(ids, n.ID)
		}
	}
	for batch := range slices.Chunk(ids, 1000) {
		r := Request{Action: "CreateTags", Doing: "tell nodes the address of " + planner.NodeName(name, 0)}
		_, err := Do(ctx, a.s, r, a.s.EC2.CreateTags, &ec2.CreateTagsInput{
			Resources: batch, Tags: ToTags(map[string]string{planner.TagServer: tag}),
		})
		if e, cause := split(err); err != nil && cause == nil && e.Class == Stale {
			a.changed = true // one of them is gone, which the next look shows
			return nil
		}
		if err != nil {
			return err
		}
		for _, id := range batch {
			a.nodes[id].served = true
		}
	}
	return nil
}

// serverTag is that of the node which serves, once it runs, and if it stays. Of two it is that of the older, which
// is the one that is kept.
func (a *apply) serverTag(group string) string {
	var server *node
	for _, n := range a.nodes {
		if n.Group != group || n.Slot != 0 || n.State != planner.Running || a.ended[n.ID] || a.old[n.ID] {
			continue
		}
		if server == nil || cmp.Or(n.Launched.Compare(server.Launched), cmp.Compare(n.ID, server.ID)) < 0 {
			server = n
		}
	}
	if server == nil {
		return ""
	}
	return planner.ServerTag(&server.Instance)
}
