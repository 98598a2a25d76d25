package fleet

import (
	"context"
	"slices"
	"sync"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
)

// quotaPatience is how long to wait for Service Quotas. Like who asks, a quota is good to know and no
// condition.
const quotaPatience = 5 * time.Second

// newLimits is the client for the account's quotas. Like STS it is asked where EC2 is, if that has an
// endpoint of its own.
func newLimits(cfg aws.Config, ec2Endpoint *string) *servicequotas.Client {
	return servicequotas.NewFromConfig(cfg, func(o *servicequotas.Options) {
		o.Retryer, o.RetryMaxAttempts = aws.NopRetryer{}, 0
		o.HTTPClient, o.Logger = plainBody{o.HTTPClient}, silent
		if o.BaseEndpoint == nil {
			o.BaseEndpoint = ec2Endpoint
		}
	})
}

// quotas are the vCPU quotas that a launch of the groups may count towards, one call each, all at
// once. What may not be read, or is not answered, is left out.
func (s *Session) quotas(ctx context.Context, groups []spec.Group) []planner.Quota {
	ctx, cancel := context.WithTimeout(ctx, quotaPatience)
	defer cancel()
	all := planner.QuotasOf(groups)
	var asked sync.WaitGroup
	for i := range all {
		asked.Go(func() {
			if v, ok := s.quota(ctx, all[i].Code); ok {
				all[i].VCPUs = v
			} else {
				all[i].Code = ""
			}
		})
	}
	asked.Wait()
	return slices.DeleteFunc(all, func(q planner.Quota) bool { return q.Code == "" })
}

// quota is the value of one quota: the account's, or else what AWS gives every account, which is the
// answer for one that nobody ever changed.
func (s *Session) quota(ctx context.Context, code string) (vcpus int, ok bool) {
	service := new("ec2")
	var q *types.ServiceQuota
	err := s.ask("GetServiceQuota", func() error {
		out, err := s.limits.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: service, QuotaCode: &code})
		if err == nil {
			q = out.Quota
		}
		return err
	})
	if err != nil && classify(err).Code == "NoSuchResourceException" {
		err = s.ask("GetAWSDefaultServiceQuota", func() error {
			out, err := s.limits.GetAWSDefaultServiceQuota(ctx, &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: service, QuotaCode: &code})
			if err == nil {
				q = out.Quota
			}
			return err
		})
	}
	if err != nil || q == nil || q.Value == nil {
		return 0, false
	}
	return int(*q.Value), true
}

// ask makes one call that nothing depends on: once, counted and reported like any other.
func (s *Session) ask(action string, call func() error) error {
	s.count(action)
	start := s.now()
	err := call()
	done := Call{Action: action, Attempt: 1, Err: err, Took: s.now().Sub(start)}
	if err != nil {
		done.Code = classify(err).Code
	}
	s.report(done)
	return err
}
