package spec

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNesting is how deep brackets may stand within brackets, and how many operators may
// follow each other. The parsers are recursive, and a stack that overflows ends the program
// without a word, so depth is bounded before parsing.
const maxNesting = 300

// checkNesting refuses a native-syntax file that is nested deeper than any person writes.
func checkNesting(src []byte, filename string) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	return tooDeep(tokens)
}

// checkTemplateNesting is checkNesting for the text of a template.
func checkTemplateNesting(src []byte, filename string) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexTemplate(src, filename, hcl.InitialPos)
	return tooDeep(tokens)
}

// checkJSONNesting is checkNesting for JSON, where strings hold templates or expressions.
func checkJSONNesting(src []byte, filename string) *hcl.Diagnostic {
	depth, line, start := 0, 1, 0
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '\n':
			line, start = line+1, i+1
		case '"':
			end := stringEnd(src, i)
			pos := hcl.Pos{Line: line, Column: i - start + 1, Byte: i}
			if d := checkString(src[i:end], filename, pos); d != nil {
				return d
			}
			i = end - 1
		}
		if depth > maxNesting {
			pos := hcl.Pos{Line: line, Column: i - start + 1, Byte: i}
			return nestedTooDeeply(hcl.Range{Filename: filename, Start: pos, End: pos})
		}
	}
	return nil
}

// stringEnd is the index after the JSON string that starts at i, or the end of its line.
func stringEnd(src []byte, i int) int {
	for i++; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		case '\n':
			return i
		}
	}
	return len(src)
}

// checkString looks at one JSON string as what HCL may take it for.
func checkString(quoted []byte, filename string, at hcl.Pos) *hcl.Diagnostic {
	var text string
	if len(quoted) <= maxNesting || json.Unmarshal(quoted, &text) != nil {
		return nil
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(text), filename, at)
	if d := tooDeep(tokens); d != nil {
		return d
	}
	tokens, _ = hclsyntax.LexExpression([]byte(text), filename, at)
	return tooDeep(tokens)
}

// tooDeep follows the brackets of a token stream.
func tooDeep(tokens hclsyntax.Tokens) *hcl.Diagnostic {
	var open []hclsyntax.TokenType
	unary, conditions := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenBang, hclsyntax.TokenMinus:
			unary++
			if unary > maxNesting {
				return nestedTooDeeply(t.Range)
			}
			continue
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, t.Type)
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case hclsyntax.TokenQuestion:
			conditions++
		case hclsyntax.TokenNewline:
			if len(open) == 0 || open[len(open)-1] == hclsyntax.TokenOBrace {
				conditions = 0
			}
		}
		unary = 0
		if len(open) > maxNesting || conditions > maxNesting {
			return nestedTooDeeply(t.Range)
		}
	}
	return nil
}

func nestedTooDeeply(at hcl.Range) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Nested too deeply",
		Detail:   fmt.Sprintf("Brackets within brackets, or operators after operators, may be %d deep, and here are more.", maxNesting),
		Subject:  &at,
	}
}
