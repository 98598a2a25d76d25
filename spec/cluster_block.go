package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"
)

// The lengths of names. A group's name is the start of its nodes' host names,
// <group>-<slot>, which DNS allows 63 characters.
const (
	maxClusterName = 63
	maxGroupName   = 40
)

// A clusterBody is a cluster block while it is read: its groups fall back on what it says.
type clusterBody struct {
	l       *loader
	a       *args
	image   *Image // nil: there is no image block
	tags    []tag
	network Network
	ttl     time.Duration
	update  *pace // nil: there is no update block
	mounts  []Mount
	naming  bool
}

// cluster decodes one cluster block. The result is of use only if nothing was reported.
func (l *loader) cluster(b *hcl.Block) *Cluster {
	l.checkHostName("cluster", b.Labels[0], b.LabelRanges[0], maxClusterName)
	body := dynblock.Expand(b.Body, l.ctx, dynblock.OptCheckForEach(l.checkForEach))
	a, content := l.open(b, body, clusterBlock)
	c := &Cluster{Name: b.Labels[0], Source: a.src}
	c.Region = l.region(a)
	cb := &clusterBody{l: l, a: a, tags: l.tags(a)}
	c.Tags = tagMap(cb.tags)
	cb.ttl, _ = l.duration(a, "ttl")
	cb.naming, _ = a.flag("set_hostname")
	cb.mounts = l.mounts(content, nil)
	if b := l.one(content, imageBlock); b != nil {
		cb.image = l.image(b, imageBlock)
	}
	cb.network.Source.Block = b.DefRange
	if b := l.one(content, networkBlock); b != nil {
		cb.network = l.network(b)
	}
	c.Network = cb.network
	if b := l.one(content, updateBlock); b != nil {
		cb.update = l.update(b, nil)
	}
	blocks := content.Blocks.OfType("group")
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		if before, ok := seen[b.Labels[0]]; ok {
			l.errorf(b.LabelRanges[0], "Duplicate group", "There is a group %q at %s already. Group names are unique in a cluster.",
				b.Labels[0], position(before))
		} else {
			seen[b.Labels[0]] = b.LabelRanges[0]
		}
		c.Groups = append(c.Groups, cb.group(b))
	}
	l.checkServers(c, cb.mounts)
	if b := l.one(content, sshBlock); b != nil {
		c.SSH = l.ssh(b, c)
	}
	if len(blocks) == 0 && !l.diags.HasErrors() {
		l.warnf(b.DefRange, "Cluster without a group", "The cluster has no group, so there is nothing to launch, and whatever runs of it would be terminated.")
	}
	return c
}

// checkForEach refuses collections that dynamic blocks cannot be made from.
func (l *loader) checkForEach(v cty.Value, expr hcl.Expression, _ *hcl.EvalContext) hcl.Diagnostics {
	at := expr.Range()
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Subject: &at}
	switch {
	case v.ContainsMarked():
		d.Summary = "Sensitive value not allowed"
		d.Detail = "The collection of for_each is sensitive, and the blocks made from it would show it."
	case !v.IsWhollyKnown():
		d.Summary, d.Detail, d.Extra = "Value not known", "This collection depends on something that has an error of its own.", consequence{}
	default:
		return nil
	}
	return hcl.Diagnostics{d}
}

// one is the block of a type that may stand once; nil if there is none.
func (l *loader) one(content *hcl.BodyContent, t *blockType) *hcl.Block {
	blocks := content.Blocks.OfType(t.name)
	if len(blocks) == 0 {
		return nil
	}
	for _, b := range blocks[1:] {
		l.errorf(b.DefRange, fmt.Sprintf("Second %s block", t.name), "There is one %s block already, at %s. Only one is allowed here.",
			t.name, position(blocks[0].DefRange))
	}
	return blocks[0]
}

var hostName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// checkHostName checks a name that becomes part of host names and tags.
func (l *loader) checkHostName(what, name string, at hcl.Range, most int) {
	switch {
	case name == "":
		l.errorf(at, "Empty name", "The %s has an empty name.", what)
	case !hostName.MatchString(name):
		hint := ""
		if s := hostNameLike(name); s != "" {
			hint = fmt.Sprintf(" Did you mean %q?", s)
		}
		l.errorf(at, "Invalid name", "The name of a %s becomes part of host names: a lower-case letter first, then lower-case letters, digits and hyphens. %s is not such a name.%s",
			what, quote(name), hint)
	case len(name) > most:
		l.errorf(at, "Name too long", "The name of a %s has at most %d characters, because it becomes part of host names; this one has %d.", what, most, len(name))
	}
}

var notHostName = regexp.MustCompile(`[^a-z0-9]+`)

// hostNameLike is the host name that a name with capitals, spaces or underscores stands for;
// empty for other names.
func hostNameLike(name string) string {
	s := strings.Trim(notHostName.ReplaceAllString(lower(name), "-"), "-")
	if !hostName.MatchString(s) || len(s) > maxGroupName || strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f }) {
		return ""
	}
	return s
}

var (
	regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	zoneForm   = regexp.MustCompile(`^([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})[a-z]$`)
)

// regions are names for suggestions only; EC2 has more, and new ones every year.
var regions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
	"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
	"ap-south-1", "ap-south-2", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
	"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "af-south-1", "me-south-1", "me-central-1", "il-central-1",
	"us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1",
}

func (l *loader) region(a *args) string {
	t, ok := a.text("region")
	if !ok {
		return ""
	}
	if p := RegionProblem(t.string); zoneForm.MatchString(t.string) {
		l.errorf(t.at, "Invalid region", "%s The zone of a node is that of its subnet.", p)
	} else if p != "" {
		l.errorf(t.at, "Invalid region", "%s", p)
	}
	return t.string
}

// directions are the words in the middle of the names of regions.
var directions = []string{"east", "west", "north", "south", "central", "northeast", "northwest", "southeast", "southwest"}

// RegionProblem says why a word cannot be the name of a region, as a sentence; empty if it can.
func RegionProblem(name string) string {
	if m := zoneForm.FindStringSubmatch(name); m != nil {
		return fmt.Sprintf("%q is a zone; its region is %q.", name, m[1])
	}
	if p := regionProblem(name); p != "" {
		return fmt.Sprintf("%s is not the name of a region.%s", quote(name), p)
	}
	return ""
}

// regionProblem finds what cannot be the name of a region, now or later, and says what may
// have been meant.
func regionProblem(name string) string {
	if !regionForm.MatchString(name) {
		if hint := didYouMean(name, regions); hint != "" {
			return hint
		}
		return ` Regions look like "us-east-1".`
	}
	for word := range strings.SplitSeq(name, "-") {
		if near, ok := closest(word, directions); ok && len(word) > 3 && !slices.Contains(directions, word) {
			return fmt.Sprintf(" Did you mean %q?", strings.Replace(name, word, near, 1))
		}
	}
	return ""
}

func (l *loader) network(b *hcl.Block) Network {
	a, _ := l.open(b, b.Body, networkBlock)
	n := Network{Source: a.src}
	n.Subnets = l.ids(a, "subnets", "subnet")
	n.SecurityGroups = l.ids(a, "security_groups", "sg")
	if t, ok := a.text("key_name"); ok {
		n.KeyName = t.string
		if len(t.string) > 255 {
			l.errorf(t.at, "Invalid key_name", "The name of a key pair has at most 255 characters; this one has %d.", len(t.string))
		}
	}
	return n
}
