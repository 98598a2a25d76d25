package spec

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
