package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"syscall"
	"testing"
)

const hostile = "a\x1b[2Jb\rc\nd\u009be\u202ef\xffg\u2028h\x7f"

// TestPrinterLetsNothingForeignThrough holds for every way into a printer.
func TestPrinterLetsNothingForeignThrough(t *testing.T) {
	for name, write := range map[string]func(*printer){
		"argument": func(p *printer) { p.printf("%s\n", hostile) },
		"error":    func(p *printer) { p.printf("%s\n", errors.New(hostile)) },
		"text":     func(p *printer) { p.Write([]byte(hostile)) },
		"json":     func(p *printer) { p.json(map[string]string{"k": hostile}, false) },
	} {
		var b bytes.Buffer
		write(&printer{w: &b, colour: true})
		if i := strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && unprintable(r) }); i >= 0 {
			t.Errorf("%s: %q is in the output: %q", name, b.String()[i:i+1], b.String())
		}
	}
}

func TestPrinterLetsOurColoursThrough(t *testing.T) {
	var on, off bytes.Buffer
	(&printer{w: &on, colour: true}).printf("%s%s%s\n", bold, "x", reset)
	(&printer{w: &off}).printf("%s%s%s\n", bold, "x", reset)
	if on.String() != "\x1b[1mx\x1b[0m\n" || off.String() != "x\n" {
		t.Errorf("with colours %q, without %q", on.String(), off.String())
	}
}

func TestJSONStaysTheSameValue(t *testing.T) {
	in := "\u009b\u202e\U000e0001 é \U0001f600 \x7f <&>"
	var b bytes.Buffer
	(&printer{w: &b}).json(in, false)
	var out string
	if err := json.Unmarshal(b.Bytes(), &out); err != nil || out != in {
		t.Errorf("%q came back as %q (%v) by way of %s", in, out, err, b.String())
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestPrinterMindsAFullDiskAndNoClosedPipe(t *testing.T) {
	closed, full := &printer{w: failing{syscall.EPIPE}}, &printer{w: failing{syscall.ENOSPC}}
	closed.printf("x")
	full.printf("x")
	if closed.err != nil || !errors.Is(full.err, syscall.ENOSPC) {
		t.Errorf("closed pipe: %v, full disk: %v", closed.err, full.err)
	}
}
