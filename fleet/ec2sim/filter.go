package ec2sim

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A filter's name mostly is the way to a value in the answer: metadata-options.http-tokens is
// MetadataOptions.HttpTokens, and lists are looked into. The names that are documented for an action are in
// names.go, and filterPaths has the ways of those that are called something else.

const (
	maxFilterValues = 200
	maxFilterLength = 255
)

// steps leads from a struct to a value: indexes of fields, one more struct deep each.
type steps [][]int

type filterKey struct{ action, name string }

var compiled sync.Map // filterKey → steps

// filtered returns the items that every filter lets through. Values of one filter are alternatives.
func filtered[T any](w *world, items []T, filters []types.Filter) ([]T, error) {
	count := 0
	for _, f := range filters {
		count += len(f.Values)
		if slices.ContainsFunc(f.Values, func(s string) bool { return len(s) > maxFilterLength }) {
			return nil, fail("FilterLimitExceeded", "The maximum length for a filter value is %d characters.", maxFilterLength)
		}
	}
	if count > maxFilterValues {
		return nil, fail("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
	}
	for _, f := range filters {
		values, err := accessor(w.call.Action, reflect.TypeFor[T](), value(f.Name))
		if err != nil {
			return nil, err
		}
		if len(f.Values) == 0 {
			return nil, fail("InvalidParameterValue", "The filter '%s' has no values", value(f.Name))
		}
		items = slices.DeleteFunc(items, func(item T) bool {
			return !slices.ContainsFunc(values(reflect.ValueOf(item)), func(have string) bool {
				return slices.ContainsFunc(f.Values, func(want string) bool { return wildcard(want, have) })
			})
		})
	}
	return items, nil
}

// accessor is what a filter of an action looks at in an item.
func accessor(action string, t reflect.Type, name string) (func(reflect.Value) []string, error) {
	documented := documentedFilters[action]
	if key, ok := strings.CutPrefix(name, "tag:"); ok && (slices.Contains(documented, "tag-key") || action == "DescribeTags") {
		return func(v reflect.Value) []string { return tagValues(v, key) }, nil
	}
	if !slices.Contains(documented, name) {
		return nil, fail("InvalidParameterValue", "The filter '%s' is invalid", name)
	}
	if s, ok := compiled.Load(filterKey{action, name}); ok {
		return s.(steps).values, nil
	}
	s, err := compile(t, filterPath(action, name))
	if err != nil {
		return nil, fail("InternalError", "The filter '%s' of %s leads nowhere: %v", name, action, err)
	}
	compiled.Store(filterKey{action, name}, s)
	return s.values, nil
}

func filterPath(action, name string) string {
	if p, ok := filterPaths[action+" "+name]; ok {
		return p
	}
	if name == "tag-key" {
		return "tags.key"
	}
	for prefix, path := range filterPrefixes[action] {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return path + rest
		}
	}
	return name
}

// compile finds the fields that a path names, whatever its case, hyphens and plurals. An empty path leads
// to nothing: the documentation has the filter, and nothing in this region ever has a value for it.
func compile(t reflect.Type, path string) (steps, error) {
	var s steps
	if path == "" {
		return nil, nil
	}
	for segment := range strings.SplitSeq(path, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return nil, fmt.Errorf("%s is not in a struct", segment)
		}
		want := strings.ToLower(strings.ReplaceAll(segment, "-", ""))
		i := slices.IndexFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
			return f.IsExported() && slices.Contains([]string{want, want + "s", want + "es", want + "set"}, strings.ToLower(f.Name))
		})
		if i < 0 {
			return nil, fmt.Errorf("%s has no %s", t.Name(), segment)
		}
		f := reflect.VisibleFields(t)[i]
		s, t = append(s, f.Index), f.Type
	}
	return s, nil
}

// values collects what the steps lead to, as a filter spells it.
func (s steps) values(v reflect.Value) []string {
	if s == nil {
		return nil
	}
	var all []string
	var walk func(v reflect.Value, s steps)
	walk = func(v reflect.Value, s steps) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), s)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), s)
			}
		default:
			if len(s) > 0 {
				walk(v.FieldByIndex(s[0]), s[1:])
			} else if text := spell(v); text != "" {
				all = append(all, text)
			}
		}
	}
	walk(v, s)
	return all
}

func spell(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return stamp(t)
		}
	}
	return v.String()
}

func tagValues(v reflect.Value, key string) []string {
	v = reflect.Indirect(v)
	if t, ok := v.Interface().(types.TagDescription); ok {
		if value(t.Key) == key {
			return []string{value(t.Value)}
		}
		return nil
	}
	tags, _ := v.FieldByName("Tags").Interface().([]types.Tag)
	for _, t := range tags {
		if value(t.Key) == key {
			return []string{value(t.Value)}
		}
	}
	return nil
}

// wildcard matches a filter's value: * is any text, ? any one character, and \ takes away what the next
// character means.
func wildcard(pattern, text string) bool {
	for pattern != "" {
		switch c := pattern[0]; {
		case c == '*':
			for i := range len(text) + 1 {
				if wildcard(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case text == "":
			return false
		case c == '?':
			_, size := utf8.DecodeRuneInString(text)
			pattern, text = pattern[1:], text[size:]
			continue
		case c == '\\' && len(pattern) > 1:
			pattern = pattern[1:]
		}
		if pattern[0] != text[0] {
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}
