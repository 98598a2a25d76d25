package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cluster/spec"
)

// The tags that are the cluster's memory. The launch call writes them; nothing rewrites them.
const (
	TagName   = "cluster:name"   // the cluster
	TagGroup  = "cluster:group"  // the group
	TagSlots  = "cluster:slots"  // the slots of the call, folded
	TagSpec   = "cluster:spec"   // the Fingerprint
	TagOwner  = "cluster:owner"  // the principal that launched the node
	TagServer = "cluster:server" // ADDRESS/INSTANCE of the node that serves volumes to this one, see ServerTag
	TagTTL    = "cluster:ttl"    // how long the node lives from its launch on, as "8h0m0s"; it may change

	TagImageFamily  = "cluster:image-family"
	TagImageVersion = "cluster:image-version"
	TagImageParent  = "cluster:image-parent"  // the id of the image that it was made from
	TagImageFrom    = "cluster:image-from"    // the instance that it was captured from
	TagImageSource  = "cluster:image-source"  // hash of what it was built from
	TagImageCopyOf  = "cluster:image-copy-of" // on a copy: REGION/ami-…, where it comes from
	TagImageRevoked = "cluster:image-revoked" // see Revocation; nothing new is launched from it
	TagImageTested  = "cluster:image-tested"  // what an instance of it was launched on that came up well
	TagImageContent = "cluster:image-content" // what was installed when it was made
	TagImageChannel = "cluster:image-channel" // of older images: the channel; TagPromotion is what is written

	// On instances, while an image is made.
	TagCapturing  = "cluster:image-capturing"   // FAMILY/VERSION: a capture has stopped it and will start it again
	TagBuild      = "cluster:image-build"       // FAMILY/VERSION: a build has launched it and will end it
	TagBuildToken = "cluster:image-build-token" // tells that build from others of the version
	TagProbe      = "cluster:image-probe"       // on the instance of a boot test: the id of the image
)

// wantedTags are the tags that the file wants on the nodes of a group and that may change: its
// own, the time to live, the owner of an adopted node, and the address of the node that serves it. A node that had a time to live and
// shall live on gets an empty one.
func (d *differ) wantedTags(g *spec.Group, inst *Instance) map[string]string {
	ttl, owner := TTLTag(g.TTL), inst.Tags[TagOwner]
	if d.have.Adopt && d.have.Principal != "" {
		owner = d.have.Principal
	}
	server := inst.Tags[TagServer]
	if g.Server() != "" && d.server != "" {
		server = d.server
	}
	if inst.Tags[TagTTL] == ttl && inst.Tags[TagOwner] == owner && inst.Tags[TagServer] == server {
		return g.Tags
	}
	tags := maps.Clone(g.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[TagTTL], tags[TagOwner], tags[TagServer] = ttl, owner, server
	return tags
}

// strangers blocks a plan for a cluster of the same name that somebody else launched.
func (d *differ) strangers(groups []*group) {
	if d.have.Principal == "" || d.have.Adopt {
		return
	}
	owners := map[string]int{}
	for _, g := range groups {
		for _, inst := range g.live {
			if owner := inst.Tags[TagOwner]; owner != "" && owner != d.have.Principal {
				owners[owner]++
			}
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(owners)) {
		d.block("", d.want.Source.Block, "Somebody else's cluster", fmt.Sprintf(
			"%s launched in cluster %q by %s, and you are %s. Give yours another name, or go on with theirs: --adopt.",
			plural(owners[owner], "node", "nodes")+map[bool]string{true: " was", false: " were"}[owners[owner] == 1], d.want.Name, owner, d.have.Principal))
	}
}

// TTLTag is the value of TagTTL, always with hours, minutes and seconds, because a shell script
// reads it on the node; empty for no time to live.
func TTLTag(ttl time.Duration) string {
	if ttl <= 0 {
		return ""
	}
	s := int(ttl.Seconds())
	return fmt.Sprintf("%dh%dm%ds", s/3600, s/60%60, s%60)
}

// Expires is when an instance ends itself, by its tags; ok is false if it does not.
func (i Instance) Expires() (at time.Time, ok bool) {
	ttl, err := time.ParseDuration(i.Tags[TagTTL])
	if err != nil || ttl <= 0 {
		return time.Time{}, false
	}
	return i.Launched.Add(ttl), true
}

// ours says that a tag belongs to the machinery, the program's or Amazon's, and not to the file.
func ours(key string) bool {
	return key == "Name" || strings.HasPrefix(key, "cluster:") || strings.HasPrefix(key, "aws:")
}

// userKeys are the keys of the file's own tags, sorted.
func userKeys(tags map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(tags)), ours)
}

// missingTags are those of want, with these keys, TagOwner, TagServer or TagTTL, that have lacks or has with another
// value; nil if there are none. Tags that somebody else put on an instance are left alone.
func missingTags(keys []string, want, have map[string]string) map[string]string {
	var missing map[string]string
	for _, k := range []string{TagOwner, TagServer, TagTTL} {
		if v, ok := want[k]; ok && v != have[k] {
			if missing == nil {
				missing = map[string]string{}
			}
			missing[k] = v
		}
	}
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
