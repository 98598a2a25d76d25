package planner

// Slots are the numbers of nodes within their group, ascending and unique.
type Slots []int
