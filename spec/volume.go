package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// A volumeType is what EC2 allows for a root volume of one type. A zero range means that the
// argument cannot be set.
type volumeType struct {
	size, iops, throughput span
	needsIOPS              bool
}

type span struct{ least, most int }

// volumeTypes are the types a root volume can have.
var volumeTypes = map[string]volumeType{
	"gp3":      {size: span{1, 65_536}, iops: span{3_000, 80_000}, throughput: span{125, 2_000}},
	"gp2":      {size: span{1, 16_384}},
	"io1":      {size: span{4, 16_384}, iops: span{100, 64_000}, needsIOPS: true},
	"io2":      {size: span{4, 65_536}, iops: span{100, 256_000}, needsIOPS: true},
	"standard": {size: span{1, 1_024}},
	// The image's type is not known here: what some type allows is let through.
	"": {size: span{1, 65_536}, iops: span{100, 256_000}, throughput: span{125, 2_000}},
}

// maxVolumeNumber bounds the numbers of a volume before their own ranges are looked at.
const maxVolumeNumber = 1_000_000_000

// dataTypes are the types that only a volume can have that nobody boots from.
var dataTypes = map[string]volumeType{
	"st1": {size: span{125, 16_384}},
	"sc1": {size: span{125, 16_384}},
}

func (l *loader) rootVolume(b *hcl.Block) RootVolume { return l.volume(b, rootVolumeBlock) }

// volume decodes a block about a volume: the root volume, or one for data.
func (l *loader) volume(b *hcl.Block, t *blockType) RootVolume {
	a, _ := l.open(b, b.Body, t)
	v := RootVolume{Source: a.src}
	known := true
	if w, ok := a.text("type"); ok {
		v.Type = w.string
		if _, data := dataTypes[w.string]; !data || t != dataVolumeBlock {
			known = l.checkVolumeType(w)
		}
	} else {
		known = !a.has("type")
	}
	vt, ok := volumeTypes[v.Type]
	if !ok {
		vt = dataTypes[v.Type]
	}
	if !known {
		vt = volumeTypes[""]
	}
	v.Size = l.volumeNumber(a, "size", "GiB", v.Type, vt.size)
	v.IOPS = l.volumeNumber(a, "iops", "IOPS", v.Type, vt.iops)
	v.Throughput = l.volumeNumber(a, "throughput", "MiB/s", v.Type, vt.throughput)
	if vt.needsIOPS && !a.has("iops") {
		l.errorf(a.attrs["type"].Range, "Volume without iops", "%s volume needs iops, from %d to %d.", sentence(article(v.Type)), vt.iops.least, vt.iops.most)
	}
	v.Encrypted, _ = a.flag("encrypted")
	if t, ok := a.text("kms_key_id"); ok {
		v.KMSKeyID = t.string
	}
	if a.has("kms_key_id") && (!a.has("encrypted") || a.value("encrypted").IsKnown() && !v.Encrypted) {
		l.errorf(a.attrs["kms_key_id"].Range, "Key without encryption", "A kms_key_id is used only with encrypted = true, and EC2 refuses it alone.")
	}
	return v
}

func (l *loader) checkVolumeType(t text) bool {
	switch _, ok := volumeTypes[t.string]; {
	case ok:
		return true
	case t.string == "st1" || t.string == "sc1":
		l.errorf(t.at, "Invalid volume type", `%s cannot be the type of a root volume: EC2 does not boot from it. Take "gp3".`, quote(t.string))
		return false
	}
	words := []string{"gp3", "gp2", "io1", "io2", "standard"}
	hint := didYouMean(t.string, words)
	if hint == "" {
		hint = fmt.Sprintf(" It can be %s.", list(words))
	}
	l.errorf(t.at, "Invalid volume type", "%s is not a type of volume.%s", quote(t.string), hint)
	return false
}

// volumeNumber reads one of the numbers of a volume and checks its range.
func (l *loader) volumeNumber(a *args, name, unit, volume string, s span) int {
	n, ok := a.whole(name, maxVolumeNumber)
	if !ok {
		return 0
	}
	of := ""
	if volume != "" {
		of = " of " + article(volume) + " volume"
	}
	switch {
	case s == span{}:
		l.errorf(a.attrs[name].Range, "Invalid "+name, "The %s%s cannot be chosen.", name, of)
	case n < s.least || n > s.most:
		l.errorf(a.at(name), "Invalid "+name, "The %s%s is from %d to %d %s, and this is %d.", name, of, s.least, s.most, unit, n)
	}
	return n
}
