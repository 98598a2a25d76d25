package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/spf13/cobra"
)

// A target is a running node that ssh can be told to connect to.
type target struct {
	node     nodeKey
	instance string
	private  string // address
	public   string // empty: it has none
	launched time.Time

	keys    string // path of a file with its host keys; empty: none is known
	keyless string // why not
}

// remoteOptions are the flags of the verbs that connect to nodes.
type remoteOptions struct {
	user   string // empty: as the user's ssh configuration says
	jump   string // a node, or a group, of which the first node; empty: straight
	public bool   // the address of the first hop is the public one
}

func (o *remoteOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.user, "user", "", "log in as this `user`; else as the file or your ssh configuration says")
	c.Flags().StringVar(&o.jump, "jump", "", "go through this `node`, or the first of this group; else as the file says")
	c.Flags().BoolVar(&o.public, "public", false, "connect to the public address (with --jump, of that node)")
}

// remoteHelp is the part of the help of ssh and exec that they share.
const remoteHelp = `Your own ssh does the talking, so your configuration, agent and keys work;
CLUSTER_SSH names another program. What --user, --jump and --public say can
stand in the file as well: ssh { user = "…" jump = "head" public = true }.

` + hostKeyHelp

// hostKeyHelp says who is taken for a node.
const hostKeyHelp = `A host key is that of an instance's id, so that a new node at an old address is
a new host and not a changed one. It is read once on the console of the node,
where cloud-init writes it, and from then on no other is accepted. Where EC2
shows none, your own known_hosts and StrictHostKeyChecking decide.`

// A reached is a cluster whose nodes can be connected to.
type reached struct {
	*link
	keys  keyring
	want  *spec.Cluster
	have  planner.Observed
	nodes []target // those that run, in the order of the file
	way   sshWay
}

// reach looks up the running nodes of a cluster, and how they are connected to: the way is what is known of that before.
// Its link is the caller's to close.
func (a *app) reach(ctx context.Context, path string, way sshWay, o remoteOptions) (*reached, error) {
	want, err := a.load(path)
	if err != nil {
		return nil, err
	}
	l, err := a.connect(ctx, want)
	if err != nil {
		return nil, err
	}
	r, err := a.reachNodes(ctx, l, want, way, o)
	if err != nil {
		l.close()
	}
	return r, err
}

// reachNodes is reach for a cluster that one is linked to.
func (a *app) reachNodes(ctx context.Context, l *link, want *spec.Cluster, way sshWay, o remoteOptions) (*reached, error) {
	have, err := l.Observe(ctx, want, fleet.Nodes)
	if err != nil {
		return nil, err
	}
	r := &reached{link: l, keys: a.keyring(l, want.Name), want: want, have: have, nodes: targets(newStatusDoc(want, have, l), have)}
	r.way, err = way.to(want, r.nodes, o)
	return r, err
}

// learn finds the host keys of some nodes, and of the one that they are reached through.
func (r *reached) learn(ctx context.Context, nodes []target) error {
	all := pointers(nodes)
	if r.way.jump != nil {
		all = append(all, r.way.jump)
	}
	alive := map[string]bool{}
	for _, i := range r.have.Instances {
		alive[i.ID] = !i.State.Dead()
	}
	r.keys.forget(alive)
	return r.keys.learn(ctx, all...)
}

func pointers(nodes []target) []*target {
	all := make([]*target, len(nodes))
	for i := range nodes {
		all[i] = &nodes[i]
	}
	return all
}

// targets are the running nodes, in the order of the status.
func targets(doc statusDoc, have planner.Observed) (nodes []target) {
	byID := map[string]planner.Instance{}
	for _, i := range have.Instances {
		byID[i.ID] = i
	}
	running, keys := doc.runningNodes()
	for i, n := range running {
		if _, err := netip.ParseAddr(n.PrivateIP); err == nil {
			of := byID[n.Instance]
			nodes = append(nodes, target{node: keys[i], instance: n.Instance, private: n.PrivateIP, public: of.PublicIP, launched: of.Launched})
		}
	}
	return nodes
}

// is says whether a node is meant by a name such as compute-17, or by the id of its instance.
func (t target) is(name string) bool { return t.node.String() == name || t.instance == name }

// absent says why a node that was named is not there to connect to.
func (r *reached) absent(name string) error {
	for _, i := range r.have.Instances {
		if n := planner.NodeName(i.Group, i.Slot); !i.State.Dead() && (n == name || i.ID == name) {
			return fmt.Errorf("%s does not run: it is %s", n, i.State)
		}
	}
	if keys, err := parseNodes(name); err == nil {
		if g, ok := r.want.Group(keys[0].Group); ok && keys[0].Slot < g.Count {
			return fmt.Errorf("%s does not run: there is no instance of it", name)
		}
	}
	return unknownNode(r.want, name)
}
