package ec2sim

import (
	"fmt"
	"regexp"
	"strings"
)

// A region has no key service to ask: a key that is named in one of the forms of a key exists, and all of
// its account's own may use it.

// defaultKey is the key that an account's volumes are encrypted with if they name none, aws/ebs.
func defaultKey(region, account string) string {
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", region, account, defaultKeyID)
}

const defaultKeyID = "00000000-0000-4000-a000-000000000eb5"

// isDefaultKey tells a default key, which no other account can use.
func isDefaultKey(arn string) bool { return strings.HasSuffix(arn, ":key/"+defaultKeyID) }

var (
	keyID    = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)
	keyAlias = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)
	keyARN   = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):(\d{12}):(.+)$`)
)

// key is the ARN of a key that is named by its id, its alias or the ARN of either. ok is false for what is no
// key, and for one of another region.
func (w *world) key(named string) (arn string, ok bool) {
	region, account := w.Name, w.account()
	if m := keyARN.FindStringSubmatch(named); m != nil {
		region, account, named = m[1], m[2], strings.TrimPrefix(m[3], "key/")
	}
	switch {
	case region != w.Name:
		return "", false
	case named == "alias/aws/ebs":
		return defaultKey(region, account), true
	case keyAlias.MatchString(named):
		// An alias stands for a key that always is the same.
		a, b := w.r.hash("key", region, account, named), w.r.hash("key id", region, account, named)
		named = fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&(1<<48-1))
	case !keyID.MatchString(named):
		return "", false
	}
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", region, account, named), true
}
