package spec

import (
	"fmt"
	"slices"
	"strings"
)

// bootFile is the name that cloud-init gives to the scripts below.
const bootFile = "00-cluster"

// keepHostname has cloud-init leave the host name and /etc/hosts alone, which it would set to what EC2 calls
// the instance.
const keepHostname = "#cloud-config\npreserve_hostname: true\nmanage_etc_hosts: false\n"

// boots says that the nodes of a group are given scripts that name them and mount what they share.
func (g *Group) boots() bool { return g.SetHostname || len(g.Mounts) > 0 }

// prelude is what both scripts begin with. With it a node finds out who it is from its instance metadata alone:
// its slot is that of the tag cluster:slot, or else the launch index's of the folded list in cluster:slots. root is
// empty but in tests.
//
// A node that cannot say who it is, or lacks what it shares with others, is no use to any job: the script ends
// with 1, which cloud-init reports as an error, the reason is on the console, and scripts of the file that
// would come afterwards are not run.
const prelude = `root=
imds=http://169.254.169.254/latest
say() { echo "cluster: $*" >&2; echo "cluster: $*" >>"$root/dev/console"; }
fail() {
  say "failed: $*"
  case $0 in */scripts/` + bootFile + `) chmod a-x "${0%/*}"/* ;; esac
  exit 1
}
ask() { curl -fsS -m 5 --retry 5 --retry-connrefused "$@"; }
meta() { ask -H "X-aws-ec2-metadata-token: $token" "$imds/meta-data/$1"; }
slot_of() {
  n=$2
  case $1$2 in *[!0-9,-]*) return 1 ;; esac
  for part in $(echo "$1" | tr , ' '); do
    first=${part%-*} last=${part#*-}
    if [ "$n" -le $((last - first)) ]; then
      echo $((first + n))
      return
    fi
    n=$((n - (last - first + 1)))
  done
  return 1
}
name_node() {
  token=$(ask -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 3600' $imds/api/token) &&
    cluster=$(meta tags/instance/cluster:name) &&
    group=$(meta tags/instance/cluster:group) &&
    slots=$(meta tags/instance/cluster:slots) &&
    index=$(meta ami-launch-index) &&
    address=$(meta local-ipv4) || fail 'the instance metadata does not tell who this node is'
  slot=$(meta tags/instance/cluster:slot 2>/dev/null) || slot=$(slot_of "$slots" "$index") || slot=
  case $slot in '' | *[!0-9]*) fail "launch index $index has no slot in $slots" ;; esac
  case $cluster/$group in *[!a-z0-9/-]*) fail "$cluster/$group is not the name of a group" ;; esac
  node=$group-$slot
  mkdir -p "$root/etc/cluster" &&
    printf 'CLUSTER_NAME=%s\nCLUSTER_GROUP=%s\nCLUSTER_SLOT=%s\nCLUSTER_NODE=%s\n' \
      "$cluster" "$group" "$slot" "$node" >"$root/etc/cluster/node.new" &&
    mv "$root/etc/cluster/node.new" "$root/etc/cluster/node" || fail 'cannot write /etc/cluster/node'
}
`

// setHostname comes after name_node. An image that was captured from a node has that one's block in /etc/hosts.
const setHostname = `
set_hostname() {
  hosts=$(sed '/^# BEGIN cluster: this node$/,/^# END cluster: this node$/d' "$root/etc/hosts")
  printf '# BEGIN cluster: this node\n%s %s.%s.cluster %s\n# END cluster: this node\n%s\n' \
    "$address" "$node" "$cluster" "$node" "$hosts" >"$root/etc/hosts" &&
    echo "$node" >"$root/etc/hostname" &&
    echo "$node" >"$root/proc/sys/kernel/hostname" || fail "cannot set the host name to $node"
}
`

// nameScript is run at every boot, before anything else.
func (g *Group) nameScript() string {
	s := "#!/bin/sh\n# cluster: name\n" + prelude
	if g.SetHostname {
		return s + setHostname + "\nname_node\nset_hostname\n"
	}
	return s + "\nname_node\n"
}

// mounting comes after the calls of share, of which each adds a line to the table of what is mounted. In
// /etc/fstab, where the lines go so that a node that starts again mounts all of it, an option that mount takes for
// a comment tells them from others, those of a node whose image this is among them. Another node of the cluster is
// given a quarter of an hour to come up and serve what it has; everybody else is there, or is not.
const mounting = `
before=$(cat "$root/etc/fstab")
{
  printf '%s\n' "$before" | grep -v ',x-cluster\.mount 0 0$'
  printf %s "$table"
} >"$root/etc/fstab.cluster" && cat "$root/etc/fstab.cluster" >"$root/etc/fstab" || fail 'cannot write /etc/fstab'
rm -f "$root/etc/fstab.cluster"
while read -r source dir driver rest; do
  [ -n "$dir" ] || continue
  [ "$driver" = ext4 ] || command -v "mount.$driver" >/dev/null ||
    fail "$dir: the image has no mount.$driver, which comes with nfs-utils or nfs-common, or with the client of Lustre"
  if mountpoint -q "$root$dir"; then
    case "$nl$before$nl" in *"$nl$source $dir $driver $rest$nl"*) continue ;; esac
    fail "$dir: something else is mounted there already"
  fi
  mkdir -p "$root$dir" || fail "$dir: there can be no such folder"
  tries=180
  until why=$(timeout 300 mount "$root$dir" 2>&1 </dev/null); do
    [ "$source" = "${server:-nobody}:$dir" ] && [ $tries -gt 0 ] ||
      fail "$dir: cannot mount $source: ${why:-no answer within 5 minutes}"
    [ $((tries % 12)) -ne 0 ] || say "waiting for $source: $why"
    tries=$((tries - 1))
    sleep 5
  done
  say "$dir is $source"
done <<END
$table
END
`

// bootScript is run once, after cloud-init has installed packages and before the scripts of the file. It names
// the node again: where EC2 gave several instances one launch index, their own slots were tagged since it booted.
func (g *Group) bootScript() string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# cluster: boot\n" + prelude)
	if g.SetHostname {
		b.WriteString(setHostname)
	}
	b.WriteString("\nname_node\n")
	if g.SetHostname {
		b.WriteString("set_hostname\n")
	}
	b.WriteString("say \"this is $node\"\n")
	if len(g.Mounts) == 0 {
		return b.String()
	}
	b.WriteString("nl='\n'\ntable=\n")
	b.WriteString("share() { table=\"$table$3 $1 $2 $4,x-cluster.mount 0 0$nl\"; }\n")
	if slices.ContainsFunc(g.Mounts, func(m Mount) bool { return m.Kind == MountEFS || m.Kind == MountFSx }) {
		b.WriteString("region=$(meta placement/region) && domain=$(meta services/domain) || fail 'the instance metadata does not tell the region'\n")
	}
	if server := g.Server(); server != "" {
		b.WriteString(findingServer + "find_server " + shellWord(server+"-0") + "\n")
	}
	if len(g.Serves()) > 0 {
		b.WriteString(findingDisk)
	}
	for _, m := range g.Mounts {
		if m.Kind == MountVolume && m.From == g.Name {
			fmt.Fprintf(&b, "find_disk %s %d\n", shellWord(m.Path), m.Volume.Size)
			continue
		}
		fmt.Fprintf(&b, "share %s %s %s %s\n", shellWord(m.Path), m.Kind.driver(), m.source(), shellWord(strings.Join(m.allOptions(), ",")))
	}
	b.WriteString(mounting)
	if served := g.Serves(); len(served) > 0 {
		b.WriteString(serving + "serve")
		for _, m := range served {
			b.WriteString(" " + shellWord(m.Path))
		}
		b.WriteString("\n")
	}
	return b.String()
}
