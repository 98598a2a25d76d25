package planner

// Summary counts the plan's nodes by what happens to them. A node that is both started and
// retagged counts in both.
func (p Plan) Summary() Summary {
	var s Summary
	for _, a := range p.Actions {
		switch n := a.Count(); a.Kind {
		case Terminate:
			s.Terminate += n
		case Replace:
			s.Replace += n
		case Start:
			s.Start += n
		case Retag:
			s.Retag += n
		case Launch:
			s.Launch += n
		}
	}
	for _, g := range p.Groups {
		s.Unchanged += g.Unchanged
	}
	return s
}

// Launches says whether carrying out the plan launches instances.
func (p Plan) Launches() bool {
	for _, a := range p.Actions {
		if a.Kind == Launch || a.Kind == Replace {
			return true
		}
	}
	return false
}
