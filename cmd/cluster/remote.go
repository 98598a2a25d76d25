package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

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
CLUSTER_SSH names another program. Host keys are looked up under the id of the
instance, so that a new node at an old address is a new host and not a changed
one. Whether an unknown key is accepted is for StrictHostKeyChecking in your
configuration to say.`

// An sshWay is how nodes are connected to.
type sshWay struct {
	program string
	user    string
	public  bool
	jump    *target // nil: straight
	login   export.Login
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
	args := []string{"-o", "HostKeyAlias=" + t.instance}
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
	want  *spec.Cluster
	have  planner.Observed
	nodes []target // those that run, in the order of the file
	way   sshWay
}

// connecting is the program that connects, and how it logs in to bodies.
func (a *app) connecting() (program string, login export.Login, err error) {
	program = a.getenv("CLUSTER_SSH")
	if login, err = a.login(); err != nil {
		return "", login, err
	}
	if a.rehearse && program == "" && login == (export.Login{}) {
		return "", login, &refusedError{
			message: "there is nothing to connect to in a rehearsal",
			hint:    "Its nodes are records in a file, unless they were launched with --body sshd. CLUSTER_SSH may name a program that stands in for ssh.",
		}
	}
	program, err = findCommand(cmp.Or(program, "ssh"))
	return program, login, err
}

// reach looks up the running nodes of a cluster, and how they are connected to.
func (a *app) reach(ctx context.Context, path string, o remoteOptions) (*reached, error) {
	program, login, err := a.connecting()
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
	defer l.close()
	have, err := l.Observe(ctx, want, fleet.Nodes)
	if err != nil {
		return nil, err
	}
	r := &reached{want: want, have: have, nodes: targets(newStatusDoc(want, have, l), have)}
	r.way, err = newWay(program, login, want, r.nodes, o)
	return r, err
}

// targets are the running nodes, in the order of the status.
func targets(doc statusDoc, have planner.Observed) (nodes []target) {
	public := map[string]string{}
	for _, i := range have.Instances {
		public[i.ID] = i.PublicIP
	}
	running, keys := doc.runningNodes()
	for i, n := range running {
		if _, err := netip.ParseAddr(n.PrivateIP); err == nil {
			nodes = append(nodes, target{node: keys[i], instance: n.Instance, private: n.PrivateIP, public: public[n.Instance]})
		}
	}
	return nodes
}

func newWay(program string, login export.Login, want *spec.Cluster, nodes []target, o remoteOptions) (sshWay, error) {
	w := sshWay{program: program, user: o.user, public: o.public, login: login}
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
