package main

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"cluster/fleet/ec2sim"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// A scenarioReader is the work on one scenario file. Every mistake is added to diags, and the work goes on
// with what is left.
type scenarioReader struct {
	diags  hcl.Diagnostics
	failed bool
	about  string // what the scenario says of itself
}

// A scenarioBlock is a block whose names were read: its arguments, and what is in it.
type scenarioBlock struct {
	x         *scenarioReader
	at        hcl.Range
	attrs     hcl.Attributes
	blocks    hcl.Blocks
	misshapen bool // a name in it is not known: what seems to be missing may be misspelt
}

func (x *scenarioReader) parse(file string, src []byte) *hcl.File {
	var f *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(file, ".json") {
		f, diags = json.Parse(src, file)
	} else {
		f, diags = hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	}
	x.add(diags)
	if f == nil {
		f = &hcl.File{}
	}
	f.Bytes = src
	return f
}

func (x *scenarioReader) add(diags hcl.Diagnostics) {
	for _, d := range diags {
		// HCL's own sentences quote the file as it is.
		d.Summary, d.Detail = clean(d.Summary), clean(d.Detail)
	}
	x.diags = append(x.diags, diags...)
	x.failed = x.failed || diags.HasErrors()
}

func (x *scenarioReader) errorf(at hcl.Range, summary, format string, args ...any) {
	x.add(hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: &at}})
}

// sorted are the mistakes in the order of the file.
func (x *scenarioReader) sorted() hcl.Diagnostics {
	slices.SortStableFunc(x.diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte), cmp.Compare(a.Subject.End.Byte, b.Subject.End.Byte))
	})
	return x.diags
}

// open reads the names in a body. HCL itself says what is near an unknown one.
func (x *scenarioReader) open(body hcl.Body, schema *hcl.BodySchema, at hcl.Range) *scenarioBlock {
	content, diags := body.Content(schema)
	x.add(diags)
	return &scenarioBlock{x: x, at: at, attrs: content.Attributes, blocks: content.Blocks, misshapen: diags.HasErrors()}
}

// pattern checks that a pattern is one for something that there is.
func (x *scenarioReader) pattern(at hcl.Range, what, pattern string, names []string) {
	if slices.ContainsFunc(names, func(name string) bool { ok, err := path.Match(pattern, name); return ok && err == nil }) {
		return
	}
	hint := fmt.Sprintf(" * stands for any text: %q.", "*")
	if near := spec.Nearest(pattern, names); near != "" {
		hint = fmt.Sprintf(" Did you mean %q?", near)
	}
	x.errorf(at, "No such "+what, "The embedded region has no %s %q.%s", what, pattern, hint)
}

// missing reports that a block lacks something, unless a name in it is not known: that may be it.
func (c *scenarioBlock) missing(summary, format string, args ...any) {
	if !c.misshapen {
		c.x.errorf(c.at, summary, format, args...)
	}
}

func (c *scenarioBlock) has(name string) bool { return c.attrs[name] != nil }

// place is where an argument's value stands.
func (c *scenarioBlock) place(name string) hcl.Range { return c.attrs[name].Expr.Range() }

// needs reports arguments that a block has to have.
func (c *scenarioBlock) needs(names ...string) {
	for _, n := range names {
		if !c.has(n) {
			c.missing("Missing "+n, "The block needs the argument %s.", n)
		}
	}
}

// alone reports two arguments that exclude each other.
func (c *scenarioBlock) alone(one, other string) {
	if c.has(one) && c.has(other) {
		c.x.errorf(c.attrs[other].Range, "Both "+one+" and "+other, "A block has one of them. Remove the other, or write two blocks.")
	}
}

// needsOther reports an argument that says nothing without another.
func (c *scenarioBlock) needsOther(name, other string) {
	if c.has(name) && !c.has(other) {
		c.x.errorf(c.attrs[name].Range, capitalised(name)+" without "+other, "%s says more about %s, which is not there.", name, other)
	}
}

func capitalised(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// as evaluates an argument; ok is false if it is not there, or wrong.
func (c *scenarioBlock) as(name string, ty cty.Type, wanted string) (cty.Value, bool) {
	if !c.has(name) {
		return cty.NilVal, false
	}
	v, diags := c.attrs[name].Expr.Value(nil)
	c.x.add(diags)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	got, err := convert.Convert(v, ty)
	if err != nil || got.IsNull() || !got.IsWhollyKnown() || ty.IsListType() && slices.ContainsFunc(got.AsValueSlice(), cty.Value.IsNull) {
		c.x.errorf(c.place(name), "Wrong type for "+name, "%s takes %s, and this is %s.", name, wanted, brief(v))
		return cty.NilVal, false
	}
	return got, true
}

func (c *scenarioBlock) text(name string) (string, bool) {
	v, ok := c.as(name, cty.String, "a string")
	if !ok {
		return "", false
	}
	return v.AsString(), true
}

func (c *scenarioBlock) flag(name string) (value, ok bool) {
	v, ok := c.as(name, cty.Bool, "true or false")
	return ok && v.True(), ok
}

// number reads a number from 0 to most.
func (c *scenarioBlock) number(name string, most float64) (float64, bool) {
	v, ok := c.as(name, cty.Number, "a number")
	if !ok {
		return 0, false
	}
	f, _ := v.AsBigFloat().Float64()
	if f < 0 || f > most {
		c.x.errorf(c.place(name), "Invalid "+name, "%s is %s, and can be 0 to %.0f.", name, brief(v), most)
		return 0, false
	}
	return f, true
}

// whole reads a whole number from 0 to most.
func (c *scenarioBlock) whole(name string, most int) (int, bool) {
	f, ok := c.number(name, float64(most))
	if ok && f != float64(int(f)) {
		c.x.errorf(c.place(name), "Fractional "+name, "%s is %g, and must be a whole number.", name, f)
		return 0, false
	}
	return int(f), ok
}

// share reads the part that something is about.
func (c *scenarioBlock) share() (float64, bool) {
	v, ok := c.as("share", cty.Number, "a number")
	if !ok {
		return 0, false
	}
	f, _ := v.AsBigFloat().Float64()
	if f <= 0 || f > 1 {
		c.x.errorf(c.place("share"), "Invalid share", "share is %s, and must be more than 0 and at most 1: 0.05 is one in twenty.", brief(v))
		return 0, false
	}
	return f, true
}

// numbers reads a list of numbers that count from 1.
func (c *scenarioBlock) numbers(name string) (all []int) {
	v, ok := c.as(name, cty.List(cty.Number), "a list of numbers, such as [1, 3]")
	if !ok {
		return nil
	}
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		f := e.AsBigFloat()
		n, _ := f.Int64()
		if !f.IsInt() || n < 1 || n > maxCount {
			c.x.errorf(c.place(name), "Invalid "+name, "%s is not a number to count with: they begin at 1.", brief(e))
			return nil
		}
		all = append(all, int(n))
	}
	if len(all) == 0 {
		c.x.errorf(c.place(name), "Empty "+name, "The list has no number. Without %s, all are meant.", name)
	}
	return all
}

var errorCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]*$`)

// code reads an error code of EC2's.
func (c *scenarioBlock) code(name string) (string, bool) {
	s, ok := c.text(name)
	if ok && !errorCode.MatchString(s) {
		c.x.errorf(c.place(name), "Invalid "+name, "%q is not a code of EC2's, which are words like InsufficientInstanceCapacity or Server.InternalError.", s)
		return "", false
	}
	return s, ok
}

// duration reads a time of more than nothing, such as 15m, 90s or 1h30m.
func (c *scenarioBlock) duration(name string) (time.Duration, bool) {
	d, ok := c.offset(name)
	if ok && d == 0 {
		c.x.errorf(c.place(name), "Invalid "+name, "%s must be more than nothing.", name)
		return 0, false
	}
	return d, ok
}

// offset reads a time that may be nothing.
func (c *scenarioBlock) offset(name string) (time.Duration, bool) {
	v, ok := c.as(name, cty.String, "a time, such as \"10m\"")
	if !ok {
		return 0, false
	}
	return c.timed(name, v.AsString())
}

var bareNumber = regexp.MustCompile(`^[0-9.]+$`)

func (c *scenarioBlock) timed(name, s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	switch {
	case bareNumber.MatchString(s) && s != "0":
		c.x.errorf(c.place(name), "Invalid "+name, "A time needs a unit: \"%sm\" for minutes, \"%ss\" for seconds.", s, s)
	case err != nil:
		c.x.errorf(c.place(name), "Invalid "+name, "%q is not a time. Times are written like \"15m\", \"90s\" or \"1h30m\".", s)
	case d < 0:
		c.x.errorf(c.place(name), "Invalid "+name, "%s is before the beginning: %s.", name, s)
	default:
		return d, true
	}
	return 0, false
}

// between reads a time, or the shortest and the longest of a range of them.
func (c *scenarioBlock) between(name string) (ec2sim.Range, bool) {
	const wanted = `a time, or two: "40s" or ["20s", "60s"]`
	if !c.has(name) {
		return ec2sim.Range{}, false
	}
	if v, diags := c.attrs[name].Expr.Value(nil); !diags.HasErrors() && !v.Type().IsTupleType() {
		d, ok := c.duration(name)
		return ec2sim.Range{Min: d, Max: d}, ok
	}
	v, ok := c.as(name, cty.List(cty.String), wanted)
	if !ok {
		return ec2sim.Range{}, false
	}
	texts := v.AsValueSlice()
	if len(texts) != 2 {
		c.x.errorf(c.place(name), "Wrong type for "+name, "%s takes %s, and this is a list of %d.", name, wanted, len(texts))
		return ec2sim.Range{}, false
	}
	least, ok := c.timed(name, texts[0].AsString())
	if !ok {
		return ec2sim.Range{}, false
	}
	most, ok := c.timed(name, texts[1].AsString())
	if ok && most < least || ok && most == 0 {
		c.x.errorf(c.place(name), "Invalid "+name, "The first of the two times is the shortest, and the second the longest.")
		return ec2sim.Range{}, false
	}
	return ec2sim.Range{Min: least, Max: most}, ok
}

// span reads when something begins and ends; no end is zero.
func (c *scenarioBlock) span() (from, to time.Duration) {
	from, _ = c.offset("from")
	to, ok := c.duration("to")
	if ok && to <= from {
		c.x.errorf(c.place("to"), "End before the beginning", "to is %s, and from is %s. Both count from the beginning of the scenario.", brieflyTimed(to), brieflyTimed(from))
		return from, 0
	}
	return from, to
}

// brieflyTimed is a time as one would write it: 10m and not 10m0s.
func brieflyTimed(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
