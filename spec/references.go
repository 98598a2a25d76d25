package spec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// checkExpression looks at an expression before anything is evaluated: at what it refers to,
// and at keys that may not be evaluated.
func (l *loader) checkExpression(expr hcl.Expression, iterators []string) {
	l.checkKeys(expr, withIterators(l.ctx, iterators))
	l.checkReferences(expr, iterators)
}

// checkReferences reports what an expression refers to and this file does not have. It says
// whether all references are good; iterators are the names that dynamic blocks around the
// expression have made.
func (l *loader) checkReferences(expr hcl.Expression, iterators []string) bool {
	good := true
	for _, t := range expr.Variables() {
		if d := l.checkReference(t, iterators); d != nil {
			l.add(d)
			l.bad = append(l.bad, t.SourceRange())
			good = false
		}
	}
	return good
}

func (l *loader) checkReference(t hcl.Traversal, iterators []string) *hcl.Diagnostic {
	root := t.RootName()
	switch {
	case slices.Contains(iterators, root):
		return nil
	case len(t) == 1 && slices.Contains(typeWords, root):
		return nil // of convert(value, type); elsewhere the evaluation finds it
	case root == "var":
		return checkMember(t, "variable", sortedKeys(l.vars))
	case root == "local":
		return checkMember(t, "local", sortedKeys(l.locals))
	}
	return l.unknownRoot(t, iterators)
}

// checkMember checks the name after var. or local.
func checkMember(t hcl.Traversal, what string, names []string) *hcl.Diagnostic {
	root := t.RootName()
	name, at, ok := member(t)
	if !ok {
		return referenceError(t.SourceRange(), "Incomplete reference",
			fmt.Sprintf("A name belongs after %q, such as %s.nodes; all of them together are not a value.", root, root))
	}
	if slices.Contains(names, name) {
		return nil
	}
	hint := didYouMeanAs(name, names, root+".", "")
	if hint == "" && what == "variable" {
		hint = fmt.Sprintf(" Declare it with variable %q { }.", name)
	} else if hint == "" {
		hint = fmt.Sprintf(" Define it with locals { %s = … }.", name)
	}
	return referenceError(at, "Unknown "+what, fmt.Sprintf("This file has no %s %q.%s", what, name, hint))
}

// member is the first name after the root of a reference: nodes of var.nodes or var["nodes"].
func member(t hcl.Traversal) (name string, at hcl.Range, ok bool) {
	if len(t) < 2 {
		return "", hcl.Range{}, false
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name, t.SourceRange(), true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), t.SourceRange(), true
		}
	}
	return "", hcl.Range{}, false
}

// foreignRoots are the roots of references that exist in Terraform only.
var foreignRoots = map[string]string{
	"each":  `Inside a dynamic "group" block, the element is group.key and group.value.`,
	"count": "A group is one set of identical nodes; a node learns its slot from instance metadata.",
	"data":  "There are no data sources; images are found by the image block.",
	"path":  "Paths are relative to the folder of the cluster file: just leave it out.",
	"self":  "There are no references to blocks.",
	"group": "There are no references to blocks: put a value that is used twice into locals.",

	"module": "One file is one cluster: there are no modules.", "terraform": "That is Terraform's.",
	"cluster": "There are no references to blocks: put a value that is used twice into locals.",
}

func (l *loader) unknownRoot(t hcl.Traversal, iterators []string) *hcl.Diagnostic {
	root := t.RootName()
	detail := fmt.Sprintf("There is nothing named %q here.", root)
	roots := append([]string{"var", "local"}, iterators...)
	switch {
	case len(t) == 1:
		detail += l.bareWord(root)
	case foreignRoots[root] != "":
		detail += " " + foreignRoots[root]
	default:
		hint := didYouMeanAs(root, roots, "", "")
		if hint == "" {
			hint = fmt.Sprintf(" References start with %s.", join(roots, "or"))
		}
		detail += hint
	}
	return referenceError(t.SourceRange(), "Unknown name", detail)
}

// bareWord says what a single word without quotes may have been meant for.
func (l *loader) bareWord(word string) string {
	switch {
	case l.vars[word] != nil:
		return fmt.Sprintf(" Did you mean var.%s?", word)
	case l.locals[word] != nil:
		return fmt.Sprintf(" Did you mean local.%s?", word)
	}
	if s := didYouMeanAs(word, sortedKeys(l.vars), "var.", ""); s != "" {
		return s
	}
	if s := didYouMeanAs(word, sortedKeys(l.locals), "local.", ""); s != "" {
		return s
	}
	return fmt.Sprintf(" Text is written in quotes: %q.", word)
}

func referenceError(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}

// checkKeys refuses sensitive values as keys of objects: keys are shown, and package hcl/json
// panics when it meets one.
func (l *loader) checkKeys(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	good := true
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		for _, p := range pairs {
			if v, _ := p.Key.Value(ctx); v.IsMarked() {
				l.errorf(p.Key.Range(), "Sensitive key", "A sensitive value cannot be the key of an object: keys are shown.")
				l.bad = append(l.bad, expr.Range())
				good = false
			}
			good = l.checkKeys(p.Value, ctx) && good
		}
		return good
	}
	if elems, diags := hcl.ExprList(expr); !diags.HasErrors() {
		for _, e := range elems {
			good = l.checkKeys(e, ctx) && good
		}
	}
	return good
}

// withIterators is a scope in which the iterators of dynamic blocks exist and are not known.
func withIterators(ctx *hcl.EvalContext, iterators []string) *hcl.EvalContext {
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{}
	for _, name := range iterators {
		child.Variables[name] = cty.DynamicVal
	}
	return child
}

// isBad says whether a place lies inside a reference that was reported already.
func (l *loader) isBad(at *hcl.Range) bool {
	return at != nil && slices.ContainsFunc(l.bad, func(r hcl.Range) bool {
		return r.Filename == at.Filename && r.Start.Byte <= at.Start.Byte && at.End.Byte <= r.End.Byte
	})
}
