package spec

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryDiagnosticHasAGolden finds the summaries of all diagnostics in the package's
// source and looks for each in testdata/spec.
func TestEveryDiagnosticHasAGolden(t *testing.T) {
	// Told by other tests, or never unless something else is wrong.
	elsewhere := []string{"Cannot read the ", "Nested too deeply", "JSON is not formatted", "Evaluation takes too long"}
	var goldens strings.Builder
	archives, err := filepath.Glob("../testdata/spec/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range archives {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		goldens.Write(b)
	}
	found := summaries(t)
	if len(found) < 60 {
		t.Errorf("only %d summaries found: the way they are looked for does not fit the source", len(found))
	}
	for _, s := range found {
		if slices.Contains(elsewhere, s) {
			continue
		}
		if !strings.Contains(goldens.String(), "error: "+s) && !strings.Contains(goldens.String(), "warning: "+s) {
			t.Errorf("no golden has %q", s)
		}
	}
}

// summaries are the constant starts of the summaries in the source of this package.
func summaries(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if i, ok := summaryArgument(n.Fun); ok {
					out = appendText(out, n.Args[i])
				}
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Summary" {
					out = appendText(out, n.Value)
				}
			case *ast.AssignStmt:
				if s, ok := n.Lhs[0].(*ast.SelectorExpr); ok && s.Sel.Name == "Summary" {
					out = appendText(out, n.Rhs[0])
				}
			}
			return true
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// summaryArgument is the index of the summary in a call of one of the functions that report.
func summaryArgument(fun ast.Expr) (int, bool) {
	name := ""
	switch f := fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	i, ok := map[string]int{"errorf": 1, "warnf": 1, "missing": 0, "referenceError": 1}[name]
	return i, ok
}

// appendText adds the constant start of a summary.
func appendText(out []string, e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return appendText(out, e.X)
	case *ast.CallExpr:
		if len(e.Args) > 0 {
			return appendText(out, e.Args[0])
		}
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil {
			s, _, _ = strings.Cut(s, "%")
			return append(out, s)
		}
	}
	return out
}
