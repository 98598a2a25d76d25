package spec

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// The limits of EC2 on tags. It allows 50, and cluster itself needs five of them.
const (
	maxTags     = 50 - ownTags
	ownTags     = 7 // name, group, slots, spec, ttl, slot and Name
	maxTagKey   = 128
	maxTagValue = 256
)

// A tag is one tag of the file; at is the place of its key, or of the argument.
type tag struct {
	key, value string
	at         hcl.Range
}

// tags reads the tags argument of a block, sorted by key.
func (l *loader) tags(a *args) []tag {
	v, ok := a.plain("tags")
	if !ok {
		return nil
	}
	if ty := v.Type(); !ty.IsObjectType() && !ty.IsMapType() {
		a.wrongType("tags", `keys with values, such as { project = "wind" }`, v)
		return nil
	}
	keys := a.keyRanges("tags")
	var tags []tag
	for k, e := range v.AsValueMap() {
		at, ok := keys[k]
		if !ok {
			at = a.at("tags")
		}
		if t, ok := l.tag(k, e, at); ok {
			tags = append(tags, t)
		}
	}
	sort.Slice(tags, func(i, j int) bool { return tags[i].key < tags[j].key })
	if len(tags) > maxTags {
		l.errorf(a.at("tags"), "Too many tags", "EC2 allows 50 tags, of which cluster uses %d: %d are left, and here are %d.", ownTags, maxTags, len(tags))
	}
	return tags
}

func (l *loader) tag(key string, v cty.Value, at hcl.Range) (tag, bool) {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() {
		l.errorf(at, "Invalid tag value", "The value of tag %s is a string, and this is %s.", quote(key), show(v))
		return tag{}, false
	}
	t := tag{key, s.AsString(), at}
	if p := tagKeyProblem(key); p != "" {
		l.errorf(at, "Invalid tag key", "%s", p)
		return t, false
	}
	if n := utf8.RuneCountInString(t.value); n > maxTagValue {
		l.errorf(at, "Tag value too long", "The value of tag %s has %d characters; at most %d are allowed.", quote(key), n, maxTagValue)
		return t, false
	}
	return t, true
}

var otherTagChars = regexp.MustCompile(`[^\pL\pN+=.,_:@-]`)

// tagKeyProblem says why a key cannot be used; it is empty if it can.
func tagKeyProblem(key string) string {
	n := utf8.RuneCountInString(key)
	switch {
	case key == "":
		return "The key of a tag is empty."
	case strings.HasPrefix(lower(key), "aws:"):
		return fmt.Sprintf("Keys that start with aws: belong to AWS, and %s does.", quote(key))
	case strings.HasPrefix(lower(key), "cluster:"):
		return fmt.Sprintf("Keys that start with cluster: are how nodes are found again, and %s does. Choose another prefix.", quote(key))
	case key == "Name":
		return "The tag Name is set by cluster itself, to <cluster>-<group>."
	case n > maxTagKey:
		return fmt.Sprintf("The key %s has %d characters; at most %d are allowed.", quote(key), n, maxTagKey)
	case key == "." || key == ".." || key == "_index":
		return fmt.Sprintf("The key %q has a meaning of its own in instance metadata, where nodes read their tags.", key)
	}
	if c := otherTagChars.FindString(key); c != "" {
		return fmt.Sprintf("The key %s has the character %q. Nodes read their tags from instance metadata, which allows letters, digits and + - = . , _ : @ in keys.", quote(key), c)
	}
	return ""
}

// keyRanges are the places of the keys of an object that is written out. A key that stands
// there twice is reported: HCL would silently take the last.
func (a *args) keyRanges(name string) map[string]hcl.Range {
	places := map[string]hcl.Range{}
	pairs, diags := hcl.ExprMap(a.attrs[name].Expr)
	if diags.HasErrors() {
		return places
	}
	for _, p := range pairs {
		k, diags := p.Key.Value(nil)
		if diags.HasErrors() || !k.IsKnown() || k.IsNull() || k.Type() != cty.String {
			continue
		}
		key, at := k.AsString(), p.Key.Range()
		if before, ok := places[key]; ok {
			a.l.errorf(at, "Tag given twice", "There is a tag %s at %s already.", quote(key), position(before))
			continue
		}
		places[key] = at
	}
	return places
}

// tagMap is the tags as a map; nil if there is none. Later ones win.
func tagMap(tags ...[]tag) map[string]string {
	var m map[string]string
	for _, ts := range tags {
		for _, t := range ts {
			if m == nil {
				m = map[string]string{}
			}
			m[t.key] = t.value
		}
	}
	return m
}
