package ec2sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"
)

// filler fills values with something different everywhere.
type filler int

func (f *filler) fill(v reflect.Value, depth int) {
	*f++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth)
	case reflect.Struct:
		if v.Type() == timeType {
			v.Set(reflect.ValueOf(time.Unix(1.7e9+int64(*f), 0).UTC()))
			return
		}
		for i := range v.NumField() {
			if sf := v.Type().Field(i); sf.IsExported() && sf.Name != "ResultMetadata" && depth < 12 {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(fmt.Appendf(nil, "bytes %d", *f))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0), depth+1)
		f.fill(v.Index(1), depth+1)
	case reflect.String:
		v.SetString(fmt.Sprintf("v%d <&> ü", *f))
		if values, ok := enumValues[v.Type().Name()]; ok {
			v.SetString(values[int(*f)%len(values)])
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(*f))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*f) + 0.5)
	default:
		panic(v.Type())
	}
}

// wire is an HTTP client that keeps the request and answers what it was given.
type wire struct {
	form url.Values
	body []byte
}

func (w *wire) Do(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	w.form, err = url.ParseQuery(string(body))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(w.body)), Request: q}, err
}

// Every field of every registered action survives the way through the SDK, there and back.
func TestRoundTripThroughTheSDK(t *testing.T) {
	w := &wire{}
	client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: w, BaseEndpoint: aws.String("http://ec2.sim"), Credentials: aws.AnonymousCredentials{}})
	opts := cmp.Exporter(func(reflect.Type) bool { return true })
	var f filler
	for _, action := range slices.Sorted(maps.Keys(ops())) {
		method := reflect.ValueOf(client).MethodByName(action)
		in := reflect.New(method.Type().In(1).Elem())
		out := reflect.New(method.Type().Out(0).Elem())
		f.fill(in.Elem(), 0)
		f.fill(out.Elem(), 0)
		w.body = success(action, "id", out.Interface()).body
		results := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
		if err, _ := results[1].Interface().(error); err != nil {
			t.Errorf("%s: %v", action, err)
			continue
		}
		got := ops()[action].input()
		if err := read(w.form, got); err != nil {
			t.Errorf("%s: %v", action, err)
		}
		if diff := cmp.Diff(in.Interface(), got, opts); diff != "" {
			t.Errorf("%s, the request (-sent +decoded):\n%s", action, diff)
		}
		back := results[0].Elem()
		back.FieldByName("ResultMetadata").SetZero()
		if diff := cmp.Diff(out.Interface(), back.Addr().Interface(), opts); diff != "" {
			t.Errorf("%s, the answer (-encoded +received):\n%s", action, diff)
		}
	}
	if f < 2000 {
		t.Errorf("only %d values were filled in", f)
	}
}

// The SDK ships a request with every field of every action: all of their keys find a field.
func TestShippedRequests(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/ec2").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range slices.Sorted(maps.Keys(ops())) {
		raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "request_snapshot", action+".request.snap"))
		if err != nil {
			t.Error(err)
			continue
		}
		_, body, _ := strings.Cut(string(raw), "x-www-form-urlencoded\n")
		form, err := url.ParseQuery(strings.TrimSpace(body))
		if err != nil || len(form) < 2 {
			t.Errorf("%s: %v, %d keys", action, err, len(form))
		}
		if err := read(form, ops()[action].input()); err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, test := range []struct{ form, want string }{
		{"MinCount=1&MaxCount=1&Colour=red", "UnknownParameter: The parameter Colour is not recognized"},
		{"MinCount=1&MaxCount=1&TagSpecification.1.Tags.1.Key=a", "UnknownParameter: The parameter TagSpecification.1.Tags.1.Key is not recognized"},
		{"MinCount=1&MaxCount=1&ImageId.1=a", "UnknownParameter: The parameter ImageId.1 is not recognized"},
		{"MaxCount=1", "MissingParameter: The request must contain the parameter MinCount"},
		{"MinCount=many&MaxCount=1", "InvalidParameterValue: Value (many) for parameter MinCount is invalid. Expected an integer."},
		{"MinCount=1&MaxCount=1&DryRun=perhaps", "InvalidParameterValue: Value (perhaps) for parameter DryRun is invalid. Expected a boolean."},
		{"MinCount=1&MaxCount=1&MetadataOptions.HttpTokens=maybe", "InvalidParameterValue: Value (maybe) for parameter MetadataOptions.HttpTokens is invalid. Expected one of optional, required."},
		{"MinCount=1&MaxCount=1&SecurityGroupId=sg-1", "InvalidParameterValue: Value (sg-1) for parameter SecurityGroupId is invalid. The parameter is a list: number its members from 1."},
		{"MinCount=1&MaxCount=1&SecurityGroupId.2=sg-1", "InvalidParameterValue: The members of the parameter SecurityGroupId are not numbered from 1 to 1."},
	} {
		form, err := url.ParseQuery(test.form)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(form, &ec2.RunInstancesInput{}); got == nil || got.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.form, got, test.want)
		}
	}
}

func TestWildcard(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "A", false}, {"a", "ab", false}, {"*", "", true}, {"*", "x", true}, {"", "", true}, {"", "x", false},
		{"h*-2026.1?", "hpc-base-2026.11", true}, {"h*-2026.1?", "hpc-base-2026.1", false}, {"?", "ü", true}, {`\*`, "*", true}, {`\*`, "x", false},
		{`a\\b`, `a\b`, true}, {"*b*b*", "abba", true}, {"*b*b*b", "abba", false},
	} {
		if got := wildcard(test.pattern, test.text); got != test.want {
			t.Errorf("%q on %q: %v", test.pattern, test.text, got)
		}
	}
}
