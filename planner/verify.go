package planner

import "cluster/spec"

// Level says how far Verify looks.
type Level int

const (
	LevelImage Level = iota // the image id of every node
	LevelRoot               // and the snapshot that every root volume was made from
)

// A Mismatch is one thing that keeps a cluster from being identical to its file. An empty Got is
// unproven: not asked, not answered, or not there.
type Mismatch struct {
	Node     string // such as compute-17
	Instance string // empty: no instance holds the slot
	Check    string // image, root_snapshot, group or slot
	Want     string
	Got      string
}

// A Verdict is what Verify found.
type Verdict struct {
	Identical  bool
	Nodes      int   // live instances of the cluster that were checked
	Image      Image // of the file's first group that wants nodes
	Mismatched []Mismatch
}

// Verify proves that the cluster is the one the file describes.
func Verify(want *spec.Cluster, have Observed, level Level) Verdict {
	return Verdict{}
}
