package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

const (
	// maxCount is far above what one account is granted; it is there for slips of the pen.
	maxCount = 100_000
	// defaultTimeout is how long a launch waits unless the file says otherwise.
	defaultTimeout = 15 * time.Minute
)

// A groupBody is a group block while it is read and checked.
type groupBody struct {
	*loader
	g       Group
	a       *args
	types   []text
	countOK bool
}

// group decodes and checks one group block.
func (cb *clusterBody) group(b *hcl.Block) Group {
	l := cb.l
	l.checkHostName("group", b.Labels[0], b.LabelRanges[0], maxGroupName)
	a, content := l.open(b, b.Body, groupBlock)
	x := &groupBody{loader: l, a: a}
	g := &x.g
	g.Name, g.Source = b.Labels[0], a.src

	x.count()
	x.instanceTypes()
	g.Placement = Placement(oneOfOr(a, "placement", string(PlacementNone),
		string(PlacementCluster), string(PlacementSpread), string(PlacementPartition), string(PlacementNone)))
	g.Market = Market(oneOfOr(a, "market", string(OnDemand), string(OnDemand), string(Spot)))
	x.fallback()
	g.EFA, _ = a.flag("efa")
	g.SlotsPer = SlotsPer(oneOfOr(a, "slots_per", "", string(SlotCore), string(SlotThread)))
	g.TTL = cb.ttl
	if d, ok := l.duration(a, "ttl"); ok {
		g.TTL = d
	}
	g.SetHostname = cb.naming
	if is, ok := a.flag("set_hostname"); ok {
		g.SetHostname = is
	}
	g.Mounts = l.mounts(content, cb.mounts)
	x.checkOwnMounts(content)
	x.userData()
	g.InstanceProfile = l.instanceProfile(a)

	g.Subnets, g.SecurityGroups, g.KeyName = cb.network.Subnets, cb.network.SecurityGroups, cb.network.KeyName
	if a.has("subnets") {
		g.Subnets = l.ids(a, "subnets", "subnet")
	}
	if a.has("security_groups") {
		g.SecurityGroups = l.ids(a, "security_groups", "sg")
	}
	x.groupTags(cb.tags)
	x.groupImage(content, cb.image, cb.a)
	g.RootVolume.Source.Block = b.DefRange
	if b := l.one(content, rootVolumeBlock); b != nil {
		g.RootVolume = l.rootVolume(b)
	}
	g.Capacity.Source.Block = b.DefRange
	if b := l.one(content, capacityBlock); b != nil {
		x.capacity(b)
	}
	x.launch(l.one(content, launchBlock))
	x.ready(content.Blocks.OfType(readyBlock.name))
	if b := l.one(content, slurmBlock); b != nil {
		x.slurm(b)
	}
	pace := cb.update
	if b := l.one(content, updateBlock); b != nil {
		pace = l.update(b, pace)
	}
	g.Update = pace.of(g.Count)
	x.checkBuying()
	x.checkBurst()
	x.checkPlacement()
	return x.g
}

// oneOfOr is oneOf with a value for an argument that is not set.
func oneOfOr(a *args, name, otherwise string, words ...string) string {
	if w, ok := a.oneOf(name, words...); ok {
		return w
	}
	return otherwise
}

func (x *groupBody) count() {
	if !x.a.has("count") {
		x.g.Count, x.countOK = 1, true
		return
	}
	x.g.Count, x.countOK = x.a.whole("count", maxCount)
}

var typeForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*$`)

func (x *groupBody) instanceTypes() {
	a := x.a
	one, many := a.has("instance_type"), a.has("instance_types")
	switch {
	case one && many:
		x.errorf(a.attrs["instance_types"].Range, "Both instance_type and instance_types",
			"A group has one instance_type, or instance_types, which are tried in order. Put them into one list.")
	case !one && !many:
		a.missing("No instance type", `Group %q has no instance type. Add instance_type = "c7i.xlarge", or instance_types with several to try in order.`, x.g.Name)
	}
	if t, ok := a.text("instance_type"); ok {
		x.types = append(x.types, t)
	}
	if v, ok := a.plain("instance_types"); ok && v.CanIterateElements() && v.LengthInt() == 0 {
		x.errorf(a.at("instance_types"), "No instance type", "The list of instance_types is empty.")
	}
	if many {
		x.types = append(x.types, a.texts("instance_types")...)
	}
	for _, t := range x.types {
		x.checkType(t)
	}
	x.g.InstanceTypes = values(x.types)
}

// checkType checks the form of an instance type; whether EC2 offers it is EC2's to say.
func (l *loader) checkType(t text) {
	if typeForm.MatchString(t.string) {
		return
	}
	hint := ` It is a family and a size, such as "c7i.xlarge".`
	fixed := strings.ReplaceAll(lower(strings.TrimSpace(t.string)), "_", ".")
	if typeForm.MatchString(fixed) {
		hint = fmt.Sprintf(" Did you mean %q?", fixed)
	}
	l.errorf(t.at, "Malformed instance type", "%s is not an instance type.%s", quote(t.string), hint)
}

var profileForm = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)

func (l *loader) instanceProfile(a *args) string {
	t, ok := a.text("instance_profile")
	if !ok || profileForm.MatchString(t.string) {
		return t.string
	}
	if strings.HasPrefix(t.string, "arn:") {
		name := t.string[strings.LastIndexAny(t.string, "/:")+1:]
		l.errorf(t.at, "Invalid instance_profile", "The profile is given by its name, not by its ARN: %s.", quote(name))
		return ""
	}
	l.errorf(t.at, "Invalid instance_profile", "%s is not the name of an instance profile: letters, digits and + = , . @ _ -, at most 128.", quote(t.string))
	return ""
}

func (x *groupBody) groupTags(outer []tag) {
	own := x.tags(x.a)
	x.g.Tags = tagMap(outer, own)
	if len(x.g.Tags) > maxTags && len(own) <= maxTags && len(outer) <= maxTags {
		x.errorf(x.a.at("tags"), "Too many tags", "With those of the cluster, group %q has %d tags. EC2 allows 50, of which cluster uses %d: %d are left.",
			x.g.Name, len(x.g.Tags), ownTags, maxTags)
	}
}

func (x *groupBody) groupImage(content *hcl.BodyContent, outer *Image, outerArgs *args) {
	switch b := x.one(content, imageBlock); {
	case b != nil:
		x.g.Image = *x.image(b, imageBlock)
	case outer != nil:
		x.g.Image = *outer
	default:
		x.a.misshapen = x.a.misshapen || outerArgs.misshapen
		x.a.missing("No image", `Neither group %q nor the cluster has an image block. Add image { id = "ami-…" } to one of them.`, x.g.Name)
	}
}

// burstable are the families that EC2 does not place in cluster placement groups.
var burstable = []string{"t2", "t3", "t3a", "t4g"}

// maxSpread is how many nodes of a spread placement group fit into one zone.
const maxSpread = 7

// checkPlacement checks what the arguments of a group mean together.
func (x *groupBody) checkPlacement() {
	g := &x.g
	if g.EFA && len(g.Subnets) == 0 && !x.a.has("subnets") {
		x.errorf(x.a.at("efa"), "EFA without a subnet", "EFA works between nodes in one subnet, so the group needs to know which: add subnets to the network block or to group %q.", g.Name)
	}
	if (g.Placement == PlacementCluster || g.EFA) && g.Launch.Subnets == SubnetsAll && len(g.Subnets) > 1 {
		why := `A cluster placement group lies in one zone`
		if g.Placement != PlacementCluster {
			why = "EFA works within one subnet"
		}
		x.errorf(g.Launch.Source.At("subnets"), "One group in several subnets",
			`%s, and subnets = "all" spreads the group over %d subnets. Write "first": the whole group in the first subnet that has room.`, why, len(g.Subnets))
	}
	if g.Placement == PlacementCluster {
		for _, t := range x.types {
			family, _, _ := strings.Cut(t.string, ".")
			if slices.Contains(burstable, family) {
				x.errorf(t.at, "Burstable type in a cluster placement group",
					`EC2 does not put burstable types into cluster placement groups, and %s is one. Take another type, or placement = "none".`, quote(t.string))
			}
		}
	}
	x.checkSpread()
}

func (x *groupBody) checkSpread() {
	g := &x.g
	zones := 1
	if g.Launch.Subnets == SubnetsAll {
		zones = len(g.Subnets)
	}
	if g.Placement != PlacementSpread || !x.countOK || zones == 0 || g.Count <= maxSpread*zones {
		return
	}
	where := "the one subnet that the group is launched in"
	remedy := `Write subnets = "all" in the launch block to use every subnet, or take placement = "partition", which has no such limit.`
	if g.Launch.Subnets == SubnetsAll {
		where = plural(zones, "subnet")
		remedy = `Add subnets, or take placement = "partition", which has no such limit.`
	}
	x.errorf(x.a.at("count"), "Too many nodes to spread", "Spread placement takes at most %d nodes in a zone, and a subnet lies in one zone: %d nodes do not fit into %s. %s",
		maxSpread, g.Count, where, remedy)
}
