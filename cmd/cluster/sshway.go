package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cluster/fleet/export"
	"cluster/spec"
)

// An sshWay is how nodes are connected to.
type sshWay struct {
	program string
	user    string // of the flag
	usual   string // of the file
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
	args := slices.Concat(options, w.through(t, options), w.host(t), []string{w.address(t)})
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

// straight says that a node is connected to without another one between.
func (w sshWay) straight(t target) bool { return w.jump == nil || w.jump.instance == t.instance }

// through are the options by which ssh and scp get to a node through the one between; none if there is none.
func (w sshWay) through(t target, options []string) []string {
	if w.straight(t) {
		return nil
	}
	via := slices.Concat([]string{w.program, "-W", "[%h]:%p"}, options, w.host(*w.jump), []string{w.address(*w.jump)})
	for i, word := range via {
		if i != 2 {
			word = strings.ReplaceAll(word, "%", "%%") // ssh itself reads these
		}
		via[i] = shellWord(word)
	}
	return []string{"-o", "ProxyCommand=" + strings.Join(via, " ")}
}

// address is where a node is connected to.
func (w sshWay) address(t target) string {
	if w.public && w.straight(t) {
		return t.public
	}
	return t.private
}

// host are the options of ssh about a host: its key, and how one gets in.
func (w sshWay) host(t target) []string {
	args := w.key(t)
	if user := w.as(); user != "" {
		args = append(args, "-l", user)
	}
	if w.login.Port != 0 {
		args = append(args, "-p", strconv.Itoa(w.login.Port))
	}
	return args
}

// as is the user to log in as; empty: as ssh's configuration says.
func (w sshWay) as() string { return cmp.Or(w.user, w.login.User, w.usual) }

// key are the options about a host's key and ours, which ssh and scp have in common.
func (w sshWay) key(t target) []string {
	args := append([]string{"-o", "HostKeyAlias=" + t.instance}, sshKeyOptions(t)...)
	if w.login.IdentityFile != "" {
		args = append(args, "-o", "IdentityFile="+sshWord(w.login.IdentityFile), "-o", "IdentitiesOnly=yes")
	}
	return args
}

// scpOptions are the options of scp for a node, which has other letters for some of ssh's.
func (w sshWay) scpOptions(t target, options []string) []string {
	args := slices.Concat(options, w.through(t, options), w.key(t))
	if user := w.as(); user != "" {
		args = append(args, "-o", "User="+user)
	}
	if w.login.Port != 0 {
		args = append(args, "-P", strconv.Itoa(w.login.Port))
	}
	return args
}

// sshWay is how nodes are connected to as far as no node is needed to tell: the user's ssh, or what stands in for it. A
// rehearsal without bodies needs what the variable names.
func (a *app) sshWay(variable string) (w sshWay, err error) {
	w.login, err = a.login()
	if err != nil {
		return w, err
	}
	if a.rehearse && a.getenv(variable) == "" && w.login == (export.Login{}) {
		return w, &refusedError{
			message: "there is nothing to connect to in a rehearsal",
			hint: "Its nodes are records in a file, unless they were launched with --body sshd. " +
				variable + " may name a program that stands in for the real one.",
		}
	}
	w.program, err = findCommand(cmp.Or(a.getenv("CLUSTER_SSH"), "ssh"))
	return w, err
}

// to is the way to nodes of a cluster as the flags have it, and else the file.
func (w sshWay) to(want *spec.Cluster, nodes []target, o remoteOptions) (sshWay, error) {
	w.user, w.usual, w.public = o.user, want.SSH.User, o.public || want.SSH.Public
	jump := cmp.Or(o.jump, want.SSH.Jump)
	if jump == "" {
		return w, nil
	}
	i := slices.IndexFunc(nodes, func(t target) bool { return t.is(jump) || t.node.Group == jump })
	switch {
	case i < 0 && o.jump != "":
		return w, &usageError{message: fmt.Sprintf("no running node of cluster %s is %s", want.Name, jump), hint: "--jump takes a node, such as head-0, or a group, such as head."}
	case i < 0:
		return w, fmt.Errorf("no node of %s runs, through which the file has the others reached", jump)
	}
	w.jump = &nodes[i]
	return w, w.check(nodes[i : i+1])
}

// check says that the nodes have the addresses that are connected to first.
func (w sshWay) check(nodes []target) error {
	for _, t := range nodes {
		if w.public && t.public == "" && w.straight(t) {
			return fmt.Errorf("%s has no public address", t.node)
		}
	}
	return nil
}
