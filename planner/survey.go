package planner

import (
	"cmp"
	"slices"
)

// surroundings are the facts of a launch, indexed.
type surroundings struct {
	types    map[string]InstanceType
	offered  map[Offering]bool
	subnets  map[string]Subnet
	defaults []string       // ids of the default subnets, by zone
	leaving  map[string]int // addresses that this plan's terminations give back, by subnet
	promised map[string]int // addresses that groups before this one need, by subnet
}

// survey indexes facts. It is nil if there are none.
func survey(f *Facts) *surroundings {
	if f == nil {
		return nil
	}
	s := &surroundings{
		types: map[string]InstanceType{}, offered: map[Offering]bool{}, subnets: map[string]Subnet{},
		leaving: map[string]int{}, promised: map[string]int{},
	}
	for _, t := range f.Types {
		s.types[t.Name] = t
	}
	for _, o := range f.Offerings {
		s.offered[o] = true
	}
	for _, n := range f.Subnets {
		s.subnets[n.ID] = n
		if n.Default {
			s.defaults = append(s.defaults, n.ID)
		}
	}
	slices.SortFunc(s.defaults, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.subnets[a].Zone, s.subnets[b].Zone), cmp.Compare(a, b))
	})
	return s
}

// zones are those of the subnets, each once; empty unless all are known.
func (s *surroundings) zones(ids []string) []string {
	if s == nil {
		return nil
	}
	var zones []string
	for _, id := range ids {
		n, ok := s.subnets[id]
		if !ok || n.Zone == "" {
			return nil
		}
		if !slices.Contains(zones, n.Zone) {
			zones = append(zones, n.Zone)
		}
	}
	return zones
}
