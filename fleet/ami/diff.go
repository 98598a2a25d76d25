package ami

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cluster/planner"
)

// A Difference is one thing in which two images differ. An empty value is one that is not set.
type Difference struct {
	What string
	A, B string
}

// Diff is what differs between two images: what they were made of and from, how they boot, their disks
// and tags, and where they stand in their lives. Ids, names and dates, in which any two differ, are
// left out. It is sorted by kind, and within by device or key.
func Diff(a, b Image) (found []Difference) {
	add := func(what, x, y string) {
		if x != y {
			found = append(found, Difference{what, x, y})
		}
	}
	add("family", a.Family, b.Family)
	add("version", a.Version, b.Version)
	add("state", a.State, b.State)
	add("owner", a.Owner, b.Owner)
	add("description", a.Description, b.Description)
	add("architecture", a.Architecture, b.Architecture)
	add("boot mode", a.BootMode, b.BootMode)
	add("IMDS support", a.IMDS, b.IMDS)
	add("ENA", strconv.FormatBool(a.ENA), strconv.FormatBool(b.ENA))
	add("parent", a.Parent, b.Parent)
	add("captured from", a.From, b.From)
	add("source hash", a.Source, b.Source)
	add("content", a.Content, b.Content)
	add("copy of", a.CopyOf, b.CopyOf)
	add("root device", a.RootDevice, b.RootDevice)
	found = append(found, diffDisks(a.Disks, b.Disks)...)
	add("channels", strings.Join(a.Channels, ", "), strings.Join(b.Channels, ", "))
	add("revoked", revokedText(a), revokedText(b))
	add("public", strconv.FormatBool(a.Public), strconv.FormatBool(b.Public))
	add("deprecated from", day(a.Deprecated), day(b.Deprecated))
	add("protected", strconv.FormatBool(a.IsProtected()), strconv.FormatBool(b.IsProtected()))
	keys := slices.Concat(a.OtherTags(), b.OtherTags())
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		add("tag "+k, a.Tags[k], b.Tags[k])
	}
	return found
}

func diffDisks(a, b []Disk) (found []Difference) {
	byDevice := func(disks []Disk) map[string]Disk {
		m := map[string]Disk{}
		for _, d := range disks {
			m[d.Device] = d
		}
		return m
	}
	x, y := byDevice(a), byDevice(b)
	devices := map[string]bool{}
	for _, d := range slices.Concat(a, b) {
		devices[d.Device] = true
	}
	for _, dev := range slices.Sorted(maps.Keys(devices)) {
		p, inA := x[dev]
		q, inB := y[dev]
		for _, c := range []struct{ what, x, y string }{
			{"size", gib(p.Size), gib(q.Size)},
			{"type", p.Type, q.Type},
			{"encrypted", yes(inA, p.Encrypted), yes(inB, q.Encrypted)},
			{"deleted with its instance", yes(inA, p.DeleteOnTermination), yes(inB, q.DeleteOnTermination)},
			{"snapshot", p.Snapshot, q.Snapshot},
		} {
			if c.x != c.y {
				found = append(found, Difference{dev + " " + c.what, c.x, c.y})
			}
		}
	}
	return found
}

func gib(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d GiB", n)
}

// yes is a boolean of a disk that is there.
func yes(there, b bool) string {
	if !there {
		return ""
	}
	return strconv.FormatBool(b)
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func revokedText(i Image) string {
	if i.Revoked == nil {
		return ""
	}
	return i.Revoked.Reason
}

// OtherTags are the keys of an image's tags that no field of it is made from, sorted.
func (i Image) OtherTags() []string {
	known := []string{
		planner.TagImageFamily, planner.TagImageVersion, planner.TagImageParent, planner.TagImageFrom, planner.TagImageSource,
		planner.TagImageContent, planner.TagImageCopyOf, planner.TagImageRevoked, planner.TagImageChannel,
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(i.Tags)), func(k string) bool {
		return slices.Contains(known, k) || strings.HasPrefix(k, planner.TagImageChannel+":")
	})
}
