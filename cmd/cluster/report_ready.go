package main

import (
	"fmt"
	"strings"

	"cluster/fleet"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// conditionText says whether a node meets a condition.
func conditionText(node string, w spec.WaitFor, met bool) string {
	if w == spec.WaitChecked && !met {
		return node + " fails a check"
	}
	if !met {
		return fmt.Sprintf("%s is not %s", node, w)
	}
	return fmt.Sprintf("%s is %s", node, w)
}

// connectedWaits are the conditions that a connection has to tell, up to one of them.
func connectedWaits(until spec.WaitFor) (some []spec.WaitFor) {
	for _, w := range spec.Waits {
		if w.ByConnection() && until.Needs(w) {
			some = append(some, w)
		}
	}
	return some
}

// metText says how many nodes of a group meet the conditions that it is waited for, as a clause.
func metText(c fleet.GroupCount) (text string) {
	for _, w := range connectedWaits(c.Wait) {
		text += fmt.Sprintf(", %d %s", c.Met.Of(w), w)
	}
	return text
}

// readyText says how many nodes are what they were waited for, as a clause; empty if only EC2 was asked.
func readyText(r fleet.Report) string {
	met, of := 0, 0
	var wait spec.WaitFor
	for _, g := range r.Groups {
		if g.Wait == "" {
			continue
		}
		if wait != "" && wait != g.Wait {
			wait = "ready"
		} else {
			wait = g.Wait
		}
		met, of = met+g.Met.Of(g.Wait), of+g.Running
	}
	switch {
	case wait == "":
		return ""
	case met == of:
		return fmt.Sprintf(", all %s", wait)
	}
	return fmt.Sprintf(", %d of %d %s", met, of, wait)
}

// addConditions says in JSON how many nodes of a group meet the conditions that it is waited for.
func addConditions(doc map[string]any, wait spec.WaitFor, met fleet.Conditions) {
	if wait == "" {
		return
	}
	counts := map[string]int{}
	for _, w := range connectedWaits(wait) {
		counts[string(w)] = met.Of(w)
	}
	doc["wait"], doc["conditions"] = wait, counts
}

// A failedDoc is a node in JSON that did not become what its group waits for.
type failedDoc struct {
	Group     string       `json:"group"`
	Node      string       `json:"node"`
	Instance  string       `json:"instance_id"`
	Condition spec.WaitFor `json:"condition"` // running, of one that died on the way up
	Reason    string       `json:"reason"`
	Console   []string     `json:"console,omitempty"` // the last lines that it wrote
}

func failedDocs(nodes []fleet.FailedNode) (docs []failedDoc) {
	for _, f := range nodes {
		doc := failedDoc{f.Group, f.Node, f.Instance, f.Condition, f.Reason, f.Console}
		if doc.Condition == "" {
			doc.Condition = spec.WaitRunning
		}
		docs = append(docs, doc)
	}
	return docs
}

// consoles shows what failed nodes wrote last, as far as that is known.
func (a *app) consoles(r fleet.Report) {
	for _, f := range r.Failed {
		if len(f.Console) > 0 {
			a.err.printf("The console of %s (%s) ends with:\n", f.Node, f.Instance)
			a.err.Write([]byte(indent(strings.Join(f.Console, "\n"))))
		}
	}
}

func notReady(e *notReadyError) hcl.Diagnostics {
	var b strings.Builder
	for i, f := range e.failed {
		if i == 10 {
			fmt.Fprintf(&b, "and %d more: cluster up --json names them all.\n", len(e.failed)-i)
			break
		}
		fmt.Fprintf(&b, "  %s: %s\n", conditionText(f.Node, f.Condition, false), clean(f.Reason))
	}
	b.WriteString(e.fate)
	return problem(hcl.Range{}, fmt.Sprintf("%d of %s not ready", len(e.failed), plural(e.of, "node")), b.String())
}
