# What cluster verify --level node asks a node. It reads and changes nothing.
ask() {
	exec 2>/dev/null
	LC_ALL=C PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin
	export LC_ALL PATH
	# Nodes of a rehearsal share a machine: what each has of its own is in its folder.
	own=${CLUSTER_BODY_DIR-}
	echo "CLUSTER-ATTEST 1 $1"
	say identity "$(document | tr -d ' \r\n')"
	say boot_id "$(cat "${own:-/proc/sys/kernel/random}/boot_id")"
	say machine_id "$(sum <"${own:-/etc}/machine-id")"
	for f in "${own:-/etc/ssh}"/ssh_host_*_key.pub; do
		say host_key "$(cut -d ' ' -f 1,2 "$f")"
	done
	say kernel "$(uname -r)"
	say cmdline "$(sed 's/[0-9A-Fa-f]\{8\}\(-[0-9A-Fa-f]\{4\}\)\{3\}-[0-9A-Fa-f]\{12\}//g' /proc/cmdline | sum)"
	for m in nvidia efa; do
		[ -r "/sys/module/$m/version" ] && say driver "$m $(cat "/sys/module/$m/version")"
	done
	[ -n "$own" ] || say volume "$(root_serial)"
	say content "$(content)"
	if [ "$2" = packages ]; then
		packages | sed 's/^/package=/'
	fi
	echo "CLUSTER-ATTEST end $1"
}
say() { [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"; }
sum() { sha256sum | cut -d ' ' -f 1; }

# The identity document that EC2 has signed.
document() {
	at=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest
	life='X-aws-ec2-metadata-token-ttl-seconds: 60'
	if command -v curl >/dev/null; then
		token=$(curl -sf -m 5 --noproxy '*' -X PUT -H "$life" "$at/api/token") &&
			curl -sf -m 5 --noproxy '*' -H "X-aws-ec2-metadata-token: $token" "$at/dynamic/instance-identity/rsa2048"
	elif command -v wget >/dev/null; then
		token=$(wget -q -T 5 -t 1 --no-proxy -O - --method PUT --header "$life" "$at/api/token") &&
			wget -q -T 5 -t 1 --no-proxy -O - --header "X-aws-ec2-metadata-token: $token" "$at/dynamic/instance-identity/rsa2048"
	fi
}

# The serial number of the disk that / is on: on Nitro, the id of its volume.
root_serial() {
	d=$(df -P / | sed -n '2s/ .*//p')
	d=${d##*/}
	[ ! -r "/sys/block/${d%p[0-9]*}/device/serial" ] || sed -n 's/^vol-\{0,1\}\([0-9a-f]*\) *$/vol-\1/p' "/sys/block/${d%p[0-9]*}/device/serial"
}
