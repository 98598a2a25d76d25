package ec2sim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The wire format follows from the SDK's types by one rule in each direction, but for the names in
// names.go: a request key is the Go field's name, and lists are flat (Filter.1.Value.2); a response
// element is the field's name with a small first letter, and lists hold item elements.

// field is what the codec needs to know of a struct's field.
type field struct {
	index       int
	key         string // in a request
	open, close string // in a response
	item        string // the element of a list's members
	required    bool
}

var plans sync.Map // reflect.Type of a struct → []field

func fields(t reflect.Type) []field {
	if p, ok := plans.Load(t); ok {
		return p.([]field)
	}
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		name := t.Name() + "." + f.Name
		element := lookup(responseNames, name, strings.ToLower(f.Name[:1])+f.Name[1:])
		all = append(all, field{
			index:    i,
			key:      lookup(requestNames, name, f.Name),
			open:     "<" + element + ">",
			close:    "</" + element + ">",
			item:     lookup(itemNames, name, "item"),
			required: slices.Contains(requiredFields[t.Name()], f.Name),
		})
	}
	plans.Store(t, all)
	return all
}

func lookup(m map[string]string, key, otherwise string) string {
	if v, ok := m[key]; ok {
		return v
	}
	return otherwise
}

var timeType = reflect.TypeFor[time.Time]()

// encode writes v as the content of the element that is open. What is nil or empty is left out.
func encode(b *bytes.Buffer, v reflect.Value, item string) {
	switch v.Kind() {
	case reflect.Pointer:
		encode(b, v.Elem(), item)
	case reflect.Struct:
		if v.Type() == timeType {
			b.WriteString(stamp(v.Interface().(time.Time)))
			return
		}
		for _, f := range fields(v.Type()) {
			if fv := v.Field(f.index); !absent(fv) {
				b.WriteString(f.open)
				encode(b, fv, f.item)
				b.WriteString(f.close)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b.WriteString(base64.StdEncoding.EncodeToString(v.Bytes()))
			return
		}
		open, close := "<"+item+">", "</"+item+">"
		for i := range v.Len() {
			b.WriteString(open)
			encode(b, v.Index(i), "item")
			b.WriteString(close)
		}
	case reflect.String:
		escape(b, v.String())
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int32, reflect.Int64:
		b.Write(strconv.AppendInt(b.AvailableBuffer(), v.Int(), 10))
	case reflect.Float32, reflect.Float64:
		b.WriteString(strconv.FormatFloat(v.Float(), 'f', -1, v.Type().Bits()))
	default:
		panic(fmt.Sprintf("ec2sim: cannot encode %s", v.Type()))
	}
}

func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Pointer:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

// node is a form as a tree: A.1.B=x is A, then 1, then B with the value x.
type node struct {
	used bool
	leaf bool
	val  string
	kids map[string]*node
}

func tree(form url.Values) *node {
	root := &node{}
	for k, vs := range form {
		n := root
		for p := range strings.SplitSeq(k, ".") {
			if n.kids == nil {
				n.kids = map[string]*node{}
			}
			if n.kids[p] == nil {
				n.kids[p] = &node{}
			}
			n = n.kids[p]
		}
		n.val, n.leaf = vs[0], true
	}
	return root
}

// decode fills v from the parameters under n, whose name so far is path.
func decode(n *node, v reflect.Value, path string) error {
	n.used = true
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decode(n, v.Elem(), path)
	case reflect.Struct:
		if v.Type() != timeType {
			return decodeStruct(n, v, path)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return decodeList(n, v, path)
		}
	}
	if len(n.kids) > 0 {
		// A value where the form has a structure: its keys stay unused and are reported as unknown.
		return nil
	}
	return decodeValue(n.val, v, path)
}

func decodeStruct(n *node, v reflect.Value, path string) error {
	for _, f := range fields(v.Type()) {
		k := n.kids[f.key]
		if k == nil {
			if f.required {
				return fail("MissingParameter", "The request must contain the parameter %s", join(path, f.key))
			}
			continue
		}
		if err := decode(k, v.Field(f.index), join(path, f.key)); err != nil {
			return err
		}
	}
	return nil
}

func decodeList(n *node, v reflect.Value, path string) error {
	if n.leaf && n.val != "" {
		return fail("InvalidParameterValue", "Value (%s) for parameter %s is invalid. The parameter is a list: number its members from 1.", n.val, path)
	}
	s := reflect.MakeSlice(v.Type(), len(n.kids), len(n.kids))
	for i := range s.Len() {
		k := n.kids[strconv.Itoa(i+1)]
		if k == nil {
			return fail("InvalidParameterValue", "The members of the parameter %s are not numbered from 1 to %d.", path, s.Len())
		}
		if err := decode(k, s.Index(i), join(path, strconv.Itoa(i+1))); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

func decodeValue(text string, v reflect.Value, path string) error {
	bad := func(what string) error {
		return fail("InvalidParameterValue", "Value (%s) for parameter %s is invalid. Expected %s.", text, path, what)
	}
	switch v.Kind() {
	case reflect.Struct:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return bad("a timestamp")
		}
		v.Set(reflect.ValueOf(t.UTC()))
	case reflect.Slice:
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return bad("base64")
		}
		v.SetBytes(raw)
	case reflect.String:
		if values, ok := enumValues[v.Type().Name()]; ok && !slices.Contains(values, text) {
			return bad("one of " + strings.Join(values, ", "))
		}
		v.SetString(text)
	case reflect.Bool:
		x, err := strconv.ParseBool(text)
		if err != nil {
			return bad("a boolean")
		}
		v.SetBool(x)
	case reflect.Int32, reflect.Int64:
		x, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return bad("an integer")
		}
		v.SetInt(x)
	case reflect.Float32, reflect.Float64:
		x, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return bad("a number")
		}
		v.SetFloat(x)
	default:
		panic(fmt.Sprintf("ec2sim: cannot decode %s", v.Type()))
	}
	return nil
}

// unknown returns the first key, in order of names, that no field took; "" if there is none.
func unknown(n *node, path string) string {
	for _, name := range slices.Sorted(maps.Keys(n.kids)) {
		if k := unknown(n.kids[name], join(path, name)); k != "" {
			return k
		}
	}
	if !n.used {
		return path
	}
	return ""
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
