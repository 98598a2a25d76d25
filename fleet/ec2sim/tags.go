package ec2sim

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// taggable is every kind of resource that has tags, by the prefix of its ids.
var taggable = []kind{instanceKind, imageKind, subnetKind, groupKind, volumeKind, snapshotKind, vpcKind, keyKind, placeKind, bookingKind, templateKind}

// kindOf tells what an id is the id of.
func kindOf(id string) (kind, bool) {
	prefix, _, _ := strings.Cut(id, "-")
	i := slices.IndexFunc(taggable, func(k kind) bool { return k.prefix == prefix+"-" })
	if i < 0 {
		return kind{}, false
	}
	return taggable[i], true
}

// tagsOf are the tags of a resource: its own since somebody changed them, and before that its launch's.
func (w *world) tagsOf(id string) map[string]string {
	if t, ok := w.Tags[id]; ok {
		return t
	}
	if i := w.Instances[id]; i != nil {
		return w.Launches[i.Launch].Tags["instance"]
	}
	if v := w.Volumes[id]; v != nil {
		return w.Launches[v.Launch].Tags["volume"]
	}
	return nil
}

// tags are a resource's tags as an answer has them.
func (w *world) tags(id string) []types.Tag { return tagList(w.tagsOf(id)) }

func tagList(m map[string]string) []types.Tag {
	var all []types.Tag
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, types.Tag{Key: new(k), Value: new(m[k])})
	}
	return all
}

// checkTags refuses tags that EC2 does not take. metadata: they will be seen in instance metadata, which
// has fewer characters for keys.
func checkTags(tags []types.Tag, metadata bool) error {
	seen := map[string]bool{}
	for _, t := range tags {
		k, v := value(t.Key), value(t.Value)
		switch {
		case k == "":
			return fail("InvalidParameterValue", "Tag key cannot be empty.")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return fail("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(k) > maxTagKey:
			return fail("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(v) > maxTagValue:
			return fail("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", maxTagValue)
		case seen[k]:
			return fail("InvalidParameterValue", "Duplicate tag key '%s' specified.", k)
		case metadata && !metadataKey(k):
			return fail("InvalidParameterValue", "'%s' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index')", k)
		}
		seen[k] = true
	}
	if len(tags) > maxTags {
		return fail("TagLimitExceeded", "More than %d tags specified", maxTags)
	}
	return nil
}

func metadataKey(k string) bool {
	if k == "." || k == ".." || k == "_index" {
		return false
	}
	return strings.IndexFunc(k, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_+=,.@:", r))
	}) < 0
}

// resources finds out what ids to tag are, all of them before anything is tagged.
func (w *world) resources(ids []string) error {
	for _, id := range ids {
		k, ok := kindOf(id)
		if !ok {
			return fail("InvalidID", "The ID '%s' is not valid", id)
		}
		if err := k.check(id); err != nil {
			return err
		}
		if !w.exists(id) {
			return k.absent(id)
		}
	}
	return nil
}

func (w *world) exists(id string) bool {
	switch k, _ := kindOf(id); k {
	case instanceKind:
		i := w.Instances[id]
		return i != nil && w.visible(i)
	case imageKind:
		return w.Images[id] != nil && w.Images[id].Gone.IsZero() && w.mine(w.Images[id])
	case volumeKind:
		v := w.Volumes[id]
		return v != nil && w.volumeVisible(v)
	case subnetKind:
		return w.Subnets[id] != nil
	case groupKind:
		return w.Firewalls[id] != nil
	case snapshotKind:
		return w.Snapshots[id] != nil && w.readable(w.Snapshots[id])
	case vpcKind:
		return id == IDIn(w.Name, VPC)
	case keyKind:
		return slices.ContainsFunc(slices.Collect(maps.Values(w.Keys)), func(p *types.KeyPairInfo) bool { return *p.KeyPairId == id })
	case templateKind:
		return w.Templates[id] != nil
	case bookingKind:
		return w.Bookings[id] != nil
	case placeKind:
		return slices.ContainsFunc(slices.Collect(maps.Values(w.Groups)), func(g *types.PlacementGroup) bool { return *g.GroupId == id })
	}
	return false
}

func (w *world) createTags(in *ec2.CreateTagsInput) (*ec2.CreateTagsOutput, error) {
	if err := checkTags(in.Tags, false); err != nil {
		return nil, err
	}
	if err := w.resources(in.Resources); err != nil {
		return nil, err
	}
	merged := map[string]map[string]string{}
	for _, id := range in.Resources {
		if i := w.Instances[id]; i != nil && w.metadataTags(i) {
			if err := checkTags(in.Tags, true); err != nil {
				return nil, err
			}
		}
		m := maps.Clone(w.tagsOf(id))
		fill(&m)
		for _, t := range in.Tags {
			m[*t.Key] = value(t.Value)
		}
		if len(m) > maxTags {
			return nil, fail("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
		}
		merged[id] = m
	}
	maps.Copy(w.Tags, merged)
	w.retime(in.Resources)
	return &ec2.CreateTagsOutput{}, nil
}

func (w *world) deleteTags(in *ec2.DeleteTagsInput) (*ec2.DeleteTagsOutput, error) {
	if err := w.resources(in.Resources); err != nil {
		return nil, err
	}
	for _, id := range in.Resources {
		m := maps.Clone(w.tagsOf(id))
		fill(&m)
		if len(in.Tags) == 0 {
			clear(m)
		}
		for _, t := range in.Tags {
			// A tag that is named with a value goes only if it has that value.
			if t.Value == nil || m[value(t.Key)] == *t.Value {
				delete(m, value(t.Key))
			}
		}
		w.Tags[id] = m
	}
	w.retime(in.Resources)
	return &ec2.DeleteTagsOutput{}, nil
}

func (w *world) describeTags(in *ec2.DescribeTagsInput) (*ec2.DescribeTagsOutput, error) {
	ids := slices.Concat(slices.Collect(maps.Keys(w.Instances)), slices.Collect(maps.Keys(w.Volumes)), slices.Collect(maps.Keys(w.Tags)))
	slices.Sort(ids)
	var all []*types.TagDescription
	for _, id := range slices.Compact(ids) {
		if !w.exists(id) {
			continue
		}
		k, _ := kindOf(id)
		for _, t := range w.tags(id) {
			all = append(all, &types.TagDescription{ResourceId: new(id), ResourceType: types.ResourceType(k.noun), Key: t.Key, Value: t.Value})
		}
	}
	all, err := filtered(w, all, in.Filters)
	if err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000}
	all, next, err := paged(w, all, p, func(t *types.TagDescription) []string { return []string{*t.ResourceId, *t.Key} })
	return &ec2.DescribeTagsOutput{Tags: deref(all), NextToken: next}, err
}

// tagSpecifications checks and sorts the tags of a request by the type of what they are for.
func tagSpecifications(specs []types.TagSpecification, metadata bool, allowed ...types.ResourceType) (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	for _, s := range specs {
		t := string(s.ResourceType)
		if t == "" {
			return nil, fail("MissingParameter", "Tag specification must have a resource type")
		}
		if !slices.Contains(allowed, s.ResourceType) {
			return nil, fail("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", t)
		}
		if all[t] != nil {
			return nil, fail("InvalidParameterValue", "Duplicate resource type '%s' specified in tag specifications.", t)
		}
		if len(s.Tags) == 0 {
			return nil, fail("InvalidParameterValue", "Tag specification must have at least one tag")
		}
		if err := checkTags(s.Tags, metadata && s.ResourceType == types.ResourceTypeInstance); err != nil {
			return nil, err
		}
		all[t] = map[string]string{}
		for _, tag := range s.Tags {
			all[t][*tag.Key] = value(tag.Value)
		}
	}
	return all, nil
}
