package spec

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// textFunc is a function from one string, its parameter of this name, to another.
func textFunc(param string, f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: param, Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := f(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(s), nil
		},
	})
}

// testFunc is a question about two strings.
func testFunc(second string, f func(s, t string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: second, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

var (
	startsWithFunc  = testFunc("prefix", strings.HasPrefix)
	endsWithFunc    = testFunc("suffix", strings.HasSuffix)
	strContainsFunc = testFunc("substr", strings.Contains)

	base64EncodeFunc = textFunc("str", func(s string) (string, error) {
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	})
	base64DecodeFunc = textFunc("str", func(s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		switch {
		case err != nil:
			return "", errors.New("it is not base64")
		case !utf8.Valid(b):
			return "", errors.New("what it decodes to is not text in UTF-8")
		}
		return string(b), nil
	})
	urlEncodeFunc = textFunc("str", func(s string) (string, error) { return url.QueryEscape(s), nil })
	basenameFunc  = textFunc("str", func(s string) (string, error) { return path.Base(s), nil })
	dirnameFunc   = textFunc("str", func(s string) (string, error) { return path.Dir(s), nil })
)

// A hashFunc is a way of hashing bytes into text.
type hashFunc struct {
	new    func() hash.Hash
	encode func([]byte) string
}

var hashFuncs = map[string]hashFunc{
	"md5":          {md5.New, hex.EncodeToString},
	"sha1":         {sha1.New, hex.EncodeToString},
	"sha256":       {sha256.New, hex.EncodeToString},
	"sha512":       {sha512.New, hex.EncodeToString},
	"base64sha256": {sha256.New, base64.StdEncoding.EncodeToString},
	"base64sha512": {sha512.New, base64.StdEncoding.EncodeToString},
}

func (h hashFunc) sum(b []byte) string {
	d := h.new()
	d.Write(b)
	return h.encode(d.Sum(nil))
}

func (h hashFunc) ofText() function.Function {
	return textFunc("str", func(s string) (string, error) { return h.sum([]byte(s)), nil })
}

// replaceFunc replaces a string or, between slashes, what a regular expression matches.
var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replacement", Type: cty.String},
	},
	Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		str, sub, with := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if (len(str)+1)*(len(with)+1) > 64*maxBytes {
			return cty.NilVal, fmt.Errorf("the result may have more than %d bytes", maxBytes)
		}
		if len(sub) < 2 || sub[0] != '/' || sub[len(sub)-1] != '/' {
			return cty.StringVal(strings.ReplaceAll(str, sub, with)), nil
		}
		re, err := regexp.Compile(sub[1 : len(sub)-1])
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(1, "%s", err)
		}
		return cty.StringVal(re.ReplaceAllString(str, with)), nil
	},
})

// timeCmpFunc compares two RFC 3339 times: -1, 0 or 1.
var timeCmpFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "timestamp_a", Type: cty.String}, {Name: "timestamp_b", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var times [2]time.Time
		for i := range times {
			t, err := time.Parse(time.RFC3339, args[i].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(i, `it is not a time such as "2026-11-23T10:00:00Z"`)
			}
			times[i] = t
		}
		return cty.NumberIntVal(int64(times[0].Compare(times[1]))), nil
	},
})
