package export_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cluster/fleet/export"
	"cluster/spec/hostlist"

	hcljson "github.com/hashicorp/hcl/v2/json"
)

// These tests hand each format to the program that it is for, and count the hosts that this finds: an exit code
// says little, since some of them take a file that they cannot read for an empty one.

var demoNames = []string{"compute-0", "compute-1", "compute-2", "compute-3", "head-0"}

// needs skips a test where a program is not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("not tried: it takes seconds")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("not tried: %s is not installed", p)
		}
	}
}

// folder is the demo cluster in all formats.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	want, have, types := demo()
	v := export.New(want, have, types, "")
	for _, f := range export.Formats {
		write(t, filepath.Join(dir, f.File), string(f.Render(v)))
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// call runs a command in a folder and gives what it wrote to standard output.
func call(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// same holds that words are some names, in any order.
func same(t *testing.T, words, names []string) {
	t.Helper()
	words = slices.Sorted(slices.Values(words))
	if names = slices.Sorted(slices.Values(names)); !slices.Equal(words, names) {
		t.Errorf("found %v, want %v", words, names)
	}
}

// onEach is how many processes MPI starts on each node of the demo cluster, a word a process.
func onEach() (words []string) {
	for name, slots := range map[string]int{"head-0": 2, "compute-0": 4, "compute-1": 4, "compute-2": 4, "compute-3": 4} {
		words = append(words, slices.Repeat([]string{name}, slots)...)
	}
	return words
}

// agent stands in for ssh: it starts here what it should start on a host, with the host's name in NODE and a
// folder for temporary files of its own.
func agent(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "agent")
	write(t, path, `#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
NODE=$1 TMPDIR=$(dirname "$0")/$1
export NODE TMPDIR
mkdir -p "$TMPDIR"
shift
exec sh -c "$*"
`)
	return path
}

func TestProgramOpenMPI(t *testing.T) {
	needs(t, "mpirun.openmpi")
	dir := folder(t)
	// Its daemons are all on this computer, and talk over the loopback.
	mpirun := []string{"mpirun.openmpi", "--allow-run-as-root", "--mca", "plm_rsh_agent", agent(t, dir), "--mca", "plm_rsh_no_tree_spawn", "1",
		"--mca", "routed", "direct", "--mca", "oob_tcp_if_include", "lo", "--hostfile"}
	for _, file := range []string{"openmpi", "lines"} {
		same(t, strings.Fields(call(t, dir, nil, append(slices.Clone(mpirun), file, "-np", "18", "sh", "-c", "echo $NODE")...)), onEach())
	}
	mpirun = append(mpirun, filepath.Join(dir, "openmpi"), "-np", "19", "true")
	if out, err := exec.CommandContext(t.Context(), mpirun[0], mpirun[1:]...).CombinedOutput(); err == nil || !strings.Contains(string(out), "slots") {
		t.Errorf("19 processes on 18 slots: %v\n%s", err, out)
	}
}

func TestProgramMPICH(t *testing.T) {
	needs(t, "mpiexec.hydra")
	dir := folder(t)
	for _, file := range []string{"mpich", "lines"} {
		out := call(t, dir, nil, "mpiexec.hydra", "-launcher", "ssh", "-launcher-exec", agent(t, dir), "-f", file, "-n", "18", "sh", "-c", "echo $NODE")
		same(t, strings.Fields(out), onEach())
	}
}

func TestProgramSSH(t *testing.T) {
	needs(t, "ssh")
	dir := folder(t)
	for name, want := range map[string]string{
		"head-0":       "hostname 203.0.113.10, hostkeyalias i-0aaa0000000000000",
		"203.0.113.10": "hostname 203.0.113.10, hostkeyalias i-0aaa0000000000000",
		"compute-3":    "hostname 10.77.0.23, hostkeyalias i-0aaa0000000000004, proxyjump head-0",
		"10.77.0.23":   "hostname 10.77.0.23, hostkeyalias i-0aaa0000000000004, proxyjump head-0",
		"elsewhere":    "hostname elsewhere",
	} {
		var got []string
		for line := range strings.Lines(call(t, dir, nil, "ssh", "-G", "-F", "ssh_config", name)) {
			if key, _, _ := strings.Cut(line, " "); key == "hostname" || key == "hostkeyalias" || key == "proxyjump" {
				got = append(got, strings.TrimSpace(line))
			}
		}
		wanted := strings.Split(want, ", ")
		same(t, got, wanted)
	}
}

func TestProgramHosts(t *testing.T) {
	needs(t, "unshare", "getent")
	dir := folder(t)
	if err := exec.CommandContext(t.Context(), "unshare", "-m", "true").Run(); err != nil {
		t.Skip("not tried: a namespace of its own for /etc/hosts is not permitted")
	}
	out := call(t, dir, nil, "unshare", "-m", "sh", "-c", "mount --bind hosts /etc/hosts && getent -s files hosts")
	var got []string
	for line := range strings.Lines(out) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if len(got) != 5 || got[4] != "10.77.0.23 compute-3.demo.cluster compute-3" {
		t.Errorf("found %q", got)
	}
}

func TestProgramAnsible(t *testing.T) {
	needs(t, "ansible", "ansible-inventory")
	dir := folder(t)
	write(t, filepath.Join(dir, "dynamic"), "#!/bin/sh\nexec cat ansible-inventory.json\n")
	quiet := []string{"HOME=" + dir, "ANSIBLE_NOCOLOR=1", "LC_ALL=C.UTF-8"}
	var first any
	for _, file := range []string{"ansible.ini", "ansible.yaml", "dynamic"} {
		out := call(t, dir, quiet, "ansible", "cluster_demo", "-i", "./"+file, "--list-hosts")
		same(t, strings.Fields(out), append([]string{"hosts", "(5):"}, demoNames...))
		var model any
		if err := json.Unmarshal([]byte(call(t, dir, quiet, "ansible-inventory", "-i", "./"+file, "--list")), &model); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = model
		}
		if a, b := compactJSON(t, model), compactJSON(t, first); a != b {
			t.Errorf("%s is\n%s\nand the first was\n%s", file, a, b)
		}
	}
}

func compactJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestProgramClusterShell(t *testing.T) {
	needs(t, "nodeset")
	dir := folder(t)
	write(t, filepath.Join(dir, "groups.conf"), "[Main]\nautodir: "+dir+"/groups.d\nconfdir: "+dir+"/none\n")
	if err := os.Mkdir(filepath.Join(dir, "groups.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "clustershell.yaml"), filepath.Join(dir, "groups.d", "demo.yaml")); err != nil {
		t.Fatal(err)
	}
	env := []string{"CLUSTERSHELL_CFGDIR=" + dir, "HOME=" + dir}
	same(t, strings.Fields(call(t, dir, env, "nodeset", "-e", "@demo:all")), demoNames)
	same(t, strings.Fields(call(t, dir, env, "nodeset", "-e", "@demo:compute")), demoNames[:4])
}

func TestProgramPdsh(t *testing.T) {
	needs(t, "pdsh")
	dir := folder(t)
	out := call(t, dir, []string{"WCOLL=" + filepath.Join(dir, "wcoll")}, "pdsh", "-N", "-R", "exec", "echo", "%h")
	same(t, strings.Fields(out), demoNames)
}

func TestProgramGenders(t *testing.T) {
	needs(t, "nodeattr", "pdsh")
	dir := folder(t)
	call(t, dir, nil, "nodeattr", "-f", "genders", "-k")
	same(t, strings.Fields(call(t, dir, nil, "nodeattr", "-f", "genders", "-n", "cluster=demo")), demoNames)
	same(t, strings.Fields(call(t, dir, nil, "nodeattr", "-f", "genders", "-n", "slots=4")), demoNames[:4])
	same(t, strings.Fields(call(t, dir, nil, "pdsh", "-F", filepath.Join(dir, "genders"), "-g", "compute", "-N", "-R", "exec", "echo", "%h")), demoNames[:4])
}

func TestProgramPrometheus(t *testing.T) {
	needs(t, "promtool")
	dir := folder(t)
	write(t, filepath.Join(dir, "prometheus.yml"), "scrape_configs:\n  - job_name: nodes\n    file_sd_configs: [{files: [prometheus.json]}]\n")
	call(t, dir, nil, "promtool", "check", "config", "prometheus.yml")
	var found []struct{ Labels map[string]string }
	if err := json.Unmarshal([]byte(call(t, dir, nil, "promtool", "check", "service-discovery", "--timeout=1s", "prometheus.yml", "nodes")), &found); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		got = append(got, f.Labels["node"])
	}
	same(t, got, demoNames)
}

// TestTerraform reads the variables with the parser that Terraform has for JSON.
func TestTerraform(t *testing.T) {
	want, have, types := demo()
	f, diags := hcljson.Parse([]byte(render(t, "tfvars", export.New(want, have, types, ""))), "cluster.auto.tfvars.json")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	variables, diags := f.Body.JustAttributes()
	if diags.HasErrors() || variables["nodes"] == nil {
		t.Fatal(variables, diags)
	}
	nodes, diags := variables["nodes"].Expr.Value(nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for name, node := range nodes.AsValueMap() {
		got = append(got, name+" "+node.GetAttr("private_ip").AsString())
	}
	same(t, got, []string{"head-0 10.77.0.10", "compute-0 10.77.0.20", "compute-1 10.77.0.21", "compute-2 10.77.0.22", "compute-3 10.77.0.23"})
}

func TestProgramShell(t *testing.T) {
	needs(t, "sh")
	out := call(t, folder(t), nil, "sh", "-ec", ". ./torchrun.env; echo $MASTER_ADDR $MASTER_PORT $NNODES $NPROC_PER_NODE")
	if strings.TrimSpace(out) != "10.77.0.20 29500 4 2" {
		t.Errorf("the environment is %s", out)
	}
}

// TestProgramHostlists compares host lists with what the programs make of them that read them.
func TestProgramHostlists(t *testing.T) {
	needs(t, "scontrol", "nodeset")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "slurm.conf"), "ClusterName=x\nSlurmctldHost=localhost\nNodeName=x\n")
	env := []string{"SLURM_CONF=" + filepath.Join(dir, "slurm.conf"), "HOME=" + dir}
	for _, list := range []string{"c[001-003,070]", "c[9-11]", "c[09-11]", "c[099-101]", "c[998-1001]", "c[0998-1001]", "r[1-2]n[1-2]", "c[1-2],d[3-4]", "head-0,compute-[0-9,12]"} {
		ours, err := hostlist.Expand(list)
		if err != nil {
			t.Fatal(err)
		}
		same(t, strings.Fields(call(t, dir, env, "scontrol", "show", "hostnames", list)), ours)
		same(t, strings.Fields(call(t, dir, env, "nodeset", "-e", list)), ours)
		folded := hostlist.Fold(ours)
		same(t, strings.Fields(call(t, dir, env, "scontrol", "show", "hostnames", folded)), ours)
		same(t, strings.Fields(call(t, dir, env, "nodeset", "-e", folded)), ours)
		if n := strings.TrimSpace(call(t, dir, env, "nodeset", "-c", folded)); n != strconv.Itoa(len(ours)) {
			t.Errorf("%s has %s hosts, and ours %d", folded, n, len(ours))
		}
	}
}
