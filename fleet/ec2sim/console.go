package ec2sim

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// getConsoleOutput is what an instance wrote up to now with Latest, which every type has that the region has. Without,
// EC2 shows what it posted a while ago, and all of it once the instance does not run any more.
func (w *world) getConsoleOutput(in *ec2.GetConsoleOutputInput) (*ec2.GetConsoleOutputOutput, error) {
	found, err := pick(w.Instances, []string{*in.InstanceId}, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	i := found[0]
	at := w.now
	if !is(in.Latest) && w.phase(i) == running {
		at = at.Add(-w.t.Posted)
	}
	out := &ec2.GetConsoleOutputOutput{InstanceId: in.InstanceId, Timestamp: new(at.Truncate(time.Second))}
	if text := w.console(i, at); text != "" {
		out.Output = new(base64.StdEncoding.EncodeToString([]byte(text)))
	}
	return out, nil
}

// console is what an instance had written at a time: the boot with its host keys, the mark of a build that is
// over, and login: once the status checks have passed.
func (w *world) console(i *instance, at time.Time) string {
	l := w.Launches[i.Launch]
	built := ""
	if !i.Built.IsZero() && !at.Before(i.Built) {
		built = l.marks()
	}
	if w.r.o.Console != nil {
		return string(w.r.o.Console(i.ID)) + built
	}
	if i.Last == stuck || i.Last == doomed || w.phase(i) == pending || at.Before(i.done()) && w.phase(i) == running {
		return ""
	}
	var b strings.Builder
	host := "ip-" + strings.ReplaceAll(i.IPs[0].String(), ".", "-")
	fmt.Fprintf(&b, "[    0.000000] Linux version 6.1.0 (%s)\n", l.Architecture)
	if i.Impaired {
		b.WriteString("[    1.204113] VFS: Unable to mount root fs on unknown-block(0,0)\n")
		b.WriteString("[    1.204381] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n")
		return b.String()
	}
	fmt.Fprintf(&b, "[    4.812700] cloud-init[1201]: running 'modules:final' on %s\n", host)
	if w.phase(i) != running || !at.Before(i.done().Add(w.r.draw(w.t.Boot, "boot", i.ID))) {
		w.writeHostKeys(&b, i.ID, host)
	}
	b.WriteString(built)
	if w.phase(i) == running && !at.Before(w.checked(i)) {
		fmt.Fprintf(&b, "%s login: \n", host)
	}
	return b.String()
}

// writeHostKeys writes the host key of an instance as cloud-init does. Nobody has its other half.
func (w *world) writeHostKeys(b *strings.Builder, id, host string) {
	var seed [ed25519.SeedSize]byte
	for n := range len(seed) / 8 {
		binary.BigEndian.PutUint64(seed[8*n:], w.r.hash("host key", id, fmt.Sprint(n)))
	}
	key := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	const kind = "ssh-ed25519"
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(kind)))
	blob = append(blob, kind...)
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(key)))
	blob = append(blob, key...)
	fmt.Fprintf(b, "-----BEGIN SSH HOST KEY KEYS-----\n%s %s root@%s\n-----END SSH HOST KEY KEYS-----\n",
		kind, base64.StdEncoding.EncodeToString(blob), host)
}
