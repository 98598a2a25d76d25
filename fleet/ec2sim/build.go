package ec2sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// EC2 runs the user data of an instance; a region cannot. It plays what an image is built by: user data with
// the line "# cluster: build TOKEN" is at work for a while (Timing.Provision) at the first boot, and then puts
// "cluster-build TOKEN done" on the console, after "cluster-build TOKEN content dpkg N SHA256 debian-12", which
// depends on the user data. "# cluster: build TOKEN then stop" shuts the instance down after
// that. A line "exit N" with N over zero, or "false", anywhere at the beginning of a line, is taken for the end
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

func (b *build) mark() string {
	if b.Code != "" {
		return fmt.Sprintf("cluster-build %s failed %s", b.Token, b.Code)
	}
	return fmt.Sprintf("cluster-build %s done", b.Token)
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

// getConsoleOutput is what an instance wrote up to now. It has the mark of a build that is over, and login: once
// the status checks have passed; EC2 itself would be some minutes behind.
func (w *world) getConsoleOutput(in *ec2.GetConsoleOutputInput) (*ec2.GetConsoleOutputOutput, error) {
	found, err := pick(w.Instances, []string{*in.InstanceId}, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	i := found[0]
	out := &ec2.GetConsoleOutputOutput{InstanceId: in.InstanceId, Timestamp: new(w.now.Truncate(time.Second))}
	if text := w.console(i); text != "" {
		out.Output = new(base64.StdEncoding.EncodeToString([]byte(text)))
	}
	return out, nil
}

func (w *world) console(i *instance) string {
	l := w.Launches[i.Launch]
	if i.Last == stuck || i.Last == doomed || w.phase(i) == pending {
		return ""
	}
	var b strings.Builder
	host := "ip-" + strings.ReplaceAll(i.IPs[0].String(), ".", "-")
	fmt.Fprintf(&b, "[    0.000000] Linux version 6.1.0 (%s)\n", l.Architecture)
	if i.Impaired {
		b.WriteString("[    1.204113] VFS: Unable to mount root fs on unknown-block(0,0)\n")
		return b.String()
	}
	fmt.Fprintf(&b, "[    4.812700] cloud-init[1201]: running 'modules:final' on %s\n", host)
	if !i.Built.IsZero() {
		if l.Build.Code == "" {
			fmt.Fprintf(&b, "cluster-build %s content dpkg 1014 %x debian-12\n", l.Build.Token, sha256.Sum256([]byte(l.UserData)))
		}
		b.WriteString(l.Build.mark() + "\n")
	}
	if w.phase(i) == running && !w.now.Before(w.checked(i)) {
		fmt.Fprintf(&b, "%s login: \n", host)
	}
	return b.String()
}
