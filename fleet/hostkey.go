package fleet

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
)

// The lines between which cloud-init writes the host keys of a machine on its console, at the first boot ("Keys to
// Console" in the cloud-init documentation). They stand there without the prefixes that other lines may have.
const (
	keysBegin = "-----BEGIN SSH HOST KEY KEYS-----"
	keysEnd   = "-----END SSH HOST KEY KEYS-----"
)

// hostKeyTypes are the kinds of keys that are taken. DSA, which OpenSSH has given up, is not.
var hostKeyTypes = []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"}

// maxKey is more than any key of these kinds needs, in characters.
const maxKey = 4096

// ParseHostKeys finds the host keys in what an instance wrote on its console: each as a type and the key in base64,
// such as "ssh-ed25519 AAAA…", sorted, and none twice. Only the last block counts that is there from its first line
// to its last: a machine that was given new keys writes another. What is no key is passed over: the kernel
// writes in between.
func ParseHostKeys(console string) []string {
	var block, keys []string
	inside := false
	for line := range strings.Lines(console) {
		switch line = strings.TrimSpace(line); {
		case strings.HasSuffix(line, keysBegin):
			inside, block = true, nil
		case strings.HasSuffix(line, keysEnd):
			if inside {
				keys = block
			}
			inside = false
		case inside:
			if key := parseHostKey(line); key != "" {
				block = append(block, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// parseHostKey reads a line such as "ssh-ed25519 AAAA… root@host"; empty if it is none. The kind that the key itself
// begins with has to be the one that is written before it.
func parseHostKey(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 || !slices.Contains(hostKeyTypes, words[0]) || len(words[1]) > maxKey {
		return ""
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(words[1])
	if err != nil || len(blob) < 4 || base64.StdEncoding.EncodeToString(blob) != words[1] {
		return ""
	}
	n, rest := int64(binary.BigEndian.Uint32(blob)), blob[4:]
	if n >= int64(len(rest)) || string(rest[:n]) != words[0] {
		return ""
	}
	return words[0] + " " + words[1]
}
