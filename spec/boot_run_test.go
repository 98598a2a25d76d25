package spec

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A bootedNode is a folder in which the parts of user data were run as cloud-init runs them.
type bootedNode struct {
	root   string
	failed []string // of the scripts, by name
	output string
}

func (n bootedNode) file(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(n.root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A machine is what a node boots on.
type machine struct {
	meta    map[string]string // the instance metadata, by path below meta-data
	files   map[string]string // that the image has
	mounted []string          // paths
	refused string            // the path of which the mount is refused
	lacks   string            // mount.lustre

	refusals int            // how often it is; 0: always
	later    map[string]int // how often metadata is not there at first
	disks    []disk
}

// metadata is that of the third of a call's instances.
func metadata() map[string]string {
	return map[string]string{
		"tags/instance/cluster:name": "cfd", "tags/instance/cluster:group": "compute", "tags/instance/cluster:slots": "3,9,12-64",
		"ami-launch-index": "2", "local-ipv4": "10.0.0.7", "placement/region": "eu-west-1", "services/domain": "amazonaws.com",
	}
}

// ServeHTTP is an instance metadata service of version 2.
func (m machine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/latest/meta-data/")
	value, ok := m.meta[name]
	if m.later[name] > 0 {
		m.later[name]--
		ok = false
	}
	switch {
	case r.Method == "PUT" && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
		fmt.Fprint(w, "TOKEN==")
	case r.Header.Get("X-aws-ec2-metadata-token") != "TOKEN==":
		http.Error(w, "no token", http.StatusUnauthorized)
	case !ok:
		http.NotFound(w, r)
	default:
		fmt.Fprint(w, value)
	}
}

// boot runs user data: boothooks as they come, then the scripts that can be executed, in the order of their names,
// whatever became of the one before, which is what cloud-init does. The scripts see another root, and the machine's metadata.
func (m machine) boot(t *testing.T, data []byte) bootedNode {
	t.Helper()
	n := bootedNode{root: t.TempDir()}
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(n.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	files := map[string]string{"etc/hosts": "127.0.0.1 localhost\n", "etc/fstab": "LABEL=/ / xfs defaults 0 0\n", "proc/sys/kernel/hostname": "ip-10-0-0-7\n", "dev/console": ""}
	for name, text := range m.files {
		files[name] = text
	}
	for name, text := range files {
		write(name, text, 0o644)
	}
	for _, name := range []string{"nfs", "nfs4", "lustre"} {
		if name != m.lacks {
			write("bin/mount."+name, "#!/bin/sh\n", 0o755)
		}
	}
	for name, text := range tools(n.root, m.disks) {
		write(name, text, 0o755)
	}
	write("bin/sleep", "#!/bin/sh\necho $1 >>"+n.root+"/slept\n", 0o755)
	write("bin/mount", fmt.Sprintf("#!/bin/sh\n[ \"$1\" != %q ] || [ -e %[3]s/enough ] || { echo 'access denied by server' >&2; "+
		"echo >>%[3]s/attempts; [ $(wc -l <%[3]s/attempts) != %[4]d ] || touch %[3]s/enough; exit 32; }\necho \"${1#%[2]s}\" >>%[3]s/mounted\n",
		n.root+m.refused, n.root, n.root, m.refusals), 0o755)
	write("bin/mountpoint", fmt.Sprintf("#!/bin/sh\nfor p in %s; do [ \"$2\" != %s$p ] || exit 0; done\nexit 1\n", strings.Join(m.mounted, " "), n.root), 0o755)
	server := httptest.NewServer(m)
	defer server.Close()
	run := func(path string) bool {
		cmd := exec.Command(path)
		cmd.Env = []string{"PATH=" + filepath.Join(n.root, "bin") + ":" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		n.output += string(out)
		return err == nil
	}
	for i, p := range partsOf(t, data) {
		name := p.name
		if name == "" {
			name = fmt.Sprintf("part-%03d", i+1)
		}
		text := strings.Replace(p.text, "root=\n", "root="+n.root+"\n", 1)
		text = strings.Replace(text, "imds=http://169.254.169.254/latest\n", "imds="+server.URL+"/latest\n", 1)
		switch {
		case strings.Contains(text, "# cluster: time to live"):
		case p.kind == "text/cloud-boothook":
			run(write("boothooks/"+name, text, 0o700))
		case strings.HasPrefix(text, "#!"):
			write("scripts/"+name, text, 0o700)
		}
	}
	scripts, err := filepath.Glob(filepath.Join(n.root, "scripts", "*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(scripts)
	for _, s := range scripts {
		if info, err := os.Stat(s); err != nil || info.Mode()&0o100 == 0 {
			continue
		}
		if !run(s) {
			n.failed = append(n.failed, filepath.Base(s))
		}
	}
	return n
}

// needShell skips a test where a program is missing that the scripts call.
func needShell(t *testing.T) {
	for _, name := range []string{"sh", "curl", "sed", "grep", "timeout"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
}

// user is a group whose own script writes down that it ran.
func user(g *Group) *Group {
	g.UserData = []byte("#!/bin/sh\nroot=\n. $root/etc/cluster/node && echo \"$CLUSTER_NODE of $CLUSTER_NAME\" >$root/ran\n")
	return g
}

func TestProgramBootNamesAndMounts(t *testing.T) {
	needShell(t)
	m := machine{meta: metadata()}
	n := m.boot(t, user(bootGroup()).LaunchData())
	if n.failed != nil {
		t.Fatalf("these failed: %v\n%s", n.failed, n.output)
	}
	for name, want := range map[string]string{
		"ran":                      "compute-12 of cfd\n",
		"etc/cluster/node":         "CLUSTER_NAME=cfd\nCLUSTER_GROUP=compute\nCLUSTER_SLOT=12\nCLUSTER_NODE=compute-12\n",
		"etc/hostname":             "compute-12\n",
		"proc/sys/kernel/hostname": "compute-12\n",
		"etc/hosts":                "# BEGIN cluster: this node\n10.0.0.7 compute-12.cfd.cluster compute-12\n# END cluster: this node\n127.0.0.1 localhost\n",
		"etc/fstab": "LABEL=/ / xfs defaults 0 0\n" +
			"10.0.0.5:/export/home /home nfs hard,_netdev,nfsvers=4.2,ro,x-cluster.mount 0 0\n" +
			"fs-0fedcba9876543210.fsx.eu-west-1.amazonaws.com@tcp:/2yvbdbmv /scratch lustre relatime,flock,_netdev,x-cluster.mount 0 0\n" +
			"fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com:/ /shared nfs4 nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,_netdev,x-cluster.mount 0 0\n",
		"mounted": "/home\n/scratch\n/shared\n",
		"dev/console": "cluster: this is compute-12\ncluster: /home is 10.0.0.5:/export/home\n" +
			"cluster: /scratch is fs-0fedcba9876543210.fsx.eu-west-1.amazonaws.com@tcp:/2yvbdbmv\n" +
			"cluster: /shared is fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com:/\n",
	} {
		if d := cmp.Diff(want, n.file(t, name)); d != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, d)
		}
	}

	// An image that was captured from this node has its files. They are this node's no more.
	m.meta["ami-launch-index"], m.meta["local-ipv4"] = "0", "10.0.0.8"
	m.files = map[string]string{"etc/hosts": n.file(t, "etc/hosts"), "etc/fstab": n.file(t, "etc/fstab"), "etc/hostname": "compute-12\n"}
	g := user(bootGroup())
	g.Mounts = g.Mounts[:1]
	n = m.boot(t, g.LaunchData())
	for name, want := range map[string]string{
		"ran":          "compute-3 of cfd\n",
		"etc/hostname": "compute-3\n",
		"etc/hosts":    "# BEGIN cluster: this node\n10.0.0.8 compute-3.cfd.cluster compute-3\n# END cluster: this node\n127.0.0.1 localhost\n",
		"etc/fstab":    "LABEL=/ / xfs defaults 0 0\n10.0.0.5:/export/home /home nfs hard,_netdev,nfsvers=4.2,ro,x-cluster.mount 0 0\n",
	} {
		if d := cmp.Diff(want, n.file(t, name)); d != "" {
			t.Errorf("from a captured image: %s differs (-want +got):\n%s", name, d)
		}
	}
}

// TestProgramBootKeepsHostname holds that the host name is left alone where nobody asked for it.
func TestProgramBootKeepsHostname(t *testing.T) {
	needShell(t)
	g := user(bootGroup())
	g.SetHostname = false
	n := machine{meta: metadata()}.boot(t, g.LaunchData())
	if n.failed != nil || n.file(t, "ran") != "compute-12 of cfd\n" {
		t.Errorf("these failed: %v\n%s", n.failed, n.output)
	}
	if got := n.file(t, "proc/sys/kernel/hostname") + n.file(t, "etc/hosts"); got != "ip-10-0-0-7\n127.0.0.1 localhost\n" {
		t.Errorf("the host name and /etc/hosts are %q", got)
	}
}

// TestProgramBootFails holds that a node that is not whole says why on its console, ends with an error, and runs
// nothing of the file's.
func TestProgramBootFails(t *testing.T) {
	needShell(t)
	with := func(key, value string) map[string]string {
		meta := metadata()
		if meta[key] = value; value == "" {
			delete(meta, key)
		}
		return meta
	}
	for _, tt := range []struct {
		name, console string
		m             machine
	}{
		{"a mount is refused", "cluster: failed: /scratch: cannot mount fs-0fedcba9876543210.fsx.eu-west-1.amazonaws.com@tcp:/2yvbdbmv: access denied by server\n", machine{meta: metadata(), refused: "/scratch"}},
		{"no client", "cluster: failed: /scratch: the image has no mount.lustre, which comes with nfs-utils or nfs-common, or with the client of Lustre\n", machine{meta: metadata(), lacks: "lustre"}},
		{"mounted from elsewhere", "cluster: failed: /shared: something else is mounted there already\n", machine{meta: metadata(), mounted: []string{"/shared"}}},
		{"no tags in the metadata", "cluster: failed: the instance metadata does not tell who this node is\n", machine{meta: with("tags/instance/cluster:slots", "")}},
		{"index out of range", "cluster: failed: launch index 55 has no slot in 3,9,12-64\n", machine{meta: with("ami-launch-index", "55")}},
		{"slots that are none", "cluster: failed: launch index 2 has no slot in $(reboot)\n", machine{meta: with("tags/instance/cluster:slots", "$(reboot)")}},
		{"a name that is none", "cluster: failed: cfd/a;reboot is not the name of a group\n", machine{meta: with("tags/instance/cluster:group", "a;reboot")}},
		{"a folder that cannot be", "cluster: failed: /shared: there can be no such folder\n", machine{meta: metadata(), files: map[string]string{"shared": "a file\n"}}},
		{"no region", "cluster: failed: the instance metadata does not tell the region\n", machine{meta: with("services/domain", "")}},
	} {
		n := tt.m.boot(t, user(bootGroup()).LaunchData())
		if got := n.file(t, "dev/console"); !strings.HasSuffix(got, tt.console) {
			t.Errorf("%s: the console ends with %q, want %q\n%s", tt.name, got, tt.console, n.output)
		}
		if !slices.Equal(n.failed, []string{bootFile}) {
			t.Errorf("%s: these failed: %v", tt.name, n.failed)
		}
		if _, err := os.Stat(filepath.Join(n.root, "ran")); err == nil {
			t.Errorf("%s: the script of the file ran all the same", tt.name)
		}
	}
}

// TestProgramBootAgain holds that mounts of an earlier run of the script are taken for what they are.
func TestProgramBootAgain(t *testing.T) {
	needShell(t)
	first := machine{meta: metadata()}.boot(t, user(bootGroup()).LaunchData())
	m := machine{meta: metadata(), mounted: []string{"/home", "/scratch"}, files: map[string]string{"etc/fstab": first.file(t, "etc/fstab")}}
	n := m.boot(t, user(bootGroup()).LaunchData())
	if n.failed != nil || n.file(t, "mounted") != "/shared\n" || n.file(t, "etc/fstab") != first.file(t, "etc/fstab") {
		t.Errorf("these failed: %v\n%s%s", n.failed, n.output, n.file(t, "etc/fstab"))
	}
}

// TestProgramBootTakesTheNodesOwnSlot holds that a node's own slot goes before that of its launch index.
func TestProgramBootTakesTheNodesOwnSlot(t *testing.T) {
	needShell(t)
	m := machine{meta: metadata()}
	m.meta["tags/instance/cluster:slot"] = "64"
	if n := m.boot(t, user(bootGroup()).LaunchData()); n.failed != nil || n.file(t, "etc/hostname") != "compute-64\n" {
		t.Errorf("the node is %s (%v)", n.file(t, "etc/hostname"), n.failed)
	}
}
