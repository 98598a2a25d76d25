package spec

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
)

// A consequence marks, as a diagnostic's Extra, one that only follows from another error:
// it is shown only if, against all expectation, there is no other.
type consequence struct{}

func (l *loader) add(diags ...*hcl.Diagnostic) { l.diags = append(l.diags, diags...) }

// errorf adds an error at a place of the file. If an expression was evaluated there, it comes
// along, so that the values it refers to can be shown.
func (l *loader) errorf(at hcl.Range, summary, format string, args ...any) {
	d := &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(format, args...),
		Subject:  &at,
	}
	if e, ok := l.evaluated[at]; ok {
		d.Expression, d.EvalContext = e.expr, e.ctx
	}
	l.add(d)
}

// A scoped is an expression with the scope it was evaluated in.
type scoped struct {
	expr hcl.Expression
	ctx  *hcl.EvalContext
}

// warnf adds a warning at a place of the file.
func (l *loader) warnf(at hcl.Range, summary, format string, args ...any) {
	l.add(&hcl.Diagnostic{
		Severity: hcl.DiagWarning,
		Summary:  summary,
		Detail:   fmt.Sprintf(format, args...),
		Subject:  &at,
	})
}

// position is a short form of where a range starts, for use inside a sentence.
func position(r hcl.Range) string {
	return fmt.Sprintf("%s:%d", filepath.ToSlash(r.Filename), r.Start.Line)
}

// tidy makes diagnostics fit to be seen: errors that only follow from others are left out,
// texts are cleaned, places lie within their file, the order is that of the files, and nothing
// is said twice.
func tidy(diags hcl.Diagnostics, files Sources) hcl.Diagnostics {
	cause := slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagError && !isConsequence(d)
	})
	var out hcl.Diagnostics
	for _, d := range diags {
		if cause && isConsequence(d) {
			continue
		}
		e := *d
		e.Summary, e.Detail = clean(d.Summary), endSentence(clean(d.Detail))
		e.Subject, e.Context = within(d.Subject, files), within(d.Context, files)
		out = append(out, &e)
	}
	slices.SortStableFunc(out, compareDiags)
	return slices.CompactFunc(out, func(a, b *hcl.Diagnostic) bool { return compareDiags(a, b) == 0 })
}

// within keeps a range inside its file: the JSON parser, which guesses places inside strings
// with escapes, may point behind the end.
func within(r *hcl.Range, files Sources) *hcl.Range {
	if r == nil || files[r.Filename] == nil {
		return r
	}
	size, c := len(files[r.Filename].Bytes), *r
	c.Start.Byte = min(c.Start.Byte, size)
	c.End.Byte = min(max(c.End.Byte, c.Start.Byte), size)
	return &c
}

func isConsequence(d *hcl.Diagnostic) bool {
	_, ok := d.Extra.(consequence)
	return ok
}

// compareDiags orders by file, position, severity and text; what points nowhere comes first.
func compareDiags(a, b *hcl.Diagnostic) int {
	ra, rb := subject(a), subject(b)
	return cmp.Or(
		cmp.Compare(ra.Filename, rb.Filename),
		cmp.Compare(ra.Start.Byte, rb.Start.Byte),
		cmp.Compare(ra.End.Byte, rb.End.Byte),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Summary, b.Summary),
		cmp.Compare(a.Detail, b.Detail),
	)
}

func subject(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}

// firstPerLine keeps the first syntax error of each line: one slip of the pen makes the parser
// complain several times. After a string without an end it takes text for code and code for
// text, so what follows that is not kept at all.
func firstPerLine(diags hcl.Diagnostics) hcl.Diagnostics {
	sorted := slices.Clone(diags)
	slices.SortStableFunc(sorted, compareDiags)
	sorted = slices.CompactFunc(sorted, func(a, b *hcl.Diagnostic) bool {
		return a.Subject != nil && b.Subject != nil &&
			a.Subject.Filename == b.Subject.Filename && a.Subject.Start.Line == b.Subject.Start.Line
	})
	for i, d := range sorted {
		if d.Summary == "Invalid multi-line string" {
			d.Summary = "String without an end"
			d.Detail = `A string in quotes ends on the line it starts on: is the closing quote missing? Text of several lines is written between <<-EOT and EOT.`
			return sorted[:i+1]
		}
	}
	return sorted
}

// endSentence gives a text the full stop that some of the parsers' messages lack.
func endSentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!)") {
		return s
	}
	return s + "."
}

// clean makes text fit for one line of a terminal: line breaks become spaces, and every
// character that could move the cursor, change colours or reorder text is written as an escape.
func clean(s string) string {
	var b strings.Builder
	for i, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if i > 0 {
			b.WriteByte(' ')
		}
		for _, r := range part {
			switch {
			case r < 0x100 && unicode.IsControl(r):
				fmt.Fprintf(&b, `\x%02x`, r)
			case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}
