package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// jsonValue compares one value of a JSON document with an expected one. The path is names and indexes
// with dots between; len at its end is the length of a list. An expected value <=N is a bound. Of a
// stream of events it is the last, the summary.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	doc := ts.ReadFile(args[0])
	if strings.HasPrefix(doc, `{"@`) { // a stream: its summary
		doc = doc[strings.LastIndex(strings.TrimSpace(doc), "\n")+1:]
	}
	var v any
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, step := range strings.Split(args[1], ".") {
		switch x := v.(type) {
		case map[string]any:
			inner, ok := x[step]
			if !ok && !neg {
				ts.Fatalf("%s: nothing is called %s", args[1], step)
			}
			v = inner
		case []any:
			if step == "len" {
				v = len(x)
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				ts.Fatalf("%s: no item %s of %d", args[1], step, len(x))
			}
			v = x[i]
		default:
			ts.Fatalf("%s: %s leads into %v", args[1], step, x)
		}
	}
	if bound, ok := strings.CutPrefix(args[2], "<="); ok {
		most, err := strconv.ParseFloat(bound, 64)
		ts.Check(err)
		if n, ok := v.(float64); !ok || n > most {
			ts.Fatalf("%s is %v, and may be %s at most", args[1], v, bound)
		}
		return
	}
	if (fmt.Sprint(v) == args[2]) == neg {
		ts.Fatalf("%s is %v, and %s was compared", args[1], v, args[2])
	}
}

// jsonLines checks the shape of a stream of events.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	types := eventTypes(ts, args[0])
	if n := len(types); n < 2 || types[0] != "version" || types[n-1] != "summary" {
		ts.Fatalf("a stream starts with version and ends with summary; this is %v", types)
	}
}

// event counts the events of a type.
func event(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: event FILE TYPE N")
	}
	n := 0
	for _, t := range eventTypes(ts, args[0]) {
		if t == args[1] {
			n++
		}
	}
	if (strconv.Itoa(n) == args[2]) == neg {
		ts.Fatalf("%d events of type %s, and %s were expected", n, args[1], args[2])
	}
}

func eventTypes(ts *testscript.TestScript, file string) []string {
	var types []string
	for line := range strings.Lines(ts.ReadFile(file)) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			ts.Fatalf("not JSON: %s", line)
		}
		for _, name := range []string{"@level", "@message", "@timestamp", "type"} {
			if s, ok := e[name].(string); !ok || s == "" {
				ts.Fatalf("an event without %s: %s", name, line)
			}
		}
		types = append(types, e["type"].(string))
	}
	return types
}
