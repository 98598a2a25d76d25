package fleet

import (
	"fmt"

	"cluster/planner"
)

// RollError says that a rolling replacement stopped before its end. It comes joined with the reason.
type RollError struct{ RollReport }

func (e *RollError) Error() string {
	return fmt.Sprintf("the rolling replacement stopped in batch %d of %d", e.Batch, e.Batches)
}

// A RollReport says how far a rolling replacement got.
type RollReport struct {
	Batch   int // the last that was begun, from 1; 0: none was
	Batches int // in all
	Groups  []RolledGroup
}

// A RolledGroup is a group whose nodes are replaced batch by batch. Each slot to be replaced is in one of
// the lists.
type RolledGroup struct {
	Name     string
	Replaced planner.Slots // by nodes that run and are proven
	Unproven planner.Slots // that new nodes hold of a batch that was not finished
	Old      planner.Slots // that the old node still holds
	Down     planner.Slots // in which nothing runs
}

// rolled says how far the rolling replacement got; nil if there is none.
func (a *apply) rolled() *RollReport {
	if a.batches == 0 {
		return nil
	}
	r := &RollReport{Batch: a.batch, Batches: a.batches}
	holders := map[string]*node{} // by node; a new one goes before an old one
	for _, n := range a.nodes {
		if name := planner.NodeName(n.Group, n.Slot); !a.ended[n.ID] && !n.State.Dead() && (holders[name] == nil || !a.old[n.ID]) {
			holders[name] = n
		}
	}
	unfinished := map[string]bool{}
	if a.batch > 0 && !a.kept {
		for _, x := range a.step.Actions {
			unfinished[planner.NodeName(x.Group, x.Slots[0])] = true
		}
	}
	for _, g := range a.groups {
		if g.plan.Rolling.Batches == 0 {
			continue
		}
		rg := RolledGroup{Name: g.plan.Name}
		for _, x := range a.plan.Actions {
			if x.Kind != planner.Replace || x.Group != rg.Name {
				continue
			}
			switch n := holders[planner.NodeName(x.Group, x.Slots[0])]; {
			case n != nil && a.old[n.ID]:
				rg.Old = append(rg.Old, x.Slots...)
			case n != nil && unfinished[planner.NodeName(x.Group, x.Slots[0])]:
				rg.Unproven = append(rg.Unproven, x.Slots...)
			case n != nil && n.State == planner.Running:
				rg.Replaced = append(rg.Replaced, x.Slots...)
			default:
				rg.Down = append(rg.Down, x.Slots...)
			}
		}
		r.Groups = append(r.Groups, rg)
	}
	return r
}
