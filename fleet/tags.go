package fleet

import (
	"maps"
	"slices"
	"strconv"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// The tags that are this program's memory. The launch call itself writes all but the last.
const (
	tagName  = planner.TagName
	tagGroup = planner.TagGroup
	tagSlots = planner.TagSlots // of the launch call; a node's slot is the AmiLaunchIndex-th
	tagSpec  = planner.TagSpec
	tagSlot  = "cluster:slot" // a node's own slot, only where EC2 gave a call's instances equal indexes
)

// ToTags is sorted by key, so that equal tags make equal requests and equal client tokens.
func ToTags(m map[string]string) []types.Tag {
	tags := make([]types.Tag, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		tags = append(tags, types.Tag{Key: new(k), Value: new(m[k])})
	}
	return tags
}

// FromTags is what ToTags was made from.
func FromTags(tags []types.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[value(t.Key)] = value(t.Value)
	}
	return m
}

// slotOf works out a node's slot: its own tag if it has one, else the launch index's place in the
// slots of its call. It is -1 if the tags do not tell. size is the number of slots in the call.
func slotOf(tags map[string]string, index int) (slot, size int) {
	slots, err := planner.ParseSlots(tags[tagSlots])
	if err != nil {
		slots = nil
	}
	if own, ok := tags[tagSlot]; ok {
		if n, err := strconv.Atoi(own); err == nil && n >= 0 {
			return n, len(slots)
		}
		return -1, len(slots)
	}
	if index < 0 || index >= len(slots) {
		return -1, len(slots)
	}
	return slots[index], len(slots)
}

// NodeOf is the name of the node that an instance with these tags is, index being its number in the call that
// launched it. An instance that is no node of a cluster has none.
func NodeOf(tags map[string]string, index int) (name string, ok bool) {
	slot, _ := slotOf(tags, index)
	return planner.NodeName(tags[tagGroup], slot), tags[tagGroup] != "" && slot >= 0
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
