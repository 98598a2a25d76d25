package attest_test

import (
	"fmt"
	"strings"
	"testing"

	"cluster/fleet/attest"
)

// nodes are three nodes that are as they should be.
func nodes(t *testing.T) []attest.Node {
	t.Helper()
	var all []attest.Node
	for n := range 3 {
		e := expected()
		e.Instance, e.PrivateIP = fmt.Sprintf("i-0000000000000000%d", n), fmt.Sprintf("172.31.0.%d", n)
		all = append(all, attest.Node{
			Name: fmt.Sprintf("web-%d", n), Group: "web", Expected: e, Volume: fmt.Sprintf("vol-0000000000000000%d", n),
			Report: &attest.Report{
				Identity: signed(t, strings.NewReplacer("i-00000000000000001", e.Instance, "172.31.0.4", e.PrivateIP).Replace(document), east()),
				BootID:   fmt.Sprint("b", n), MachineID: fmt.Sprint("m", n), HostKeys: []string{fmt.Sprint("k", n)}, Kernel: "6.1", Cmdline: "c",
				Volume: fmt.Sprintf("vol-0000000000000000%d", n), Content: installed,
			},
		})
	}
	return all
}

var installed = attest.Content{Tool: "dpkg", Count: 7, SHA256: hash, OS: "debian-12"}

// outcome is the judgements in words.
func outcome(all []attest.Judgement) string {
	var lines []string
	for _, j := range all {
		lines = append(lines, j.Node.Name+" "+j.Verdict.String())
		for _, f := range j.Findings {
			lines = append(lines, fmt.Sprintf("  %s %s: %s", f.Check, f.Verdict, f.Reason))
			if (f.Got == "") != (f.Verdict == attest.Unverified) {
				lines = append(lines, fmt.Sprintf("  want %q got %q", f.Want, f.Got))
			}
		}
	}
	return strings.Join(lines, "\n")
}

func TestJudge(t *testing.T) {
	updated := installed
	updated.SHA256 = strings.Repeat("0", 64)
	recorded := map[string]attest.Content{expected().Image: installed}
	for _, tc := range []struct {
		name     string
		change   func(n []attest.Node)
		recorded map[string]attest.Content
		want     string
	}{
		{"all well", func(n []attest.Node) {}, recorded, "web-0 same\nweb-1 same\nweb-2 same"},
		{"no record", func(n []attest.Node) {}, nil, "web-0 same\nweb-1 same\nweb-2 same"},
		{
			"silent", func(n []attest.Node) { n[1].Report, n[1].Silent = nil, "unreachable" }, recorded,
			"web-0 same\nweb-1 unverified\n  report unverified: unreachable\nweb-2 same",
		},
		{
			"another instance's document", func(n []attest.Node) { n[1].Report.Identity = n[0].Report.Identity }, recorded,
			"web-0 same\nweb-1 different\n  identity different: its document is of another instance\n  identity different: its document is of another private address\nweb-2 same",
		},
		{
			"no document", func(n []attest.Node) { n[1].Report.Identity = "" }, recorded,
			"web-0 same\nweb-1 unverified\n  identity unverified: it gives no identity document\nweb-2 same",
		},
		{
			"a tampered document", func(n []attest.Node) { n[2].Report.Identity = replaced(t, n[2].Report.Identity, "ami-0", "ami-1") }, recorded,
			"web-0 same\nweb-1 same\nweb-2 different\n  identity different: its document is not the one that was signed: message digest mismatch",
		},
		{
			"a region that nobody knows", func(n []attest.Node) { n[0].Expected.Region = "mars-north-1" }, recorded,
			"web-0 unverified\n  identity unverified: no certificate of mars-north-1 is known to verify its document with\nweb-1 same\nweb-2 same",
		},
		{
			"an account that nobody told", func(n []attest.Node) { n[0].Expected.Account = "" }, recorded,
			"web-0 unverified\n  identity unverified: EC2 did not tell its account to compare with that of its document\nweb-1 same\nweb-2 same",
		},
		{
			"another disk", func(n []attest.Node) { n[0].Report.Volume = "vol-1" }, recorded,
			"web-0 different\n  root_volume different: its disk says that it is another volume\nweb-1 same\nweb-2 same",
		},
		{
			"no NVMe", func(n []attest.Node) { n[0].Report.Volume = "" }, recorded, "web-0 same\nweb-1 same\nweb-2 same",
		},
		{
			"a machine id twice, and none", func(n []attest.Node) { n[0].Report.MachineID, n[2].Report.MachineID = "m1", "" }, recorded,
			"web-0 different\n  machine_id different: it is also that of web-1\nweb-1 different\n  machine_id different: it is also that of web-0\n" +
				"web-2 unverified\n  machine_id unverified: it does not tell",
		},
		{
			"a host key twice", func(n []attest.Node) { n[2].Report.HostKeys = []string{"k2", "k0"} }, recorded,
			"web-0 different\n  host_key different: it is also that of web-2\nweb-1 same\nweb-2 different\n  host_key different: it is also that of web-0",
		},
		{
			"a boot id twice", func(n []attest.Node) { n[2].Report.BootID = "b1" }, recorded,
			"web-0 same\nweb-1 different\n  boot_id different: it is also that of web-2\nweb-2 different\n  boot_id different: it is also that of web-1",
		},
		{
			"other packages than recorded", func(n []attest.Node) { n[1].Report.Content = updated }, recorded,
			"web-0 same\nweb-1 drift\n  content drift: it holds something else than its image when that was made\nweb-2 same",
		},
		{
			"all others than recorded", func(n []attest.Node) {
				for _, n := range n {
					n.Report.Content = updated
				}
			}, recorded,
			strings.ReplaceAll("web-0 drift\nweb-1 drift\nweb-2 drift", "drift", "drift\n  content drift: it holds something else than its image when that was made"),
		},
		{
			"an outlier", func(n []attest.Node) { n[1].Report.Content = updated }, nil,
			"web-0 same\nweb-1 drift\n  content drift: 2 of 3 nodes have the other\nweb-2 same",
		},
		{
			"nobody agrees", func(n []attest.Node) {
				n[1].Report.Content = updated
				n[2].Report = nil
			}, nil,
			"web-0 drift\n  content drift: the nodes differ, and there is no majority\nweb-1 drift\n  content drift: the nodes differ, and there is no majority\n" +
				"web-2 unverified\n  report unverified: ",
		},
		{
			"alone, without a record", func(n []attest.Node) { n[1].Report, n[2].Report = nil, nil }, nil,
			"web-0 unverified\n  content unverified: nothing is recorded of its image, and there is no other node of it to compare with\n" +
				"web-1 unverified\n  report unverified: \nweb-2 unverified\n  report unverified: ",
		},
		{
			"packages that are not told", func(n []attest.Node) { n[0].Report.Content = attest.Content{} }, recorded,
			"web-0 unverified\n  content unverified: it does not tell\nweb-1 same\nweb-2 same",
		},
		{
			"another kernel and driver", func(n []attest.Node) { n[0].Report.Kernel, n[1].Report.Drivers = "6.2", []string{"efa 2.1"} }, recorded,
			"web-0 drift\n  kernel drift: 2 of 3 nodes have the other\nweb-1 drift\n  drivers drift: 2 of 3 nodes have the other\nweb-2 same",
		},
		{
			"the worst counts", func(n []attest.Node) {
				n[0].Report.Kernel = "6.2"
				n[0].Report.BootID = ""
				n[0].Report.Volume = "vol-1"
			}, recorded,
			"web-0 different\n  root_volume different: its disk says that it is another volume\n  boot_id unverified: it does not tell\n" +
				"  kernel drift: 2 of 3 nodes have the other\nweb-1 same\nweb-2 same",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			all := nodes(t)
			tc.change(all)
			if got := outcome(attest.Judge(all, certificates(), tc.recorded)); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

// Groups with other kernels and drivers are compared within themselves, and their packages by image.
func TestJudgeGroups(t *testing.T) {
	all := nodes(t)
	all[0].Group, all[0].Report.Kernel, all[0].Report.Drivers = "head", "6.2", []string{"efa 2.1"}
	if got := outcome(attest.Judge(all, certificates(), nil)); got != "web-0 same\nweb-1 same\nweb-2 same" {
		t.Errorf("%s", got)
	}
	all[0].Expected.Image = "ami-1"
	if got := attest.Judge(all, certificates(), nil); got[0].Verdict != attest.Different || got[1].Verdict != attest.Same {
		t.Errorf("%s", outcome(got))
	}
}
