package ec2sim_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"cluster/fleet/ec2sim"
)

// quick is the time of calls that take none, so that buckets are all there is to wait for.
var quick = ec2sim.Timing{RunInstances: 1, Call: 1, Visible: ec2sim.Range{Min: 1, Max: 1}}

func TestRequestBucketOfRunInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(ec2sim.Options{Timing: quick}))
		for range 5 {
			run(t, c, some(1))
		}
		_, err := c.RunInstances(t.Context(), some(1))
		wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)
		if want := "Request limit exceeded. Account 123456789012 has been throttled on ec2:RunInstances because it exceeded its request rate limit."; !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		// Two tokens come back in a second; other actions never missed theirs.
		time.Sleep(500 * time.Millisecond)
		describe(t, c)
		run(t, c, some(1))
		_, err = c.RunInstances(t.Context(), some(1))
		wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)
	})
}

func TestResourceBucketCountsInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{Timing: quick})
		c := client(r)
		run(t, c, some(600))
		_, err := c.RunInstances(t.Context(), some(500))
		wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)
		run(t, c, some(400))
		time.Sleep(10 * time.Second)
		run(t, c, some(20))
		_, err = c.RunInstances(t.Context(), some(1))
		wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)

		all := r.Instances()
		for _, batch := range [][]string{all[:500], all[500:1000]} {
			if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: batch}); err != nil {
				t.Error(err)
			}
		}
		_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: all[1000:]})
		wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)
	})
}

func TestPartialAndRefundAreSwitches(t *testing.T) {
	pool := map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1b"}: 0}
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(ec2sim.Options{Timing: quick, Capacity: pool, Limits: ec2sim.Limits{Partial: true, Refund: true}}))
		run(t, c, some(600))
		short := some(400)
		short.SubnetId = aws.String(ec2sim.SubnetB)
		_, err := c.RunInstances(t.Context(), short)
		wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
		most := some(500)
		most.MinCount = aws.Int32(100)
		if got := len(run(t, c, most)); got != 400 {
			t.Errorf("%d of 400 tokens' instances", got)
		}
	})
}

func TestLookingAtEverythingIsThrottledFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(ec2sim.Options{Timing: quick}))
		calls := func(in *ec2.DescribeInstancesInput) (n int) {
			for ; ; n++ {
				if _, err := c.DescribeInstances(t.Context(), in); err != nil {
					wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)
					return n
				}
			}
		}
		if got := calls(&ec2.DescribeInstancesInput{}); got != 50 {
			t.Errorf("%d calls without filter or page, want 50", got)
		}
		if got := calls(&ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)}); got != 100 {
			t.Errorf("%d calls by pages, want 100", got)
		}
	})
}

func TestBucketsOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(ec2sim.New(ec2sim.Options{Timing: quick, Limits: ec2sim.Limits{
			Request: map[string]ec2sim.Bucket{"RunInstances": {Size: 1, Refill: 0.1}, "mutating": {Size: 1}},
		}}))
		run(t, c, some(1))
		_, err := c.RunInstances(t.Context(), some(1))
		wantCode(t, err, "RequestLimitExceeded", http.StatusServiceUnavailable)
		time.Sleep(10 * time.Second)
		run(t, c, some(1))
		for _, want := range []string{"", "RequestLimitExceeded"} {
			_, err := c.DeletePlacementGroup(t.Context(), &ec2.DeletePlacementGroupInput{GroupName: aws.String("none")})
			if got, _ := code(err); want != "" && got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// The region's own time runs Speed times as fast, and its calls take that much less.
func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{Speed: 100})
		c, begin, inside := client(r), time.Now(), r.Now()
		run(t, c, some(1))
		time.Sleep(time.Second)
		if got := time.Since(begin); got != 1015*time.Millisecond {
			t.Errorf("%v passed outside", got)
		}
		if got := r.Now().Sub(inside); got != 101500*time.Millisecond {
			t.Errorf("%v passed inside", got)
		}
		if got := describe(t, c); len(got) != 1 || got[0].State.Name != "running" {
			t.Errorf("got %v", got)
		}
	})
}
