package attest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cluster/fleet/attest"
)

const (
	hash = "34e37c21e9a2c7bc7004eea83072665d122afca990a7152576fe426bed96ab7d"
	uuid = "1a88c30e-48dd-49f1-8656-186ab22e7114"
)

// answer is what a node answers with a nonce N, its lines changed.
func answer(change ...string) string {
	text := strings.Join([]string{
		"Welcome to Debian!", "CLUSTER-ATTEST 1 N", "identity=QUJD", "boot_id=" + uuid, "machine_id=" + hash,
		"host_key=ssh-ed25519 AAAA", "host_key=ssh-rsa BBBB==", "kernel=6.1.0-13-amd64", "cmdline=" + hash, "driver=nvidia 550.54.15",
		"volume=vol-0123456789abcdef0", "content=dpkg 1014 " + hash + " debian-12", "CLUSTER-ATTEST end N", "bye", "",
	}, "\n")
	return strings.NewReplacer(change...).Replace(text)
}

func TestParseReport(t *testing.T) {
	want := &attest.Report{
		Identity: "QUJD", BootID: uuid, MachineID: hash, HostKeys: []string{"ssh-ed25519 AAAA", "ssh-rsa BBBB=="},
		Kernel: "6.1.0-13-amd64", Cmdline: hash, Drivers: []string{"nvidia 550.54.15"}, Volume: "vol-0123456789abcdef0",
		Content: attest.Content{Tool: "dpkg", Count: 1014, SHA256: hash, OS: "debian-12"},
	}
	for _, text := range []string{answer(), answer("\n", "\r\n")} {
		got, err := attest.ParseReport(text, "N")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	got, err := attest.ParseReport(answer("kernel=", "package=b=1\npackage=a 2\nkernel="), "N")
	if err != nil || !slices.Equal(got.Packages, []string{"b=1", "a 2"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestParseReportRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"nothing":            {"", "no report"},
		"another's":          {answer(" N", " M"), "no report"},
		"a replay":           {answer("1 N", "1 M"), "no report"},
		"cut off":            {answer("CLUSTER-ATTEST end N", ""), "line that has no place"},
		"cut off in between": {answer("CLUSTER-ATTEST end N\nbye\n", ""), "cut off"},
		"too long":           {answer("bye", strings.Repeat("x", attest.MaxReport)), "longer than"},
		"twice":              {answer("kernel=", "kernel=a\nkernel="), "no place"},
		"unknown":            {answer("kernel=", "colour="), "no place"},
		"an escape":          {answer("6.1", "6\x1b[2J"), "no place"},
		"no UTF-8":           {answer("6.1", "\xff"), "no place"},
		"no hash":            {answer("machine_id=3", "machine_id=g"), "no place"},
		"a long value":       {answer("QUJD", strings.Repeat("QUJD", 10_000)), "no place"},
		"many host keys":     {answer("kernel=", strings.Repeat("host_key=ssh-rsa AAAA\n", 40)+"kernel="), "no place"},
	} {
		if got, err := attest.ParseReport(tc.text, "N"); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// A content that has no meaning is not told.
	if got, err := attest.ParseReport(answer("dpkg 1014", "apt 0"), "N"); err != nil || got.Content != (attest.Content{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Whatever a node answers: no panic, and what is taken has the forms that it should.
func FuzzParseReport(f *testing.F) {
	f.Add(answer())
	f.Add(answer("kernel=", "package=a=1\nkernel="))
	f.Add("CLUSTER-ATTEST 1 N\nCLUSTER-ATTEST end N\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := attest.ParseReport(text, "N")
		if err != nil {
			return
		}
		for _, v := range slices.Concat(r.HostKeys, r.Drivers, r.Packages, []string{r.Kernel, r.MachineID, r.BootID, r.Cmdline, r.Volume, r.Content.OS}) {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("%q", v)
			}
		}
	})
}

func TestContentIsATag(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := attest.Content{
			Tool: rapid.SampledFrom([]string{"dpkg", "rpm"}).Draw(t, "tool"), Count: rapid.IntRange(1, 999_999).Draw(t, "count"),
			SHA256: rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, "hash"), OS: rapid.StringMatching(`[A-Za-z0-9._-]{1,64}`).Draw(t, "os"),
		}
		text := c.String()
		if got, ok := attest.ParseContent(text); !ok || got != c || len(text) > 160 {
			t.Fatalf("%q is %+v, %v", text, got, ok)
		}
		if got, ok := attest.ParseContent(text + rapid.StringMatching(`[ \n].*`).Draw(t, "more")); ok {
			t.Fatalf("more is %+v", got)
		}
	})
}

func TestDiffPackages(t *testing.T) {
	a, b := attest.DiffPackages([]string{"a=1", "c=1", "b=1"}, []string{"b=2", "a=1", "d=1"})
	if !slices.Equal(a, []string{"b=1", "c=1"}) || !slices.Equal(b, []string{"b=2", "d=1"}) {
		t.Errorf("%v %v", a, b)
	}
}

// The script runs on this computer, with the shells that there are, and its report is read. It asks nobody for a
// document: nothing is at that address.
func TestProgramScript(t *testing.T) {
	own := t.TempDir()
	for name, text := range map[string]string{"boot_id": uuid + "\n", "machine-id": "0123456789abcdef0123456789abcdef\n", "ssh_host_x_key.pub": "ssh-ed25519 AAAA root@x\n"} {
		if err := os.WriteFile(filepath.Join(own, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, shell := range []string{"sh", "dash", "bash", "busybox"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		ran++
		args := []string{"-s", "N", "packages"}
		if shell == "busybox" {
			args = append([]string{"sh"}, args...)
		}
		cmd := exec.Command(path, args...)
		cmd.Env = append(os.Environ(), "CLUSTER_BODY_DIR="+own, "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9")
		cmd.Stdin = strings.NewReader(attest.Script())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", shell, err, out)
		}
		r, err := attest.ParseReport(string(out), "N")
		if err != nil {
			t.Fatalf("%s: %v\n%s", shell, err, out)
		}
		if r.BootID != uuid || !slices.Equal(r.HostKeys, []string{"ssh-ed25519 AAAA"}) || r.MachineID == "" || r.Kernel == "" || r.Cmdline == "" || r.Identity != "" {
			t.Errorf("%s: %+v", shell, r)
		}
		if n := r.Content.Count; n != len(r.Packages) || n == 0 {
			t.Errorf("%s: %s, and %d packages", shell, r.Content, len(r.Packages))
		}
	}
	if ran == 0 {
		t.Skip("there is no shell (sh, dash, bash or busybox) on the path: the script that asks nodes was not tried")
	}
}
