package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"cluster/planner"
	"cluster/spec"
)

// A savedPlan is the file that plan --out writes. It holds no value of the cluster file that the plan
// does not show: user data and variables are in it as a hash, so that a change of theirs is noticed.
type savedPlan struct {
	FormatVersion string  `json:"format_version"`
	File          string  `json:"file"`
	Wanted        string  `json:"wanted_sha256"`   // of the cluster file as evaluated
	Observed      string  `json:"observed_sha256"` // of the instances that were seen
	Plan          planDoc `json:"plan"`
}

func newSavedPlan(path string, want *spec.Cluster, have planner.Observed, p planner.Plan, rehearsal bool) savedPlan {
	p.Quotas = nil // whether they can be read today is no part of what is to be done
	p.Locks = nil  // what the lock file keeps is in the plan; that it keeps it against a channel is not
	return savedPlan{
		FormatVersion: formatVersion,
		File:          slash(path),
		Wanted:        hash(wanted(want)),
		Observed:      hash(instances(have)),
		Plan:          newPlanDoc(p, rehearsal),
	}
}

// savePlan writes a plan to a file that nobody else may read: it names instances and subnets.
func (a *app) savePlan(out, path string, want *spec.Cluster, have planner.Observed, p planner.Plan) error {
	b, err := json.MarshalIndent(newSavedPlan(path, want, have, p, a.rehearse), "", "  ")
	if err != nil {
		panic(err) // our own documents always encode
	}
	if err := replaceFile(out, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

// readPlan reads a file that plan --out wrote.
func readPlan(path string) (*savedPlan, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &usageError{message: "cannot read the saved plan: " + err.Error(), hint: "Make one with cluster plan FILE --out PLAN."}
	}
	s := new(savedPlan)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil || s.FormatVersion != formatVersion || s.Wanted == "" {
		return nil, &usageError{
			message: fmt.Sprintf("%s is not a plan that this version of cluster saved", slash(path)),
			hint:    "Make one with cluster plan FILE --out PLAN.",
		}
	}
	return s, nil
}

// unmoved is nil if now is, to the byte, the plan that was saved. Otherwise it says what moved:
// the file, or the world, or both.
func (s *savedPlan) unmoved(now savedPlan) error {
	same := func(x, y any) bool {
		a, errA := json.Marshal(x)
		b, errB := json.Marshal(y)
		return errA == nil && errB == nil && bytes.Equal(a, b)
	}
	if s.Wanted == now.Wanted && same(s.Plan, now.Plan) {
		return nil
	}
	var moved []string
	if s.Plan.Cluster != now.Plan.Cluster || s.Plan.Region != now.Plan.Region || s.Plan.Rehearsal != now.Plan.Rehearsal {
		moved = append(moved, fmt.Sprintf("It is a plan for cluster %s in %s, not for %s in %s.",
			whose(s.Plan), s.Plan.Region, whose(now.Plan), now.Plan.Region))
	} else if s.Wanted != now.Wanted {
		moved = append(moved, "The cluster file, or a variable, has another value than then.")
	}
	if s.Observed != now.Observed {
		moved = append(moved, "The instances of the cluster are not those seen then.")
	}
	if s.Plan.Image != now.Plan.Image {
		moved = append(moved, fmt.Sprintf("The image was %s and is %s.", cmp.Or(s.Plan.Image.ID, "unknown"), cmp.Or(now.Plan.Image.ID, "unknown")))
	}
	if a, b := s.Plan.Summary, now.Plan.Summary; a != b {
		moved = append(moved, fmt.Sprintf("The plan was %s and is %s.", a, b))
	}
	if len(moved) == 0 {
		moved = append(moved, "What EC2 offers for it has changed, or the reasons have.")
	}
	return &refusedError{
		message: "the saved plan is stale",
		hint:    strings.Join(moved, "\n") + "\nPlan again, look, and run that.",
	}
}

func whose(p planDoc) string {
	if p.Rehearsal {
		return p.Cluster + " (rehearsal)"
	}
	return p.Cluster
}

// String is the counts that are not zero as one clause.
func (s summaryDoc) String() string {
	return cmp.Or(strings.Join(counts(planner.Summary(s)), ", "), "nothing to do")
}

// wanted is everything that a cluster file asks for, without its positions: moving a line is no change.
func wanted(c *spec.Cluster) any {
	w := *c
	w.Source, w.Network.Source = spec.Source{}, spec.Source{}
	w.Groups = slices.Clone(c.Groups)
	for i := range w.Groups {
		g := &w.Groups[i]
		g.Image.Locked, g.Image.Unlock = nil, false
		g.Source, g.Image.Source, g.RootVolume.Source = spec.Source{}, spec.Source{}, spec.Source{}
		g.Capacity.Source, g.Launch.Source = spec.Source{}, spec.Source{}
	}
	return w
}

// instances is what an observation says of nodes, in an order of its own: the dead are left out,
// because EC2 forgets them by itself.
func instances(have planner.Observed) any {
	var live []string
	for _, i := range have.Instances {
		if !i.State.Dead() {
			live = append(live, fmt.Sprintf("%s %s %s %d %s %s %s", i.ID, i.State, i.Group, i.Slot, i.Spec, i.ImageID, i.RootSnapshot))
		}
	}
	slices.Sort(live)
	return live
}

func hash(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data always encodes
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
