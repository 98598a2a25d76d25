package hostlist

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limit is how many hosts a list may have. It is Slurm's.
const Limit = 65536

// maxDigits bounds the numbers of hosts, so that they fit an int everywhere.
const maxDigits = 9

// Expand gives the names of a list in its order, each once. Several brackets in a name multiply, the last
// one fastest, and r[1-2]n[1-2] is four names. A range whose first number begins with a zero pads the others
// to its width. It is an error if the list is empty, has an empty name, a space, a bracket without its
// partner, a range that descends or steps, or more than Limit names.
func Expand(list string) ([]string, error) {
	if i := strings.IndexFunc(list, func(r rune) bool { return r <= ' ' || r == 0x7f }); i >= 0 {
		return nil, errors.New("there is a space in the list; commas separate hosts")
	}
	items, err := split(list)
	if err != nil {
		return nil, err
	}
	var hosts []string
	seen := map[string]bool{}
	for _, item := range items {
		names, err := product(item)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if !seen[n] {
				seen[n] = true
				hosts = append(hosts, n)
			}
		}
		if len(hosts) > Limit {
			return nil, tooMany()
		}
	}
	return hosts, nil
}

func tooMany() error { return fmt.Errorf("there are more than %d hosts", Limit) }

// split splits a list at the commas outside brackets, and holds that brackets match.
func split(list string) ([]string, error) {
	var items []string
	open, start := false, 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i == len(list) && open, i < len(list) && list[i] == '[' && open, i < len(list) && list[i] == ']' && !open:
			return nil, fmt.Errorf("%q does not have pairs of brackets, as in n[001-096]", list[start:])
		case i == len(list) || list[i] == ',' && !open:
			if i == start {
				return nil, errors.New("there is an empty name between commas")
			}
			items = append(items, list[start:i])
			start = i + 1
		case list[i] == '[' || list[i] == ']':
			open = list[i] == '['
		}
	}
	return items, nil
}

// product is the names that one item of a list stands for. Its brackets match.
func product(item string) ([]string, error) {
	names := []string{""}
	for item != "" {
		plain, rest, bracket := strings.Cut(item, "[")
		ends := []string{""}
		item = ""
		if bracket {
			var ranges string
			var err error
			ranges, item, _ = strings.Cut(rest, "]")
			if ends, err = numbers(ranges); err != nil {
				return nil, err
			}
		}
		if len(names)*len(ends) > Limit {
			return nil, tooMany()
		}
		longer := make([]string, 0, len(names)*len(ends))
		for _, n := range names {
			for _, e := range ends {
				longer = append(longer, n+plain+e)
			}
		}
		names = longer
	}
	return names, nil
}

// numbers are those of a bracket, as they stand in names.
func numbers(ranges string) ([]string, error) {
	var all []string
	for r := range strings.SplitSeq(ranges, ",") {
		low, high, ranged := strings.Cut(r, "-")
		if !ranged {
			high = low
		}
		first, ok1 := number(low)
		last, ok2 := number(high)
		if !ok1 || !ok2 || first > last || padded(high) && len(high) != len(low) {
			return nil, fmt.Errorf("%q is not a number or a range such as 001-096", r)
		}
		if len(all)+last-first >= Limit {
			return nil, tooMany()
		}
		for n := first; n <= last; n++ {
			all = append(all, written(n, low))
		}
	}
	return all, nil
}

// number reads digits; ok is false if there is anything else, nothing, or too many.
func number(s string) (n int, ok bool) {
	if s == "" || len(s) > maxDigits || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// padded says that a number has zeros before it.
func padded(s string) bool { return len(s) > 1 && s[0] == '0' }

// written is a number as a range writes it that begins with first.
func written(n int, first string) string {
	if padded(first) {
		return fmt.Sprintf("%0*d", len(first), n)
	}
	return strconv.Itoa(n)
}
