package spec

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Update says how the nodes of a group are replaced that do not fit the file any more.
type Update struct {
	MaxUnavailable int // nodes at a time, at least 1; 0: there is no update block, and all are replaced at once
	Order          UpdateOrder
	Source         Source
}

// UpdateOrder says what comes first when a node is replaced.
type UpdateOrder string

const (
	TerminateFirst UpdateOrder = "terminate-first" // the default: a full placement group, subnet, quota or reservation has no room for both
	LaunchFirst    UpdateOrder = "launch-first"    // the old node lives until the new one is proven
)

// defaultUnavailable is the share of a group, in percent, that an update block replaces at a time.
const defaultUnavailable = 10

// A pace is an update block as it is written: its share becomes nodes with a group's count.
type pace struct {
	nodes, percent int // one of them is set
	order          UpdateOrder
	src            Source
}

// update decodes an update block. What it leaves out is that of the cluster's block, if there is one.
func (l *loader) update(b *hcl.Block, outer *pace) *pace {
	a, _ := l.open(b, b.Body, updateBlock)
	u := pace{percent: defaultUnavailable, order: TerminateFirst}
	if outer != nil {
		u = *outer
	}
	u.src = a.src
	if a.has("max_unavailable") {
		u.nodes, u.percent = l.unavailable(a)
	}
	u.order = UpdateOrder(oneOfOr(a, "order", string(u.order), string(LaunchFirst), string(TerminateFirst)))
	return &u
}

// of is what the pace means for a group of some size. A share is rounded down, and is a node at least.
func (u *pace) of(count int) Update {
	if u == nil {
		return Update{}
	}
	n := u.nodes
	if n == 0 {
		n = count * u.percent / 100
	}
	return Update{MaxUnavailable: max(1, n), Order: u.order, Source: u.src}
}

var percentForm = regexp.MustCompile(`^([0-9]+)%$`)

// unavailable reads a number of nodes, or a share of the group such as "10%".
func (l *loader) unavailable(a *args) (nodes, percent int) {
	const name, summary = "max_unavailable", "Invalid max_unavailable"
	v, ok := a.plain(name)
	if !ok {
		return 1, 0
	}
	if v.Type() == cty.String {
		if n, err := cty.ParseNumberVal(v.AsString()); err == nil && bareNumber.MatchString(v.AsString()) {
			v = n
		}
	}
	at := a.at(name)
	switch v.Type() {
	case cty.Number:
		return l.unavailableNodes(v.AsBigFloat(), at, summary), 0
	case cty.String:
	default:
		a.wrongType(name, `a number of nodes or a share such as "10%"`, v)
		return 1, 0
	}
	t := v.AsString()
	m := percentForm.FindStringSubmatch(t)
	if m == nil {
		hint := `It is a number of nodes, or a share of the group such as "10%".`
		if s := percentLike(t); s != "" {
			hint = fmt.Sprintf("Did you mean %q?", s)
		}
		l.errorf(at, summary, "%s is no number of nodes. %s", quote(t), hint)
		return 1, 0
	}
	switch n, err := strconv.Atoi(m[1]); {
	case n == 0:
		l.errorf(at, summary, "With %s no node could ever be replaced. The least is 1, a node at a time.", quote(t))
	case err != nil || n > 100:
		l.errorf(at, summary, `%s is more than the whole group. "100%%" replaces all of it at once.`, quote(t))
	default:
		return 0, n
	}
	return 1, 0
}

// unavailableNodes checks a number of nodes. A number below 1 was meant as a share.
func (l *loader) unavailableNodes(f *big.Float, at hcl.Range, summary string) int {
	n, _ := f.Int64()
	switch {
	case f.Sign() < 0:
		l.errorf(at, summary, "%s is no number of nodes: it cannot be less than 1.", showNumber(f))
	case f.Sign() == 0:
		l.errorf(at, summary, "With 0 no node could ever be replaced. The least is 1, a node at a time.")
	case !f.IsInt():
		hint := `A share is written in percent, "10%".`
		if share, _ := new(big.Float).Mul(f, big.NewFloat(100)).Int64(); f.Cmp(big.NewFloat(1)) < 0 && share > 0 {
			hint = fmt.Sprintf(`Did you mean "%d%%"?`, share)
		}
		l.errorf(at, summary, "%s is no whole number of nodes. %s", showNumber(f), hint)
	case n > maxCount:
		l.errorf(at, summary, "%s nodes are more than a group can have.", showNumber(f))
	default:
		return int(n)
	}
	return 1
}

var looseShare = regexp.MustCompile(`^([0-9]{1,3})\s*(%|percent|pct|per cent)?\s*(of .*|nodes?)?$`)

// percentLike is the right form of a share such as "10 percent", or of a number such as "10 nodes"; empty
// if it is neither.
func percentLike(s string) string {
	m := looseShare.FindStringSubmatch(strings.TrimSpace(lower(s)))
	switch {
	case m == nil:
		return ""
	case m[2] != "":
		return m[1] + "%"
	}
	return m[1]
}
