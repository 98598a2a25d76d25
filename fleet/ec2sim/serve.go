package ec2sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	apiVersion  = "2016-11-15"
	maxBody     = 4 << 20
	contentType = "text/xml;charset=UTF-8"
	noRequest   = "00000000-0000-0000-0000-000000000000"
)

// answer is what goes back to a client.
type answer struct {
	status int
	kind   string // content type
	body   []byte
	lost   bool          // it was done, and nobody hears of it
	takes  time.Duration // in the region's time
}

// Do answers a request in the caller's goroutine: it makes a Region the HTTPClient of an SDK client. The
// time a call takes is slept, and the sleep heeds the request's context; the call is done by then.
func (r *Region) Do(q *http.Request) (*http.Response, error) {
	if err := q.Context().Err(); err != nil {
		return nil, err
	}
	a := r.answer(q)
	if q.Body != nil {
		q.Body.Close()
	}
	if err := r.sleep(q.Context(), a.takes); err != nil {
		return nil, err
	}
	if a.lost {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {a.kind}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)),
		Request:       q,
	}, nil
}

// ServeHTTP answers a request over a connection. Besides the query protocol, by POST or GET, it has
// POST /_rehearsal/reset, GET /_rehearsal/journal, POST /_rehearsal/fault and GET /_rehearsal/identity.pem (of
// the region named in its query).
func (r *Region) ServeHTTP(out http.ResponseWriter, q *http.Request) {
	if strings.HasPrefix(q.URL.Path, "/_rehearsal/") {
		r.serveRehearsal(out, q)
		return
	}
	a := r.answer(q)
	if r.sleep(q.Context(), a.takes) != nil {
		return
	}
	if a.lost {
		// The server closes the connection without an answer.
		panic(http.ErrAbortHandler)
	}
	out.Header().Set("Content-Type", a.kind)
	out.WriteHeader(a.status)
	// A client that went away is not this side's trouble.
	_, _ = out.Write(a.body)
}

// sleep lets d of the region's time pass.
func (r *Region) sleep(ctx context.Context, d time.Duration) error {
	if d = scale(d, 1/r.o.Speed); d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// answer reads a request, has it handled, and writes the answer.
func (r *Region) answer(q *http.Request) answer {
	c := &Call{Region: r.regionOf(q), Attempt: attempt(q.Header.Get("Amz-Sdk-Request"))}
	var err error
	if target := q.Header.Get(targetHeader); strings.HasPrefix(target, quotasTarget) {
		c.Action, c.Params, err = readQuotas(target, q.Body)
	} else {
		c.Params, err = readForm(q)
		c.Action = c.Params.Get("Action")
	}
	if err != nil {
		return errorAnswer(&apiError{Code: "MalformedQueryString", Message: err.Error()}, noRequest)
	}
	c.Account = r.accountOf(q, c.Params)
	// A call that only describes leaves the file alone, unless a fault counted it.
	run := r.locked
	if describes(c.Action) {
		run = r.look
	}
	var a answer
	if err := run(func() error { a = r.handle(c); return nil }); err != nil {
		a = errorAnswer(&apiError{Code: "InternalError", Message: err.Error()}, noRequest)
	}
	return a
}

func readForm(q *http.Request) (url.Values, error) {
	form := q.URL.Query()
	if q.Body == nil {
		return form, nil
	}
	body, err := io.ReadAll(io.LimitReader(q.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxBody {
		return nil, errors.New("the request is too large")
	}
	more, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("parse the request: %w", err)
	}
	for k, v := range more {
		form[k] = append(form[k], v...)
	}
	return form, nil
}

// regionOf is the region that a request was signed for, or sent to, or the default.
func (r *Region) regionOf(q *http.Request) string {
	_, scope, ok := strings.Cut(q.Header.Get("Authorization"), "Credential=")
	if !ok {
		scope = q.URL.Query().Get("X-Amz-Credential")
	}
	if parts := strings.Split(scope, "/"); len(parts) >= 5 && parts[2] != "" {
		return parts[2]
	}
	if parts := strings.Split(q.Host, "."); len(parts) >= 4 && parts[0] == "ec2" && strings.HasPrefix(parts[2], "amazonaws") {
		return parts[1]
	}
	return r.o.Region
}

// attempt reads the n of "attempt=n; max=m", which the SDKs send; 0 if there is none.
func attempt(header string) int {
	for part := range strings.SplitSeq(header, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "attempt="); ok {
			n, _ := strconv.Atoi(v)
			return n
		}
	}
	return 0
}

// success writes the output of an action.
func success(action, id string, out any) answer {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, `<%sResponse xmlns="http://ec2.amazonaws.com/doc/%s/"><requestId>%s</requestId>`, action, apiVersion, id)
	encode(&b, reflect.ValueOf(out), "item")
	fmt.Fprintf(&b, "</%sResponse>", action)
	return answer{status: http.StatusOK, kind: contentType, body: b.Bytes()}
}

func errorAnswer(e *apiError, id string) answer {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response><Errors><Error><Code>")
	escape(&b, e.Code)
	b.WriteString("</Code><Message>")
	escape(&b, e.Message)
	b.WriteString("</Message></Error></Errors><RequestID>" + id + "</RequestID></Response>")
	return answer{status: e.status(), kind: contentType, body: b.Bytes()}
}
