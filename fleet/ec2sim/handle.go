package ec2sim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// describes tells the actions that change nothing.
func describes(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Get")
}

// handle has a call done, and writes it in the journal. The caller holds the region's lock.
func (r *Region) handle(c *Call) answer {
	r.s.Requests++
	id := r.requestID()
	w := r.worldOf(c.Account, c.Region)
	w.call, c.Time = c, w.now
	var a answer
	if isSTS(c) {
		a = w.answerSTS(c, id)
	} else if isQuotas(c) {
		a = w.answerQuotas(c, id)
	} else if out, err := w.do(c); err != nil {
		a = errorAnswer(asAPIError(err), id)
		c.Code = asAPIError(err).Code
	} else {
		c.Instances = instancesIn(out)
		a = success(c.Action, id, out)
	}
	a.takes = w.t.Call
	if c.Action == "RunInstances" && (c.Code == "" || c.Code == "InsufficientInstanceCapacity") {
		a.takes = w.t.RunInstances
	}
	a.takes += w.slow
	a.lost, c.Status = c.Lost, a.status
	r.record(*c)
	return a
}

// do is the way of every request, in EC2's order: the bucket is charged before anything is looked at, the
// parameters are read before a dry run is granted, and only then comes the action itself.
func (w *world) do(c *Call) (any, error) {
	op, err := find(c)
	if err != nil {
		return nil, err
	}
	if err := w.chargeRequest(c); err != nil {
		return nil, err
	}
	o, err := w.interfere(c)
	if err != nil {
		return nil, err
	}
	in := op.input()
	if err := read(c.Params, in); err != nil {
		return nil, err
	}
	if c.DryRun = isDryRun(in); c.DryRun {
		return nil, fail("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	if !describes(c.Action) {
		w.prune()
	}
	out, err := op.call(w, in)
	c.Lost = o.lose
	if err == nil && o.belie != nil {
		c.Instances = instancesIn(out)
		return nil, o.belie
	}
	return out, err
}

// interfere lets the Hook and the faults have their say about a call that passed its bucket.
func (w *world) interfere(c *Call) (ordeal, error) {
	if w.r.o.Hook != nil {
		if err := w.r.o.Hook(c); err != nil {
			return ordeal{}, err
		}
	}
	o := w.meetFaults(c)
	w.slow, w.fails = o.slow, o.fails
	return o, o.refuse
}

func find(c *Call) (op, error) {
	if c.Action == "" {
		return op{}, fail("MissingAction", "The request is missing an action or a required parameter.")
	}
	if v := c.Params.Get("Version"); v != "" && v != apiVersion {
		return op{}, fail("NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist.", v)
	}
	op, ok := ops()[c.Action]
	if !ok {
		return op, fail("InvalidAction", "The action %s is not valid for this web service.", c.Action)
	}
	return op, nil
}

// envelope is the parameters that are about the request itself.
var envelope = []string{"Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SecurityToken", "Timestamp", "Expires"}

func isEnvelope(key string) bool {
	return slices.Contains(envelope, key) || strings.HasPrefix(key, "X-Amz-")
}

// read fills an action's input from the parameters of a request. One that finds no field is an error.
func read(params url.Values, in any) error {
	n := tree(params)
	maps.DeleteFunc(n.kids, func(k string, _ *node) bool { return isEnvelope(k) })
	if err := decode(n, reflect.ValueOf(in).Elem(), ""); err != nil {
		return err
	}
	if k := unknown(n, ""); k != "" {
		return fail("UnknownParameter", "The parameter %s is not recognized", k)
	}
	return nil
}

func isDryRun(in any) bool {
	f := reflect.ValueOf(in).Elem().FieldByName("DryRun")
	p, ok := f.Interface().(*bool)
	return ok && is(p)
}

// asAPIError gives an error that is not EC2's the shape of one: a Hook may return anything.
func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{Code: "InternalError", Message: err.Error()}
}

func (r *Region) requestID() string {
	a, b := r.hash("request", fmt.Sprint(r.s.Requests)), r.hash("id", fmt.Sprint(r.s.Requests))
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&(1<<48-1))
}

// instancesIn counts the instances that an answer names, for the journal.
func instancesIn(out any) int {
	switch o := out.(type) {
	case *ec2.RunInstancesOutput:
		return len(o.Instances)
	case *ec2.DescribeInstancesOutput:
		n := 0
		for _, r := range o.Reservations {
			n += len(r.Instances)
		}
		return n
	case *ec2.DescribeInstanceStatusOutput:
		return len(o.InstanceStatuses)
	case *ec2.TerminateInstancesOutput:
		return len(o.TerminatingInstances)
	case *ec2.StartInstancesOutput:
		return len(o.StartingInstances)
	case *ec2.StopInstancesOutput:
		return len(o.StoppingInstances)
	}
	return 0
}

// special are the bytes that make a text more than plain.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' || c > '~' || strings.IndexByte(`<>&"'`, byte(c)) >= 0
	}
	return t
}()

// escape writes text. Nearly all of it is plain, which is worth knowing in a thousand instances.
func escape(b *bytes.Buffer, s string) {
	for i := range len(s) {
		if special[s[i]] {
			// Writing to a buffer cannot fail.
			_ = xml.EscapeText(b, []byte(s))
			return
		}
	}
	b.WriteString(s)
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// is tells whether an optional boolean is there and true.
func is(p *bool) bool { return p != nil && *p }

// stamp is a time as EC2 writes it where the model has a string.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
