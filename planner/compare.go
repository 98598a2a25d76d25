package planner

import (
	"fmt"
	"slices"
	"strings"

	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// A comparer compares the instances of one group with what the file says of it. Whatever does
// not depend on the instance is worked out once, so that a node that fits costs no allocation.
type comparer struct {
	d     *differ
	g     *group
	typ   string   // the one type that the group keeps; empty: not settled
	zones []string // of the file's subnets; empty: not known
	tag   string   // the fingerprint of a node launched now
	want  imprint
	seen  map[string]imprint // fingerprints taken apart, by tag
}

func (d *differ) comparer(g *group) *comparer {
	tag := Fingerprint(g.spec, g.image)
	return &comparer{
		d: d, g: g,
		zones: d.around.zones(g.spec.Subnets),
		tag:   tag, want: parsePrint(tag), seen: map[string]imprint{},
	}
}

// faults are all the reasons why the instance cannot stay: in order, that it never came up, its
// image, type, zone or subnet, placement, root volume, user data, market, security groups, key,
// EFA, profile, mounts and host name.
func (c *comparer) faults(inst *Instance) []Reason {
	var faults []Reason
	faults = c.stuck(faults, inst)
	faults = c.image(faults, inst)
	faults = c.instanceType(faults, inst)
	faults = c.subnet(faults, inst)
	faults = c.placement(faults, inst)
	faults = c.rootVolume(faults, inst)
	return c.settings(faults, inst)
}

// stuck is an instance that has been pending for longer than the file waits for a launch: EC2
// has forgotten it.
func (c *comparer) stuck(faults []Reason, inst *Instance) []Reason {
	limit := c.g.spec.Launch.Timeout
	waited := c.d.have.At.Sub(inst.Launched)
	if inst.State != Pending || limit <= 0 || inst.Launched.IsZero() || waited <= limit {
		return faults
	}
	return append(faults, Reason{
		What: "pending", Old: string(Pending), New: string(Running), At: c.g.plan.Source,
		Text: fmt.Sprintf("it is pending for longer than the %s that the launch may take", limit),
	})
}

func (c *comparer) image(faults []Reason, inst *Instance) []Reason {
	if c.g.image.ID == "" || inst.ImageID == c.g.image.ID {
		return faults
	}
	before, after := c.d.named[inst.ImageID], c.g.image
	before.ID = inst.ImageID // one that nobody has seen has nothing else
	at := c.g.spec.Image.Source.At("id", "name", "version", "channel")
	if at.Filename == "" {
		at = c.d.imageAt(c.g.spec)
	}
	r := changed("image", imageText(before), imageText(after), at)
	r.Old, r.New = before.ID, after.ID
	if v := before.Tags[TagImageVersion]; v != "" && sameFamily(before, after) {
		r.Text = fmt.Sprintf("image %s -> %s (%s -> %s)", v, after.Tags[TagImageVersion], before.ID, after.ID)
	}
	return append(faults, r)
}

// sameFamily says that two images are versions of one family.
func sameFamily(a, b Image) bool {
	return a.Tags[TagImageFamily] != "" && a.Tags[TagImageFamily] == b.Tags[TagImageFamily] &&
		a.Tags[TagImageVersion] != "" && b.Tags[TagImageVersion] != ""
}

func (c *comparer) instanceType(faults []Reason, inst *Instance) []Reason {
	at := c.g.spec.Source.At("instance_types", "instance_type")
	switch {
	case !slices.Contains(c.g.spec.InstanceTypes, inst.InstanceType):
		after := c.typ
		if after == "" {
			after = series(c.g.spec.InstanceTypes, "or")
		}
		return append(faults, changed("type", inst.InstanceType, after, at))
	case c.typ != "" && inst.InstanceType != c.typ:
		r := changed("type", inst.InstanceType, c.typ, at)
		r.Text += ", since one type serves the whole group"
		return append(faults, r)
	}
	return faults
}

func (c *comparer) subnet(faults []Reason, inst *Instance) []Reason {
	subnets := c.g.spec.Subnets
	if len(subnets) == 0 || inst.SubnetID == "" || slices.Contains(subnets, inst.SubnetID) {
		return faults
	}
	at := c.d.at(c.g.spec, "subnets")
	if len(c.zones) > 0 && inst.Zone != "" && !slices.Contains(c.zones, inst.Zone) {
		return append(faults, changed("zone", inst.Zone, series(c.zones, "or"), at))
	}
	return append(faults, changed("subnet", inst.SubnetID, series(subnets, "or"), at))
}

func (c *comparer) placement(faults []Reason, inst *Instance) []Reason {
	if inst.PlacementGroup == c.g.placement {
		return faults
	}
	at := c.g.spec.Source.At("placement")
	for _, before := range []spec.Placement{
		spec.PlacementNone, spec.PlacementCluster, spec.PlacementSpread, spec.PlacementPartition,
	} {
		if inst.PlacementGroup == PlacementName(c.d.want.Name, c.g.name, before) {
			return append(faults, changed("placement", string(before), string(strategy(c.g.spec)), at))
		}
	}
	after := c.g.placement
	if after == "" {
		after = "none"
	}
	return append(faults, changed("placement group", inst.PlacementGroup, after, at))
}

func (c *comparer) rootVolume(faults []Reason, inst *Instance) []Reason {
	rv := &c.g.spec.RootVolume
	at := rv.Source.At("size", "type", "encrypted", "iops", "throughput", "kms_key_id")
	if at.Filename == "" {
		at = c.g.spec.Source.Block
	}
	if before, after := c.volumeChange(rv, inst); before != "" {
		faults = append(faults, changed("root volume", before, after, at))
	} else if c.hidden(inst, partVolume) {
		faults = append(faults, altered("root volume", at))
	}
	if !c.d.have.Volumes || inst.ImageID != c.g.image.ID {
		return faults
	}
	// Same image, other bytes: the root volume was swapped after the launch.
	wanted := c.g.image.RootSnapshot
	switch {
	case inst.RootVolumeCopied:
		return append(faults, Reason{
			What: "root volume", Old: "copy", New: wanted, At: c.d.imageAt(c.g.spec),
			Text: "root volume is a copy of another volume",
		})
	case inst.RootSnapshot != "" && wanted != "" && inst.RootSnapshot != wanted:
		return append(faults, changed("root volume", inst.RootSnapshot, wanted, c.d.imageAt(c.g.spec)))
	}
	return faults
}

// volumeChange says how the root volume that was seen differs from what the file sets; both
// are empty if it does not, or if nobody asked.
func (c *comparer) volumeChange(rv *spec.RootVolume, inst *Instance) (before, after string) {
	if !c.d.have.Volumes {
		return "", ""
	}
	var was, will []string
	if rv.Size > 0 && inst.RootSize > 0 && inst.RootSize != rv.Size {
		was, will = append(was, fmt.Sprintf("%d GiB", inst.RootSize)), append(will, fmt.Sprintf("%d GiB", rv.Size))
	}
	if rv.Type != "" && inst.RootType != "" && inst.RootType != rv.Type {
		was, will = append(was, inst.RootType), append(will, rv.Type)
	}
	if known := inst.RootSize > 0 || inst.RootType != ""; known && rv.Encrypted && !inst.RootEncrypted {
		was, will = append(was, "unencrypted"), append(will, "encrypted")
	}
	return strings.Join(was, " "), strings.Join(will, " ")
}

// settings compares what EC2 does not show of an instance by its fingerprint, and the market,
// which it shows.
func (c *comparer) settings(faults []Reason, inst *Instance) []Reason {
	g := c.g.spec
	if c.hidden(inst, partUserData) {
		faults = append(faults, altered("user data", g.Source.At("user_data")))
	}
	if inst.Market != "" && !slices.Contains(markets(g), inst.Market) {
		faults = append(faults, changed("market", inst.Market, string(market(g)), g.Source.At("market")))
	} else if inst.Market == "" && c.hidden(inst, partMarket) {
		faults = append(faults, altered("market", g.Source.At("market")))
	}
	faults = c.server(faults, inst)
	if inst.Spec == c.tag {
		return faults
	}
	for _, s := range []struct {
		part, what string
		at         hcl.Range
	}{
		{partGroups, "list of security groups", c.d.at(g, "security_groups")},
		{partKey, "key name", c.d.at(g, "key_name")},
		{partEFA, "efa", g.Source.At("efa")},
		{partProfile, "instance profile", g.Source.At("instance_profile")},
	} {
		if c.hidden(inst, s.part) {
			faults = append(faults, altered(s.what, s.at))
		}
	}
	return c.boot(faults, inst)
}

// hidden says that a part of the instance's fingerprint differs from what is wanted.
func (c *comparer) hidden(inst *Instance, part string) bool {
	return inst.Spec != c.tag && c.imprint(inst).differs(c.want, part)
}

func (c *comparer) imprint(inst *Instance) imprint {
	p, ok := c.seen[inst.Spec]
	if !ok {
		p = parsePrint(inst.Spec)
		c.seen[inst.Spec] = p
	}
	return p
}

// settle decides which type the group keeps: the one that most of the fitting nodes have; the
// file's order settles a draw. With no fitting node it stays open.
func (c *comparer) settle() {
	if len(c.g.spec.InstanceTypes) == 1 {
		return // nothing to choose from, so every node is compared only once
	}
	nodes := map[string]int{}
	for _, inst := range c.g.live {
		if inst.Slot >= 0 && inst.Slot < c.g.spec.Count && len(c.faults(inst)) == 0 {
			nodes[inst.InstanceType]++
		}
	}
	for _, typ := range c.g.spec.InstanceTypes {
		if nodes[typ] > nodes[c.typ] {
			c.typ = typ
		}
	}
}
