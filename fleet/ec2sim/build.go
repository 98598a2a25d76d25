package ec2sim

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// EC2 runs the user data of an instance; a region cannot. It plays what an image is built by: user data with
// the line "# cluster: build TOKEN" is at work for a while (Timing.Provision) at the first boot, and then puts
// "cluster-build TOKEN done" on the console, after "cluster-build TOKEN content dpkg N SHA256 debian-12", in which
// the hash is that of the user data. "# cluster: build TOKEN then stop" shuts the instance down after that. A line "exit N" with N over zero, or "false", anywhere at the beginning of a line, is taken for the end
// of the work, and the console has "cluster-build TOKEN failed N".
//
// The line "# cluster-sim: breaks boot" makes a bad image: the instances of any image that is made of the
// instance die before they run.
const breaksLine = "# cluster-sim: breaks boot"

var (
	buildLine = regexp.MustCompile(`(?m)^# cluster: build (\S+)( then stop)?\s*$`)
	failLine  = regexp.MustCompile(`(?m)^(?:exit ([1-9][0-9]*)|false)\s*$`)
)

// build is what the user data of a launch makes its instances do at their first boot.
type build struct {
	Token string
	Stop  bool   // it shuts the instance down afterwards
	Code  string // with which it fails; "" if it does not
}

// readBuild finds the build in user data; nil if there is none.
func readBuild(userData []byte) *build {
	m := buildLine.FindSubmatch(userData)
	if m == nil {
		return nil
	}
	b := &build{Token: string(m[1]), Stop: len(m[2]) > 0}
	if f := failLine.FindSubmatch(userData); f != nil {
		b.Code = string(f[1])
		if b.Code == "" {
			b.Code = "1"
		}
	}
	return b
}

// marks are the lines of a build that is over.
func (l *launch) marks() string {
	b := l.Build
	if b.Code != "" {
		return fmt.Sprintf("cluster-build %s failed %s\n", b.Token, b.Code)
	}
	return fmt.Sprintf("cluster-build %s content dpkg 1014 %x debian-12\ncluster-build %[1]s done\n", b.Token, sha256.Sum256([]byte(l.UserData)))
}

// hasLine tells whether user data has a line.
func hasLine(userData []byte, line string) bool {
	for l := range bytes.Lines(userData) {
		if strings.TrimSpace(string(l)) == line {
			return true
		}
	}
	return false
}

// buildEnds is when an instance ends the work of its first boot; zero for never, or if it has.
func (i *instance) buildEnds(l *launch) time.Time {
	if l.Build == nil || !i.Built.IsZero() || i.Last != launched || i.Impaired {
		return time.Time{}
	}
	return i.done().Add(i.Builds)
}

// endBuild has an instance end the work of its first boot.
func (w *world) endBuild(i *instance, l *launch, at time.Time) {
	i.Built = at
	if l.Build.Stop {
		w.shutDown(i, l, at)
	}
}
