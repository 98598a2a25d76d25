package fleet

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// principalPatience is how long to wait for STS. Who asks is good to know and no condition: a
// network without a way to STS must not hold up a launch.
const principalPatience = 5 * time.Second

// newSTS is the client that tells who is asking. Where EC2 is reached at an endpoint of its own,
// an emulator's, STS is asked there too, unless it has one as well: the credentials are that one's.
func newSTS(cfg aws.Config, ec2Endpoint *string) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		o.Retryer, o.RetryMaxAttempts = aws.NopRetryer{}, 0
		o.HTTPClient, o.Logger = plainBody{o.HTTPClient}, silent
		if o.BaseEndpoint == nil {
			o.BaseEndpoint = ec2Endpoint
		}
	})
}

// Principal is who is asking, by an ARN that lasts from login to login, and the account; both empty if
// STS does not say. It is asked once a session.
func (s *Session) Principal(ctx context.Context) (arn, account string) {
	s.who.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), principalPatience)
		defer cancel()
		// Without an answer both stay empty.
		_ = s.ask("GetCallerIdentity", func() error {
			out, err := s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err == nil {
				s.arn, s.account = lasting(value(out.Arn)), value(out.Account)
			}
			return err
		})
	})
	return s.arn, s.account
}

// lasting is the part of an ARN that stays the same from login to login: an assumed role goes without
// the name of the session.
func lasting(arn string) string {
	if head, rest, ok := strings.Cut(arn, ":assumed-role/"); ok {
		role, _, _ := strings.Cut(rest, "/")
		return head + ":assumed-role/" + role
	}
	return arn
}
