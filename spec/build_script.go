package spec

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Hash is of all that the image is made from: the base image's id, the script, the root volume and the
// tags. Where the builder runs, and how long it may take, is not in it: the image is the same.
func (m *Build) Hash(base string) string {
	v := m.RootVolume
	b, err := json.Marshal([]any{m.Family, m.Version, base, string(m.Script), v.Size, v.Type, v.IOPS, v.Throughput, v.Encrypted, v.KMSKeyID, m.Tags})
	if err != nil {
		panic(err) // strings, numbers and a map of strings always encode
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// BuildToken is the word by which the builder tells the end of this build from anything else on its
// console: 16 hexadecimal digits.
func BuildToken(m *Build, base string) string { return m.Hash(base)[:16] }

// The words of a builder on its console, after its token. The last of its lines is one of the first two.
const (
	BuildDone    = "done"
	BuildFailed  = "failed"  // and the exit code of the script
	BuildContent = "content" // and what is installed, as the content of ContentScript writes it
)

// ContentScript is two functions of a POSIX shell: packages lists what is installed, sorted; content says in one
// line what knows the packages, how many there are, the SHA-256 of the list, and the operating system.
//
//go:embed content.sh
var ContentScript string

// BuildMark is how the lines of a builder's console begin that are meant for us.
func BuildMark(token string) string { return "cluster-build " + token + " " }

// UserData is what the builder runs at its first boot, as root: the script, its output on the console;
// then, if it ended well, everything goes that belongs to the builder and not to the image; then the word
// for the end, and power off. The shutdown that is set first ends a builder that nobody watches any more.
//
// The whole is one block, so that the shell has read all of it before it deletes the file it is in.
func (m *Build) UserData(token string) []byte {
	run := "./script"
	if !strings.HasPrefix(string(m.Script), "#!") {
		run = "bash ./script"
	}
	end := "END-OF-SCRIPT-" + token
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/bash\n# cluster: build %s then stop\n{\n", token)
	fmt.Fprintf(&b, "say() { echo \"%s$*\" >/dev/console; }\n", BuildMark(token))
	fmt.Fprintf(&b, "shutdown -h +%d\n", max(1, int((m.Timeout+time.Minute-1)/time.Minute)))
	b.WriteString("umask 022\nmkdir -p /var/lib/cluster-build\ncd /var/lib/cluster-build || exit\n")
	fmt.Fprintf(&b, "cat >script <<'%s'\n%s\n%s\n", end, strings.TrimSuffix(string(m.Script), "\n"), end)
	fmt.Fprintf(&b, "chmod 755 script\n%s >/dev/console 2>&1 </dev/null\ncode=$?\n", run)
	b.WriteString(ContentScript)
	b.WriteString(clearing)
	b.WriteString("exit\n}\n")
	return []byte(b.String())
}

// clearing takes away what must not be the same on two machines, or must not be seen by who gets the
// image: host keys, who may log in, the machine's id and its seed of randomness, histories, logs and what
// cloud-init remembers.
const clearing = `if [ $code = 0 ]; then
  cd /
  rm -rf /var/lib/cluster-build /var/lib/cluster-born-*
  rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
  rm -f /root/.*_history /home/*/.*_history
  cloud-init clean --logs --seed
  : >/etc/machine-id
  rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed
  rm -rf /var/log/journal/*
  find /tmp /var/tmp -mindepth 1 -xdev -delete
  find /var/log -xdev -type f -exec truncate -s 0 {} +
  sync
  say ` + BuildContent + ` $(content)
  say ` + BuildDone + `
else
  say ` + BuildFailed + ` $code
fi
shutdown -h now
`
