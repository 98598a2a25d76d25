package spec

// findingServer is for nodes that mount what another node serves. Its address is in a tag that up writes when it
// knows it; a node has no permissions, and cannot ask EC2.
const findingServer = `find_server() {
  tries=180
  until server=$(meta tags/instance/cluster:server 2>/dev/null) && [ -n "$server" ]; do
    [ $tries -gt 0 ] || fail "nobody has told the address of $1 for 15 minutes"
    [ $((tries % 12)) -ne 0 ] || say "waiting for the address of $1"
    tries=$((tries - 1))
    sleep 5
  done
  server=${server%/*}
  case $server in *[!0-9.]*) fail "$server is not the address of $1" ;; esac
}
`

// findingDisk is for the node that serves. The names of disks differ from type to type and from image to image; so
// its volume is the first EBS volume of the right size with nothing on it. Nothing that is not blank is ever
// formatted: blkid ends with 2 for what it finds nothing on.
const findingDisk = `find_disk() {
  line=$(grep " $1 ext4 .*,x-cluster\.mount 0 0$" "$root/etc/fstab")
  if [ -n "$line" ] && mountpoint -q "$root$1"; then
    table="$table$line$nl"
    return
  fi
  for disk in $(lsblk -dnro NAME,MODEL | sed -n 's/ Amazon.*Elastic.*Block.*Store.*//p'); do
    [ "$(lsblk -bdnro SIZE "/dev/$disk")" = "$(($2 * 1073741824))" ] || continue
    [ "$(lsblk -nro NAME "/dev/$disk" | wc -l)" -eq 1 ] || continue
    blkid -p "/dev/$disk" >/dev/null 2>&1
    [ $? -eq 2 ] || continue
    why=$(mkfs.ext4 -q "/dev/$disk" 2>&1) && uuid=$(blkid -s UUID -o value "/dev/$disk") ||
      fail "$1: cannot make a file system on /dev/$disk: $why"
    share "$1" ext4 "UUID=$uuid" defaults,nofail
    return
  done
  fail "$1: there is no blank EBS volume of $2 GiB"
}
`

// serving lets the nodes of the VPC in; who of them comes through is for the security groups to say. Root of one
// node is root on the others, as on local disks: their boot scripts run as root.
const serving = `
serve() {
  command -v exportfs >/dev/null || fail 'the image has no NFS server, which comes with nfs-utils or nfs-kernel-server'
  mac=$(meta mac) && nets=$(meta "network/interfaces/macs/$mac/vpc-ipv4-cidr-blocks") ||
    fail 'the instance metadata does not tell the addresses of the VPC'
  mkdir -p "$root/etc/exports.d" || fail 'cannot write /etc/exports.d'
  for dir; do
    printf %s "$dir"
    for net in $nets; do printf ' %s(rw,no_root_squash,no_subtree_check)' "$net"; done
    echo
  done >"$root/etc/exports.d/cluster.exports" || fail 'cannot write /etc/exports.d'
  why=$(systemctl enable --now nfs-server 2>&1 && exportfs -r 2>&1) || fail "cannot serve $*: $why"
  say "serving $*"
}
`
