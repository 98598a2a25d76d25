package spec

import (
	"bytes"
	"encoding/base64"
	"fmt"
)

// boundary parts the timer from the file's own user data.
const boundary = "==cluster=="

// timer is the part of the user data that ends a node when its time is over. It runs at every boot,
// before anything else, and reads the time from the instance's tags each minute, so that retagging
// moves the end. The age counts from the first boot, which writes it down under the instance's id: an image
// that is captured from the node has the file too, and its nodes must not take it for their own.
const timer = `#!/bin/sh
# cluster: time to live
(
imds=http://169.254.169.254/latest
while :; do
  token=$(curl -fsX PUT $imds/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')
  id=$(curl -fsH "X-aws-ec2-metadata-token: $token" $imds/meta-data/instance-id)
  [ -n "$id" ] || { sleep 5; continue; }
  born=/var/lib/cluster-born-$id
  [ -s $born ] || date +%s >$born
  ttl=$(curl -fsH "X-aws-ec2-metadata-token: $token" $imds/meta-data/tags/instance/cluster:ttl |
    sed -n 's/^\([0-9]*\)h\([0-9]*\)m\([0-9]*\)s$/\1 \2 \3/p')
  if [ -n "$ttl" ]; then
    set -- $ttl
    [ $(($(date +%s) - $(cat $born))) -lt $(($1 * 3600 + $2 * 60 + $3)) ] || shutdown -P now
  fi
  sleep 60
done
) </dev/null >/dev/null 2>&1 &
`

// LaunchData is the user data that EC2 gets: the file's own, after the timer of a group that has a
// time to live. cloud-init's multipart format holds both; nil if there is neither.
func (g *Group) LaunchData() []byte {
	if g.TTL <= 0 {
		return g.UserData
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=%q\nMIME-Version: 1.0\n\n", boundary)
	fmt.Fprintf(&b, "--%s\nContent-Type: text/cloud-boothook; charset=\"us-ascii\"\n\n%s\n", boundary, timer)
	switch data := g.UserData; {
	case len(data) == 0:
	case bytes.HasPrefix(data, []byte("Content-Type:")), bytes.HasPrefix(data, []byte("MIME-Version:")):
		// Multipart already: its own headers make it a part.
		fmt.Fprintf(&b, "--%s\n%s\n", boundary, data)
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		fmt.Fprintf(&b, "--%s\nContent-Type: application/x-gzip\nContent-Transfer-Encoding: base64\n\n%s\n",
			boundary, base64.StdEncoding.EncodeToString(data))
	default:
		// cloud-init tells a script from a cloud-config by the first line.
		fmt.Fprintf(&b, "--%s\nContent-Type: text/plain; charset=\"utf-8\"\n\n%s\n", boundary, data)
	}
	fmt.Fprintf(&b, "--%s--\n", boundary)
	return b.Bytes()
}
