package slurm

import (
	"fmt"
	"slices"
	"time"

	"cluster/planner"
	"cluster/spec"
	"cluster/spec/hostlist"
)

// Grace is how long an instance may be there without a node that Slurm has asked for, and a node without an instance:
// a resume or a suspend may be at work.
const Grace = 2 * time.Minute

// A Repair is one thing that the two sides do not agree about, and what settles it.
type Repair struct {
	What     string    // for people: what is found and what is done about it
	End      []string  // instances to be ended
	Commands []Command // for scontrol
}

// Repairs compares what Slurm says of its nodes with what there is, and says what to do, in the order of kinds, then
// nodes. busy are nodes that a resume or a suspend is at work on: they are left alone. Once it is done and EC2 and
// Slurm show it, there is nothing to repair.
func Repairs(c *spec.Cluster, nodes []Node, have planner.Observed, busy []string) []Repair {
	s := syncing{cluster: c, have: have, busy: busy, nodes: map[string]Node{}, live: map[string][]planner.Instance{}}
	for _, n := range nodes {
		s.nodes[n.Name] = n
	}
	for _, i := range have.Instances {
		if i.Tags[planner.TagName] == c.Name && !i.State.Dead() {
			name := planner.NodeName(i.Group, i.Slot)
			s.live[name] = append(s.live[name], i)
		}
	}
	s.orphans()
	s.gone(nodes)
	s.stuck(nodes)
	s.static(nodes)
	return s.repairs
}

type syncing struct {
	cluster *spec.Cluster
	have    planner.Observed
	busy    []string
	nodes   map[string]Node
	live    map[string][]planner.Instance // by node
	repairs []Repair
}

// burst says that a node is burst capacity of the cluster that nobody is at work on.
func (s *syncing) burst(name string) bool {
	_, _, ok := Locate(s.cluster, name)
	return ok && !slices.Contains(s.busy, name)
}

// orphans are instances of nodes that Slurm does not know or takes for powered down.
func (s *syncing) orphans() {
	var names, ids []string
	for name, instances := range s.live {
		n, known := s.nodes[name]
		if !s.burst(name) || known && (!n.Off() || n.changing()) {
			continue
		}
		old := false
		for _, i := range instances {
			if s.have.At.Sub(i.Launched) >= Grace {
				ids, old = append(ids, i.ID), true
			}
		}
		if old {
			names = append(names, name)
		}
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		s.repairs = append(s.repairs, Repair{What: fmt.Sprintf("%s: powered down for Slurm, and there is an instance: it is ended", hostlist.Fold(names)), End: ids})
	}
}

// gone are nodes that are up for Slurm and have no instance. A node that is just coming up is Slurm's to wait for.
func (s *syncing) gone(nodes []Node) {
	var names []string
	for _, n := range nodes {
		if s.burst(n.Name) && !n.Off() && !n.changing() && len(s.live[n.Name]) == 0 {
			names = append(names, n.Name)
		}
	}
	s.tell(names, "up for Slurm, and there is no instance: down and off", func(names []string) []Command {
		return Fail(names, Reason("InstanceGone", "the instance of the node does not exist any more"))
	})
}

// stuck are nodes that are off and that Slurm would never use again.
func (s *syncing) stuck(nodes []Node) {
	var names []string
	for _, n := range nodes {
		if s.burst(n.Name) && n.Off() && !n.changing() && (n.State == "DOWN" || n.Is("NOT_RESPONDING")) && len(s.live[n.Name]) == 0 {
			names = append(names, n.Name)
		}
	}
	s.tell(names, "off, and Slurm would not use it again: powered down once more", PowerDown)
}

// static are nodes that run and that Slurm takes for powered down.
func (s *syncing) static(nodes []Node) {
	var names []string
	for _, n := range nodes {
		_, _, burst := Locate(s.cluster, n.Name)
		if !burst && n.Off() && !n.changing() && len(s.live[n.Name]) > 0 {
			names = append(names, n.Name)
		}
	}
	s.tell(names, "not burst capacity, and powered down for Slurm: powered up", PowerUp)
}

func (s *syncing) tell(names []string, what string, how func([]string) []Command) {
	if len(names) > 0 {
		s.repairs = append(s.repairs, Repair{What: hostlist.Fold(names) + ": " + what, Commands: how(names)})
	}
}
