package ami

import (
	"fmt"
	"regexp"
	"strings"
)

// The longest family, version and channel. EC2 takes names of 128 characters, and a name is a family
// and a version with a hyphen between.
const (
	maxFamily  = 63
	maxVersion = 64
)

var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// A WordError is a family, version or channel that cannot be one.
type WordError struct {
	What    string // family, version, channel
	Word    string
	Problem string // a clause
}

func (e *WordError) Error() string { return fmt.Sprintf("%q is no %s: %s", e.Word, e.What, e.Problem) }

// CheckFamily says whether a word can be the family of an image: letters, digits, full stops, hyphens
// and underscores, the first a letter or digit, at most 63. An error is a *WordError.
func CheckFamily(s string) error { return checkWord("family", s, maxFamily) }

// CheckVersion says whether a word can be a version: as a family, at most 64 characters.
func CheckVersion(s string) error { return checkWord("version", s, maxVersion) }

// CheckChannel says whether a word can be a channel: as a version.
func CheckChannel(s string) error { return checkWord("channel", s, maxVersion) }

func checkWord(what, s string, most int) error {
	problem := ""
	switch {
	case s == "":
		problem = "it is empty"
	case len(s) > most:
		problem = fmt.Sprintf("it has %d characters, and at most %d are allowed", len(s), most)
	case strings.HasPrefix(s, "ami-") && what == "family":
		problem = "it looks like the id of an image"
	case !word.MatchString(s):
		problem = "it is made of letters, digits, full stops, hyphens and underscores, and begins with a letter or digit"
	}
	if problem == "" {
		return nil
	}
	return &WordError{What: what, Word: s, Problem: problem}
}

// ImageName is the name that EC2 knows an image by. It is unique in an account and region, which is
// what keeps a version from being made twice.
func ImageName(family, version string) string { return family + "-" + version }

var idForm = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)

// IsID says whether a word is the id of an image.
func IsID(s string) bool { return idForm.MatchString(s) }
