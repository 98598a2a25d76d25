package spec

import (
	"fmt"
	"strconv"

	"cluster/spec/hostlist"

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
		if ends[1]-ends[0] >= maxElements {
			return cty.NilVal, fmt.Errorf("there are more than %d hosts", maxElements)
		}
		var hosts []string
		for n := ends[0]; n <= ends[1]; n++ {
			hosts = append(hosts, args[0].AsString()+strconv.Itoa(n))
		}
		return stringList(hosts), nil
	},
})

// nodesetFunc expands a host list as Slurm writes it: nodeset("n[001-003,7],login").
var nodesetFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "hosts", Type: cty.String}},
	Type:   function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		hosts, err := hostlist.Expand(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return stringList(hosts), nil
	},
})

// stringList is a list value, which may be empty.
func stringList(list []string) cty.Value {
	if len(list) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	values := make([]cty.Value, len(list))
	for i, s := range list {
		values[i] = cty.StringVal(s)
	}
	return cty.ListVal(values)
}
