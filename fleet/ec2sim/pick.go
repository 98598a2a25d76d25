package ec2sim

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// pick returns the resources with the ids, or all of them by their ids' order if there are none. One id
// that is malformed, unknown or not to be seen fails the whole call. A nil seen shows everything.
func pick[T any](m map[string]*T, ids []string, k kind, seen func(*T) bool) ([]*T, error) {
	if len(ids) == 0 {
		var all []*T
		for _, id := range slices.Sorted(maps.Keys(m)) {
			if seen == nil || seen(m[id]) {
				all = append(all, m[id])
			}
		}
		return all, nil
	}
	for _, id := range ids {
		if err := k.check(id); err != nil {
			return nil, err
		}
	}
	var found []*T
	var missing []string
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if t := m[id]; t != nil && (seen == nil || seen(t)) {
			found = append(found, t)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, k.absent(missing...)
	}
	return found, nil
}

func deref[T any](all []*T) []T {
	out := make([]T, len(all))
	for i, p := range all {
		out[i] = *p
	}
	return out
}

// byAge are instances in the order in which they were made.
func byAge(m map[string]*instance) []*instance {
	return slices.SortedFunc(maps.Values(m), func(a, b *instance) int { return cmp.Compare(a.Seq, b.Seq) })
}

// blank tells whether nothing in a struct is set.
func blank[T any](v T) bool { return reflect.ValueOf(v).IsZero() }
