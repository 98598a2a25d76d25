package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// A driftDoc is how a cluster differs from a manifest of it.
type driftDoc struct {
	Manifest    string       `json:"manifest"`
	Observed    time.Time    `json:"observed"` // when the manifest was made
	Differences []driftedDoc `json:"differences"`
}

// A driftedDoc is one thing that is not as the manifest says. Of a node that is gone Got is empty,
// and of a new one Want.
type driftedDoc struct {
	Node     string `json:"node"`
	Instance string `json:"instance_id"` // now; of a node that is gone, then
	Check    string `json:"check"`       // gone, new, instance, image, root_snapshot, volume, instance_type or zone
	Want     string `json:"want"`
	Got      string `json:"got"`
}

// A driftError is a cluster that is not as a manifest says.
type driftError struct{ drift driftDoc }

func (e *driftError) Error() string {
	return fmt.Sprintf("not as %s says: %s", e.drift.Manifest, plural(len(e.drift.Differences), "difference"))
}

// readManifest reads a file that verify --manifest wrote, of this version or a later one that only
// added names.
func readManifest(path string) (*manifestDoc, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &usageError{message: "cannot read the manifest: " + err.Error(), hint: manifestHint}
	}
	broken := func(why string) error {
		return &usageError{message: fmt.Sprintf("%s is not a manifest of cluster verify: %s", slash(path), why), hint: manifestHint}
	}
	doc := new(manifestDoc)
	if err := json.Unmarshal(b, doc); err != nil {
		return nil, broken(strings.TrimPrefix(err.Error(), "json: "))
	}
	switch {
	case doc.FormatVersion == "" || doc.Cluster == "" || doc.Region == "" || doc.Nodes == nil:
		return nil, broken("it lacks what every manifest has")
	case doc.FormatVersion != formatVersion:
		return nil, broken(fmt.Sprintf("its format is %q, and this program reads %q", doc.FormatVersion, formatVersion))
	case slices.ContainsFunc(doc.Nodes, func(n manifestNode) bool { return n.Name == "" || n.Instance == "" }):
		return nil, broken("a node in it has no name or no instance")
	}
	return doc, nil
}

const manifestHint = "Make one with cluster verify FILE --manifest OUT."

// isOf is nil if a manifest is of the cluster that is looked at.
func (d *manifestDoc) isOf(path string, want *spec.Cluster, l *link) error {
	if d.Cluster == want.Name && d.Region == l.Session.Region && d.Rehearsal == (l.rehearsal != nil) {
		return nil
	}
	name := func(cluster, region string, rehearsal bool) string {
		if rehearsal {
			region += " (rehearsal)"
		}
		return cluster + " in " + region
	}
	return &usageError{
		message: fmt.Sprintf("%s is a manifest of another cluster", slash(path)),
		hint: fmt.Sprintf("It is of %s, and this is %s.",
			name(d.Cluster, d.Region, d.Rehearsal), name(want.Name, l.Session.Region, l.rehearsal != nil)),
	}
}

// drift compares a manifest with the nodes that there are now, node by node, in the order of the
// manifest; those that it does not have come last.
func (d *manifestDoc) drift(path string, now []manifestNode) driftDoc {
	doc := driftDoc{Manifest: slash(path), Observed: d.Observed.UTC(), Differences: []driftedDoc{}}
	holders := map[string][]manifestNode{}
	for _, n := range now {
		holders[n.Name] = append(holders[n.Name], n)
	}
	// The instance that was there then is the one to compare with, whoever else holds the slot now.
	take := func(name string, fits func(manifestNode) bool) (n manifestNode, ok bool) {
		i := slices.IndexFunc(holders[name], fits)
		if i < 0 {
			return n, false
		}
		n = holders[name][i]
		holders[name] = slices.Delete(holders[name], i, i+1)
		return n, true
	}
	pairs := make([]*manifestNode, len(d.Nodes))
	for i, then := range d.Nodes {
		if n, ok := take(then.Name, func(n manifestNode) bool { return n.Instance == then.Instance }); ok {
			pairs[i] = &n
		}
	}
	for i, then := range d.Nodes {
		if pairs[i] == nil {
			if n, ok := take(then.Name, func(manifestNode) bool { return true }); ok {
				pairs[i] = &n
			}
		}
		if pairs[i] == nil {
			doc.Differences = append(doc.Differences, driftedDoc{then.Name, then.Instance, "gone", then.Instance, ""})
			continue
		}
		doc.Differences = append(doc.Differences, drifts(then, *pairs[i])...)
	}
	for _, n := range now {
		if slices.ContainsFunc(holders[n.Name], func(left manifestNode) bool { return left.Instance == n.Instance }) {
			doc.Differences = append(doc.Differences, driftedDoc{n.Name, n.Instance, "new", "", n.Instance})
		}
	}
	return doc
}

// drifts compares a node with itself.
func drifts(then, now manifestNode) (out []driftedDoc) {
	add := func(check, want, got string) {
		if want != got {
			out = append(out, driftedDoc{now.Name, now.Instance, check, want, got})
		}
	}
	add("instance", then.Instance, now.Instance)
	add("image", then.Image, now.Image)
	add("root_snapshot", then.Snapshot, now.Snapshot)
	if then.Instance == now.Instance { // another instance has another volume
		add("volume", then.Volume, now.Volume)
	}
	add("instance_type", then.InstanceType, now.InstanceType)
	add("zone", then.Zone, now.Zone)
	return out
}

func drifted(e *driftError) hcl.Diagnostics {
	var b strings.Builder
	all := e.drift.Differences
	for i, d := range all {
		if i == 10 {
			fmt.Fprintf(&b, "and %d more: cluster verify --against … --json names them all.\n", len(all)-i)
			break
		}
		b.WriteString("  " + clean(difference(d)) + "\n")
	}
	fmt.Fprintf(&b, "The manifest is of %s.", e.drift.Observed.Format("2006-01-02 15:04 MST"))
	return problem(hcl.Range{}, fmt.Sprintf("Not as %s says: %s", e.drift.Manifest, plural(len(all), "difference")), b.String())
}

// difference is one of them in words.
func difference(d driftedDoc) string {
	switch d.Check {
	case "gone":
		return fmt.Sprintf("%s (%s): gone.", d.Node, d.Instance)
	case "new":
		return fmt.Sprintf("%s (%s): new.", d.Node, d.Instance)
	}
	got := d.Got
	if got == "" {
		got = "unproven"
	}
	return fmt.Sprintf("%s (%s): %s was %s and is %s.", d.Node, d.Instance, strings.ReplaceAll(d.Check, "_", " "), d.Want, got)
}
