package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// A local is one named value of a locals block.
type local struct {
	attr  *hcl.Attribute
	value cty.Value
	state int
}

// The states of a local while the locals are evaluated in the order of their references.
const (
	untouched = iota
	underway
	finished
)

func (l *loader) declareLocals(blocks []*hcl.Block) {
	l.locals = map[string]*local{}
	for _, b := range blocks {
		attrs, diags := b.Body.JustAttributes()
		for _, d := range diags {
			if strings.HasPrefix(d.Summary, "Unexpected ") {
				d.Detail = "A locals block has lines of name = value only."
			}
		}
		l.add(diags...)
		for _, a := range inFileOrder(attrs) {
			if before := l.locals[a.Name]; before != nil {
				l.errorf(a.NameRange, "Local defined twice", "The local %q is defined at %s already.", a.Name, position(before.attr.NameRange))
				continue
			}
			if l.checkName("local", a.Name, a.NameRange) {
				l.locals[a.Name] = &local{attr: a, value: cty.DynamicVal}
			}
		}
	}
}

func inFileOrder(attrs hcl.Attributes) []*hcl.Attribute {
	var sorted []*hcl.Attribute
	for _, name := range sortedKeys(attrs) {
		sorted = append(sorted, attrs[name])
	}
	slices.SortStableFunc(sorted, func(a, b *hcl.Attribute) int {
		return cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte)
	})
	return sorted
}

// evalLocals evaluates every local after those it refers to, and puts them into the scope.
func (l *loader) evalLocals() {
	object := map[string]cty.Value{}
	for _, name := range sortedKeys(l.locals) {
		l.evalLocal(name, nil)
		object[name] = l.locals[name].value
	}
	l.ctx.Variables["local"] = cty.ObjectVal(object)
}

// evalLocal evaluates one local; path are the locals that wait for it, outermost first.
func (l *loader) evalLocal(name string, path []string) {
	x := l.locals[name]
	switch x.state {
	case finished:
		return
	case underway:
		l.reportCycle(path[slices.Index(path, name):])
		return
	}
	x.state = underway
	scope := map[string]cty.Value{}
	for _, t := range x.attr.Expr.Variables() {
		if t.RootName() != "local" {
			continue
		}
		if dep, _, ok := member(t); ok && l.locals[dep] != nil {
			l.evalLocal(dep, append(path, name))
			scope[dep] = l.locals[dep].value
		}
	}
	ctx := l.ctx.NewChild()
	ctx.Variables = map[string]cty.Value{"local": cty.ObjectVal(scope)}
	x.value = l.eval(x.attr.Expr, ctx)
	x.state = finished
}

// reportCycle shows the way round: each local with its line.
func (l *loader) reportCycle(names []string) {
	first := l.locals[names[0]].attr
	if len(names) == 1 {
		l.errorf(first.Range, "Local refers to itself", "The local %q is made from its own value.", names[0])
		return
	}
	steps := make([]string, 0, len(names)+1)
	for _, n := range append(slices.Clone(names), names[0]) {
		steps = append(steps, fmt.Sprintf("local.%s (%s)", n, position(l.locals[n].attr.NameRange)))
	}
	l.errorf(first.Range, "Locals in a circle", "These locals need each other: %s.", strings.Join(steps, " → "))
}
