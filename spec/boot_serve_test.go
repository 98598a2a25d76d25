package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A disk is one of those that a machine has.
type disk struct {
	name, model string
	gib         int
	parts       int    // partitions
	holds       string // the UUID of the file system on it; empty: it is blank
}

// tools are stand-ins for the programs with which a node makes a file system and serves it, on these disks.
func tools(root string, disks []disk) map[string]string {
	models := ""
	files := map[string]string{}
	for _, d := range disks {
		models += d.name + " " + d.model + "\n"
		files["disks/"+d.name+".size"] = fmt.Sprintf("%d\n", d.gib<<30)
		files["disks/"+d.name+".names"] = strings.Repeat(d.name+"\n", d.parts+1)
		if d.holds != "" {
			files["disks/"+d.name+".uuid"] = d.holds + "\n"
		}
	}
	files["disks/models"] = models
	files["bin/lsblk"] = `case "$1 $2" in
"-dnro NAME,MODEL") cat @/disks/models ;;
"-bdnro SIZE") cat "@/disks/${3#/dev/}.size" ;;
"-nro NAME") cat "@/disks/${3#/dev/}.names" ;;
esac`
	files["bin/blkid"] = `case "$1" in
-p) [ -e "@/disks/${2#/dev/}.uuid" ] || exit 2 ;;
*) cat "@/disks/${5#/dev/}.uuid" ;;
esac`
	files["bin/mkfs.ext4"] = `echo "made-on-${2#/dev/}" >"@/disks/${2#/dev/}.uuid"; echo "$2" >>@/formatted`
	files["bin/exportfs"] = `echo "exportfs $*" >>@/services`
	files["bin/systemctl"] = `echo "systemctl $*" >>@/services`
	for name, text := range files {
		if strings.HasPrefix(name, "bin/") {
			files[name] = "#!/bin/sh\n" + strings.ReplaceAll(text, "@", root) + "\n"
		}
	}
	return files
}

// serving is a group with a volume that its node serves, or that is served to it.
func servingGroup(name string) *Group {
	return user(&Group{Name: name, Count: 1, Mounts: []Mount{
		{Path: "/data", Kind: MountVolume, From: "head", Volume: RootVolume{Size: 500}},
		{Path: "/home", Kind: MountVolume, From: "head", Volume: RootVolume{Size: 100}, Options: []string{"noatime"}, ReadOnly: true},
	}})
}

var ebs = `Amazon\x20Elastic\x20Block\x20Store`

func TestProgramBootServes(t *testing.T) {
	needShell(t)
	m := machine{meta: metadata(), disks: []disk{
		{name: "nvme0n1", model: ebs, gib: 500, parts: 2, holds: "root"},
		{name: "nvme1n1", model: `Amazon\x20EC2\x20NVMe\x20Instance\x20Storage`, gib: 500},
		{name: "nvme2n1", model: ebs, gib: 500, holds: "somebody's"},
		{name: "nvme3n1", model: ebs, gib: 100},
		{name: "nvme4n1", model: ebs, gib: 500},
		{name: "nvme5n1", model: ebs, gib: 500},
	}}
	m.meta["tags/instance/cluster:group"], m.meta["tags/instance/cluster:slots"], m.meta["ami-launch-index"] = "head", "0", "0"
	m.meta["mac"], m.meta["network/interfaces/macs/0a:ff/vpc-ipv4-cidr-blocks"] = "0a:ff", "10.0.0.0/16\n10.9.0.0/16"
	n := m.boot(t, servingGroup("head").LaunchData())
	if n.failed != nil {
		t.Fatalf("these failed: %v\n%s", n.failed, n.output)
	}
	for name, want := range map[string]string{
		"ran":       "head-0 of cfd\n",
		"formatted": "/dev/nvme4n1\n/dev/nvme3n1\n",
		"etc/fstab": "LABEL=/ / xfs defaults 0 0\n" +
			"UUID=made-on-nvme4n1 /data ext4 defaults,nofail,x-cluster.mount 0 0\n" +
			"UUID=made-on-nvme3n1 /home ext4 defaults,nofail,x-cluster.mount 0 0\n",
		"mounted": "/data\n/home\n",
		"etc/exports.d/cluster.exports": "/data 10.0.0.0/16(rw,no_root_squash,no_subtree_check) 10.9.0.0/16(rw,no_root_squash,no_subtree_check)\n" +
			"/home 10.0.0.0/16(rw,no_root_squash,no_subtree_check) 10.9.0.0/16(rw,no_root_squash,no_subtree_check)\n",
		"services":    "systemctl enable --now nfs-server\nexportfs -r\n",
		"dev/console": "cluster: this is head-0\ncluster: /data is UUID=made-on-nvme4n1\ncluster: /home is UUID=made-on-nvme3n1\ncluster: serving /data /home\n",
	} {
		if d := cmp.Diff(want, n.file(t, name)); d != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, d)
		}
	}

	// Run again, it formats nothing.
	m.files = map[string]string{"etc/fstab": n.file(t, "etc/fstab"), "formatted": ""}
	m.mounted = []string{"/data", "/home"}
	if again := m.boot(t, servingGroup("head").LaunchData()); again.failed != nil || again.file(t, "formatted") != "" || again.file(t, "etc/fstab") != n.file(t, "etc/fstab") {
		t.Errorf("run again: %v\n%s%s", again.failed, again.output, again.file(t, "etc/fstab"))
	}

	// Without a blank disk of the size it says so, and touches none of the others.
	m.files, m.mounted, m.disks = map[string]string{"formatted": ""}, nil, m.disks[:4]
	n = m.boot(t, servingGroup("head").LaunchData())
	if got := n.file(t, "dev/console"); !strings.HasSuffix(got, "cluster: failed: /data: there is no blank EBS volume of 500 GiB\n") || n.file(t, "formatted") != "" {
		t.Errorf("the console ends with %q; formatted: %q", got, n.file(t, "formatted"))
	}
}

func TestProgramBootMountsFromTheServer(t *testing.T) {
	needShell(t)
	// Neither is there at first: the address comes with the third question, and the export with the fourth attempt.
	m := machine{meta: metadata(), later: map[string]int{"tags/instance/cluster:server": 2}, refused: "/data", refusals: 3}
	m.meta["tags/instance/cluster:server"] = "10.0.0.5/i-0123456789abcdef0"
	n := m.boot(t, servingGroup("compute").LaunchData())
	if n.failed != nil {
		t.Fatalf("these failed: %v\n%s", n.failed, n.output)
	}
	for name, want := range map[string]string{
		"ran": "compute-12 of cfd\n",
		"etc/fstab": "LABEL=/ / xfs defaults 0 0\n10.0.0.5:/data /data nfs4 hard,_netdev,x-cluster.mount 0 0\n" +
			"10.0.0.5:/home /home nfs4 hard,_netdev,noatime,ro,x-cluster.mount 0 0\n",
		"mounted": "/data\n/home\n",
		"dev/console": "cluster: this is compute-12\ncluster: waiting for the address of head-0\n" +
			"cluster: waiting for 10.0.0.5:/data: access denied by server\ncluster: /data is 10.0.0.5:/data\ncluster: /home is 10.0.0.5:/home\n",
		"slept": "5\n5\n5\n5\n5\n",
	} {
		if d := cmp.Diff(want, n.file(t, name)); d != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, d)
		}
	}

	// It is not waited for forever: a quarter of an hour, with a word a minute.
	delete(m.meta, "tags/instance/cluster:server")
	n = m.boot(t, servingGroup("compute").LaunchData())
	said := n.file(t, "dev/console")
	if c := strings.Count(said, "waiting for the address of head-0"); c != 15 || !strings.HasSuffix(said, "cluster: failed: nobody has told the address of head-0 for 15 minutes\n") {
		t.Errorf("said %d times that it waits:\n%s", c, said)
	}
	if c := strings.Count(n.file(t, "slept"), "5\n"); c != 180 {
		t.Errorf("it slept %d times, want 180", c)
	}
	if len(n.failed) != 1 {
		t.Errorf("failed: %v", n.failed)
	}
}
