package spec

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// LockSuffix is how the names of lock files end.
const LockSuffix = ".cluster.lock.hcl"

// LockPath is where the lock file of a cluster file is: next to it, under the same name without
// .hcl, .json or .hcl.json and without .cluster. The lock of cfd.hcl is cfd.cluster.lock.hcl.
func LockPath(cluster string) string {
	name := filepath.Base(cluster)
	name = strings.TrimSuffix(name, ".json")
	name = strings.TrimSuffix(name, ".hcl")
	name = strings.TrimSuffix(name, ".cluster")
	return filepath.Join(filepath.Dir(cluster), name+LockSuffix)
}

// A Lock is what a lock file holds: for each way in which a cluster file names an image, the image
// that it stands for. As long as an entry is there, the same file launches the same image. The zero
// Lock is that of a file that is not there.
type Lock struct {
	Images []LockedImage // sorted; each question once for a region and a rehearsal of it
}

// A LockedImage is one entry: a question, and the image that answered it. Rehearsals have entries
// of their own, which EC2 is never asked by, and the other way round: one file serves both.
type LockedImage struct {
	Region    string
	Rehearsal bool
	Asked     Image // how the cluster file names the image, and nothing else

	ID           string
	Name         string
	Owner        string    // account id; empty: not known
	Created      time.Time // to the second; zero: not known
	RootSnapshot string
	Family       string   // by the image's tags; empty: it has none
	Version      string   // as Family
	Ancestors    []string // ids of the images that it was made from, the nearest first, as far as they were seen

	Source Source // in the lock file; the zero Source in an entry that is not written yet
}

// Place is where the entry stands, such as cfd.cluster.lock.hcl:4; empty if it is not written yet.
func (l LockedImage) Place() string {
	if l.Source.Block.Filename == "" {
		return ""
	}
	return position(l.Source.Block)
}

// Question is an image as a file names it, and nothing else: what a lock is looked up by.
func (i Image) Question() Image {
	return Image{
		ID: i.ID, Name: i.Name, Owners: slices.Sorted(slices.Values(i.Owners)),
		Family: i.Family, Version: i.Version, Channel: i.Channel,
	}
}

// String is a question in words: the family hpc-base, channel stable.
func (i Image) String() string {
	switch {
	case i.ID != "":
		return i.ID
	case i.Family != "" && i.Version != "":
		return fmt.Sprintf("family %s, version %s", i.Family, i.Version)
	case i.Family != "":
		return fmt.Sprintf("family %s, channel %s", i.Family, i.Channel)
	}
	return fmt.Sprintf("%s of %s", i.Name, join(i.Owners, "or"))
}

// Find is the entry for a question in a region, or in the rehearsal of it; nil if there is none.
func (l *Lock) Find(region string, rehearsal bool, asked Image) *LockedImage {
	key := LockedImage{Region: region, Rehearsal: rehearsal, Asked: asked.Question()}
	if i := slices.IndexFunc(l.Images, func(e LockedImage) bool { return compareEntries(e, key) == 0 }); i >= 0 {
		return &l.Images[i]
	}
	return nil
}

// With is the lock with these entries in place of all those of a region, or of the rehearsal of it.
// Entries of other regions stay.
func (l *Lock) With(region string, rehearsal bool, entries []LockedImage) *Lock {
	all := slices.DeleteFunc(slices.Clone(l.Images), func(e LockedImage) bool {
		return e.Region == region && e.Rehearsal == rehearsal
	})
	return &Lock{Images: sortEntries(append(all, entries...))}
}

// sortEntries puts entries in order, and their questions in the form that they are compared in.
func sortEntries(all []LockedImage) []LockedImage {
	for i := range all {
		all[i].Asked = all[i].Asked.Question()
	}
	slices.SortStableFunc(all, compareEntries)
	return slices.CompactFunc(all, func(a, b LockedImage) bool { return compareEntries(a, b) == 0 })
}

// compareEntries orders entries: by region, EC2 before rehearsals, then by question.
func compareEntries(a, b LockedImage) int {
	return cmp.Or(
		cmp.Compare(a.Region, b.Region),
		compareBools(a.Rehearsal, b.Rehearsal),
		cmp.Compare(a.Asked.ID, b.Asked.ID),
		cmp.Compare(a.Asked.Name, b.Asked.Name),
		slices.Compare(a.Asked.Owners, b.Asked.Owners),
		cmp.Compare(a.Asked.Family, b.Asked.Family),
		cmp.Compare(a.Asked.Version, b.Asked.Version),
		cmp.Compare(a.Asked.Channel, b.Asked.Channel),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
