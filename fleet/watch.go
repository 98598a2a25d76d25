package fleet

import (
	"cmp"
	"context"
	"time"

	"cluster/planner"
)

// watchEvery is how often a watch looks at a cluster, in the region's time. A look is a call a thousand nodes.
const watchEvery = 30 * time.Second

// A Loss is a node that ran and does not any more.
type Loss struct {
	Node     string // compute-3
	Instance string
	Seen     time.Time // of the look that found it out, the region's time
	Message  string    // EC2's reason
	Cause    Cause     // what that comes down to
}

// A Watch finds out which nodes of a cluster stop running while somebody uses them. It serves one goroutine at
// a time.
type Watch struct {
	s       *Session
	cluster string
	running map[string]planner.Instance // those that are still to run, by id
	unseen  map[string]bool             // ids of those of them that the last look did not show
}

// Watch is about those of the nodes that run.
func (s *Session) Watch(cluster string, nodes []planner.Instance) *Watch {
	w := &Watch{s: s, cluster: cluster, running: map[string]planner.Instance{}, unseen: map[string]bool{}}
	for _, n := range nodes {
		if n.State == planner.Running {
			w.running[n.ID] = n
		}
	}
	return w
}

// Until looks at the cluster every half minute until ctx ends, and calls lost with the nodes that each look
// misses. A look that fails is no loss: blind is called with the first of several in a row, and the next look comes in its turn.
func (w *Watch) Until(ctx context.Context, lost func([]Loss), blind func(error)) {
	failing := false
	for len(w.running) > 0 && w.s.Sleep(ctx, watchEvery) == nil {
		seen, err := w.s.look(ctx, w.cluster)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			blind(err)
		case err == nil:
			if gone := w.Missing(seen); len(gone) > 0 {
				lost(gone)
			}
		}
		failing = err != nil
	}
}

// Missing are the nodes that a look shows not to run, each told once, in the order of their groups and slots. One
// that is not in the look may be there all the same: it is missing when a second look does not show it either.
func (w *Watch) Missing(seen []planner.Instance) (gone []Loss) {
	shown := map[string]bool{}
	var nodes []planner.Instance
	for _, i := range seen {
		shown[i.ID] = true
		if was, ok := w.running[i.ID]; ok && i.State != planner.Running {
			i.Group, i.Slot = was.Group, was.Slot // whatever became of its tags
			i.StateReason = cmp.Or(i.StateReason, "it is "+string(i.State))
			nodes = append(nodes, i)
		}
	}
	for id, n := range w.running {
		if !shown[id] && w.unseen[id] {
			n.StateReason = "EC2 does not show it any more"
			nodes = append(nodes, n)
		}
		w.unseen[id] = !shown[id]
	}
	sortNodes(nodes)
	for _, i := range nodes {
		delete(w.running, i.ID)
		gone = append(gone, Loss{
			Node: planner.NodeName(i.Group, i.Slot), Instance: i.ID, Seen: w.s.now(),
			Message: i.StateReason, Cause: CauseOf(i.StateReason),
		})
	}
	return gone
}
