package spec

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// A variable is one declared variable and, once assigned, its value.
type variable struct {
	name        string
	at          hcl.Range // of its name
	ty          cty.Type
	defaults    *typeexpr.Defaults
	literal     bool // text from outside is the value itself, not an expression
	fallback    *hcl.Attribute
	fallbackVal cty.Value // set if fallback is; unknown if it has an error
	sensitive   bool
	nullable    bool
	broken      bool // its declaration has an error: its value is unknown
	validations []*hcl.Block
	value       cty.Value
}

func (l *loader) declareVariables(blocks []*hcl.Block) {
	l.vars = map[string]*variable{}
	for _, b := range blocks {
		name := b.Labels[0]
		if before := l.vars[name]; before != nil {
			l.errorf(b.LabelRanges[0], "Variable declared twice", "The variable %q is declared at %s already.", name, position(before.at))
			continue
		}
		if !l.checkName("variable", name, b.LabelRanges[0]) {
			continue
		}
		l.vars[name] = l.declareVariable(b)
	}
}

// checkName refuses names that an expression could not refer to.
func (l *loader) checkName(what, name string, at hcl.Range) bool {
	if hclsyntax.ValidIdentifier(name) {
		return true
	}
	l.errorf(at, "Invalid name", "The name of a %s is a letter and then letters, digits, hyphens and underscores; %s is not.", what, quote(name))
	return false
}

func (l *loader) declareVariable(b *hcl.Block) *variable {
	content, diags := b.Body.Content(variableBlock.schema())
	l.add(l.explainStructure(diags, variableBlock)...)
	v := &variable{
		name: b.Labels[0], at: b.LabelRanges[0],
		ty: cty.DynamicPseudoType, literal: true, nullable: true,
		broken:      diags.HasErrors(),
		validations: content.Blocks,
	}
	v.sensitive = l.flag(content.Attributes["sensitive"], false, v)
	v.nullable = l.flag(content.Attributes["nullable"], true, v)
	if a := content.Attributes["description"]; a != nil {
		if d, diags := a.Expr.Value(nil); diags.HasErrors() || d.IsNull() || d.Type() != cty.String {
			l.errorf(a.Expr.Range(), "Invalid description", "A description is text in quotes, without references.")
		}
	}
	if a := content.Attributes["type"]; a != nil {
		v.declareType(l, a)
	}
	if v.fallback = content.Attributes["default"]; v.fallback != nil {
		v.fallbackVal = l.fallbackValue(v)
	}
	return v
}

// flag reads an argument that is written true or false.
func (l *loader) flag(a *hcl.Attribute, otherwise bool, v *variable) bool {
	if a == nil {
		return otherwise
	}
	val, diags := a.Expr.Value(nil)
	if b, err := convert.Convert(val, cty.Bool); !diags.HasErrors() && err == nil && b.IsKnown() && !b.IsNull() {
		return b.True()
	}
	l.errorf(a.Expr.Range(), "Invalid "+a.Name, "%s is true or false, written out: it may not depend on anything.", a.Name)
	v.broken = true
	return otherwise
}

func (v *variable) declareType(l *loader, a *hcl.Attribute) {
	ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
	for _, d := range diags {
		explainType(d, a.Expr)
	}
	l.add(diags...)
	if diags.HasErrors() {
		v.broken = true
		return
	}
	v.ty, v.defaults = ty, defaults
	v.literal = ty.IsPrimitiveType()
}

// typeWords are the words a type is made of.
var typeWords = []string{"string", "number", "bool", "any", "list", "set", "map", "object", "tuple", "optional"}

// explainType suggests the type that was meant.
func explainType(d *hcl.Diagnostic, expr hcl.Expression) {
	word := ""
	if _, after, ok := strings.Cut(d.Detail, `eyword "`); ok {
		word, _, _ = strings.Cut(after, `"`)
	}
	if word == "" {
		if v, diags := expr.Value(nil); !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
			d.Detail = fmt.Sprintf("A type is written without quotes: type = %s.", v.AsString())
		}
		return
	}
	if s := foreignTypes[word]; s != "" {
		d.Detail = fmt.Sprintf("%q is not a type. Did you mean %q?", word, s)
		return
	}
	if s := didYouMean(word, typeWords); s != "" {
		d.Detail = fmt.Sprintf("%q is not a type.%s", word, s)
	} else if word != "any" && word != "optional" {
		d.Detail = fmt.Sprintf("%q is not a type. Types are string, number, bool, any, list(…), set(…), map(…), object({…}) and tuple([…]).", word)
	}
}

var foreignTypes = map[string]string{
	"int": "number", "integer": "number", "float": "number", "boolean": "bool", "str": "string", "text": "string",
	"array": "list(…)", "dict": "map(…)",
}

func (l *loader) fallbackValue(v *variable) cty.Value {
	val, diags := v.fallback.Expr.Value(nil)
	for _, d := range diags {
		if d.Summary == "Variables not allowed" || d.Summary == "Function calls not allowed" {
			d.Summary = "Default is not constant"
			d.Detail = "The default of a variable is written out; what depends on other values belongs in locals."
		}
	}
	l.add(diags...)
	if diags.HasErrors() || v.broken {
		return cty.DynamicVal
	}
	at := v.fallback.Expr.Range()
	if val.IsNull() && !v.nullable {
		l.errorf(at, "Invalid default", "The variable %q is not nullable, so its default cannot be null.", v.name)
		return cty.DynamicVal
	}
	val, err := v.convert(val)
	if err != nil {
		l.errorf(at, "Invalid default", "The default does not fit the type %s: %s.", typeexpr.TypeString(v.ty), typeProblem(err))
		return cty.DynamicVal
	}
	return val
}

// convert makes a value one of the variable's type.
func (v *variable) convert(val cty.Value) (cty.Value, error) {
	if err := checkSize(val); err != nil {
		return cty.DynamicVal, err
	}
	if v.defaults != nil && !val.IsNull() {
		val = v.defaults.Apply(val)
	}
	return convert.Convert(val, v.ty)
}

// typeProblem is the message of a failed conversion with the path to the value in it.
func typeProblem(err error) string {
	pe, ok := err.(cty.PathError)
	if !ok || len(pe.Path) == 0 {
		return err.Error()
	}
	return "at " + showPath(pe.Path) + ": " + pe.Error()
}

// showPath writes a path as it is written in expressions: .nodes[0]["a"].
func showPath(p cty.Path) string {
	var b strings.Builder
	for _, step := range p {
		switch s := step.(type) {
		case cty.GetAttrStep:
			fmt.Fprintf(&b, ".%s", s.Name)
		case cty.IndexStep:
			if k := s.Key; k.IsKnown() && !k.IsNull() && k.Type() == cty.String {
				fmt.Fprintf(&b, "[%q]", k.AsString())
			} else if k.IsKnown() && !k.IsNull() && k.Type() == cty.Number {
				fmt.Fprintf(&b, "[%s]", showNumber(k.AsBigFloat()))
			} else {
				b.WriteString("[…]")
			}
		}
	}
	return b.String()
}

// validate runs the variable's validation rules on its value, which came from the place at.
func (l *loader) validate(v *variable, at hcl.Range) {
	for _, b := range v.validations {
		content, diags := b.Body.Content(validationBlock.schema())
		l.add(l.explainStructure(diags, validationBlock)...)
		cond, text := content.Attributes["condition"], content.Attributes["error_message"]
		if cond == nil || text == nil {
			if !diags.HasErrors() {
				l.errorf(b.DefRange, "Incomplete validation", "A validation block has a condition and an error_message.")
			}
			continue
		}
		l.validateOne(v, at, b, cond, text)
	}
}

func (l *loader) validateOne(v *variable, at hcl.Range, b *hcl.Block, cond, text *hcl.Attribute) {
	if !l.checkOwn(v, cond) || !l.checkOwn(v, text) {
		return
	}
	ctx := l.ctx.NewChild()
	ctx.Variables = map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{v.name: v.value})}
	message, ok := l.errorMessage(text, ctx)
	if !v.value.IsWhollyKnown() {
		return
	}
	result := l.eval(cond.Expr, ctx)
	result, _ = result.Unmark()
	if !result.IsKnown() {
		return
	}
	holds, err := convert.Convert(result, cty.Bool)
	if err != nil || holds.IsNull() {
		l.errorf(cond.Expr.Range(), "Invalid condition", "A condition is true or false, and this is %s.", show(result))
		return
	}
	if holds.False() && ok {
		l.evaluated[at] = scoped{cond.Expr, ctx}
		l.errorf(at, "Invalid value for variable", "%s (The rule for %q is at %s.)", message, v.name, position(b.DefRange))
	}
}

// checkOwn sees to it that a validation speaks of its own variable only.
func (l *loader) checkOwn(v *variable, a *hcl.Attribute) bool {
	own := false
	for _, t := range a.Expr.Variables() {
		name, _, ok := member(t)
		if t.RootName() != "var" || !ok || name != v.name {
			l.errorf(t.SourceRange(), "Invalid reference in a validation",
				"A validation may refer to its own variable only, var.%s.", v.name)
			return false
		}
		own = true
	}
	if a.Name == "condition" && !own {
		l.errorf(a.Expr.Range(), "Condition without the variable", "The condition has to look at var.%s.", v.name)
		return false
	}
	return true
}

// errorMessage evaluates the message of a validation and checks that it can be shown.
func (l *loader) errorMessage(text *hcl.Attribute, ctx *hcl.EvalContext) (string, bool) {
	at := text.Expr.Range()
	val := l.eval(text.Expr, ctx)
	if val.IsMarked() {
		l.errorf(at, "Sensitive error message", "The message would show a sensitive value.")
		return "", false
	}
	if !val.IsKnown() {
		return "", false
	}
	val, err := convert.Convert(val, cty.String)
	if err != nil || val.IsNull() {
		l.errorf(at, "Invalid error message", "The error_message is text.")
		return "", false
	}
	message := strings.TrimSpace(val.AsString())
	first, _ := utf8.DecodeRuneInString(message)
	if message == "" || unicode.IsLower(first) || !strings.ContainsAny(message[len(message)-1:], ".?!") {
		l.errorf(at, "Invalid error message", "The error_message is a sentence for the user: it starts with a capital letter and ends with a full stop.")
		return "", false
	}
	return message, true
}
