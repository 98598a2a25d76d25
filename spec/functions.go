package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are what expressions of the cluster file can call. All are pure, but for those
// that read files below the cluster file's folder.
func (l *loader) functions() map[string]function.Function {
	all := maps.Clone(pureFunctions)
	maps.Copy(all, l.fileFunctions())
	// A template can call everything but templatefile: no template reads itself.
	all["templatefile"] = l.templateFile(maps.Clone(all))
	return all
}

var pureFunctions = map[string]function.Function{
	"abs":             stdlib.AbsoluteFunc,
	"alltrue":         allTrueFunc,
	"anytrue":         anyTrueFunc,
	"base64decode":    base64DecodeFunc,
	"base64encode":    base64EncodeFunc,
	"base64sha256":    hashFuncs["base64sha256"].ofText(),
	"base64sha512":    hashFuncs["base64sha512"].ofText(),
	"basename":        basenameFunc,
	"can":             tryfunc.CanFunc,
	"ceil":            stdlib.CeilFunc,
	"chomp":           stdlib.ChompFunc,
	"chunklist":       stdlib.ChunklistFunc,
	"cidrcontains":    cidrContainsFunc,
	"cidrhost":        cidrHostFunc,
	"cidrnetmask":     cidrNetmaskFunc,
	"cidrsubnet":      cidrSubnetFunc,
	"cidrsubnets":     cidrSubnetsFunc,
	"coalesce":        coalesceFunc,
	"coalescelist":    stdlib.CoalesceListFunc,
	"compact":         stdlib.CompactFunc,
	"concat":          stdlib.ConcatFunc,
	"contains":        stdlib.ContainsFunc,
	"convert":         typeexpr.ConvertFunc,
	"csvdecode":       stdlib.CSVDecodeFunc,
	"dirname":         dirnameFunc,
	"distinct":        stdlib.DistinctFunc,
	"element":         stdlib.ElementFunc,
	"endswith":        endsWithFunc,
	"flatten":         stdlib.FlattenFunc,
	"floor":           stdlib.FloorFunc,
	"format":          bounded(stdlib.FormatFunc, checkFormat),
	"formatdate":      stdlib.FormatDateFunc,
	"formatlist":      bounded(stdlib.FormatListFunc, checkFormat),
	"indent":          bounded(stdlib.IndentFunc, checkIndent),
	"index":           indexFunc,
	"issensitive":     isSensitiveFunc,
	"join":            stdlib.JoinFunc,
	"jsondecode":      stdlib.JSONDecodeFunc,
	"jsonencode":      stdlib.JSONEncodeFunc,
	"keys":            stdlib.KeysFunc,
	"length":          lengthFunc,
	"log":             stdlib.LogFunc,
	"lookup":          lookupFunc,
	"lower":           stdlib.LowerFunc,
	"matchkeys":       matchKeysFunc,
	"max":             stdlib.MaxFunc,
	"md5":             hashFuncs["md5"].ofText(),
	"merge":           stdlib.MergeFunc,
	"min":             stdlib.MinFunc,
	"nodeset":         nodesetFunc,
	"nonsensitive":    nonsensitiveFunc,
	"one":             oneFunc,
	"parseint":        stdlib.ParseIntFunc,
	"pow":             stdlib.PowFunc,
	"range":           stdlib.RangeFunc,
	"range_hosts":     rangeHostsFunc,
	"regex":           stdlib.RegexFunc,
	"regexall":        stdlib.RegexAllFunc,
	"replace":         replaceFunc,
	"reverse":         stdlib.ReverseListFunc,
	"sensitive":       sensitiveFunc,
	"setintersection": stdlib.SetIntersectionFunc,
	"setproduct":      bounded(stdlib.SetProductFunc, checkProduct),
	"setsubtract":     stdlib.SetSubtractFunc,
	"setunion":        stdlib.SetUnionFunc,
	"sha1":            hashFuncs["sha1"].ofText(),
	"sha256":          hashFuncs["sha256"].ofText(),
	"sha512":          hashFuncs["sha512"].ofText(),
	"signum":          stdlib.SignumFunc,
	"slice":           stdlib.SliceFunc,
	"sort":            stdlib.SortFunc,
	"split":           stdlib.SplitFunc,
	"startswith":      startsWithFunc,
	"strcontains":     strContainsFunc,
	"strrev":          stdlib.ReverseFunc,
	"substr":          stdlib.SubstrFunc,
	"sum":             sumFunc,
	"timeadd":         stdlib.TimeAddFunc,
	"timecmp":         timeCmpFunc,
	"title":           stdlib.TitleFunc,
	"tobool":          stdlib.MakeToFunc(cty.Bool),
	"tolist":          stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
	"tomap":           stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"tonumber":        stdlib.MakeToFunc(cty.Number),
	"toset":           stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
	"tostring":        stdlib.MakeToFunc(cty.String),
	"transpose":       transposeFunc,
	"trim":            stdlib.TrimFunc,
	"trimprefix":      stdlib.TrimPrefixFunc,
	"trimspace":       stdlib.TrimSpaceFunc,
	"trimsuffix":      stdlib.TrimSuffixFunc,
	"try":             tryFunc,
	"upper":           stdlib.UpperFunc,
	"urlencode":       urlEncodeFunc,
	"values":          stdlib.ValuesFunc,
	"zipmap":          stdlib.ZipmapFunc,
}

const (
	eachTime  = "it gives another value each time, and without a state file every plan would then differ from what runs"
	byMachine = "its result depends on the machine that reads the file"
)

// leftOut are functions that people know from Terraform, and why they are not here.
var leftOut = map[string]string{
	"timestamp":        eachTime,
	"plantimestamp":    eachTime,
	"uuid":             eachTime,
	"bcrypt":           eachTime,
	"uuidv5":           "no id of that kind is needed here; sha256 makes a stable name out of others",
	"base64gzip":       "its bytes differ from one version of the compressor to the next, and nodes would be replaced for it",
	"rsadecrypt":       "there are no keys in a cluster file",
	"textencodebase64": "user data is UTF-8; base64encode encodes that",
	"textdecodebase64": "user data is UTF-8; base64decode decodes that",
	"yamlencode":       "it needs a library for nothing but this; write YAML as a template, or jsonencode, which is YAML too",
	"yamldecode":       "it needs a library for nothing but this; jsondecode and csvdecode read files",
	"abspath":          byMachine,
	"pathexpand":       byMachine,
	"list":             "a list is written in brackets: [a, b]",
	"map":              "a map is written in braces: { key = value }",
	"templatestring":   "a template is written in quotes, or read by templatefile",
	"templatefile":     "a template cannot read another template",
	"type":             "it is for a console only",
	"env":              "values from the environment come in through variables: CLUSTER_VAR_name",
}

// unknownFunction explains a call to a function that is not there.
func (l *loader) unknownFunction(name string) string {
	if why := leftOut[name]; why != "" {
		return fmt.Sprintf("There is no function %s: %s.", name, why)
	}
	if strings.Contains(name, "::") {
		return fmt.Sprintf("There is no function %s: functions here have no namespaces.", name)
	}
	names := slices.Sorted(maps.Keys(l.ctx.Functions))
	return fmt.Sprintf("There is no function %s.%s", name, didYouMeanAs(name, names, "", ""))
}

// bounded is a function with a check before it: some multiply their arguments, and a slip of
// the pen would fill the memory.
func bounded(f function.Function, check func(args []cty.Value) error) function.Function {
	params := f.Params()
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      params,
		VarParam:    f.VarParam(),
		Type:        f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if err := check(args); err != nil {
				return cty.NilVal, err
			}
			return f.Call(args)
		},
	})
}

// checkFormat refuses widths that no table has.
func checkFormat(args []cty.Value) error {
	digits := 0
	for _, c := range args[0].AsString() {
		if c < '0' || c > '9' {
			digits = 0
			continue
		}
		if digits++; digits > 4 {
			return function.NewArgErrorf(0, "a number in the format is longer than four digits")
		}
	}
	return nil
}

func checkIndent(args []cty.Value) error {
	if f := args[0].AsBigFloat(); f.IsInf() || f.MantExp(nil) > 10 {
		return function.NewArgErrorf(0, "at most 1023 spaces")
	}
	return nil
}

// checkProduct counts the combinations before they are made.
func checkProduct(args []cty.Value) error {
	n := 1
	for _, a := range args {
		a, _ = a.Unmark()
		if !a.IsKnown() || a.IsNull() {
			return nil
		}
		if n *= max(1, a.LengthInt()); n > maxElements {
			return fmt.Errorf("there are more than %d combinations", maxElements)
		}
	}
	return nil
}
