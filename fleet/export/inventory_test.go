package export_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet/export"
	"cluster/planner"
	"cluster/spec"

	"pgregory.net/rapid"
)

// demo is a head that can be reached and four nodes behind it, of which the types are known.
func demo() (*spec.Cluster, planner.Observed, []planner.InstanceType) {
	want := &spec.Cluster{Name: "demo", Groups: []spec.Group{{Name: "head", Count: 1}, {Name: "compute", Count: 4}}}
	have := planner.Observed{Region: "us-east-1"}
	add := func(group string, slot int, typ, private, public string) {
		have.Instances = append(have.Instances, planner.Instance{
			ID: fmt.Sprintf("i-0aaa%013d", len(have.Instances)), State: planner.Running, Group: group, Slot: slot, InstanceType: typ,
			PrivateIP: private, PublicIP: public, Zone: "us-east-1a", Tags: map[string]string{planner.TagName: "demo"},
			Launched: time.Unix(1_800_000_000, 0).UTC(),
		})
	}
	add("head", 0, "c7i.xlarge", "10.77.0.10", "203.0.113.10")
	for slot := range 4 {
		add("compute", slot, "p5.48xlarge", fmt.Sprintf("10.77.0.%d", 20+slot), "")
	}
	return want, have, []planner.InstanceType{
		{Name: "c7i.xlarge", VCPUs: 4, Cores: 2, ThreadsPerCore: 2, MemoryMiB: 8192},
		{Name: "p5.48xlarge", VCPUs: 8, Cores: 4, ThreadsPerCore: 2, MemoryMiB: 10000, GPUs: 2, GPU: "H100"},
	}
}

func render(t *testing.T, format string, v export.Inventory) string {
	t.Helper()
	f, ok := export.Find(format)
	if !ok {
		t.Fatalf("no format %s", format)
	}
	return string(f.Render(v))
}

// TestNew holds which instances are nodes of an inventory.
func TestNew(t *testing.T) {
	want, have, types := demo()
	odd := func(change func(*planner.Instance)) {
		i := have.Instances[1]
		i.ID, i.Slot, i.PrivateIP = fmt.Sprintf("i-0bbb%013d", len(have.Instances)), 3, "10.77.9.9"
		i.Launched = i.Launched.Add(time.Hour)
		change(&i)
		have.Instances = append(have.Instances, i)
	}
	have.Instances[3].State = planner.Pending // compute-2
	odd(func(i *planner.Instance) {})         // the younger holder of a slot
	odd(func(i *planner.Instance) { i.Slot = 4 })
	odd(func(i *planner.Instance) { i.Slot = -1 })
	odd(func(i *planner.Instance) { i.Group = "other" })
	odd(func(i *planner.Instance) { i.Tags = map[string]string{planner.TagName: "another"} })
	odd(func(i *planner.Instance) { i.State, i.Slot = planner.Terminated, 2 })
	odd(func(i *planner.Instance) { i.PrivateIP, i.Slot = "", 2 })
	odd(func(i *planner.Instance) { i.PrivateIP, i.Slot = "10.0.0.1\nroot", 2 })
	v := export.New(want, have, types, "")
	var got []string
	for _, n := range v.Nodes() {
		got = append(got, n.Name+" "+n.PrivateIP)
	}
	if s := strings.Join(got, ", "); s != "head-0 10.77.0.10, compute-0 10.77.0.20, compute-1 10.77.0.21, compute-3 10.77.0.23" {
		t.Errorf("the nodes are %s", s)
	}
	if m := v.Missing(); !slices.Equal(m, []string{"compute-2"}) {
		t.Errorf("missing are %v", m)
	}
	slices.Reverse(have.Instances)
	for _, f := range export.Formats {
		if shuffled := export.New(want, have, types, ""); string(f.Render(v)) != string(f.Render(shuffled)) {
			t.Errorf("%s depends on the order of what was observed", f.Name)
		}
	}
}

// TestSlots holds that a slot is a core as launched, else one of the type, else the node.
func TestSlots(t *testing.T) {
	want, have, types := demo()
	have.Instances[1].Cores, have.Instances[1].ThreadsPerCore = 3, 1 // launched with other CPU options
	slots := func(per spec.SlotsPer, types []planner.InstanceType) (all []int) {
		for _, n := range export.New(want, have, types, per).Nodes() {
			all = append(all, n.Slots)
		}
		return all
	}
	for _, c := range []struct {
		got, want []int
	}{
		{slots("", types), []int{2, 3, 4, 4, 4}},
		{slots(spec.SlotThread, types), []int{4, 3, 8, 8, 8}},
		{slots("", nil), []int{1, 3, 1, 1, 1}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("slots %v, want %v", c.got, c.want)
		}
	}
	want.Groups[1].SlotsPer = spec.SlotThread
	if got := slots("", types); !slices.Equal(got, []int{2, 3, 8, 8, 8}) {
		t.Errorf("slots by the file: %v", got)
	}
	if got := slots(spec.SlotCore, types); !slices.Equal(got, []int{2, 3, 4, 4, 4}) {
		t.Errorf("slots by who asks: %v", got)
	}
}

// TestBehindHead holds how nodes without a public address are reached, and what nodes with GPUs get.
func TestBehindHead(t *testing.T) {
	want, have, types := demo()
	v := export.New(want, have, types, "")
	for format, lines := range map[string]string{
		"ssh_config": "Host compute-3 10.77.0.23\n    HostName 10.77.0.23\n    HostKeyAlias i-0aaa0000000000004\n    ProxyJump head-0\n",
		"slurm-nodes": "NodeName=compute-[0-3] NodeAddr=10.77.0.[20-23] CPUs=4 RealMemory=9500 Gres=gpu:h100:2 State=UNKNOWN\n" +
			"PartitionName=head Nodes=head-0 Default=NO MaxTime=INFINITE State=UP\nPartitionName=compute Nodes=compute-[0-3] Default=YES",
		"slurm-gres": "NodeName=compute-[0-3] Name=gpu Type=h100 File=/dev/nvidia[0-1]\n",
		"torchrun":   "MASTER_ADDR=10.77.0.20\nMASTER_PORT=29500\nNNODES=4\nNPROC_PER_NODE=2\n",
	} {
		if got := render(t, format, v); !strings.Contains(got, lines) {
			t.Errorf("%s lacks\n%s\n%s", format, lines, got)
		}
	}
	alone := render(t, "ssh_config", v.Only("compute"))
	if !strings.HasPrefix(alone, "Host head-0 10.77.0.10 203.0.113.10\n    HostName 203.0.113.10\n") || strings.Count(alone, "Host ") != 5 {
		t.Errorf("without its group the gateway is missing:\n%s", alone)
	}
	have.Instances[0].PublicIP = ""
	if got := render(t, "ssh_config", export.New(want, have, types, "")); strings.Contains(got, "ProxyJump") || strings.Contains(got, "198.") {
		t.Errorf("without a public address there is a gateway:\n%s", got)
	}
	have.Instances[2].PrivateIP, have.Instances[3].PrivateIP = "10.77.1.9", "10.77.0.8"
	if got := render(t, "slurm-nodes", export.New(want, have, types, "")); !strings.Contains(got, "NodeAddr=10.77.0.20,10.77.1.9,10.77.0.8,10.77.0.23 ") {
		t.Errorf("addresses are not in step with names:\n%s", got)
	}
}

// TestReservedNames holds that groups may be named like what a format keeps for itself.
func TestReservedNames(t *testing.T) {
	want, have, types := demo()
	rename := func(from, to string) {
		for i := range want.Groups {
			if want.Groups[i].Name == from {
				want.Groups[i].Name = to
			}
		}
		for i := range have.Instances {
			if have.Instances[i].Group == from {
				have.Instances[i].Group = to
			}
		}
	}
	rename("head", "all")
	rename("compute", "default")
	v := export.New(want, have, types, "")
	for format, lines := range map[string]string{
		"clustershell":      "    \"all_\": \"all-0\"\n",
		"ansible-ini":       "[all_]\nall-0 ansible_host=203.0.113.10\n",
		"ansible-yaml":      "    \"all_\":\n      hosts:\n        \"all-0\"",
		"ansible-inventory": "\"children\": [\n      \"all_\",\n      \"default\"\n    ]",
		"slurm-nodes":       "PartitionName=default_ Nodes=default-[0-3] Default=YES",
	} {
		if got := render(t, format, v); !strings.Contains(got, lines) {
			t.Errorf("%s lacks\n%s\n%s", format, lines, got)
		}
	}
	rename("all", "cluster")
	rename("default", "cluster-demo")
	v = export.New(want, have, types, "")
	if got := render(t, "genders", v); !strings.HasPrefix(got, "cluster-0 cluster_,cluster=demo,group=cluster,slots=2\n") {
		t.Errorf("genders has an attribute twice:\n%s", got)
	}
	if got := render(t, "ansible-ini", v); !strings.Contains(got, "[cluster_demo]\n") || !strings.Contains(got, "[cluster_demo_:children]\n") {
		t.Errorf("the cluster and a group have one name:\n%s", got)
	}
}

// TestForeignText holds that nothing of what EC2 says can end a line, a string or a word of any format.
func TestForeignText(t *testing.T) {
	want, have, types := demo()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.SampledFrom([]string{"a\nHost *", "a b", `a"b`, "a'b", "$(id)", "a#b", "-oProxyCommand=id", "\x1b[2J", "a:b", "a,b", "é", "a]b", "%h", "\u202e"}),
			rapid.StringMatching(`.{0,3}[^A-Za-z0-9._-].{0,3}`),
		)
		h := have
		h.Instances = slices.Clone(have.Instances)
		i := &h.Instances[1]
		clean := *i
		kinds := slices.Clone(types)
		i.ID, i.PrivateDNS, i.PublicIP = text.Draw(t, "id"), text.Draw(t, "dns"), text.Draw(t, "address")
		i.Zone, i.ImageID = text.Draw(t, "zone"), text.Draw(t, "image")
		kinds[1].GPU = text.Draw(t, "gpu")
		i.Tags = map[string]string{planner.TagName: "demo", "Name": text.Draw(t, "tag")}
		h.Region = text.Draw(t, "region")
		got := export.New(want, h, kinds, "")
		clean.ID, clean.Zone = "", ""
		h.Instances[1], kinds[1].GPU, h.Region = clean, "", ""
		bare := export.New(want, h, kinds, "")
		for _, f := range export.Formats {
			if a, b := string(f.Render(got)), string(f.Render(bare)); a != b {
				t.Fatalf("%s lets foreign text through:\n%s\nwant\n%s", f.Name, a, b)
			}
		}
	})
}

// TestEmpty holds that no format breaks on a cluster without nodes.
func TestEmpty(t *testing.T) {
	want, have, types := demo()
	have.Instances = nil
	v := export.New(want, have, types, "")
	for _, f := range export.Formats {
		if s := string(f.Render(v)); strings.Contains(s, "compute-0\"") && f.Name != "json" || s != "" && !strings.HasSuffix(s, "\n") {
			t.Errorf("%s: %q", f.Name, s)
		}
	}
	if n := len(v.Missing()); n != 5 {
		t.Errorf("%d are missing, want 5", n)
	}
}

// TestFormatsAreTold holds that names and files are there, and each once.
func TestFormatsAreTold(t *testing.T) {
	seen := map[string]bool{}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range export.Formats {
		if seen[f.Name] || f.Name != f.File && seen[f.File] || f.For == "" {
			t.Errorf("%s, %s: twice, or for nothing", f.Name, f.File)
		}
		seen[f.Name], seen[f.File] = true, true
		if line := fmt.Sprintf("| `%s` | `%s` | %s |", f.Name, f.File, f.For); !strings.Contains(string(text), line) {
			t.Errorf("the README lacks the line\n%s", line)
		}
	}
}
