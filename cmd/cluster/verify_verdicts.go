package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cluster/fleet/attest"
	"cluster/planner"

	"github.com/hashicorp/hcl/v2"
)

// packages asks nodes whose packages drifted for the list of them, and for each image one node that did not.
func (a *app) packages(ctx context.Context, way sshWay, all []askedNode, verdicts []nodeVerdict, o nodeOptions) error {
	like := map[string]int{} // image → a node that has what it should
	var again []askedNode
	var who []int
	for n, v := range verdicts {
		drifted, image := v.drifted(), v.Node.Expected.Image
		_, known := like[image]
		if v.Node.Report == nil || !drifted && (known || v.Node.Report.Content.Count == 0) {
			continue
		}
		if !drifted {
			like[image] = n
		}
		again, who = append(again, all[n]), append(who, n)
	}
	if err := a.reports(ctx, way, again, o, "packages"); err != nil {
		return err
	}
	list := map[int][]string{}
	for i, q := range again {
		if q.Report != nil {
			list[who[i]] = q.Report.Packages
		}
	}
	for n := range verdicts {
		v := &verdicts[n]
		if other, ok := like[v.Node.Expected.Image]; ok && v.drifted() && list[n] != nil && list[other] != nil {
			v.added, v.lacked = attest.DiffPackages(list[n], list[other])
		}
	}
	return nil
}

// drifted says whether the packages of a node are not those that they should be.
func (v nodeVerdict) drifted() bool {
	return slices.ContainsFunc(v.Findings, func(f attest.Finding) bool { return f.Check == attest.CheckContent && f.Verdict == attest.Drift })
}

// A nodeDoc is a node's verdict in JSON.
type nodeDoc struct {
	Node     string           `json:"node"`
	Instance string           `json:"instance_id"`
	Verdict  string           `json:"verdict"`  // same, drift, different or unverified
	Recorded bool             `json:"recorded"` // packages were compared with the record of the image; else among the nodes
	Content  string           `json:"content,omitempty"`
	Kernel   string           `json:"kernel,omitempty"`
	Drivers  []string         `json:"drivers"`
	Findings []nodeFindingDoc `json:"findings"`
	Packages *packagesDoc     `json:"packages,omitempty"` // with --packages
}

type nodeFindingDoc struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"`
	Want    string `json:"want"`
	Got     string `json:"got"` // empty: unproven
	Reason  string `json:"reason"`
}

type packagesDoc struct {
	Added  []string `json:"added"`
	Lacked []string `json:"lacked"`
}

// attested adds what was found by asking the nodes.
func (d *verdictDoc) attested(nodes []nodeVerdict) {
	d.Verdicts = []nodeDoc{}
	for _, v := range nodes {
		doc := nodeDoc{
			Node: v.Node.Name, Instance: v.Node.Expected.Instance, Verdict: v.Verdict.String(), Recorded: v.Recorded,
			Drivers: []string{}, Findings: []nodeFindingDoc{},
		}
		if r := v.Node.Report; r != nil {
			doc.Kernel, doc.Drivers = r.Kernel, list(r.Drivers)
			if r.Content.Count > 0 {
				doc.Content = r.Content.String()
			}
		}
		for _, f := range v.Findings {
			doc.Findings = append(doc.Findings, nodeFindingDoc{f.Check, f.Verdict.String(), f.Want, f.Got, f.Reason})
		}
		if len(v.added)+len(v.lacked) > 0 {
			doc.Packages = &packagesDoc{list(v.added), list(v.lacked)}
		}
		d.Verdicts = append(d.Verdicts, doc)
		for _, f := range v.said() {
			d.Mismatched = append(d.Mismatched, mismatchDoc{v.Node.Name, v.Node.Expected.Instance, f.Check, f.Want, f.Got, f.Reason})
		}
		d.Identical = d.Identical && v.Verdict == attest.Same
	}
}

// said are the findings that are about what the node said: what EC2 says of it is told by itself.
func (v nodeVerdict) said() []attest.Finding {
	return slices.DeleteFunc(slices.Clone(v.Findings), func(f attest.Finding) bool { return f.Reason == ec2Says })
}

// withNodes is a verdict that counts what the nodes said.
func withNodes(v planner.Verdict, nodes []nodeVerdict) planner.Verdict {
	v.Mismatched = slices.Clone(v.Mismatched)
	for _, n := range nodes {
		for _, f := range n.said() {
			v.Mismatched = append(v.Mismatched, planner.Mismatch{Node: n.Node.Name, Instance: n.Node.Expected.Instance, Check: f.Check, Want: f.Want, Got: f.Got})
		}
	}
	v.Identical = len(v.Mismatched) == 0
	return v
}

// An unlikeError is nodes that are not the same.
type unlikeError struct{ nodes []nodeVerdict }

func (e *unlikeError) Error() string { return "not the same: " + plural(len(e.nodes), "node") }

// unlike is an error of those nodes that are not the same for what they said; nil if there is none.
func unlike(nodes []nodeVerdict) error {
	e := &unlikeError{}
	for _, v := range nodes {
		if len(v.said()) > 0 {
			e.nodes = append(e.nodes, v)
		}
	}
	if len(e.nodes) == 0 {
		return nil
	}
	return e
}

func unlikeNodes(e *unlikeError) hcl.Diagnostics {
	var lines []string
	for i, v := range e.nodes {
		if i == 10 {
			lines = append(lines, fmt.Sprintf("and %d more: cluster verify --json names them all.", len(e.nodes)-i))
			break
		}
		told := ""
		for _, f := range v.said() {
			if f.Check == told {
				continue // the first one of a check tells most
			}
			told = f.Check
			lines = append(lines, clean(fmt.Sprintf("  %s (%s): %s: %s%s.", v.Node.Name, v.Node.Expected.Instance, strings.ReplaceAll(f.Check, "_", " "), f.Reason, instead(f))))
		}
		lines = append(lines, packageLines(v)...)
	}
	lines = append(lines, "Nothing was touched. cluster up looks at what EC2 says and not at this: to replace such a node, terminate its instance and run cluster up.")
	return problem(hcl.Range{}, sentence(e.Error()), strings.Join(lines, "\n"))
}

// instead is what is there and what should be, where that is short enough to be read.
func instead(f attest.Finding) string {
	const readable = 64
	if f.Got == "" || f.Want == "" || len(f.Got) > readable || len(f.Want) > readable || f.Check == attest.CheckHostKey {
		return ""
	}
	return fmt.Sprintf(" (%s, and should be %s)", f.Got, f.Want)
}

// packageLines are the packages that differ, the first ones of many.
func packageLines(v nodeVerdict) (lines []string) {
	for _, p := range v.added {
		lines = append(lines, "    + "+clean(p))
	}
	for _, p := range v.lacked {
		lines = append(lines, "    - "+clean(p))
	}
	const most = 20
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("    and %d more: cluster verify --json names them all.", len(lines)-most))
	}
	return lines
}

// nodeText writes the verdicts: nodes with the same one in one line.
func (a *app) nodeText(nodes []nodeVerdict) {
	if a.format == document || nodes == nil {
		return
	}
	unrecorded := map[string]bool{}
	for v := attest.Same; v <= attest.Different; v++ {
		var keys []nodeKey
		for _, n := range nodes {
			if n.Verdict == v {
				keys = append(keys, n.key)
			}
			if !n.Recorded {
				unrecorded[cmp.Or(n.Node.Expected.Image, "no image")] = true
			}
		}
		if len(keys) > 0 {
			a.out.printf("  %s: %s\n", foldNodes(keys), v)
		}
	}
	for _, image := range slices.Sorted(maps.Keys(unrecorded)) {
		a.out.printf("  of %s no packages are recorded: its nodes were compared with each other\n", image)
	}
}
