package ami

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A Pruning is what prune would remove of a family, and why it keeps the rest.
type Pruning struct {
	Family string
	Kept   []Kept // the highest version first
	Remove []Doomed
	Strays []Snapshot // snapshots of the family whose image is gone; by id
	Orphan []string   // kept images whose parent goes: their ancestry is then incomplete
}

// A Kept image and why it stays.
type Kept struct {
	Image Image
	Why   []string // clauses; never empty
}

// A Doomed image and those of its snapshots that nothing else of the family needs.
type Doomed struct {
	Image     Image
	Snapshots []string
	GiB       int // of the volumes that these snapshots are of
}

// Empty says that there is nothing to remove.
func (p Pruning) Empty() bool { return len(p.Remove) == 0 && len(p.Strays) == 0 }

// And is what both would remove, with the reasons of q for what stays: for asking again after somebody
// took his time to agree.
func (p Pruning) And(q Pruning) Pruning {
	q.Remove = slices.DeleteFunc(slices.Clone(q.Remove), func(d Doomed) bool {
		return !slices.ContainsFunc(p.Remove, func(e Doomed) bool { return e.Image.ID == d.Image.ID })
	})
	q.Strays = slices.DeleteFunc(slices.Clone(q.Strays), func(s Snapshot) bool {
		return !slices.ContainsFunc(p.Strays, func(t Snapshot) bool { return t.ID == s.ID })
	})
	return q
}

// Snapshots is how many go, and GiB of what size their volumes were.
func (p Pruning) Snapshots() (n, gib int) {
	for _, d := range p.Remove {
		n, gib = n+len(d.Snapshots), gib+d.GiB
	}
	for _, s := range p.Strays {
		n, gib = n+1, gib+s.Size
	}
	return n, gib
}

// A Snapshot is one of ours that carries a family.
type Snapshot struct {
	ID      string
	Version string
	Size    int // GiB
	State   string
	Started time.Time
	Of      string // id of the image that it was made for, as EC2's description says; empty: not known
}

// Prune is what may go of a family so that its keep highest versions stay, and everything that is
// needed: what holds a channel or would after a rollback, is protected, is being made, or has a use.
// uses are clauses by image id, from whoever looked; images may be given in any order.
func Prune(family []Image, keep int, uses map[string][]string, snapshots []Snapshot, now time.Time) Pruning {
	family = settle(slices.Clone(family))
	p := Pruning{}
	if len(family) > 0 {
		p.Family = family[0].Family
	}
	held := holders(family)
	kept := map[string]bool{}
	n := 0
	for _, i := range family {
		why := slices.Clone(held[i.ID])
		if usable(i) {
			if n++; n <= keep {
				why = append(why, keeping(keep))
			}
		}
		if i.State == "pending" {
			why = append(why, "it is being made")
		}
		if i.IsProtected() {
			why = append(why, "it is "+protection(i))
		}
		if why = append(why, uses[i.ID]...); len(why) > 0 {
			p.Kept = append(p.Kept, Kept{i, why})
			kept[i.ID] = true
		}
	}
	p.doom(family, kept)
	p.Strays = strays(family, snapshots, now)
	return p
}

// keeping is the reason of one of the keep highest versions.
func keeping(keep int) string {
	if keep == 1 {
		return "it is the version to keep"
	}
	return fmt.Sprintf("it is one of the %s to keep", plural(keep, "version"))
}

// usable images count as versions to keep: a failed one is no substitute for one that works, and nor is one
// that was revoked.
func usable(i Image) bool {
	return (i.State == available || i.State == "disabled") && i.Revoked == nil
}

// holders are reasons to keep images for the sake of channels, by id.
func holders(family []Image) map[string][]string {
	channels := map[string]bool{}
	for _, i := range family {
		for _, p := range i.Promotions {
			channels[p.Channel] = true
		}
	}
	why := map[string][]string{}
	for _, c := range slices.Sorted(maps.Keys(channels)) {
		h := planner.Holders(plain(family), c)
		if len(h) > 0 {
			why[h[0].ID] = append(why[h[0].ID], "it holds the channel "+c)
		}
		if len(h) > 1 {
			why[h[1].ID] = append(why[h[1].ID], "a rollback of "+c+" would go to it")
		}
	}
	return why
}

// doom puts what is not kept on the list, without the snapshots that a kept image needs too.
func (p *Pruning) doom(family []Image, kept map[string]bool) {
	needed := map[string]bool{}
	for _, k := range p.Kept {
		for _, s := range k.Image.Snapshots() {
			needed[s] = true
		}
	}
	goes := map[string]bool{}
	for _, i := range family {
		if kept[i.ID] {
			continue
		}
		goes[i.ID] = true
		d := Doomed{Image: i}
		for _, disk := range i.Disks {
			if s := disk.Snapshot; s != "" && !needed[s] {
				needed[s] = true // of two images that go, the first takes it along
				d.Snapshots = append(d.Snapshots, s)
				d.GiB += disk.Size
			}
		}
		p.Remove = append(p.Remove, d)
	}
	for _, k := range p.Kept {
		if goes[k.Image.Parent] {
			p.Orphan = append(p.Orphan, k.Image.ID)
		}
	}
}

// young is how old a snapshot has to be before a missing image says anything: an image that is being
// made may show its snapshots late.
const young = time.Hour

// strays are completed or failed snapshots of the family that no image of it has. While an image is
// being made there are none, because it may be the one that they are for.
func strays(family []Image, snapshots []Snapshot, now time.Time) (left []Snapshot) {
	has, there := map[string]bool{}, map[string]bool{}
	for _, i := range family {
		if i.State == "pending" {
			return nil
		}
		there[i.ID] = true
		for _, s := range i.Snapshots() {
			has[s] = true
		}
	}
	for _, s := range snapshots {
		if !has[s.ID] && !there[s.Of] && s.State != string(types.SnapshotStatePending) && now.Sub(s.Started) >= young {
			left = append(left, s)
		}
	}
	slices.SortFunc(left, func(a, b Snapshot) int { return compare(a.ID, b.ID) })
	return left
}

// protection is an image's protection from being deregistered, in words.
func protection(i Image) string {
	until, cooling := strings.CutPrefix(i.Protected, "disabled-after-")
	switch {
	case cooling:
		return "protected until " + until
	case i.Protected == "enabled-with-cooldown":
		return "protected, with a cool-down of a day"
	}
	return "protected"
}

var imageID = regexp.MustCompile(`\bami-(?:[0-9a-f]{17}|[0-9a-f]{8})\b`)

// madeFor finds the image that EC2 says a snapshot was made for: "Created by CreateImage(i-…) for ami-…",
// "Copied for DestinationAmi ami-… from SourceAmi …".
func madeFor(description string) string { return imageID.FindString(description) }

// Mentioned are the ids of images in a text, such as a lock file, each once.
func Mentioned(text string) []string {
	ids := imageID.FindAllString(text, -1)
	slices.Sort(ids)
	return slices.Compact(ids)
}
