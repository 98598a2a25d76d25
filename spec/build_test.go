package spec

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func exampleBuild() *Build {
	return &Build{Family: "hpc", Version: "1", Script: []byte("#!/bin/bash\nexit 3\n"), Timeout: 90 * time.Second, BootTest: true,
		RootVolume: RootVolume{Size: 20}, Tags: map[string]string{"a": "b", "c": "d"}}
}

// What the image is made from is in its hash, and what only says how it is made is not.
func TestBuildHash(t *testing.T) {
	want := exampleBuild().Hash("ami-1")
	if got := exampleBuild().Hash("ami-2"); got == want {
		t.Error("another base gives the same hash")
	}
	for name, tc := range map[string]struct {
		edit func(*Build)
		same bool
	}{
		"family":   {edit: func(m *Build) { m.Family = "x" }},
		"version":  {edit: func(m *Build) { m.Version = "2" }},
		"script":   {edit: func(m *Build) { m.Script = []byte("true") }},
		"size":     {edit: func(m *Build) { m.RootVolume.Size = 21 }},
		"key":      {edit: func(m *Build) { m.RootVolume.KMSKeyID = "k" }},
		"tags":     {edit: func(m *Build) { m.Tags = map[string]string{"a": "b"} }},
		"type":     {edit: func(m *Build) { m.InstanceType = "c7i.large" }, same: true},
		"subnets":  {edit: func(m *Build) { m.Network.Subnets = []string{"subnet-1"} }, same: true},
		"timeout":  {edit: func(m *Build) { m.Timeout = time.Hour }, same: true},
		"boottest": {edit: func(m *Build) { m.BootTest = false }, same: true},
	} {
		m := exampleBuild()
		tc.edit(m)
		if got := m.Hash("ami-1"); (got == want) != tc.same {
			t.Errorf("%s: the hash is the same: %v, want %v", name, got == want, tc.same)
		}
	}
}

// The user data is a script that a shell can read, with the user's own in it to the letter.
func TestBuildUserData(t *testing.T) {
	m := exampleBuild()
	m.Script = []byte("#!/bin/bash\ncat <<'EOF'\n$x `y` \\ 'z'\nEOF\n}")
	data := m.UserData("0123456789abcdef")
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", "-n", path).CombinedOutput(); err != nil {
		t.Errorf("bash does not take it: %s\n%s", out, data)
	}
	if !bytes.Contains(data, append(m.Script, '\n')) {
		t.Errorf("the script is not in it as it was:\n%s", data)
	}
	lines := strings.Split(string(data), "\n")
	if lines[0] != "#!/bin/bash" || lines[1] != "# cluster: build 0123456789abcdef then stop" {
		t.Errorf("it begins with %q", lines[:2])
	}
	if !strings.Contains(string(data), "\nshutdown -h +2\n") {
		t.Error("nothing ends a builder that nobody watches after 90 s, rounded up")
	}
}

// installed is what is installed on the computer that the test runs on.
var installed = regexp.MustCompile(`(dpkg|rpm) [0-9]+ [0-9a-f]{64} debian-12`)

var absolute = regexp.MustCompile(`[ >]/[^/ \n]\S*`)

// The builder says how its script ended, and clears only what is to become an image. The commands that
// would change this machine are functions here, and the paths lie below a folder.
func TestBuildScriptRuns(t *testing.T) {
	for _, tc := range []struct {
		script, want string
		cleared      bool
	}{
		{"#!/bin/bash\necho hello\n", "hello\ncluster-build T content CONTENT\ncluster-build T done\n", true},
		{"echo plain", "plain\ncluster-build T content CONTENT\ncluster-build T done\n", true},
		{"#!/bin/bash\nset -e\nfalse\necho never\n", "cluster-build T failed 1\n", false},
		{"exit 7", "cluster-build T failed 7\n", false},
	} {
		m := exampleBuild()
		m.Script = []byte(tc.script)
		root := t.TempDir()
		for _, d := range []string{"dev", "etc/ssh", "var/lib/dbus", "var/log", "tmp", "var/tmp", "root/.ssh", "home/me/.ssh"} {
			if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		key := filepath.Join(root, "home/me/.ssh/authorized_keys")
		for _, f := range []string{"dev/console", "etc/ssh/ssh_host_rsa_key", "home/me/.ssh/authorized_keys", "var/log/messages"} {
			if err := os.WriteFile(filepath.Join(root, f), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=debian\nVERSION_ID=\"12\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		text := string(m.UserData("T"))
		for _, dir := range []string{"dev/console", "etc/", "var/", "tmp ", "root/", "home/"} {
			text = strings.ReplaceAll(text, " /"+dir, " "+root+"/"+dir)
			text = strings.ReplaceAll(text, ">/"+dir, ">>"+root+"/"+dir)
		}
		text = strings.Replace(text, "{\n", "shutdown() { echo \"$*\" >>"+root+"/power; }\ncloud-init() { echo \"$*\" >"+root+"/cloud; }\n{\n", 1)
		for _, path := range absolute.FindAllString(text, -1) {
			if path = strings.TrimLeft(path, " >"); !strings.HasPrefix(path, root) && path != "/dev/null" {
				t.Fatalf("%s is a path of this machine: it is not run", path)
			}
		}
		if out, err := exec.Command("bash", "-c", text).CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", tc.script, err, out)
		}
		console, _ := os.ReadFile(filepath.Join(root, "dev/console"))
		console = installed.ReplaceAll(console, []byte("CONTENT"))
		if string(console) != tc.want {
			t.Errorf("%q: the console has %q, want %q", tc.script, console, tc.want)
		}
		if _, err := os.Stat(key); (err != nil) != tc.cleared {
			t.Errorf("%q: the authorized keys are gone: %v, want %v", tc.script, err != nil, tc.cleared)
		}
		if power, _ := os.ReadFile(filepath.Join(root, "power")); string(power) != "-h +2\n-h now\n" {
			t.Errorf("%q: power: %q", tc.script, power)
		}
	}
}
