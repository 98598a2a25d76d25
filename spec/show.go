package spec

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/zclconf/go-cty/cty"
)

// maxShown is the number of characters of a value that a message shows.
const maxShown = 60

// show is a value as a message names it: a string in quotes, cut if long, a collection by its
// size; a sensitive one is not shown.
func show(v cty.Value) string {
	switch {
	case v.ContainsMarked():
		return "a sensitive value"
	case v.IsNull():
		return "null"
	case !v.IsKnown():
		return "a value that is not known"
	}
	switch ty := v.Type(); {
	case ty == cty.String:
		return "the string " + quote(v.AsString())
	case ty == cty.Number:
		return "the number " + showNumber(v.AsBigFloat())
	case ty == cty.Bool:
		return strconv.FormatBool(v.True())
	case ty.IsListType() || ty.IsTupleType():
		return sized("list", v.LengthInt())
	case ty.IsSetType():
		return sized("set", v.LengthInt())
	case ty.IsMapType():
		return sized("map", v.LengthInt())
	case ty.IsObjectType():
		return "an object with " + plural(len(ty.AttributeTypes()), "attribute")
	}
	return "a " + v.Type().FriendlyName()
}

func sized(kind string, n int) string {
	if n == 0 {
		return "an empty " + kind
	}
	return "a " + kind + " of " + plural(n, "element")
}

func showNumber(f *big.Float) string { return f.Text('g', 20) }

// quote is a string in quotes, cut if it is long.
func quote(s string) string {
	if r := []rune(s); len(r) > maxShown {
		s = string(r[:maxShown]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// The limits of one value: a file may multiply a small text into one that fills the memory,
// and no cluster needs it.
const (
	maxElements = 100_000
	maxBytes    = 1 << 20
	maxExponent = 1024 // of a number, as a power of two
)

// checkSize refuses values that are larger than any cluster needs.
func checkSize(v cty.Value) error {
	elements, bytes := 0, 0
	return cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		v, _ = v.Unmark()
		elements++
		if v.IsKnown() && !v.IsNull() {
			switch v.Type() {
			case cty.String:
				bytes += len(v.AsString())
			case cty.Number:
				if f := v.AsBigFloat(); f.IsInf() || f.MantExp(nil) > maxExponent {
					return false, errors.New("the number has hundreds of digits")
				}
			}
		}
		switch {
		case elements > maxElements:
			return false, fmt.Errorf("the value has more than %d elements", maxElements)
		case bytes > maxBytes:
			return false, fmt.Errorf("the value has more than %d bytes of text", maxBytes)
		}
		return true, nil
	})
}
