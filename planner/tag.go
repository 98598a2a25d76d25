package planner

import (
	"maps"
	"slices"
	"strings"
)

// The tags that are the cluster's memory. The launch call writes them; nothing rewrites them.
const (
	TagName  = "cluster:name"  // the cluster
	TagGroup = "cluster:group" // the group
	TagSlots = "cluster:slots" // the slots of the call, folded
	TagSpec  = "cluster:spec"  // the Fingerprint

	TagImageFamily  = "cluster:image-family"
	TagImageVersion = "cluster:image-version"
	TagImageChannel = "cluster:image-channel"
)

// ours says that a tag belongs to the machinery, the program's or Amazon's, and not to the file.
func ours(key string) bool {
	return key == "Name" || strings.HasPrefix(key, "cluster:") || strings.HasPrefix(key, "aws:")
}

// userKeys are the keys of the file's own tags, sorted.
func userKeys(tags map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(tags)), ours)
}

// missingTags are those of want that have lacks or has with another value; nil if there are
// none. Tags that somebody else put on an instance are left alone.
func missingTags(keys []string, want, have map[string]string) map[string]string {
	var missing map[string]string
	for _, k := range keys {
		if v, ok := have[k]; ok && v == want[k] {
			continue
		}
		if missing == nil {
			missing = map[string]string{}
		}
		missing[k] = want[k]
	}
	return missing
}
