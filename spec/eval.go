package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// A mark is carried by values and by whatever is made from them.
type mark string

// sensitive marks a value that must not be shown.
const sensitive mark = "sensitive"

// eval evaluates an expression. An unknown result means that a mistake has been reported:
// nothing else is unknown in a cluster file.
func (l *loader) eval(expr hcl.Expression, ctx *hcl.EvalContext) cty.Value {
	at := expr.Range()
	l.evaluating.Store(&at)
	l.evaluated[at] = scoped{expr, ctx}
	if !l.checkKeys(expr, ctx) {
		return cty.DynamicVal
	}
	good := l.checkReferences(expr, nil)
	v, diags := expr.Value(ctx)
	l.add(l.explain(diags)...)
	if !good || diags.HasErrors() {
		return cty.DynamicVal
	}
	if !v.IsWhollyKnown() {
		l.unknown(expr, ctx)
		return cty.DynamicVal
	}
	if err := checkSize(v); err != nil {
		l.errorf(at, "Value too large", "%s.", sentence(err.Error()))
		return cty.DynamicVal
	}
	return v
}

// unknown explains a value that is not known. Either it is made from one that has an error of
// its own, or a function was given a null that has no type and did not look at it.
func (l *loader) unknown(expr hcl.Expression, ctx *hcl.EvalContext) {
	at := expr.Range()
	d := &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Value not known",
		Detail:   "The value cannot be computed: a function here was given null.",
		Subject:  &at,
	}
	if slices.ContainsFunc(expr.Variables(), func(t hcl.Traversal) bool {
		v, diags := t.TraverseAbs(ctx)
		return !diags.HasErrors() && !v.IsWhollyKnown()
	}) {
		d.Detail = "This value depends on something that has an error of its own."
		d.Extra = consequence{}
	}
	l.add(d)
}

// explain adds to what HCL says about evaluation: near words, reasons, and silence about
// sensitive values. What was already reported about references is dropped.
func (l *loader) explain(diags hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, d := range diags {
		if d.Severity == hcl.DiagError && l.isBad(d.Subject) {
			continue
		}
		if inner, ok := templateDiags(d); ok {
			out = append(out, fromTemplate(l.explain(inner), subject(d))...)
			continue
		}
		l.explainOne(d)
		out = append(out, d)
	}
	return out
}

func (l *loader) explainOne(d *hcl.Diagnostic) {
	if x, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
		d.Summary = "Unknown function"
		d.Detail = l.unknownFunction(x.CalledFunctionNamespace() + x.CalledFunctionName())
		return
	}
	if x, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && x.FunctionCallError() != nil {
		l.explainCall(d, x)
		return
	}
	if x, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok {
		l.explainArguments(d, x.CalledFunctionName())
	}
	explainDynamic(d)
	switch d.Summary {
	case "Unsupported attribute", "Missing map element", "Invalid index":
		d.Detail += missingMember(d)
	case "Unknown variable":
		if name := l.nameAt(d.Subject); name != "" {
			d.Summary = "Unknown name"
			d.Detail = fmt.Sprintf("There is nothing named %q here.%s", name, l.bareWord(name))
		}
	}
}

// explainCall says why a function failed. The reason is left out if it might hold a sensitive
// value, and so is the stack trace of a function that could not cope.
func (l *loader) explainCall(d *hcl.Diagnostic, x hclsyntax.FunctionCallDiagExtra) {
	name, err := x.CalledFunctionName(), x.FunctionCallError()
	if d.Expression != nil && touchesSensitive(d.Expression, d.EvalContext) {
		d.Detail = fmt.Sprintf("The function %s refuses its arguments; the reason is not shown, because one of them is sensitive.", name)
		return
	}
	if _, ok := errors.AsType[function.PanicError](err); ok {
		d.Detail = fmt.Sprintf("The function %s cannot work with these arguments.", name)
		return
	}
	if ae, ok := errors.AsType[function.ArgError](err); ok {
		f := l.ctx.Functions[name]
		if params := f.Params(); ae.Index < len(params) {
			d.Detail = fmt.Sprintf("The function %s refuses its argument %q: %s.", name, params[ae.Index].Name, err)
			return
		}
	}
	d.Detail = fmt.Sprintf("The function %s refuses its arguments: %s.", name, strings.TrimSuffix(err.Error(), "."))
}

// explainArguments explains a call with arguments that do not fit the function's parameters.
func (l *loader) explainArguments(d *hcl.Diagnostic, name string) {
	f, ok := l.ctx.Functions[name]
	if !ok {
		return
	}
	takes := plural(len(f.Params()), "argument")
	if f.VarParam() != nil {
		takes += " or more"
	}
	switch d.Summary {
	case "Invalid function argument":
		d.Detail = strings.Replace(d.Detail, "Invalid value for", "The function "+name+" refuses its argument", 1)
		d.Detail = strings.Replace(d.Detail, " parameter: ", ": ", 1)
	case "Too many function arguments":
		d.Detail = fmt.Sprintf("The function %s takes %s, and here are more.", name, takes)
	case "Not enough function arguments":
		d.Detail = fmt.Sprintf("The function %s takes %s, and here are fewer.", name, takes)
	}
}

// touchesSensitive says whether anything an expression refers to is, or holds, a sensitive value.
func touchesSensitive(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	v, _ := expr.Value(ctx)
	return v.ContainsMarked() || slices.ContainsFunc(expr.Variables(), func(t hcl.Traversal) bool {
		v, diags := t.TraverseAbs(ctx)
		return !diags.HasErrors() && v.ContainsMarked()
	})
}

// missingMember suggests the attribute or key that was meant. HCL names the wrong one only.
func missingMember(d *hcl.Diagnostic) string {
	if d.EvalContext == nil {
		return ""
	}
	var base cty.Value
	var steps hcl.Traversal
	switch e := d.Expression.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		if len(e.Traversal) < 2 {
			return ""
		}
		base, _ = e.Traversal[:1].TraverseAbs(d.EvalContext)
		steps = e.Traversal[1:]
	case *hclsyntax.RelativeTraversalExpr:
		base, _ = e.Source.Value(d.EvalContext)
		steps = e.Traversal
	default:
		return ""
	}
	for _, s := range steps {
		next, diags := hcl.Traversal{s}.TraverseRel(base)
		if diags.HasErrors() {
			return nearMember(base, s)
		}
		base = next
	}
	return ""
}

func nearMember(v cty.Value, step hcl.Traverser) string {
	name := ""
	switch s := step.(type) {
	case hcl.TraverseAttr:
		name = s.Name
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() && !s.Key.IsMarked() {
			name = s.Key.AsString()
		}
	}
	names := members(v)
	if hint := didYouMean(name, names); hint != "" {
		return hint
	}
	if len(names) == 0 || len(names) > 12 {
		return ""
	}
	return fmt.Sprintf(" It has %s.", join(names, "and"))
}

// members are the attribute names of an object or the keys of a map, sorted.
func members(v cty.Value) []string {
	v, _ = v.Unmark()
	switch ty := v.Type(); {
	case ty.IsObjectType():
		return sortedKeys(ty.AttributeTypes())
	case ty.IsMapType() && v.IsKnown() && !v.IsNull():
		return sortedKeys(v.AsValueMap())
	}
	return nil
}

// sentence gives a message a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
