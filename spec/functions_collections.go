package spec

import (
	"errors"
	"slices"

	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// tryFunc is the first of its arguments that can be evaluated. Unlike the one of HCL it
// evaluates each once, so that nesting does not double the work at every level.
var tryFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		why := "it has no arguments"
		for _, a := range args {
			v, diags := customdecode.ExpressionClosureFromVal(a).Value()
			if !diags.HasErrors() {
				return v, nil
			}
			why = diags[0].Detail
		}
		return cty.NilVal, errors.New("none of its arguments can be evaluated; the last: " + why)
	},
})

// lengthFunc counts elements, or the characters of a string.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowMarked: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		switch ty := v.Type(); {
		case ty == cty.String:
			n, err := stdlib.Strlen(v)
			return n.WithMarks(marks), err
		case ty.IsObjectType():
			return cty.NumberIntVal(int64(len(ty.AttributeTypes()))).WithMarks(marks), nil
		case ty.IsCollectionType() || ty.IsTupleType():
			return v.Length().WithMarks(marks), nil
		}
		return cty.NilVal, function.NewArgErrorf(0, "a string, list, set, map or object is required")
	},
})

// lookupFunc is the element of a map with a key, or the third argument.
var lookupFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "map", Type: cty.DynamicPseudoType}, {Name: "key", Type: cty.String},
	},
	VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		m := args[0]
		if !m.Type().IsMapType() && !m.Type().IsObjectType() {
			return cty.NilVal, function.NewArgErrorf(0, "a map or object is required")
		}
		if v, ok := m.AsValueMap()[args[1].AsString()]; ok {
			return v, nil
		}
		if len(args) == 3 {
			return args[2], nil
		}
		return cty.NilVal, function.NewArgErrorf(1, "the map has no key %q, and no default is given", args[1].AsString())
	},
})

// indexFunc is the position of a value in a list.
var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
	},
	Type: function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if ty := args[0].Type(); !ty.IsListType() && !ty.IsTupleType() {
			return cty.NilVal, function.NewArgErrorf(0, "a list is required")
		}
		for i, e := range args[0].AsValueSlice() {
			if sameValue(e, args[1]) {
				return cty.NumberIntVal(int64(i)), nil
			}
		}
		return cty.NilVal, function.NewArgErrorf(1, "the list has no such value")
	},
})

func sameValue(a, b cty.Value) bool {
	eq := a.Equals(b)
	return eq.IsKnown() && eq.True()
}

// coalesceFunc is its first argument that is neither null nor the empty string.
var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, a := range args {
			types[i] = a.Type()
		}
		ty, _ := convert.UnifyUnsafe(types)
		if ty == cty.NilType {
			return cty.NilType, errors.New("all arguments must have the same type")
		}
		return ty, nil
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		for _, a := range args {
			v, err := convert.Convert(a, ty)
			if err != nil {
				return cty.NilVal, err
			}
			if !v.IsNull() && (v.Type() != cty.String || v.AsString() != "") {
				return v, nil
			}
		}
		return cty.NilVal, errors.New("all arguments are null or empty")
	},
})

// boolsFunc looks through a list of truth values until one equals stop.
func boolsFunc(stop bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, v := range args[0].AsValueSlice() {
				if is := !v.IsNull() && v.True(); is == stop {
					return cty.BoolVal(stop), nil
				}
			}
			return cty.BoolVal(!stop), nil
		},
	})
}

var (
	allTrueFunc = boolsFunc(false)
	anyTrueFunc = boolsFunc(true)
)

// oneFunc is the only element of a list, or null if it is empty.
var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		ty := args[0].Type()
		if !ty.IsListType() && !ty.IsSetType() && !ty.IsTupleType() {
			return cty.NilVal, function.NewArgErrorf(0, "a list, set or tuple is required")
		}
		switch all := args[0].AsValueSlice(); len(all) {
		case 0:
			return cty.NullVal(cty.DynamicPseudoType), nil
		case 1:
			return all[0], nil
		default:
			return cty.NilVal, function.NewArgErrorf(0, "it has %d elements, and must have one or none", len(all))
		}
	},
})

var sumFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		sum := cty.Zero
		for _, v := range args[0].AsValueSlice() {
			if v.IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "one of the numbers is null")
			}
			sum = sum.Add(v)
		}
		return sum, nil
	},
})

// matchKeysFunc picks the values whose keys, at the same position, are among those sought.
var matchKeysFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "searchset", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		vals, keys, sought := args[0].AsValueSlice(), args[1].AsValueSlice(), args[2].AsValueSlice()
		if len(vals) != len(keys) {
			return cty.NilVal, function.NewArgErrorf(1, "there are %d values and %d keys", len(vals), len(keys))
		}
		var out []cty.Value
		for i, k := range keys {
			if slices.ContainsFunc(sought, func(s cty.Value) bool { return sameText(k, s) }) {
				out = append(out, vals[i])
			}
		}
		if len(out) == 0 {
			return cty.ListValEmpty(ty.ElementType()), nil
		}
		return cty.ListVal(out), nil
	},
})

// sameText compares values of types that may differ, such as 1 and "1".
func sameText(a, b cty.Value) bool {
	if c, err := convert.Convert(a, b.Type()); err == nil {
		return sameValue(c, b)
	}
	return false
}

// transposeFunc turns a map of lists of strings inside out.
var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "values", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		inside := args[0].AsValueMap()
		out := map[string][]cty.Value{}
		for _, k := range sortedKeys(inside) {
			if inside[k].IsNull() {
				continue
			}
			for _, v := range inside[k].AsValueSlice() {
				if v.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "the list of %q has a null", k)
				}
				out[v.AsString()] = append(out[v.AsString()], cty.StringVal(k))
			}
		}
		if len(out) == 0 {
			return cty.MapValEmpty(ty.ElementType()), nil
		}
		lists := map[string]cty.Value{}
		for k, vs := range out {
			lists[k] = cty.ListVal(vs)
		}
		return cty.MapVal(lists), nil
	},
})

// anyParam takes a value of any kind as it is, marks included.
var anyParam = function.Parameter{
	Name: "value", Type: cty.DynamicPseudoType,
	AllowUnknown: true, AllowNull: true, AllowMarked: true, AllowDynamicType: true,
}

// markFunc changes the marks of its argument and nothing else.
func markFunc(f func(cty.Value) cty.Value) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{anyParam},
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f(args[0]), nil },
	})
}

var (
	sensitiveFunc    = markFunc(func(v cty.Value) cty.Value { return v.Mark(sensitive) })
	nonsensitiveFunc = markFunc(func(v cty.Value) cty.Value { v, _ = v.UnmarkDeep(); return v })
	isSensitiveFunc  = function.New(&function.Spec{
		Params: []function.Parameter{anyParam},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(args[0].ContainsMarked()), nil
		},
	})
)
