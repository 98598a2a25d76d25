package spec

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// maxFormatRounds is how often a text is laid out until it no longer changes.
const maxFormatRounds = 8

// Format lays a native-syntax cluster file out canonically: two spaces of indentation,
// aligned equals signs, at most one empty line in a row. It refuses what does not parse, and
// JSON. The result means the same, and formatting it again changes nothing; a text for which
// that cannot be had is returned as it is.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	if strings.HasSuffix(filename, ".json") {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "JSON is not formatted",
			Detail:   "This layout is for native syntax; any JSON tool lays JSON out.",
			Subject:  &hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	if d := checkNesting(src, filename); d != nil {
		return nil, tidy(hcl.Diagnostics{d}, nil)
	}
	if _, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos); diags.HasErrors() {
		return nil, tidy(firstPerLine(diags), nil)
	}
	before := src
	for range maxFormatRounds {
		after := squeeze(hclwrite.Format(before), filename)
		if bytes.Equal(after, before) {
			return after, nil
		}
		if !sameTokens(src, after, filename) {
			break
		}
		before = after
	}
	return src, nil
}

// squeeze leaves at most one empty line in a row, none inside a bracket's two ends or at
// either end of the file, and one line break at the end. Line breaks inside strings are not
// tokens and stay.
func squeeze(src []byte, filename string) []byte {
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	var out []byte
	end, breaks := 0, 2 // as if an empty line stood before the first token
	empty := 0          // length of out without the empty line it ends with; 0: it has none
	for _, t := range tokens {
		space := src[end:t.Range.Start.Byte]
		end = t.Range.End.Byte
		switch t.Type {
		case hclsyntax.TokenEOF:
			continue
		case hclsyntax.TokenNewline:
			if breaks++; breaks > 2 {
				continue
			} else if breaks == 2 {
				empty = len(out)
			}
			out = append(out, t.Bytes...)
			continue
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			if empty > 0 {
				out = out[:empty]
			}
		}
		out = append(append(out, space...), t.Bytes...)
		breaks, empty = breaksAfter(t), 0
	}
	return append(bytes.TrimRight(out, "\r\n"), lineBreak(src, out)...)
}

// breaksAfter is how many line breaks a token counts for: a comment holds its own, and after
// an opening bracket no empty line is wanted.
func breaksAfter(t hclsyntax.Token) int {
	switch t.Type {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
		return 1
	case hclsyntax.TokenComment:
		if bytes.HasSuffix(t.Bytes, []byte("\n")) {
			return 1
		}
	}
	return 0
}

// lineBreak is how the last line ends: as the first of the file does.
func lineBreak(src, out []byte) string {
	switch i := bytes.IndexByte(src, '\n'); {
	case len(bytes.TrimRight(out, "\r\n")) == 0:
		return ""
	case i > 0 && src[i-1] == '\r':
		return "\r\n"
	}
	return "\n"
}

// sameTokens says whether two texts differ in layout only: in spaces between tokens and in
// empty lines.
func sameTokens(a, b []byte, filename string) bool {
	ta, tb := meaningful(a, filename), meaningful(b, filename)
	if len(ta) != len(tb) {
		return false
	}
	for i := range ta {
		if ta[i].Type != tb[i].Type || !bytes.Equal(ta[i].Bytes, tb[i].Bytes) {
			return false
		}
	}
	return true
}

// meaningful are the tokens of a text with runs of line breaks taken as one, and none at
// either end.
func meaningful(src []byte, filename string) hclsyntax.Tokens {
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	var out hclsyntax.Tokens
	for _, t := range tokens {
		last := hclsyntax.TokenNewline
		if len(out) > 0 {
			last = out[len(out)-1].Type
		}
		switch t.Type {
		case hclsyntax.TokenEOF:
			continue
		case hclsyntax.TokenNewline:
			if last == hclsyntax.TokenNewline || last == hclsyntax.TokenComment {
				continue
			}
			t.Bytes = []byte("\n")
		case hclsyntax.TokenComment:
			t.Bytes = bytes.TrimRight(t.Bytes, " \t\r\n")
		}
		out = append(out, t)
	}
	if n := len(out); n > 0 && out[n-1].Type == hclsyntax.TokenNewline {
		out = out[:n-1]
	}
	return out
}
