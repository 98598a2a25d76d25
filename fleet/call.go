package fleet

import (
	"context"
	"errors"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/hashicorp/hcl/v2"
)

// A Request is what Do needs to know about a call before it makes it.
type Request struct {
	Action    string    // EC2's name of it
	Instances int       // that the call may touch: what the instance bucket is charged
	Doing     string    // for errors, such as "launch compute[0-99]"
	At        hcl.Range // the line of the file that the call comes from; the zero Range: none
}

// How often a call is repeated, and for how long one attempt may take. A throttled call waits
// for others to leave tokens over; EC2's own trouble either passes quickly or doesn't.
const (
	throttledAttempts = 12
	transientAttempts = 5
	attemptTimeout    = 90 * time.Second
)

// backoff is the wait before the next attempt: without jitter, because the pacer already keeps
// our own calls apart, and a run that can be repeated to the second is worth more.
func backoff(c Class, attempt int) time.Duration {
	base := time.Second
	if c == Transient {
		base = 500 * time.Millisecond
	}
	return min(base<<(attempt-1), 20*time.Second)
}

// Do makes one paced EC2 call, and makes it again while its class says that the same call may
// work later. If ctx ends it stops before the next attempt; the attempt in flight goes on to its
// end, because EC2 may already be carrying it out and only its answer tells. An error is a
// *CallError, or the context's cause.
func Do[I, O any](ctx context.Context, s *Session, r Request,
	f func(context.Context, *I, ...func(*ec2.Options)) (*O, error), in *I) (*O, error) {

	for attempt := 1; ; attempt++ {
		if err := s.pace.wait(ctx, r.Action, r.Instances); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, &CallError{Doing: r.Doing, Action: r.Action, Class: Bug, Err: err, At: r.At}
		}
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		out, err := once(ctx, s, r, attempt, f, in)
		<-s.slots
		if err == nil {
			return out, nil
		}
		limit := 1
		switch err.Class {
		case Throttled:
			limit = throttledAttempts
		case Transient:
			limit = transientAttempts
		}
		if attempt >= limit {
			return nil, err
		}
		if cause := s.Sleep(ctx, backoff(err.Class, attempt)); cause != nil {
			return nil, errors.Join(err, cause)
		}
	}
}

func once[I, O any](ctx context.Context, s *Session, r Request, attempt int,
	f func(context.Context, *I, ...func(*ec2.Options)) (*O, error), in *I) (*O, *CallError) {

	// A rehearsal's hours are minutes, but its computer is no faster for it: never less than half a minute.
	patience := max(time.Duration(float64(attemptTimeout)/s.speed), 30*time.Second)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()

	s.count(r.Action)
	start := s.now()
	copied := *in // the SDK writes into the input that it gets
	out, err := f(ctx, &copied)
	done := Call{Action: r.Action, Attempt: attempt, Err: err, Took: s.now().Sub(start)}
	if err == nil {
		s.report(done)
		return out, nil
	}
	e := classify(err)
	e.Doing, e.Action, e.At = r.Doing, r.Action, r.At
	done.Code, done.Request = e.Code, e.Request
	s.report(done)
	return nil, e
}

func (s *Session) report(c Call) {
	if s.log != nil {
		s.log(c)
	}
}

// answered finds the HTTP status of an answer in an error chain; 0 if there was none.
func answered(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.Response != nil {
		return r.HTTPStatusCode()
	}
	return 0
}
