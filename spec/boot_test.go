package spec

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// A part is one of the parts of user data, decoded.
type part struct{ kind, name, text string }

// partsOf takes user data apart as cloud-init does, parts in parts included.
func partsOf(t *testing.T, data []byte) []part {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return partsIn(t, m.Header.Get("Content-Type"), m.Body)
}

func partsIn(t *testing.T, kind string, body io.Reader) (parts []part) {
	t.Helper()
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(kind, "multipart/") {
			parts = append(parts, partsIn(t, p.Header.Get("Content-Type"), p)...)
			continue
		}
		text, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			if text, err = base64.StdEncoding.DecodeString(string(text)); err != nil {
				t.Fatal(err)
			}
		}
		parts = append(parts, part{kind, p.FileName(), string(text)})
	}
}

// TestBootPartsComeFirst holds that the file's own user data comes last and whole, of whatever type it is.
func TestBootPartsComeFirst(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("#!/bin/sh\necho zipped\n"))
	z.Close()
	const many = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"own\"\n\n" +
		"--own\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho one\n--own\nContent-Type: text/cloud-config\n\nruncmd: [two]\n--own--\n"
	ours := []string{"text/cloud-boothook", "text/cloud-boothook 00-cluster", "text/cloud-config", "text/x-shellscript 00-cluster"}
	for _, tt := range []struct {
		name, data string
		kinds      []string
		last       string
	}{
		{"nothing", "", nil, ""},
		{"a script", "#!/bin/sh\necho hello\n", []string{"text/plain"}, "#!/bin/sh\necho hello\n"},
		{"a cloud-config", "#cloud-config\npackages: [nfs-common]\n", []string{"text/plain"}, "#cloud-config\npackages: [nfs-common]\n"},
		{"a boothook", "#cloud-boothook\n#!/bin/sh\n", []string{"text/plain"}, "#cloud-boothook\n#!/bin/sh\n"},
		{"gzip", zipped.String(), []string{"application/x-gzip"}, zipped.String()},
		{"several", many, []string{"text/x-shellscript", "text/cloud-config"}, "runcmd: [two]"},
	} {
		g := bootGroup()
		g.UserData = []byte(tt.data)
		var kinds []string
		parts := partsOf(t, g.LaunchData())
		for _, p := range parts {
			kinds = append(kinds, strings.TrimSpace(p.kind+" "+p.name))
		}
		if d := cmp.Diff(append(ours[:len(ours):len(ours)], tt.kinds...), kinds); d != "" {
			t.Errorf("%s: the parts differ (-want +got):\n%s", tt.name, d)
		}
		if last := parts[len(parts)-1].text; tt.last != "" && strings.TrimSuffix(last, "\n") != strings.TrimSuffix(tt.last, "\n") {
			t.Errorf("%s: the last part is %q, want %q", tt.name, last, tt.last)
		}
	}
}

// bootGroup is a group with everything that makes nodes boot in a way of its own.
func bootGroup() *Group {
	return &Group{Name: "compute", Count: 100, TTL: 8 * 3600e9, SetHostname: true, Mounts: []Mount{
		{Path: "/home", Kind: MountNFS, From: "10.0.0.5:/export/home", Options: []string{"nfsvers=4.2"}, ReadOnly: true},
		{Path: "/scratch", Kind: MountFSx, From: "fs-0fedcba9876543210", Name: "2yvbdbmv"},
		{Path: "/shared", Kind: MountEFS, From: "fs-0123456789abcdef0"},
	}}
}

// TestUserDataOfGroupsThatBootAlone holds that groups without mounts and host names get, to the byte, what they got
// before there were any: their nodes need not be replaced.
func TestUserDataOfGroupsThatBootAlone(t *testing.T) {
	g := Group{UserData: []byte("#!/bin/sh\n")}
	if got := string(g.LaunchData()); got != "#!/bin/sh\n" {
		t.Errorf("the user data is %q", got)
	}
	g.TTL = 3600e9
	want := "Content-Type: multipart/mixed; boundary=\"==cluster==\"\nMIME-Version: 1.0\n\n--==cluster==\n" +
		"Content-Type: text/cloud-boothook; charset=\"us-ascii\"\n\n" + timer +
		"\n--==cluster==\nContent-Type: text/plain; charset=\"utf-8\"\n\n#!/bin/sh\n\n--==cluster==--\n"
	if d := cmp.Diff(want, string(g.LaunchData())); d != "" {
		t.Errorf("the user data differs (-want +got):\n%s", d)
	}
}

// TestBootGolden holds the user data of bootGroup to the letter.
func TestBootGolden(t *testing.T) {
	const path = "../testdata/spec/boot.txtar"
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := bootGroup().LaunchData()
	if len(a.Files) != 1 || string(a.Files[0].Data) != string(got) {
		if !*update {
			t.Fatalf("%s differs: run the test with -update and look at what changed", path)
		}
		a.Files = []txtar.File{{Name: "userdata", Data: got}}
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(got); n > 8<<10 {
		t.Errorf("what is put in front has %d bytes, and leaves less than half of EC2's 16 KiB to the file", n)
	}
}
