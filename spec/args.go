package spec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// args reads the arguments of one block. A mistake in an argument is reported when it is
// read; what comes back is then marked as not ok and nobody looks at it again.
type args struct {
	l     *loader
	attrs hcl.Attributes
	src   Source
	vals  map[string]cty.Value

	misshapen bool // the block has a wrong name in it: what seems missing may be misspelt
}

// A text is a string of the file and where it stands.
type text struct {
	string
	at hcl.Range
}

// open reads the names in a block and gives access to its arguments and to what is in it.
func (l *loader) open(b *hcl.Block, body hcl.Body, t *blockType) (*args, *hcl.BodyContent) {
	content, diags := body.Content(t.schema())
	misshapen := diags.HasErrors()
	l.add(l.explain(slices.DeleteFunc(diags, saidByWalk))...)
	a := l.arguments(b, content.Attributes)
	a.misshapen = misshapen
	return a, content
}

// arguments gives access to the arguments of a block.
func (l *loader) arguments(b *hcl.Block, attrs hcl.Attributes) *args {
	a := &args{l: l, attrs: attrs, vals: map[string]cty.Value{}, src: Source{Block: b.DefRange}}
	for name, attr := range attrs {
		if a.src.Attrs == nil {
			a.src.Attrs = map[string]hcl.Range{}
		}
		a.src.Attrs[name] = attr.Range
	}
	return a
}

// missing reports something that a block has to have. It is left out if the block has a name
// in it that is not known: that may be it.
func (a *args) missing(summary, format string, values ...any) {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, values...), Subject: &a.src.Block}
	if a.misshapen {
		d.Extra = consequence{}
	}
	a.l.add(d)
}

// value evaluates an argument, once. It is null if the argument is not there or is null,
// and unknown if it has an error.
func (a *args) value(name string) cty.Value {
	attr := a.attrs[name]
	if attr == nil {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	v, ok := a.vals[name]
	if !ok {
		v = a.l.eval(attr.Expr, a.l.ctx)
		a.vals[name] = v
	}
	return v
}

// has says whether an argument is set, rightly or wrongly; null is not.
func (a *args) has(name string) bool {
	v := a.value(name)
	return !v.IsKnown() || !v.IsNull()
}

// at is the place of an argument's value, or of the block if it is not set.
func (a *args) at(name string) hcl.Range {
	if attr := a.attrs[name]; attr != nil {
		return attr.Expr.Range()
	}
	return a.src.Block
}

// plain is the value of an argument that is set, known and not sensitive.
func (a *args) plain(name string) (cty.Value, bool) {
	v := a.value(name)
	if !v.IsKnown() || v.IsNull() {
		return v, false
	}
	if v.ContainsMarked() {
		a.l.errorf(a.at(name), "Sensitive value not allowed",
			"The value of %s is sensitive, and everybody who may look at the %s can read it there.%s", name, a.l.lang.made, a.l.lang.secrets)
		return v, false
	}
	return v, true
}

// as converts a plain value. Numbers and truth values in quotes are taken as what they say.
func (a *args) as(name string, ty cty.Type, wanted string) (cty.Value, bool) {
	v, ok := a.plain(name)
	if !ok {
		return v, false
	}
	c, err := convert.Convert(v, ty)
	if err != nil || c.IsNull() || !c.IsKnown() {
		a.wrongType(name, wanted, v)
		return v, false
	}
	return c, true
}

func (a *args) wrongType(name, wanted string, v cty.Value) {
	a.l.errorf(a.at(name), "Wrong type for "+name, "%s takes %s, and this is %s.", name, wanted, show(v))
}

// text reads a string, which may not be empty.
func (a *args) text(name string) (text, bool) {
	v, ok := a.as(name, cty.String, "a string")
	if !ok {
		return text{}, false
	}
	t := text{v.AsString(), a.at(name)}
	if t.string == "" {
		a.l.errorf(t.at, "Empty "+name, "%s is the empty string. Leave the line out, or write null, if there is nothing to say.", name)
		return text{}, false
	}
	return t, true
}

func (a *args) flag(name string) (value, ok bool) {
	v, ok := a.as(name, cty.Bool, "true or false")
	return ok && v.True(), ok
}

// whole reads a whole number of at least 0.
func (a *args) whole(name string, most int) (int, bool) {
	v, ok := a.as(name, cty.Number, "a whole number")
	if !ok {
		return 0, false
	}
	f := v.AsBigFloat()
	i, _ := f.Int64()
	switch {
	case f.Sign() < 0:
		a.l.errorf(a.at(name), "Negative "+name, "%s is %s, and cannot be less than 0.", name, showNumber(f))
	case !f.IsInt():
		a.l.errorf(a.at(name), "Fractional "+name, "%s is %s, and must be a whole number; floor, ceil and parseint make one.", name, showNumber(f))
	case !f.IsInt() || i > int64(most):
		a.l.errorf(a.at(name), "Too large "+name, "%s is %s, and can be at most %d.", name, showNumber(f), most)
	default:
		return int(i), true
	}
	return 0, false
}

// oneOf reads a string that is one of a few words.
func (a *args) oneOf(name string, words ...string) (string, bool) {
	t, ok := a.text(name)
	if !ok {
		return "", false
	}
	for _, w := range words {
		if w == t.string {
			return w, true
		}
	}
	hint := didYouMean(t.string, words)
	if hint == "" {
		hint = fmt.Sprintf(" It can be %s.", list(words))
	}
	a.l.errorf(t.at, "Invalid "+name, "%s cannot be %s.%s", name, quote(t.string), hint)
	return "", false
}

// texts reads a list of strings, none of them empty, none of them twice. Each has its own
// place if the list is written out. A mistake in one leaves the others.
func (a *args) texts(name string) []text {
	v, ok := a.plain(name)
	if !ok {
		return nil
	}
	ty := v.Type()
	if !ty.IsListType() && !ty.IsTupleType() && !ty.IsSetType() {
		if ty == cty.String {
			a.l.errorf(a.at(name), "Wrong type for "+name, "%s takes a list of strings: write it in brackets, [%s].", name, quote(v.AsString()))
		} else {
			a.wrongType(name, "a list of strings", v)
		}
		return nil
	}
	places := a.elementRanges(name, v.LengthInt())
	var out []text
	seen := map[string]bool{}
	i := 0
	for it := v.ElementIterator(); it.Next(); i++ {
		_, e := it.Element()
		t, ok := a.element(name, e, places[i])
		switch {
		case !ok:
		case seen[t.string]:
			a.l.errorf(t.at, "Listed twice", "%s has %s twice.", name, quote(t.string))
		default:
			seen[t.string] = true
			out = append(out, t)
		}
	}
	return out
}

func (a *args) element(name string, e cty.Value, at hcl.Range) (text, bool) {
	if e.Type() == cty.Number && name == "owners" && !e.IsNull() {
		return a.numericOwner(e, at)
	}
	s, err := convert.Convert(e, cty.String)
	switch {
	case err != nil || s.IsNull():
		a.l.errorf(at, "Wrong type for "+name, "%s takes a list of strings, and one of its elements is %s.", name, show(e))
	case s.AsString() == "":
		a.l.errorf(at, "Empty element", "One of the elements of %s is the empty string.", name)
	default:
		return text{s.AsString(), at}, true
	}
	return text{}, false
}

// elementRanges are the places of n elements: their own if the list is written out.
func (a *args) elementRanges(name string, n int) []hcl.Range {
	places := make([]hcl.Range, n)
	exprs, diags := hcl.ExprList(a.attrs[name].Expr)
	for i := range places {
		places[i] = a.at(name)
		if !diags.HasErrors() && len(exprs) == n {
			places[i] = exprs[i].Range()
			a.l.evaluated[places[i]] = scoped{a.attrs[name].Expr, a.l.ctx}
		}
	}
	return places
}

// values are the strings of texts.
func values(ts []text) []string {
	var out []string
	for _, t := range ts {
		out = append(out, t.string)
	}
	return out
}
