package spec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// rangeHostsFunc is range_hosts("n", 1, 3): ["n1", "n2", "n3"].
var rangeHostsFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "prefix", Type: cty.String}, {Name: "first", Type: cty.Number}, {Name: "last", Type: cty.Number},
	},
	Type: function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var ends [2]int
		for i := range ends {
			n, err := intArg(args, i+1)
			if err != nil {
				return cty.NilVal, err
			}
			if n.Sign() < 0 || n.BitLen() > 31 {
				return cty.NilVal, function.NewArgErrorf(i+1, "host numbers are from 0 to %d", 1<<31-1)
			}
			ends[i] = int(n.Int64())
		}
		return hostList(appendHosts(nil, args[0].AsString(), ends[0], ends[1], 0, ""))
	},
})

// nodesetFunc expands a host list as Slurm writes it: nodeset("n[001-003,7],login").
var nodesetFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "hosts", Type: cty.String}},
	Type:   function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		hosts, err := expandHosts(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return hostList(hosts, nil)
	},
})

func hostList(hosts []cty.Value, err error) (cty.Value, error) {
	switch {
	case err != nil:
		return cty.NilVal, err
	case len(hosts) == 0:
		return cty.ListValEmpty(cty.String), nil
	}
	return cty.ListVal(hosts), nil
}

// appendHosts adds the hosts from first to last, their numbers padded with zeros to width.
func appendHosts(hosts []cty.Value, prefix string, first, last, width int, suffix string) ([]cty.Value, error) {
	if last-first+len(hosts) >= maxElements {
		return nil, fmt.Errorf("there are more than %d hosts", maxElements)
	}
	for n := first; n <= last; n++ {
		hosts = append(hosts, cty.StringVal(fmt.Sprintf("%s%0*d%s", prefix, width, n, suffix)))
	}
	return hosts, nil
}

// expandHosts reads a comma-separated list of names, each with at most one bracket.
func expandHosts(s string) ([]cty.Value, error) {
	var hosts []cty.Value
	for _, item := range splitHosts(s) {
		prefix, rest, found := strings.Cut(item, "[")
		ranges, suffix, closed := strings.Cut(rest, "]")
		switch {
		case item == "":
			return nil, errors.New("there is an empty name between commas")
		case !found && strings.Contains(item, "]"), found && !closed, strings.ContainsAny(suffix, "[]"):
			return nil, fmt.Errorf("%s does not have one pair of brackets, as in n[001-096]", quote(item))
		case !found:
			hosts = append(hosts, cty.StringVal(item))
			continue
		}
		for r := range strings.SplitSeq(ranges, ",") {
			low, high, isRange := strings.Cut(r, "-")
			if !isRange {
				high = low
			}
			first, err1 := strconv.ParseUint(low, 10, 31)
			last, err2 := strconv.ParseUint(high, 10, 31)
			if err1 != nil || err2 != nil || first > last || len(low) > 10 {
				return nil, fmt.Errorf("%s is not a number or a range such as 001-096", quote(r))
			}
			width := 0
			if strings.HasPrefix(low, "0") {
				width = len(low)
			}
			var err error
			if hosts, err = appendHosts(hosts, prefix, int(first), int(last), width, suffix); err != nil {
				return nil, err
			}
		}
	}
	return hosts, nil
}

// splitHosts splits at the commas outside brackets.
func splitHosts(s string) []string {
	var items []string
	depth, start := 0, 0
	for i, c := range s {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth == 0 {
				items = append(items, s[start:i])
				start = i + 1
			}
		}
	}
	return append(items, s[start:])
}
