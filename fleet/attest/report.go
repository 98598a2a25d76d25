package attest

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cluster/spec"
)

// A Report is what a node says of itself. What is empty it did not say.
type Report struct {
	Identity  string // the signed identity document, in base64
	BootID    string
	MachineID string   // SHA-256 of it: the id itself is confidential
	HostKeys  []string // public keys: type and key
	Kernel    string   // release
	Cmdline   string   // SHA-256 of the kernel's command line without the UUIDs in it
	Drivers   []string // name and version of those that are loaded and matter
	Volume    string   // id of the volume that / is on, where the disk tells it
	Content   Content
	Packages  []string // if they were asked for
}

// MaxReport is how long the answer of a node may be.
const MaxReport = 4 << 20

//go:embed script.sh
var asking string

// Script is what a POSIX shell reads that reports: its first argument is a nonce, and the second is packages if
// the list of packages is wanted as well.
func Script() string { return asking + spec.ContentScript + "ask \"$@\" </dev/null\n" }

// The lines around a report, before the nonce. What else the shell of a node writes is not heeded.
const (
	reportBegins = "CLUSTER-ATTEST 1 "
	reportEnds   = "CLUSTER-ATTEST end "
)

var (
	hashForm   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	uuidForm   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	keyForm    = regexp.MustCompile(`^[a-z0-9@.-]{1,64} [A-Za-z0-9+/=]+$`)
	volumeForm = regexp.MustCompile(`^vol-[0-9a-f]{8,17}$`)
	driverForm = regexp.MustCompile(`^[a-z0-9_]{1,32} [!-~]{1,64}$`)
	wordForm   = regexp.MustCompile(`^[!-~]{1,256}$`)
	textForm   = regexp.MustCompile(`^[ -~]{1,512}$`)
	base64Form = regexp.MustCompile(`^[A-Za-z0-9+/=]*$`)
)

// ParseReport finds the report with a nonce in the answer of a node, which may be anything. A line that has no
// meaning, or comes twice, makes the whole no report.
func ParseReport(answer, nonce string) (*Report, error) {
	if len(answer) > MaxReport {
		return nil, fmt.Errorf("its answer is longer than %d bytes", MaxReport)
	}
	begun := false
	r, seen := &Report{}, map[string]bool{}
	for line := range strings.Lines(answer) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case !begun:
			begun = line == reportBegins+nonce
		case line == reportEnds+nonce:
			return r, nil
		default:
			key, value, _ := strings.Cut(line, "=")
			if !r.take(key, value, seen) {
				return nil, errors.New("its report has a line that has no place there")
			}
		}
	}
	if !begun {
		return nil, errors.New("it gives no report")
	}
	return nil, errors.New("its report is cut off")
}

// maxValue is how long the value of a line may be. The longest is the document, of which Verify says if it is too
// long.
const maxValue = 2 * maxDocument

// take keeps a line of the report, and says whether it has a place there.
func (r *Report) take(key, value string, seen map[string]bool) bool {
	if len(value) > maxValue {
		return false
	}
	list := func(to *[]string, form *regexp.Regexp, most int) bool {
		*to = append(*to, value)
		return form.MatchString(value) && len(*to) <= most
	}
	switch key {
	case "host_key":
		return list(&r.HostKeys, keyForm, 32)
	case "driver":
		return list(&r.Drivers, driverForm, 32)
	case "package":
		return list(&r.Packages, textForm, 100_000)
	}
	one := func(to *string, form *regexp.Regexp) bool {
		*to = value
		again := seen[key]
		seen[key] = true
		return !again && form.MatchString(value)
	}
	switch key {
	case "identity":
		return one(&r.Identity, base64Form)
	case "boot_id":
		return one(&r.BootID, uuidForm)
	case "machine_id":
		return one(&r.MachineID, hashForm)
	case "kernel":
		return one(&r.Kernel, wordForm)
	case "cmdline":
		return one(&r.Cmdline, hashForm)
	case "volume":
		return one(&r.Volume, volumeForm)
	case "content":
		var text string
		r.Content, _ = ParseContent(value)
		return one(&text, textForm)
	}
	return false
}
