package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// An sgr is one of our own terminal sequences. It is a type of its own because that is what lets a
// printer tell our sequences from those that somebody put into a tag: nothing else passes.
type sgr string

const (
	reset  sgr = "\x1b[0m"
	bold   sgr = "\x1b[1m"
	dim    sgr = "\x1b[2m"
	red    sgr = "\x1b[31m"
	green  sgr = "\x1b[32m"
	yellow sgr = "\x1b[33m"
	mark   sgr = "\x1b[1;4m" // the words that a diagnostic is about
)

// A printer is the border to one stream: everything the program writes there passes it. It may be
// used from several goroutines; each call is written whole.
type printer struct {
	colour bool // lets sgr values through

	mu   sync.Mutex
	w    io.Writer
	err  error // the first that is worth an exit code
	used bool  // something was written
}

// printf writes a format of ours. Strings, errors and Stringers among the arguments are cleaned;
// sgr values pass if the printer has colours and vanish if not.
func (p *printer) printf(format string, args ...any) {
	for i, a := range args {
		switch v := a.(type) {
		case sgr:
			if !p.colour {
				args[i] = sgr("")
			}
		case string:
			args[i] = clean(v)
		case error:
			args[i] = clean(v.Error())
		case fmt.Stringer:
			args[i] = clean(v.String())
		}
	}
	p.write(fmt.Appendf(nil, format, args...))
}

// Write writes text whose line breaks are to be kept, such as a help page or a file.
func (p *printer) Write(b []byte) (int, error) {
	var clear bytes.Buffer
	for i, line := range bytes.Split(b, []byte("\n")) {
		if i > 0 {
			clear.WriteByte('\n')
		}
		for j, field := range bytes.Split(line, []byte("\t")) {
			if j > 0 {
				clear.WriteByte('\t')
			}
			clear.WriteString(clean(string(field)))
		}
	}
	p.write(clear.Bytes())
	return len(b), nil
}

// json writes v on one line, or indented if pretty. Control characters, which are legal in JSON
// from U+007F on, are escaped like those below it.
func (p *printer) json(v any, pretty bool) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if pretty {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(v); err != nil {
		panic(err) // our own documents always encode
	}
	var out strings.Builder
	for _, r := range b.String() {
		if r != '\n' && unprintable(r) {
			for _, u := range utf16(r) {
				fmt.Fprintf(&out, `\u%04x`, u)
			}
			continue
		}
		out.WriteRune(r)
	}
	p.write([]byte(out.String()))
}

func (p *printer) write(b []byte) {
	if len(b) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = true
	// A reader that went away, as head does, is no reason to stop a launch half way.
	if _, err := p.w.Write(b); err != nil && p.err == nil && !errors.Is(err, syscall.EPIPE) {
		p.err = err
	}
}

// destination is where what is written goes.
func (p *printer) destination() io.Writer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w
}

// redirect sends what is written from now on to w, and returns where it went before.
func (p *printer) redirect(w io.Writer) (before io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.w = p.w, w
	return before
}

// clean makes foreign text fit for one line of a terminal: whatever could move the cursor, change
// colours, end the line or reorder text is written as an escape.
func clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || unprintable(r) }) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case unprintable(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable is true for control characters, invisible format characters (which include those
// that reorder text) and the line breaks of Unicode.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// utf16 is a rune in the units that JSON's escapes are made of.
func utf16(r rune) []rune {
	if r < 0x10000 {
		return []rune{r}
	}
	r -= 0x10000
	return []rune{0xd800 + r>>10, 0xdc00 + r&0x3ff}
}
