package spec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// envPrefix is what the names of environment variables with values start with.
const envPrefix = "CLUSTER_VAR_"

// A given is one value from outside: text from --var or the environment, or an expression of
// a variable file.
type given struct {
	from string         // for messages: --var, the environment, the file's name
	text string         // used if expr is nil
	expr hcl.Expression // of a variable file
	at   hcl.Range
}

// assignVariables gives every variable its value. As in Terraform, the environment is weakest
// and then, in the order of the command line, the last of --var and --var-file wins.
func (l *loader) assignVariables(o Options) {
	values := map[string]given{}
	for _, kv := range o.Env {
		name, text, ok := strings.Cut(strings.TrimPrefix(kv, envPrefix), "=")
		if !ok || !strings.HasPrefix(kv, envPrefix) || l.vars[name] == nil {
			continue
		}
		at := l.pseudoFile(l.vars[name], envPrefix+name, text, 0)
		values[name] = given{from: "the environment", text: text, at: at}
	}
	for _, in := range o.Inputs {
		if in.File != "" {
			l.readValues(in.File, values)
		} else {
			l.readVar(in.Var, values)
		}
	}
	object := map[string]cty.Value{}
	for _, name := range sortedKeys(l.vars) {
		v := l.vars[name]
		g, ok := values[name]
		at := l.assign(v, g, ok)
		if v.sensitive {
			v.value = v.value.Mark(sensitive)
		}
		l.validate(v, at)
		object[name] = v.value
	}
	l.ctx.Variables = map[string]cty.Value{"var": cty.ObjectVal(object)}
}

// pseudoFile makes text from outside something a diagnostic can point into. The range is
// that of the text after skip bytes. A sensitive text is left out, so that no excerpt shows it.
func (l *loader) pseudoFile(v *variable, name, text string, skip int) hcl.Range {
	if v == nil || !v.sensitive {
		l.files[name] = &hcl.File{Bytes: []byte(text)}
	}
	pos := func(i int) hcl.Pos { return hcl.Pos{Line: 1, Column: len([]rune(text[:i])) + 1, Byte: i} }
	return hcl.Range{Filename: name, Start: pos(skip), End: pos(len(text))}
}

// readVar takes one --var name=value.
func (l *loader) readVar(kv string, values map[string]given) {
	name, text, ok := strings.Cut(kv, "=")
	name = strings.TrimSpace(name)
	v := l.vars[name]
	if !ok {
		at := l.pseudoFile(v, "--var "+name, kv, 0)
		l.errorf(at, "Invalid --var", "A value is given as --var name=value; %s has no equals sign.", quote(kv))
		return
	}
	at := l.pseudoFile(v, "--var "+name, kv, len(kv)-len(text))
	if v == nil {
		at.Start, at.End = hcl.InitialPos, at.Start
		l.errorf(at, "Value for an undeclared variable", "The file declares no variable %q.%s", name, l.nearVariable(name))
		return
	}
	values[name] = given{from: "--var", text: text, at: at}
}

func (l *loader) nearVariable(name string) string {
	names := sortedKeys(l.vars)
	if s := didYouMean(name, names); s != "" || len(names) == 0 {
		return s
	}
	return fmt.Sprintf(" There is %s.", join(names, "and"))
}

// readValues takes a variable file: name = value in each line, without references and functions.
func (l *loader) readValues(path string, values map[string]given) {
	f := l.parse(path, "variable file")
	if f == nil {
		return
	}
	attrs, diags := f.Body.JustAttributes()
	for _, d := range diags {
		if strings.HasPrefix(d.Summary, "Unexpected ") {
			d.Detail = "A variable file has lines of name = value only; blocks belong in the " + l.lang.root.name + "."
		}
	}
	l.add(diags...)
	for _, name := range sortedKeys(attrs) {
		a := attrs[name]
		if l.vars[name] == nil {
			l.warnf(a.NameRange, "Value for an undeclared variable", "The %s declares no variable %q, so this value is not used.%s",
				l.lang.root.name, name, didYouMean(name, sortedKeys(l.vars)))
			continue
		}
		values[name] = given{from: fmt.Sprintf("%q", path), expr: a.Expr, at: a.Expr.Range()}
	}
}

// assign finds the value of a variable and the place it comes from.
func (l *loader) assign(v *variable, g given, ok bool) hcl.Range {
	v.value = cty.DynamicVal
	if ok {
		val, good := l.evalGiven(v, g)
		if !good || v.broken {
			return g.at
		}
		if !val.IsNull() || v.nullable {
			l.assignGiven(v, g, val)
			return g.at
		}
		// A null for a variable that is not nullable asks for the default.
		if v.fallback == nil {
			l.errorf(g.at, "Invalid value for variable", "The variable %q may not be null.", v.name)
			return g.at
		}
	}
	switch {
	case v.fallback != nil:
		v.value = v.fallbackVal
		return v.fallback.Expr.Range()
	case !v.broken:
		l.errorf(v.at, "No value for variable", "The variable %q has no default and was given no value. Give it one with --var %s=…, with --var-file or as %s%s.",
			v.name, v.name, envPrefix, v.name)
	}
	return v.at
}

func (l *loader) assignGiven(v *variable, g given, val cty.Value) {
	val, err := v.convert(val)
	if err == nil {
		v.value = val
		return
	}
	shown := ""
	if g.expr == nil && v.literal && !v.sensitive {
		shown = ", and " + quote(g.text) + " is not one"
	}
	l.errorf(g.at, "Invalid value for variable", "The value of %q from %s does not fit its type: %s%s.", v.name, g.from, typeProblem(err), shown)
}

// evalGiven is the value as given. Text for a variable of a simple type is the value itself,
// for a list, map or object it is an expression.
func (l *loader) evalGiven(v *variable, g given) (cty.Value, bool) {
	expr := g.expr
	if expr == nil {
		if v.literal {
			return cty.StringVal(g.text), true
		}
		if d := checkNesting([]byte(g.text), g.at.Filename); d != nil {
			l.add(d)
			return cty.DynamicVal, false
		}
		parsed, diags := hclsyntax.ParseExpression([]byte(g.text), g.at.Filename, g.at.Start)
		if diags.HasErrors() {
			l.add(firstPerLine(diags)...)
			return cty.DynamicVal, false
		}
		expr = parsed
	}
	val, diags := expr.Value(nil)
	for _, d := range diags {
		if d.Summary == "Variables not allowed" || d.Summary == "Function calls not allowed" {
			d.Summary = "Value is not constant"
			d.Detail = "A value from outside is written out, without references and functions. Text inside lists and objects stands in quotes."
		}
	}
	l.add(diags...)
	return val, !diags.HasErrors()
}
