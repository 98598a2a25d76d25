package fleet

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

// A Bucket is one of EC2's token buckets: it holds Size tokens and gains Rate a second.
type Bucket struct {
	Size int
	Rate float64
}

// Limits are the account's token buckets, by which the client paces itself: waiting here costs
// nothing, while a call that EC2 throttles costs everybody in the account. Both maps go by action;
// what they lack is taken from EC2's published defaults ("Request throttling for the Amazon EC2
// API" in the EC2 Developer Guide). AWS raises the real ones on request, account by account.
type Limits struct {
	Requests  map[string]Bucket // a token a request
	Instances map[string]Bucket // a token an instance, for the actions that have such a bucket
}

var (
	describing = Bucket{100, 20}
	mutating   = Bucket{50, 5}

	defaultRequests = map[string]Bucket{
		"RunInstances":       {5, 2},
		"StartInstances":     {5, 2},
		"TerminateInstances": {100, 5},
		"CopyImage":          {100, 1},
		"CreateTags":         {100, 10},
		"DeleteTags":         {100, 10},
	}
	defaultInstances = map[string]Bucket{
		"RunInstances":       {1000, 2},
		"StartInstances":     {1000, 2},
		"StopInstances":      {1000, 20},
		"TerminateInstances": {1000, 20},
	}
)

// Requests is the request bucket of an action.
func (l Limits) request(action string) Bucket {
	if b, ok := l.Requests[action]; ok {
		return b
	}
	if b, ok := defaultRequests[action]; ok {
		return b
	}
	if strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Get") {
		return describing
	}
	return mutating
}

func (l Limits) instances(action string) (Bucket, bool) {
	if b, ok := l.Instances[action]; ok {
		return b, true
	}
	b, ok := defaultInstances[action]
	return b, ok
}

// A pacer holds the client's side of the buckets. They start full, as EC2's are when nobody
// else used them; when somebody did, EC2 throttles and the session waits and asks again.
type pacer struct {
	limits Limits
	speed  float64

	mu       sync.Mutex
	limiters map[string]*rate.Limiter
}

func newPacer(l Limits, speed float64) *pacer {
	return &pacer{limits: l, speed: speed, limiters: map[string]*rate.Limiter{}}
}

func (p *pacer) limiter(key string, b Bucket) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.limiters[key]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(b.Rate*p.speed), b.Size)
		p.limiters[key] = l
	}
	return l
}

// wait takes a request token and, where the action has such a bucket, n instance tokens.
// It takes the instance tokens first: they are the scarcer ones, and a request token that is
// held while they are awaited would be lost to other calls of the action.
func (p *pacer) wait(ctx context.Context, action string, n int) error {
	if b, ok := p.limits.instances(action); ok && n > 0 {
		if n > b.Size {
			return fmt.Errorf("%s of %d instances can never pass a bucket of %d", action, n, b.Size)
		}
		if err := p.limiter(action+" instances", b).WaitN(ctx, n); err != nil {
			return err
		}
	}
	return p.limiter(action, p.limits.request(action)).Wait(ctx)
}
