package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/fleet/export"
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
	c.Flags().StringVar(&o.user, "user", "", "log in as this `user`; else as your ssh configuration says")
	c.Flags().StringVar(&o.jump, "jump", "", "go through this `node`, or the first of this group")
	c.Flags().BoolVar(&o.public, "public", false, "connect to the public address (with --jump, of that node)")
}

// remoteHelp is the part of their help that they share.
const remoteHelp = `Your own ssh does the talking, so your configuration, agent and keys work;
CLUSTER_SSH names another program. A host key is that of the instance's id, so
that a new node at an old address is a new host and not a changed one. It is
read once on the console of the node, where cloud-init writes it, and from then
on nothing else is accepted. Where EC2 shows none, your own known_hosts and
StrictHostKeyChecking decide.`

// An sshWay is how nodes are connected to.
type sshWay struct {
	program string
	user    string
	public  bool
	jump    *target // nil: straight
	login   export.Login
}

// clone is a copy that shares nothing.
func (w sshWay) clone() sshWay {
	if w.jump != nil {
		w.jump = new(*w.jump)
	}
	return w
}

// args are the arguments of ssh for a node, without the program itself. A command of one word is a line for the
// shell of the node; the words of a longer one arrive there as they are.
func (w sshWay) args(t target, options, command []string) []string {
	var args []string
	if w.jump == nil || w.jump.instance == t.instance {
		args = slices.Concat(options, w.host(t, w.public))
	} else {
		via := slices.Concat([]string{w.program, "-W", "[%h]:%p"}, options, w.host(*w.jump, w.public))
		for i, word := range via {
			if i != 2 {
				word = strings.ReplaceAll(word, "%", "%%") // ssh itself reads these
			}
			via[i] = shellWord(word)
		}
		args = slices.Concat(options, []string{"-o", "ProxyCommand=" + strings.Join(via, " ")}, w.host(t, false))
	}
	switch len(command) {
	case 0:
		return args
	case 1:
		return append(args, "--", command[0])
	}
	words := make([]string, len(command))
	for i, word := range command {
		words[i] = shellWord(word)
	}
	return append(args, "--", strings.Join(words, " "))
}

// host are the arguments that name a host and its key.
func (w sshWay) host(t target, public bool) []string {
	args := append([]string{"-o", "HostKeyAlias=" + t.instance}, sshKeyOptions(t)...)
	if user := cmp.Or(w.user, w.login.User); user != "" {
		args = append(args, "-l", user)
	}
	if w.login.Port != 0 {
		args = append(args, "-p", strconv.Itoa(w.login.Port))
	}
	if w.login.IdentityFile != "" {
		args = append(args, "-o", "IdentityFile="+sshWord(w.login.IdentityFile), "-o", "IdentitiesOnly=yes")
	}
	if public {
		return append(args, t.public)
	}
	return append(args, t.private)
}

// A reached is a cluster whose nodes can be connected to.
type reached struct {
	*link
	keys  keyring
	want  *spec.Cluster
	have  planner.Observed
	nodes []target // those that run, in the order of the file
	way   sshWay
}

// sshWay is how nodes are connected to as far as no node is needed to tell: the user's ssh, or what stands in for it.
func (a *app) sshWay() (w sshWay, err error) {
	program := a.getenv("CLUSTER_SSH")
	w.login, err = a.login()
	if err != nil {
		return w, err
	}
	if a.rehearse && program == "" && w.login == (export.Login{}) {
		return w, &refusedError{
			message: "there is nothing to connect to in a rehearsal",
			hint:    "Its nodes are records in a file, unless they were launched with --body sshd. CLUSTER_SSH may name a program that stands in for ssh.",
		}
	}
	w.program, err = findCommand(cmp.Or(program, "ssh"))
	return w, err
}

// reach looks up the running nodes of a cluster, and how they are connected to. Its link is the caller's to close.
func (a *app) reach(ctx context.Context, path string, o remoteOptions) (*reached, error) {
	way, err := a.sshWay()
	if err != nil {
		return nil, err
	}
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

// to is the way to nodes of a cluster as the flags have it.
func (w sshWay) to(want *spec.Cluster, nodes []target, o remoteOptions) (sshWay, error) {
	w.user, w.public = o.user, o.public
	if o.jump == "" {
		return w, nil
	}
	i := slices.IndexFunc(nodes, func(t target) bool { return t.is(o.jump) || t.node.Group == o.jump })
	if i < 0 {
		return w, &usageError{message: fmt.Sprintf("no running node of cluster %s is %s", want.Name, o.jump), hint: "--jump takes a node, such as head-0, or a group, such as head."}
	}
	w.jump = &nodes[i]
	return w, w.check(nodes[i : i+1])
}

// check says that the nodes have the addresses that are connected to first.
func (w sshWay) check(nodes []target) error {
	for _, t := range nodes {
		if w.public && t.public == "" && (w.jump == nil || w.jump.instance == t.instance) {
			return fmt.Errorf("%s has no public address", t.node)
		}
	}
	return nil
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
