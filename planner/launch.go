package planner

import (
	"fmt"
	"strconv"
	"strings"
)

// launch plans what fills the wanted slots that nothing holds, one action a reason.
func (g *group) launch(held Slots) {
	type vacancy struct {
		slots Slots
		lost  *Instance // the instance that the last of the slots lost; nil: none
	}
	var order []Reason
	vacancies := map[Reason]*vacancy{}
	for slot := range g.spec.Required() {
		for len(held) > 0 && held[0] < slot {
			held = held[1:]
		}
		if len(held) > 0 && held[0] == slot {
			held = held[1:]
			continue
		}
		why, lost := g.vacancy(slot)
		v := vacancies[why]
		if v == nil {
			v = &vacancy{}
			vacancies[why] = v
			order = append(order, why)
		}
		v.slots, v.lost = append(v.slots, slot), lost
		g.fill = append(g.fill, slot)
	}
	for _, why := range order {
		v := vacancies[why]
		if v.lost != nil && len(v.slots) == 1 {
			why.Old = v.lost.ID
			why.Text = v.lost.ID + strings.TrimPrefix(why.Text, itsInstance)
		}
		g.actions = append(g.actions, Action{Kind: Launch, Group: g.name, Slots: v.slots, Why: why})
	}
}

// itsInstance begins the reason for filling slots whose instances died. With one slot, the
// instance's id takes its place.
const itsInstance = "its instance"

// vacancy is why nothing holds a slot, in words that are the same for all slots one action can
// fill, and the instance that it lost, if that is why.
func (g *group) vacancy(slot int) (Reason, *Instance) {
	if g.spec.Slurm.Burst {
		return Reason{What: "asked", Text: "Slurm asks for it", At: g.spec.Slurm.Source.At("burst")}, nil
	}
	top := g.top()
	dead, died := g.dead[slot]
	grown := slot > top
	switch {
	case died && !(grown && onPurpose(dead)):
		r := Reason{What: "lost", Text: itsInstance + " terminated", At: g.plan.Source}
		if dead.StateReason != "" {
			r.Text += ": " + dead.StateReason
		}
		return r, dead
	case grown && top < 0:
		n := strconv.Itoa(g.spec.Count)
		return Reason{What: "count", New: n, Text: "count = " + n, At: g.spec.Source.At("count")}, nil
	case grown:
		return changed("count", strconv.Itoa(top+1), strconv.Itoa(g.spec.Count), g.spec.Source.At("count")), nil
	}
	return Reason{What: "hole", Text: "nothing holds the slot", At: g.plan.Source}, nil
}

// onPurpose says that somebody terminated the instance, as `down` and a lower count do: that
// explains no launch later on.
func onPurpose(inst *Instance) bool {
	return inst.StateReason == "" || strings.HasPrefix(inst.StateReason, "Client.UserInitiatedShutdown")
}

// warnAside tells of burst capacity that does not fit the file and stays all the same.
func (d *differ) warnAside(g *group, c *comparer) {
	var slots Slots
	var why Reason
	for _, inst := range g.kept {
		if !g.aside(inst.Slot) {
			continue
		}
		if faults := c.faults(inst); len(faults) > 0 {
			slots, why = append(slots, inst.Slot), faults[0]
		}
	}
	if len(slots) > 0 {
		d.warn(g.name, why.At, "Burst capacity does not fit the file", fmt.Sprintf(
			"%s of group %q (%s) stays as it is until Slurm ends it: %s. To have Slurm end it when its jobs are done: "+
				"scontrol update nodename=%s-[%s] state=power_down_asap reason=outdated",
			plural(len(slots), "node", "nodes"), g.name, slots, why.Text, g.name, slots))
	}
}

// warnUnreadable says that some nodes could be compared only in part.
func (d *differ) warnUnreadable(g *group, c *comparer) {
	n := 0
	for _, inst := range g.kept {
		if inst.Spec != c.tag && c.imprint(inst) == nil {
			n++
		}
	}
	if n > 0 {
		d.warn(g.name, g.plan.Source, "Nodes compared only in part", fmt.Sprintf(
			"The tag %s of %s is missing or was written by another version, so user data, key, security "+
				"groups, EFA and instance profile could not be compared.", TagSpec, plural(n, "node", "nodes")))
	}
}
