package spec

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// ReadLock reads a lock file. A file that is not there is an empty Lock and no mistake; the Lock is
// nil if the diagnostics have an error. They are as those of Load.
func ReadLock(path string) (*Lock, Sources, hcl.Diagnostics) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return &Lock{}, Sources{}, nil
	}
	k, files, diags := limited(maxTime, newLoader(path, lockLanguage), func(l *loader) *Lock { return l.lock(path) })
	if n := len(diags); n > 0 {
		diags[n-1].Detail += " This is a lock file: take it from version control again, or delete it, and cluster plan writes it anew."
	}
	return k, files, diags
}

func (l *loader) lock(path string) *Lock {
	l.ctx = &hcl.EvalContext{}
	f := l.parse(path, "lock file")
	if f == nil {
		return nil
	}
	content, diags := f.Body.Content(lockFile.schema())
	l.add(l.explainLock(diags, lockFile)...)
	k := &Lock{}
	for _, b := range content.Blocks {
		e, ok := l.lockedImage(b)
		if !ok {
			continue
		}
		if before := k.Find(e.Region, e.Rehearsal, e.Asked); before != nil {
			l.errorf(b.DefRange, "Locked twice", "The image for %s in %s is locked at %s already.", quote(e.Asked.String()), quote(e.Region), before.Place())
			continue
		}
		k.Images = append(k.Images, e)
	}
	k.Images = sortEntries(k.Images)
	return k
}

// lockedImage decodes one entry; ok is false if it has mistakes.
func (l *loader) lockedImage(b *hcl.Block) (e LockedImage, ok bool) {
	mistakes := len(l.diags)
	content, diags := b.Body.Content(lockedBlock.schema())
	l.add(l.explainLock(diags, lockedBlock)...)
	a := l.arguments(b, content.Attributes)
	a.misshapen = diags.HasErrors()
	for _, name := range sortedKeys(a.attrs) {
		if e := a.attrs[name].Expr; len(e.Variables()) > 0 {
			l.errorf(e.Range(), "Reference in a lock file", "A lock file holds plain values.")
			a.vals[name] = cty.DynamicVal
		}
	}
	e = LockedImage{Region: b.Labels[0], Asked: l.asked(a), Source: a.src}
	e.Rehearsal, _ = a.flag("rehearsal")
	for _, set := range []struct {
		name string
		to   *string
	}{
		{"id", &e.ID}, {"name", &e.Name}, {"owner", &e.Owner}, {"root_snapshot", &e.RootSnapshot},
		{"family", &e.Family}, {"version", &e.Version},
	} {
		t, _ := a.text(set.name)
		*set.to = t.string
	}
	if t, ok := a.text("created"); ok {
		at, err := time.Parse(time.RFC3339, t.string)
		if err != nil {
			l.errorf(t.at, "Malformed date", "%s is not a date as in 2026-11-02T12:00:00Z.", quote(t.string))
		}
		e.Created = at.UTC()
	}
	e.Ancestors = values(a.texts("ancestors"))
	for _, name := range []string{"asked", "id", "root_snapshot"} {
		if !a.has(name) {
			a.missing("Incomplete lock", "Every entry of a lock file has %s, and this one has not.", name)
		}
	}
	if e.Asked.ID != "" && e.ID != "" && e.Asked.ID != e.ID {
		l.errorf(a.at("id"), "Locked to another image", "The cluster file asks for the image %s, and that stands for itself only.", quote(e.Asked.ID))
	}
	return e, len(l.diags) == mistakes
}

// asked decodes the question of an entry.
func (l *loader) asked(a *args) (q Image) {
	v, ok := a.plain("asked")
	if !ok {
		return q
	}
	if !v.Type().IsObjectType() {
		a.wrongType("asked", "an object, such as { id = … }", v)
		return q
	}
	to := map[string]*string{"id": &q.ID, "name": &q.Name, "family": &q.Family, "version": &q.Version, "channel": &q.Channel}
	wrong := false
	for _, key := range members(v) {
		part := v.GetAttr(key)
		var err error
		switch {
		case key == "owners":
			q.Owners, err = textsOf(part)
		case to[key] != nil:
			*to[key], err = textOf(part)
		default:
			l.errorf(a.at("asked"), "Unsupported question", "asked has no %q. It names an image as the cluster file does, by %s.", key, waysOfNaming)
			wrong = true
		}
		if err != nil {
			l.errorf(a.at("asked"), "Wrong type for asked", "%s is %s, and cannot be.", key, show(part))
			wrong = true
		}
	}
	if !wrong && !q.complete() {
		l.errorf(a.at("asked"), "Unsupported question", "asked names no image in exactly one way. It names one as the cluster file does, by %s.", waysOfNaming)
	}
	return q.Question()
}

// complete says that a question names an image in exactly one way.
func (i Image) complete() bool {
	byID, byName, byFamily := i.ID != "", i.Name != "" && len(i.Owners) > 0, i.Family != "" && (i.Version != "") != (i.Channel != "")
	switch {
	case byID:
		return i.Name+i.Family+i.Version+i.Channel == "" && len(i.Owners) == 0
	case byName:
		return i.Family+i.Version+i.Channel == ""
	}
	return byFamily && i.Name == "" && len(i.Owners) == 0
}

var errNoText = errors.New("no text")

func textOf(v cty.Value) (string, error) {
	if v.Type() != cty.String || v.IsNull() || v.AsString() == "" {
		return "", errNoText
	}
	return v.AsString(), nil
}

func textsOf(v cty.Value) ([]string, error) {
	c, err := convert.Convert(v, cty.List(cty.String))
	if err != nil || c.IsNull() || c.LengthInt() == 0 {
		return nil, errNoText
	}
	var all []string
	for _, e := range c.AsValueSlice() {
		s, err := textOf(e)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	slices.Sort(all)
	return all, nil
}

// explainLock says what HCL has found about the shape of a lock file. An image block has a region
// there, which that of a cluster file has not.
func (l *loader) explainLock(diags hcl.Diagnostics, t *blockType) hcl.Diagnostics {
	diags = l.explainStructure(diags, t)
	for _, d := range diags {
		if strings.HasSuffix(d.Summary, " for image") {
			d.Detail = `An image block of a lock file has one region: image "us-east-1" { … }.`
		}
	}
	return diags
}
