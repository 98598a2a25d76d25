package slurm

import (
	"fmt"
	"strconv"
	"strings"
)

// A Release is a major release of Slurm: year and month.
type Release struct{ Year, Month int }

// Oldest is the first release that is written for.
var Oldest = Release{22, 5}

// ParseRelease reads a release, such as 23.11 or 23.11.4.
func ParseRelease(s string) (Release, error) {
	part := strings.Split(s, ".")
	if len(part) == 2 || len(part) == 3 {
		year, err1 := strconv.Atoi(part[0])
		month, err2 := strconv.Atoi(part[1])
		if r := (Release{year, month}); err1 == nil && err2 == nil && month >= 1 && month <= 12 && r.From(Oldest) {
			return r, nil
		}
	}
	return Release{}, fmt.Errorf("%q is not a release of Slurm from %s on, such as 23.11", s, Oldest)
}

func (r Release) String() string { return fmt.Sprintf("%02d.%02d", r.Year, r.Month) }

// From says that the release is another or a later one.
func (r Release) From(other Release) bool {
	return r.Year > other.Year || r.Year == other.Year && r.Month >= other.Month
}
