package spec

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
)

// The lengths of the two parts of an image's name, which EC2 allows 128 characters.
const (
	maxFamily  = 63
	maxVersion = 64
)

// maxImageTags leaves room for the tags by which an image is found again and told apart.
const maxImageTags = 30

// build decodes one image block at the top of an image file.
func (l *loader) build(b *hcl.Block) *Build {
	l.checkImageWord("family", text{b.Labels[0], b.LabelRanges[0]}, maxFamily)
	body := dynblock.Expand(b.Body, l.ctx, dynblock.OptCheckForEach(l.checkForEach))
	a, content := l.open(b, body, buildBlock)
	m := &Build{Family: b.Labels[0], Source: a.src, Timeout: defaultBuildTimeout}
	m.Region = l.region(a)
	if t, ok := a.text("version"); ok {
		m.Version = t.string
		l.checkImageWord("version", t, maxVersion)
	} else if !a.has("version") {
		a.missing("No version", `Image %q has no version. Add version = "1.0.0": each build that differs has a version of its own.`, m.Family)
	}
	if b := l.one(content, baseBlock); b != nil {
		m.Base = *l.image(b, baseBlock)
	} else {
		a.missing("No base", `Image %q has no base. Add base { id = "ami-…" }, or name it by name and owners, or by family.`, m.Family)
	}
	if t, ok := a.text("instance_type"); ok {
		m.InstanceType = t.string
		l.checkType(t)
	} else if !a.has("instance_type") {
		a.missing("No instance type", `Image %q has no instance type for its builder. Add instance_type = "c7i.large".`, m.Family)
	}
	m.InstanceProfile = l.instanceProfile(a)
	m.Network.Source.Block, m.RootVolume.Source.Block = b.DefRange, b.DefRange
	if b := l.one(content, networkBlock); b != nil {
		m.Network = l.network(b)
	}
	if b := l.one(content, rootVolumeBlock); b != nil {
		m.RootVolume = l.rootVolume(b)
	}
	l.buildTags(a, m)
	m.BootTest = true
	if on, ok := a.flag("boot_test"); ok {
		m.BootTest = on
	}
	if d, ok := l.duration(a, "timeout"); ok {
		m.Timeout = d
	}
	l.provision(a, m)
	return m
}

var imageWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// checkImageWord checks a part of the name that EC2 knows the image by.
func (l *loader) checkImageWord(what string, t text, most int) {
	switch {
	case t.string == "":
		l.errorf(t.at, "Empty name", "The image has an empty %s.", what)
	case !imageWord.MatchString(t.string):
		l.errorf(t.at, "Invalid "+what, "The %s of an image is made of letters, digits, full stops, hyphens and underscores, and begins with a letter or digit. %s does not.",
			what, quote(t.string))
	case len(t.string) > most:
		l.errorf(t.at, "Invalid "+what, "The %s of an image has at most %d characters; this one has %d.", what, most, len(t.string))
	}
}

func (l *loader) buildTags(a *args, m *Build) {
	tags := l.tags(a)
	m.Tags = tagMap(tags)
	if n := len(tags); n > maxImageTags && n <= maxTags {
		l.errorf(a.at("tags"), "Too many tags", "EC2 allows 50 tags, and an image keeps %d of them for its versions, channels and copies: %d are left, and here are %d.",
			50-maxImageTags, maxImageTags, n)
	}
}

// provision reads the script, from a file or from the image file itself, and checks what EC2 makes of it.
func (l *loader) provision(a *args, m *Build) {
	path, inline := a.has("provision"), a.has("provision_script")
	arg := "provision"
	switch {
	case path && inline:
		l.errorf(a.attrs["provision_script"].Range, "Provisioned in two ways",
			"The script is the file that provision names already. Keep one: provision is a path, provision_script the text itself.")
		return
	case !path && !inline:
		a.missing("Nothing to provision", `Image %q has no script, so it would be its base again. Add provision = "provision.sh", the path of one.`, m.Family)
		return
	case inline:
		arg = "provision_script"
	}
	t, ok := a.text(arg)
	if !ok {
		return
	}
	if m.Script = []byte(t.string); path {
		var err error
		if m.Script, err = l.readBelow(t.string); err != nil {
			l.errorf(t.at, "No such script", "The script of an image is a file: %s.", err)
			return
		}
	}
	switch n := len(m.UserData(BuildToken(m, ""))); {
	case len(bytes.TrimSpace(m.Script)) == 0:
		l.errorf(t.at, "Empty script", "There is nothing in the script, so the image would be its base again.")
	case !utf8.Valid(m.Script) || bytes.IndexByte(m.Script, 0) >= 0:
		l.errorf(t.at, "Not a script", "What is run on the builder is a script, text in UTF-8, and this is not. Let a script fetch a program.")
	case bytes.Contains(m.Script, []byte("\r\n")):
		l.errorf(t.at, "Script with Windows line breaks", "The lines end in CR and LF, and no shell on the builder can run that. Save it with plain line breaks.")
	case n > maxUserData:
		l.errorf(t.at, "Script too long", "The script has %d bytes. With what is put around it the user data has %d, and EC2 takes %d. Let a short script fetch the long part.",
			len(m.Script), n, maxUserData)
	}
}
