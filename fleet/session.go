package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// SessionOptions say how to reach EC2. The zero value is the AWS configuration chain, everything
// of it, AWS_ENDPOINT_URL_EC2 and AWS_CA_BUNDLE included.
type SessionOptions struct {
	Region string // empty: the configuration chain's

	// HTTPClient stands for the network; nil is the network. Anything else is an embedded
	// region: it needs no credentials, and the configuration chain is not read.
	HTTPClient interface {
		Do(*http.Request) (*http.Response, error)
	}

	Speed  float64          // of an embedded region: divides every wait, multiplies every rate; 0 means 1
	Now    func() time.Time // the region's time; nil: time.Now
	Limits Limits           // zero fields: EC2's defaults
	Calls  int              // calls in flight at once; 0: 8
	Log    func(Call)       // called after every request, from any goroutine; nil: none
}

// A Call is one request that was answered, or that failed without an answer.
type Call struct {
	Action  string
	Attempt int           // from 1
	Code    string        // EC2's error code; empty: it worked, or there was no answer
	Err     error         // nil: it worked
	Took    time.Duration // the region's time
	Request string        // EC2's request id, for AWS Support; empty if it worked
}

// A Session is one way to EC2 in one region: a client, the pace at which it may be used, and a
// tally of what was sent. It is safe for use by several goroutines.
type Session struct {
	EC2    *ec2.Client // makes one attempt a call: retrying is the session's
	Region string

	speed float64
	now   func() time.Time
	pace  *pacer
	slots chan struct{} // held for the length of a request, never while waiting for a bucket
	log   func(Call)

	memory memory // of pools without room

	sts          *sts.Client
	who          sync.Once
	arn, account string // of who is asking, once who is done
	limits       *servicequotas.Client

	mu    sync.Mutex
	first time.Time
	tally map[string]int
}

// ErrNoRegion says that neither the file, the command line nor the configuration chain names a region.
var ErrNoRegion = errors.New("no region is set")

// Open makes a session. It reads configuration, and calls nobody.
func Open(ctx context.Context, o SessionOptions) (*Session, error) {
	cfg, err := configure(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Session{
		Region: cfg.Region,
		speed:  cmp.Or(o.Speed, 1),
		now:    o.Now,
		slots:  make(chan struct{}, cmp.Or(o.Calls, 8)),
		log:    o.Log,
		tally:  map[string]int{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.pace = newPacer(o.Limits, s.speed)
	s.EC2 = ec2.NewFromConfig(cfg, func(e *ec2.Options) {
		// RetryMaxAttempts of the environment would wrap the retryer; zero leaves it alone.
		e.Retryer, e.RetryMaxAttempts = aws.NopRetryer{}, 0
		e.HTTPClient, e.Logger = plainBody{e.HTTPClient}, silent
	})
	s.sts = newSTS(cfg, s.EC2.Options().BaseEndpoint)
	s.limits = newLimits(cfg, s.EC2.Options().BaseEndpoint)
	return s, nil
}

func configure(ctx context.Context, o SessionOptions) (aws.Config, error) {
	if o.HTTPClient != nil {
		return aws.Config{
			Region:       cmp.Or(o.Region, "us-east-1"),
			Credentials:  credentials.NewStaticCredentialsProvider("rehearsal", "rehearsal", ""),
			HTTPClient:   o.HTTPClient,
			BaseEndpoint: new("http://ec2.rehearsal.invalid"),
		}, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(o.Region))
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, ErrNoRegion
	}
	if cfg.Credentials != nil {
		cfg.Credentials = aws.NewCredentialsCache(namedCredentials{cfg.Credentials})
	}
	return cfg, nil
}

// CredentialsError says that there are no usable AWS credentials. The SDK has no type for it.
type CredentialsError struct{ Err error }

func (e *CredentialsError) Error() string { return "no usable AWS credentials: " + e.Err.Error() }

// Unwrap gives the configuration chain's own error.
func (e *CredentialsError) Unwrap() error { return e.Err }

type namedCredentials struct{ aws.CredentialsProvider }

func (n namedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := n.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return c, &CredentialsError{err}
	}
	return c, nil
}

// Endpoint is the address that stands in for EC2's own, as AWS_ENDPOINT_URL_EC2 may name one; empty: none does.
func (s *Session) Endpoint() string { return value(s.EC2.Options().BaseEndpoint) }

// Calls is how many requests were sent so far, repeats included, in all and by action.
func (s *Session) Calls() (total int, byAction map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.tally {
		total += n
	}
	return total, maps.Clone(s.tally)
}

// Elapsed is the region's time since the first request; 0 before it.
func (s *Session) Elapsed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first.IsZero() {
		return 0
	}
	return s.now().Sub(s.first)
}

// Now is the region's time.
func (s *Session) Now() time.Time { return s.now() }

// count takes a request into the tally as it is sent, so that one whose reply is lost counts too.
func (s *Session) count(action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first.IsZero() {
		s.first = s.now()
	}
	s.tally[action]++
}

// Sleep waits for d of the region's time; it returns early, with the cause, if ctx ends.
func (s *Session) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(time.Duration(float64(d) / s.speed))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
