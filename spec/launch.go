package spec

import (
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// launch decodes a launch block; b is nil if the group has none.
func (x *groupBody) launch(b *hcl.Block) {
	la := &x.g.Launch
	*la = Launch{All: true, Min: x.g.Count, Timeout: defaultTimeout, Subnets: SubnetsFirst, Source: Source{Block: x.g.Source.Block}}
	if b == nil {
		return
	}
	a, _ := x.open(b, b.Body, launchBlock)
	la.Source = a.src
	la.Subnets = SubnetUse(oneOfOr(a, "subnets", string(SubnetsFirst), string(SubnetsFirst), string(SubnetsAll)))
	if w, ok := a.oneOf("wait", plainWords(Waits)...); ok && WaitFor(w) != WaitRunning {
		la.Wait = WaitFor(w)
	}
	if d, ok := x.duration(a, "timeout"); ok {
		la.Timeout = d
	}
	la.Retry, _ = x.duration(a, "retry")
	x.together(a)
	la.Reserve, _ = a.flag("reserve")
	all, allOK := a.flag("all")
	least, minOK := a.whole("min", maxCount)
	la.All = !a.has("min")
	if allOK {
		la.All = all
	}
	switch {
	case !minOK && !la.All:
		la.Min = min(1, x.g.Count)
	case minOK && x.countOK && least > x.g.Count:
		x.errorf(a.at("min"), "min larger than count", "min is %d, and group %q has a count of %d: it could never be reached.", least, x.g.Name, x.g.Count)
	case minOK && x.countOK && la.All && least < x.g.Count:
		x.errorf(a.at("min"), "min with all", "all = true asks for all %d nodes, and min = %d would accept fewer. Keep one of them.", x.g.Count, least)
	case minOK:
		la.Min = least
	}
}

var bareNumber = regexp.MustCompile(`^[0-9]+$`)

// together reads the word that groups of one gang share.
func (x *groupBody) together(a *args) {
	t, ok := a.text("together")
	if !ok {
		return
	}
	x.g.Launch.Together = t.string
	if !hostName.MatchString(t.string) {
		x.errorf(t.at, "Invalid together", "%s is not a word that groups can share: a lower-case letter first, then lower-case letters, digits and hyphens.", quote(t.string))
	}
}

// duration reads a duration such as 15m, 90s or 1h30m.
func (l *loader) duration(a *args, name string) (time.Duration, bool) {
	x, summary := l, "Invalid "+name
	v, ok := a.plain(name)
	if ok && v.Type() == cty.Number {
		n := showNumber(v.AsBigFloat())
		x.errorf(a.at(name), summary, `A time needs a unit: "%sm" for minutes, "%ss" for seconds.`, n, n)
		return 0, false
	}
	t, ok := a.text(name)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(t.string)
	switch {
	case err == nil && d > 0:
		return d, true
	case err == nil:
		x.errorf(t.at, summary, "The %s is %s, and must be more than nothing.", name, quote(t.string))
	case bareNumber.MatchString(t.string):
		x.errorf(t.at, summary, `A time needs a unit: "%sm" for minutes, "%ss" for seconds.`, t.string, t.string)
	default:
		hint := `Times are written like "15m", "90s" or "1h30m".`
		if s := shortDuration(t.string); s != "" {
			hint = "Did you mean " + quote(s) + "?"
		}
		x.errorf(t.at, summary, "%s is not a time. %s", quote(t.string), hint)
	}
	return 0, false
}

var longDuration = regexp.MustCompile(`^([0-9]+) ?(s|m|h|d)[a-z]*$`)

// shortDuration is the right form of a time such as "15 minutes"; empty if it is none.
func shortDuration(s string) string {
	m := longDuration.FindStringSubmatch(strings.TrimSpace(lower(s)))
	if m == nil || len(m[1]) > 5 {
		return ""
	}
	if m[2] == "d" {
		d, err := time.ParseDuration(m[1] + "h")
		if err != nil {
			return ""
		}
		return strings.TrimSuffix((d * 24).String(), "0m0s")
	}
	return m[1] + m[2]
}
