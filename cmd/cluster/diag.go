package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcled"
	"github.com/mitchellh/go-wordwrap"
	"github.com/zclconf/go-cty/cty"
)

// textWidth is how wide running text is set; names and ids are never cut to it.
const textWidth = 78

// diagnostic writes one diagnostic: what is wrong, where, the line with the words underlined, the
// values involved, and what to do.
func (p *printer) diagnostic(d *hcl.Diagnostic, sources spec.Sources) {
	if d.Severity == hcl.DiagWarning {
		p.printf("%s%sWarning:%s %s%s%s\n", bold, yellow, reset, bold, d.Summary, reset)
	} else {
		p.printf("%s%sError:%s %s%s%s\n", bold, red, reset, bold, d.Summary, reset)
	}
	if d.Subject != nil && d.Subject.Filename != "" {
		p.excerpt(d, sources[d.Subject.Filename])
	}
	if values := involved(d); len(values) > 0 {
		p.printf("\n")
		for i, v := range values {
			lead := "with "
			if i > 0 {
				lead = "     "
			}
			p.printf("  %s%s\n", lead, v)
		}
	}
	if d.Detail != "" {
		p.printf("\n")
		for line := range strings.Lines(d.Detail) {
			line = strings.TrimRight(line, "\n")
			if strings.HasPrefix(line, " ") { // an item of a list, which people search for words in
				p.printf("  %s\n", line)
				continue
			}
			for _, l := range wrap(line, textWidth-2) {
				p.printf("  %s\n", l)
			}
		}
	}
	p.printf("\n")
}

// excerpt writes where a diagnostic points, with the lines of the file if they are known.
func (p *printer) excerpt(d *hcl.Diagnostic, f *hcl.File) {
	at := *d.Subject
	var in string
	if f != nil {
		if c := hcled.ContextString(f, at.Start.Byte); c != "" {
			in = ", in " + c
		}
	}
	p.printf("\n  on %s line %d%s:\n", slash(at.Filename), at.Start.Line, in)
	if f == nil {
		return
	}
	// Only the first line of what the diagnostic is about is shown: the header of a block says
	// more than the page that it holds.
	start := min(at.Start.Byte, len(f.Bytes))
	from := bytes.LastIndexByte(f.Bytes[:start], '\n') + 1
	to := len(f.Bytes)
	if n := bytes.IndexByte(f.Bytes[from:], '\n'); n >= 0 {
		to = from + n
	}
	line := strings.TrimRight(string(f.Bytes[from:to]), "\r")
	first := min(start-from, len(line))
	last := min(max(at.End.Byte-from, first), len(line))
	before, words, after := detab(line[:first]), detab(line[first:last]), detab(line[last:])
	p.printf("%s%4d:%s %s%s%s%s%s\n", dim, at.Start.Line, reset, before, mark, words, reset, after)
	if !p.colour {
		p.printf("      %s%s\n", strings.Repeat(" ", columns(before)), strings.Repeat("^", max(1, columns(words))))
	}
}

func detab(s string) string { return clean(strings.ReplaceAll(s, "\t", "    ")) }

// columns is how many columns of a terminal a clean text takes, as far as a rune is one.
func columns(s string) int { return utf8.RuneCountInString(s) }

// involved lists what the references of the wrong expression stand for, sorted.
func involved(d *hcl.Diagnostic) []string {
	if d.Expression == nil || d.EvalContext == nil {
		return nil
	}
	var out []string
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() || !v.IsKnown() {
			continue
		}
		out = append(out, fmt.Sprintf("%s = %s", reference(t), brief(v)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reference is a traversal as somebody would write it.
func reference(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			b.WriteString("[" + brief(s.Key) + "]")
		}
	}
	return b.String()
}

// brief is a value in a few words. A marked value is a sensitive one and stays unseen.
func brief(v cty.Value) string {
	switch ty := v.Type(); {
	case v.IsMarked():
		return "(sensitive)"
	case !v.IsKnown():
		return "(unknown)"
	case v.IsNull():
		return "null"
	case ty == cty.Bool:
		return fmt.Sprint(v.True())
	case ty == cty.Number:
		return v.AsBigFloat().Text('g', 10)
	case ty == cty.String:
		r := []rune(v.AsString())
		if len(r) > 60 {
			return fmt.Sprintf("%q…", string(r[:60]))
		}
		return fmt.Sprintf("%q", string(r))
	case ty.IsObjectType():
		return fmt.Sprintf("object of %d attributes", len(ty.AttributeTypes()))
	case ty.IsTupleType(), ty.IsCollectionType():
		return fmt.Sprintf("%s of %d", ty.FriendlyNameForConstraint(), v.LengthInt())
	default:
		return ty.FriendlyName()
	}
}

// wrap sets text in lines of at most width; a longer word has a line of its own.
func wrap(s string, width uint) []string {
	return strings.Split(wordwrap.WrapString(s, width), "\n")
}

// A diagDoc is a diagnostic in JSON, in the shape that editors and CI annotators know.
type diagDoc struct {
	Severity string    `json:"severity"`
	Summary  string    `json:"summary"`
	Detail   string    `json:"detail"`
	Range    *rangeDoc `json:"range,omitempty"`
}

type rangeDoc struct {
	Filename string `json:"filename"`
	Start    posDoc `json:"start"`
	End      posDoc `json:"end"`
}

type posDoc struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

func newDiagDoc(d *hcl.Diagnostic) diagDoc {
	doc := diagDoc{Severity: "error", Summary: d.Summary, Detail: d.Detail}
	if d.Severity == hcl.DiagWarning {
		doc.Severity = "warning"
	}
	if r := d.Subject; r != nil && r.Filename != "" {
		doc.Range = &rangeDoc{
			Filename: slash(r.Filename),
			Start:    posDoc(r.Start),
			End:      posDoc(r.End),
		}
	}
	return doc
}

// sortDiagnostics puts errors before warnings and keeps the order otherwise.
func sortDiagnostics(diags hcl.Diagnostics) {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int { return cmp.Compare(a.Severity, b.Severity) })
}
