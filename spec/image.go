package spec

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// image decodes a block of type t, which names an image, and sees to it that it does so in exactly one way.
func (l *loader) image(b *hcl.Block, t *blockType) *Image {
	a, _ := l.open(b, b.Body, t)
	l.checkWays(a, t)
	im := &Image{Source: a.src}
	if t, ok := a.text("id"); ok {
		im.ID = t.string
		if strings.ContainsAny(t.string, "*?") {
			l.errorf(t.at, "Malformed image id", "%s is a pattern for names, not an id: write name = %s and owners.", quote(t.string), quote(t.string))
		} else {
			l.checkID(t, "ami")
		}
	}
	im.Name = l.shortText(a, "name", 128)
	im.Owners = l.owners(a)
	im.Family = l.shortText(a, "family", 128)
	im.Version = l.shortText(a, "version", 128)
	im.Channel = l.shortText(a, "channel", 128)
	return im
}

// waysOfNaming is how the ways are described in messages.
const waysOfNaming = "id; or name and owners; or family and version, or family and channel"

// checkWays checks which arguments stand together.
func (l *loader) checkWays(a *args, t *blockType) {
	var ways []string
	for _, w := range []string{"id", "name", "family"} {
		if a.has(w) {
			ways = append(ways, w)
		}
	}
	with := func(arg, way string) bool {
		if !a.has(arg) || a.has(way) {
			return false
		}
		l.errorf(a.attrs[arg].Range, "Incomplete image", "%s goes with %s, and there is none here.", arg, way)
		return true
	}
	// What is missing its other half explains itself; only then is nothing there at all.
	half := with("owners", "name")
	half = with("version", "family") || half
	half = with("channel", "family") || half
	switch {
	case len(ways) > 1:
		l.errorf(a.attrs[ways[1]].Range, "Image named in two ways", "The image is named by %s already. Name it in one way: %s.", ways[0], waysOfNaming)
	case len(ways) == 0 && !half:
		a.missing("Image not named", "The %s block names no image. Name it in one way: %s.", t.name, waysOfNaming)
	}
	if a.has("name") && !a.has("owners") {
		l.errorf(a.attrs["name"].Range, "Image name without owners",
			`Anybody can give a public image any name, so a name alone may find a stranger's image. Add owners, such as owners = ["self"] for your own.`)
	}
	if a.has("version") && a.has("channel") {
		l.errorf(a.attrs["channel"].Range, "Image named in two ways", "A family is followed by a version or by a channel, not by both.")
	}
	if a.has("family") && !a.has("version") && !a.has("channel") {
		l.errorf(a.attrs["family"].Range, "Incomplete image", `family needs a version, such as "1.4.0", or a channel, such as "stable".`)
	}
}

// shortText reads a string of at most this many characters.
func (l *loader) shortText(a *args, name string, most int) string {
	t, ok := a.text(name)
	if !ok {
		return ""
	}
	if n := len([]rune(t.string)); n > most {
		l.errorf(t.at, "Too long "+name, "%s has at most %d characters; this has %d.", name, most, n)
	}
	if strings.TrimSpace(t.string) != t.string {
		l.errorf(t.at, "Invalid "+name, "%s has a space at its start or end.", quote(t.string))
	}
	return t.string
}

var (
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	ownerAliases = []string{"self", "amazon", "aws-marketplace"}
)

func (l *loader) owners(a *args) []string {
	ts := a.texts("owners")
	if v := a.value("owners"); v.IsKnown() && !v.IsNull() && len(ts) == 0 && v.CanIterateElements() && v.LengthInt() == 0 {
		l.errorf(a.at("owners"), "No owners", `The list of owners is empty. Write whose images may match, such as ["self"].`)
	}
	for _, t := range ts {
		l.checkOwner(t)
	}
	return values(ts)
}

func (l *loader) checkOwner(t text) {
	if accountID.MatchString(t.string) {
		return
	}
	for _, alias := range ownerAliases {
		if t.string == alias {
			return
		}
	}
	digits := strings.NewReplacer("-", "", " ", "").Replace(t.string)
	switch {
	case strings.Trim(t.string, "0123456789") == "" && len(t.string) == 11:
		l.errorf(t.at, "Malformed account id", "Account ids have 12 digits, and %s has 11. If a leading zero was lost, it is %q.", quote(t.string), "0"+t.string)
	case strings.Trim(t.string, "0123456789") == "":
		l.errorf(t.at, "Malformed account id", "Account ids have 12 digits, and %s has %d.", quote(t.string), len(t.string))
	case accountID.MatchString(digits):
		l.errorf(t.at, "Malformed account id", "Account ids are written without hyphens and spaces: %q.", digits)
	case strings.HasPrefix(t.string, "arn:"):
		l.errorf(t.at, "Malformed account id", "An owner is the account id alone, 12 digits, and not an ARN.")
	default:
		hint := didYouMean(t.string, ownerAliases)
		if hint == "" {
			hint = fmt.Sprintf(" An owner is an account id of 12 digits in quotes, or %s.", list(ownerAliases))
		}
		l.errorf(t.at, "Invalid owner", "%s is not an owner of images.%s", quote(t.string), hint)
	}
}

// numericOwner takes an account id that is written as a number. That is fine as long as it
// does not start with zeros, which numbers lose.
func (a *args) numericOwner(v cty.Value, at hcl.Range) (text, bool) {
	f := v.AsBigFloat()
	if s := f.Text('f', -1); f.IsInt() && f.Sign() >= 0 && len(s) <= 12 {
		if len(s) == 12 {
			return text{s, at}, true
		}
		a.l.errorf(at, "Malformed account id",
			"As a number, an account id loses its leading zeros, and %s is left, which has not 12 digits. Write it in quotes: %q.", s, strings.Repeat("0", 12-len(s))+s)
		return text{}, false
	}
	a.l.errorf(at, "Malformed account id", "Account ids have 12 digits and stand in quotes; this is %s.", show(v))
	return text{}, false
}
