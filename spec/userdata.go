package spec

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// maxUserData is EC2's limit on user data before it is encoded, in bytes.
const maxUserData = 16 * 1024

// boundary parts what this program puts in front from the file's own user data.
const boundary = "==cluster=="

func (x *groupBody) userData() {
	v := x.a.value("user_data")
	if !v.IsKnown() {
		return
	}
	if !v.IsNull() {
		// User data is the one place where a secret may go: it is shown nowhere, only its hash is.
		v, _ = v.UnmarkDeep()
		s, err := convert.Convert(v, cty.String)
		if err != nil || s.IsNull() {
			x.a.wrongType("user_data", "a string", v)
			return
		}
		if s.AsString() != "" {
			x.g.UserData = []byte(s.AsString())
		}
	}
	x.checkUserData()
}

// checkUserData checks that all that a node is given at boot is not too long.
func (x *groupBody) checkUserData() {
	own, whole := len(x.g.UserData), len(x.g.LaunchData())
	const remedy = "Put the long part into the image, or let a short script fetch it."
	switch {
	case own > maxUserData:
		x.errorf(x.a.at("user_data"), "User data too long", "The user data has %d bytes, and EC2 takes %d. %s", own, maxUserData, remedy)
	case whole > maxUserData:
		var parts []string
		if x.g.TTL > 0 {
			parts = append(parts, "the timer of ttl")
		}
		if x.g.boots() {
			parts = append(parts, "the script for "+join(x.g.bootTasks(), "and"))
		}
		x.errorf(x.a.at("user_data"), "User data too long",
			"The user data has %d bytes. With %s these become %d, and EC2 takes %d. %s", own, join(parts, "and"), whole, maxUserData, remedy)
	}
}

// bootTasks are what the script does for which a group gets one, for messages.
func (g *Group) bootTasks() (tasks []string) {
	if g.SetHostname {
		tasks = append(tasks, "set_hostname")
	}
	if n := len(g.Mounts); n > 0 {
		tasks = append(tasks, plural(n, "mount"))
	}
	return tasks
}

// LaunchData is the user data that EC2 gets, in cloud-init's multipart format: the timer of a group that has
// a time to live; what names a node, and mounts what it shares; and then the file's own, of whatever type it is.
// Without the former it is the file's own as it stands; nil if there is nothing at all.
func (g *Group) LaunchData() []byte {
	if g.TTL <= 0 && !g.boots() {
		return g.UserData
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=%q\nMIME-Version: 1.0\n\n", boundary)
	if g.TTL > 0 {
		fmt.Fprintf(&b, "--%s\nContent-Type: text/cloud-boothook; charset=\"us-ascii\"\n\n%s\n", boundary, timer)
	}
	if g.boots() {
		// The name puts the script before those of the file, which cloud-init runs in the order of their names.
		const name = `Content-Disposition: attachment; filename="` + bootFile + `"`
		fmt.Fprintf(&b, "--%s\nContent-Type: text/cloud-boothook; charset=\"us-ascii\"\n%s\n\n%s\n", boundary, name, g.nameScript())
		if g.SetHostname {
			fmt.Fprintf(&b, "--%s\nContent-Type: text/cloud-config; charset=\"us-ascii\"\n\n%s\n", boundary, keepHostname)
		}
		fmt.Fprintf(&b, "--%s\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n%s\n\n%s\n", boundary, name, g.bootScript())
	}
	switch data := g.UserData; {
	case len(data) == 0:
	case bytes.HasPrefix(data, []byte("Content-Type:")), bytes.HasPrefix(data, []byte("MIME-Version:")):
		// Multipart already: its own headers make it a part.
		fmt.Fprintf(&b, "--%s\n%s\n", boundary, data)
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		fmt.Fprintf(&b, "--%s\nContent-Type: application/x-gzip\nContent-Transfer-Encoding: base64\n\n%s\n",
			boundary, base64.StdEncoding.EncodeToString(data))
	default:
		// cloud-init tells a script from a cloud-config by the first line.
		fmt.Fprintf(&b, "--%s\nContent-Type: text/plain; charset=\"utf-8\"\n\n%s\n", boundary, data)
	}
	fmt.Fprintf(&b, "--%s--\n", boundary)
	return b.Bytes()
}
