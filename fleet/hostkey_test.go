package fleet_test

import (
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
)

const (
	ed25519Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXiNoAA53mV3GzMIwQCVzT8y1+VKVMQiEbdLp5FmkvG"
	rsaKey     = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDGtJxWcDhPfTDd4Cj4HTCOYYxB4M6GZyvhdUcH6a5xnLiuk9RTJzXKnf0zvhCLwZ0Yr0yK3hhs2zPZ2mY5j7tz"
	begin      = "-----BEGIN SSH HOST KEY KEYS-----\n"
	end        = "-----END SSH HOST KEY KEYS-----\n"
)

// blob is a key in base64 that begins with the name of a kind.
func blob(kind string, rest ...byte) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(kind)))
	return base64.StdEncoding.EncodeToString(append(append(b, kind...), rest...))
}

func TestParseHostKeys(t *testing.T) {
	for name, test := range map[string]struct {
		console string
		want    []string
	}{
		"as cloud-init writes it": {"[    1.0] Linux\r\n<14>Nov 26 ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\nec2: 256 SHA256:x\r\n" +
			strings.ReplaceAll(begin+rsaKey+" root@ip-10-0-0-1\n"+ed25519Key+" root@ip-10-0-0-1\n"+end, "\n", "\r\n") + "login: ", []string{ed25519Key, rsaKey}},
		"with a prefix at the marks":    {"ec2: " + begin + ed25519Key + "\nec2: " + end, []string{ed25519Key}},
		"with the kernel in between":    {begin + "[   12.1] audit: x\n" + ed25519Key + "\n[   12.2] y\n" + end, []string{ed25519Key}},
		"the last of two":               {begin + rsaKey + "\n" + end + begin + ed25519Key + "\n" + end, []string{ed25519Key}},
		"one that has not ended yet":    {begin + rsaKey + "\n" + end + begin + ed25519Key + "\n", []string{rsaKey}},
		"one whose beginning is lost":   {ed25519Key + "\n" + end, nil},
		"a beginning within a block":    {begin + rsaKey + "\n" + begin + ed25519Key + "\n" + end, []string{ed25519Key}},
		"twice the same":                {begin + ed25519Key + "\n" + ed25519Key + " x\n" + end, []string{ed25519Key}},
		"nothing":                       {"", nil},
		"a key outside of a block":      {ed25519Key + "\n", nil},
		"a kind that the key is not of": {begin + "ssh-rsa " + strings.Fields(ed25519Key)[1] + "\n" + end, nil},
		"a kind that nobody wants":      {begin + "ssh-dss " + blob("ssh-dss", 1) + "\n" + end, nil},
		"options of known_hosts":        {begin + "@cert-authority * " + ed25519Key + "\n* " + ed25519Key + "\n" + end, nil},
		"no base64":                     {begin + "ssh-ed25519 AAAA\x1b[2J\nssh-ed25519 AAA\n" + end, nil},
		"a key without a key":           {begin + "ssh-ed25519 " + blob("ssh-ed25519") + "\n" + end, nil},
		"a length beyond the end":       {begin + "ssh-ed25519 /////w==\n" + end, nil},
		"more than a key has":           {begin + "ssh-ed25519 " + blob("ssh-ed25519", make([]byte, 4096)...) + "\n" + end, nil},
	} {
		if got := fleet.ParseHostKeys(test.console); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// FuzzParseHostKeys holds that whatever a machine writes, a key is one word of letters that mean nothing to anybody
// after one of the kinds, and is in the text.
func FuzzParseHostKeys(f *testing.F) {
	f.Add(begin + ed25519Key + " root@x\r\n" + rsaKey + "\n" + end)
	f.Add("ec2: " + begin + "\x00\n* ssh-rsa AAAA\n" + ed25519Key + "\n" + begin + end + end)
	form := regexp.MustCompile(`^[a-z0-9-]+ [A-Za-z0-9+/]+={0,2}$`)
	f.Fuzz(func(t *testing.T, console string) {
		keys := fleet.ParseHostKeys(console)
		for _, key := range keys {
			word := strings.Fields(key)[1]
			if !form.MatchString(key) || !strings.Contains(console, word) {
				t.Errorf("%q is taken for a key", key)
			}
		}
		if again := fleet.ParseHostKeys(begin + strings.Join(keys, "\n") + "\n" + end); !slices.Equal(again, keys) {
			t.Errorf("%q reads as %q", keys, again)
		}
	})
}

// TestHostKeysOfANode holds when EC2 shows the keys of a node, and what that costs.
func TestHostKeysOfANode(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		w.mustUp(cluster(2))
		nodes, l := w.region.Instances(), w.launcher()
		time.Sleep(time.Minute)
		var seen []string
		for _, id := range nodes {
			keys, err := l.Session.HostKeys(w.Context(), id)
			if err != nil || len(keys) != 1 || slices.Contains(seen, keys[0]) {
				w.Fatalf("the keys of %s are %q, %v", id, keys, err)
			}
			seen = append(seen, keys...)
		}
		if n, _ := l.Session.Calls(); n != len(nodes) {
			w.Errorf("%d calls for %d nodes", n, len(nodes))
		}
		w.region.Kill(nodes[0])
		if _, err := l.Session.HostKeys(w.Context(), "i-0123456789abcdef0"); err == nil {
			w.Error("an instance that is not there has a console")
		}
	})
}

// TestTail holds what is shown of a console.
func TestTail(t *testing.T) {
	if got := fleet.Tail("\r\n a\r\nb\n\n"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
	if got := fleet.Tail(" \n"); got != nil {
		t.Errorf("%q of an empty console", got)
	}
	if got := fleet.Tail(strings.Repeat("x\n", 30) + "y"); len(got) != 20 || got[19] != "y" {
		t.Errorf("%q", got)
	}
}
