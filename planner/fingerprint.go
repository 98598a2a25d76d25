package planner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cluster/spec"
)

// The parts of a fingerprint: what the file decides for a node once it is launched.
const (
	partImage    = "img"
	partUserData = "ud"
	partVolume   = "rv"
	partGroups   = "sg"
	partKey      = "key"
	partMarket   = "mkt"
	partStrategy = "pl"
	partEFA      = "efa"
	partProfile  = "prof"
	partTimer    = "ttl"
	partMounts   = "mnt"
	partHostname = "host"
)

// fingerprintForm is the first word of every fingerprint; another form is not understood.
const fingerprintForm = "1"

// Fingerprint is the value of the cluster:spec tag: a short hash of each setting that a node
// keeps for life, by name, so that a later Diff can say which of them changed. Types and
// subnets are not in it, since adding one to fall back on replaces nothing; nor are tags, which
// can be rewritten. It has at most 256 characters and shows nothing of the settings themselves.
func Fingerprint(g *spec.Group, img Image) string {
	rv := g.RootVolume
	type part struct {
		label  string
		fields []string
	}
	parts := []part{
		{partImage, []string{img.ID}},
		{partUserData, []string{string(g.UserData)}},
		{partVolume, volumeFields(rv)},
		{partGroups, slices.Compact(slices.Sorted(slices.Values(g.SecurityGroups)))},
		{partKey, []string{g.KeyName}},
		{partMarket, []string{string(cmp.Or(g.Market, spec.OnDemand))}},
		{partStrategy, []string{string(strategy(g))}},
		{partEFA, []string{boolField(g.EFA)}},
		{partProfile, []string{g.InstanceProfile}},
	}
	if g.TTL > 0 {
		parts = append(parts, part{partTimer, []string{boolField(true)}})
	}
	if len(g.Mounts) > 0 {
		parts = append(parts, part{partMounts, mountFields(g.Mounts)})
	}
	if g.SetHostname {
		parts = append(parts, part{partHostname, []string{boolField(true)}})
	}
	b := []byte(fingerprintForm)
	for _, p := range parts {
		b = append(b, ' ')
		b = append(b, p.label...)
		b = append(b, '=')
		b = append(b, shortHash(p.label, p.fields)...)
	}
	return string(b)
}

// volumeFields are the root volume's settings with their names, without those that are not set.
func volumeFields(rv spec.RootVolume) []string {
	fields := []string{
		number("size", rv.Size), rv.Type, number("iops", rv.IOPS), number("throughput", rv.Throughput),
		boolField(rv.Encrypted), rv.KMSKeyID,
	}
	if strings.Join(fields, "") == "" {
		return nil
	}
	return fields
}

// mountFields are what is mounted, not the script that does it, which another version of the program may write
// in another way.
func mountFields(mounts []spec.Mount) (fields []string) {
	for _, m := range mounts {
		fields = append(fields, m.Path, string(m.Kind), m.From, m.Name, strings.Join(m.Options, ","), boolField(m.ReadOnly))
		fields = append(fields, volumeFields(m.Volume)...)
	}
	return fields
}

func number(name string, n int) string {
	if n == 0 {
		return ""
	}
	return name + strconv.Itoa(n)
}

func boolField(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// shortHash is - for fields that are all empty, and else eight hex digits. The lengths keep
// ("ab", "c") and ("a", "bc") apart.
func shortHash(label string, fields []string) string {
	if strings.Join(fields, "") == "" {
		return "-"
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", label)
	for _, f := range fields {
		fmt.Fprintf(h, "%d\n%s", len(f), f)
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// An imprint is a fingerprint taken apart, by label. It is nil for a tag that is missing or that
// another version of the program wrote; then only what EC2 shows can be compared.
type imprint map[string]string

func parsePrint(tag string) imprint {
	words := strings.Fields(tag)
	if len(words) == 0 || words[0] != fingerprintForm {
		return nil
	}
	p := imprint{}
	for _, w := range words[1:] {
		label, hash, ok := strings.Cut(w, "=")
		if !ok {
			return nil
		}
		p[label] = hash
	}
	return p
}

// differs says that both fingerprints have the part, with different hashes.
func (p imprint) differs(q imprint, label string) bool {
	a, okA := p[label]
	b, okB := q[label]
	return okA && okB && a != b
}

// altered is differs for a part that only those fingerprints have to which it applies.
func (p imprint) altered(q imprint, label string) bool {
	return p != nil && p[label] != q[label]
}
