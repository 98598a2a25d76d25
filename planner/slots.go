package planner

import (
	"fmt"
	"strconv"
	"strings"
)

// Slots are the numbers of nodes within their group, ascending and unique.
type Slots []int

// maxSlots bounds what ParseSlots unfolds: a tag of a few bytes could otherwise ask for gigabytes.
const maxSlots = 100_000

// ParseSlots reads folded slots, such as "3,9,12-64". It reads what String would fold further
// ("1,2,3"), since a slot that cannot be told costs its node, but refuses what has no clear
// meaning: spaces and signs, numbers that do not ascend, and more than 100,000 slots. The
// empty string is no slots.
func ParseSlots(s string) (Slots, error) {
	if s == "" {
		return nil, nil
	}
	var slots Slots
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranged := strings.Cut(part, "-")
		from, err := parseSlot(first)
		if err != nil {
			return nil, fmt.Errorf("slots %q: %w", s, err)
		}
		to := from
		if ranged {
			if to, err = parseSlot(last); err != nil {
				return nil, fmt.Errorf("slots %q: %w", s, err)
			}
			if to < from {
				return nil, fmt.Errorf("slots %q: %q descends", s, part)
			}
		}
		if n := len(slots); n > 0 && from <= slots[n-1] {
			return nil, fmt.Errorf("slots %q: %q overlaps or precedes what stands before it", s, part)
		}
		if len(slots)+to-from+1 > maxSlots {
			return nil, fmt.Errorf("slots %q: more than %d slots", s, maxSlots)
		}
		for slot := from; slot <= to; slot++ {
			slots = append(slots, slot)
		}
	}
	return slots, nil
}

// parseSlot reads one number of at most nine digits, so that no sum of two overflows.
func parseSlot(s string) (int, error) {
	if len(s) == 0 || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a slot", s)
	}
	return strconv.Atoi(s)
}

// String folds the slots: runs of neighbours become ranges, as in "3,9,12-64".
func (s Slots) String() string {
	var b []byte
	for i := 0; i < len(s); {
		j := i
		for j+1 < len(s) && s[j+1] == s[j]+1 {
			j++
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(s[i]), 10)
		if j > i {
			b = append(b, '-')
			b = strconv.AppendInt(b, int64(s[j]), 10)
		}
		i = j + 1
	}
	return string(b)
}

// NodeName is the name of a group's node in a slot, such as compute-17. A slot that cannot be
// told (-1) gives compute-?.
func NodeName(group string, slot int) string {
	if slot < 0 {
		return group + "-?"
	}
	return group + "-" + strconv.Itoa(slot)
}
