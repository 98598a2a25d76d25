package fleet

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// SessionOptions say how to reach EC2. The zero value is the AWS configuration chain.
type SessionOptions struct {
	Region     string      // empty: the configuration chain's
	HTTPClient interface { // nil: the network. Anything else is an embedded region, needs no credentials
		Do(*http.Request) (*http.Response, error)
	}
	Speed  float64          // of the region: divides every wait and multiplies every rate; 0 means 1
	Now    func() time.Time // the region's time; nil: time.Now
	Limits Limits           // zero fields: EC2's defaults
	Log    func(Call)       // called after every request, from any goroutine; nil: none
}

// Limits are the account's token buckets as the client paces itself by them.
type Limits struct{}

// A Call is one request that was answered, or failed.
type Call struct {
	Action  string
	Attempt int
	Code    string // EC2's error code; empty: it worked, or there was no answer
	Err     error
	Took    time.Duration // the region's time
	Request string        // EC2's request id
}

// A Session is one way to EC2 in one region.
type Session struct {
	EC2    *ec2.Client
	Region string
}

// Open makes a session. It reads configuration and makes no call to EC2.
func Open(ctx context.Context, o SessionOptions) (*Session, error) { panic("later") }

// Calls is how many requests were sent so far, retries included, in all and by action.
func (s *Session) Calls() (total int, byAction map[string]int) { panic("later") }

// Elapsed is the region's time since the first request; 0 before it.
func (s *Session) Elapsed() time.Duration { panic("later") }
