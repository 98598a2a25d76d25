package slurm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cluster/planner"
	"cluster/spec"
	"cluster/spec/hostlist"
)

// A Job waits for nodes.
type Job struct {
	ID    int
	Nodes []string
}

// ParseJobs reads the file that SLURM_RESUME_FILE names. Releases before 23.02 have other words in it; what is not
// known is ignored.
func ParseJobs(file []byte) ([]Job, error) {
	var doc struct {
		Jobs []struct {
			ID     int    `json:"job_id"`
			Before string `json:"nodes"`
			Nodes  string `json:"nodes_resume"`
		} `json:"jobs"`
	}
	if err := json.Unmarshal(file, &doc); err != nil {
		return nil, fmt.Errorf("read the jobs that Slurm resumes for: %w", err)
	}
	var jobs []Job
	for _, j := range doc.Jobs {
		list := j.Nodes
		if list == "" {
			list = j.Before
		}
		nodes, err := hostlist.Expand(list)
		if err != nil {
			return nil, fmt.Errorf("read the nodes of job %d: %w", j.ID, err)
		}
		jobs = append(jobs, Job{j.ID, nodes})
	}
	return jobs, nil
}

// A Unit is nodes that are launched together.
type Unit struct {
	Nodes []string
	All   bool // all of them or none: one job waits for them
}

// Units deals the nodes of a resume out: those of a job that waits for several are a unit, all or none of it. The
// others, of jobs of one node or of none, come together, as many as there is room for. Of two jobs that wait for a
// node the first has it.
func Units(nodes []string, jobs []Job) []Unit {
	left := slices.Clone(nodes)
	var units []Unit
	for _, j := range jobs {
		var u Unit
		for _, n := range left {
			if slices.Contains(j.Nodes, n) {
				u.Nodes = append(u.Nodes, n)
			}
		}
		if len(u.Nodes) < 2 {
			continue
		}
		u.All = true
		units = append(units, u)
		left = slices.DeleteFunc(left, func(n string) bool { return slices.Contains(u.Nodes, n) })
	}
	if len(left) > 0 {
		units = append(units, Unit{Nodes: left})
	}
	return units
}

// Waiting are the jobs that wait for one of some nodes.
func Waiting(jobs []Job, nodes []string) (ids []int) {
	for _, j := range jobs {
		if slices.ContainsFunc(j.Nodes, func(n string) bool { return slices.Contains(nodes, n) }) {
			ids = append(ids, j.ID)
		}
	}
	return ids
}

// Locate finds the group and the slot of a node that is burst capacity of the cluster. ok is false for any other.
func Locate(c *spec.Cluster, node string) (g *spec.Group, slot int, ok bool) {
	at := strings.LastIndexByte(node, '-')
	if at < 0 {
		return nil, 0, false
	}
	slot, err := strconv.Atoi(node[at+1:])
	g, found := c.Group(node[:at])
	if err != nil || !found || !g.Slurm.Burst || slot < 0 || slot >= g.Count || planner.NodeName(g.Name, slot) != node {
		return nil, 0, false
	}
	return g, slot, true
}

// Part is the part of a cluster that a unit is: its groups, with the slots of its nodes asked for. A unit of several
// groups is a gang. Nodes that are not burst capacity of the cluster are left out.
func Part(c *spec.Cluster, u Unit) *spec.Cluster {
	slots := map[string][]int{}
	for _, n := range u.Nodes {
		if g, slot, ok := Locate(c, n); ok {
			slots[g.Name] = append(slots[g.Name], slot)
		}
	}
	part := *c
	part.Groups = nil
	for _, g := range c.Groups {
		if slots[g.Name] == nil {
			continue
		}
		g = g.Asking(slots[g.Name]...)
		g.Launch.All, g.Launch.Min = u.All, 1
		if u.All {
			g.Launch.Min, g.Launch.Together = len(g.Asked), "unit"
		}
		part.Groups = append(part.Groups, g)
	}
	return &part
}

// Within says that an instance holds a slot of a part.
func Within(part *spec.Cluster, i planner.Instance) bool {
	g, ok := part.Group(i.Group)
	return ok && g.Requires(i.Slot)
}
