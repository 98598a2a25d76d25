package spec

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// readBelow reads a file by a path relative to the cluster file's folder. It cannot leave
// that folder, by .. or by a symbolic link: what a cluster file shows must be what stands
// beside it.
func (l *loader) readBelow(name string) ([]byte, error) {
	root, err := l.openRoot(name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", quote(name), plainError(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", quote(name))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %s", quote(name), plainError(err))
	case len(b) > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes", quote(name), maxFile)
	}
	return b, nil
}

// openRoot opens the cluster file's folder if name is one that can lie below it.
func (l *loader) openRoot(name string) (*os.Root, error) {
	switch {
	case filepath.IsAbs(name) || strings.HasPrefix(name, "~"):
		return nil, fmt.Errorf("%s must be relative to the folder of the %s", quote(name), l.lang.root.name)
	case !filepath.IsLocal(filepath.FromSlash(name)):
		return nil, fmt.Errorf("%s lies outside the folder of the %s", quote(name), l.lang.root.name)
	}
	return os.OpenRoot(l.dir)
}

// readText is readBelow for text.
func (l *loader) readText(name string) (string, error) {
	b, err := l.readBelow(name)
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("%s is not text in UTF-8; filebase64 reads any file", quote(name))
	}
	return string(b), err
}

func (l *loader) fileFunctions() map[string]function.Function {
	m := map[string]function.Function{
		"file": textFunc("path", l.readText),
		"filebase64": textFunc("path", func(name string) (string, error) {
			b, err := l.readBelow(name)
			return base64.StdEncoding.EncodeToString(b), err
		}),
		"fileexists": l.fileExists(),
		"fileset":    l.fileSet(),
	}
	for name, h := range hashFuncs {
		m["file"+name] = textFunc("path", func(name string) (string, error) {
			b, err := l.readBelow(name)
			return h.sum(b), err
		})
	}
	return m
}

func (l *loader) fileExists() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			root, err := l.openRoot(name)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			defer root.Close()
			info, err := root.Stat(filepath.FromSlash(name))
			return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
		},
	})
}

// fileSet is the set of files below a folder whose names match a pattern.
func (l *loader) fileSet() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			dir := args[0].AsString()
			root, err := l.openRoot(dir)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			defer root.Close()
			re, err := globPattern(args[1].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
			found, err := findFiles(root.FS(), path.Clean(dir), re)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			if len(found) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(found), nil
		},
	})
}

// maxWalked is how many files fileset looks at before it gives up.
const maxWalked = 10_000

func findFiles(fsys fs.FS, dir string, re *regexp.Regexp) ([]cty.Value, error) {
	var found []cty.Value
	walked := 0
	err := fs.WalkDir(fsys, dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s cannot be read: %s", quote(p), plainError(err))
		}
		if walked++; walked > maxWalked {
			return fmt.Errorf("there are more than %d files below %s", maxWalked, quote(dir))
		}
		rel := p
		if dir != "." {
			rel = strings.TrimPrefix(p, dir+"/")
		}
		if e.Type().IsRegular() && re.MatchString(rel) {
			found = append(found, cty.StringVal(rel))
		}
		return nil
	})
	return found, err
}

// globPattern makes a regular expression of a pattern with *, ? and **.
func globPattern(glob string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(glob); i++ {
		switch rest := glob[i:]; {
		case strings.HasPrefix(rest, "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(rest, "**"):
			b.WriteString(".*")
			i++
		case rest[0] == '*':
			b.WriteString("[^/]*")
		case rest[0] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
	}
	b.WriteString("$")
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, errors.New("it is not a pattern with *, ? and **")
	}
	return re, nil
}

// A templateError is what is wrong inside a template: places in another file, which the
// message of a function call alone would lose.
type templateError struct{ diags hcl.Diagnostics }

func (e templateError) Error() string { return "the template has an error" }

// templateDiags are the errors inside a template that a diagnostic is about.
func templateDiags(d *hcl.Diagnostic) (hcl.Diagnostics, bool) {
	x, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	if !ok || x.FunctionCallError() == nil {
		return nil, false
	}
	te, ok := errors.AsType[templateError](x.FunctionCallError())
	return te.diags, ok
}

// fromTemplate adds to errors inside a template where it was read.
func fromTemplate(diags hcl.Diagnostics, call hcl.Range) hcl.Diagnostics {
	for _, d := range diags {
		d.Detail = fmt.Sprintf("%s The template is read at %s.", strings.TrimSpace(d.Detail), position(call))
	}
	return diags
}

// templateFile is the function that reads a file as a template; funcs are what it may call.
func (l *loader) templateFile(funcs map[string]function.Function) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			given, marks := args[1].Unmark()
			ty := given.Type()
			if !ty.IsObjectType() && !ty.IsMapType() {
				return cty.NilVal, function.NewArgErrorf(1, `an object is required, such as { role = "compute" }`)
			}
			src, err := l.readText(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			vars := map[string]cty.Value{}
			for name, v := range given.AsValueMap() {
				vars[name] = v.WithMarks(marks)
			}
			v, diags := l.template(filepath.Join(l.dir, filepath.FromSlash(args[0].AsString())), src, vars, funcs)
			if diags.HasErrors() {
				return cty.NilVal, templateError{diags}
			}
			return v, nil
		},
	})
}

func (l *loader) template(filename, src string, vars map[string]cty.Value, funcs map[string]function.Function) (cty.Value, hcl.Diagnostics) {
	l.files[filename] = &hcl.File{Bytes: []byte(src)}
	if d := checkTemplateNesting([]byte(src), filename); d != nil {
		return cty.DynamicVal, hcl.Diagnostics{d}
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(src), filename, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, firstPerLine(diags)
	}
	names := sortedKeys(vars)
	for _, t := range expr.Variables() {
		if _, ok := vars[t.RootName()]; ok {
			continue
		}
		hint := didYouMean(t.RootName(), names)
		if hint == "" {
			hint = " A template sees only what is given to it; a dollar sign that the shell should see is written $${…}."
		}
		diags = append(diags, referenceError(t.SourceRange(), "Unknown name",
			fmt.Sprintf("The template was given nothing named %q.%s", t.RootName(), hint)))
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return expr.Value(&hcl.EvalContext{Variables: vars, Functions: funcs})
}
