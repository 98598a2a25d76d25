package ec2sim_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// full is a region with 1000 instances.
func full(b *testing.B, path string) *ec2.Client {
	r, err := ec2sim.Open(ec2sim.Options{Instant: true, Path: path})
	if err != nil {
		b.Fatal(err)
	}
	c := client(r)
	for range 10 {
		if _, err := c.RunInstances(b.Context(), some(100)); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func BenchmarkDescribe1000(b *testing.B) {
	c := full(b, filepath.Join(b.TempDir(), "state"))
	for b.Loop() {
		if _, err := c.DescribeInstances(b.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)}); err != nil {
			b.Fatal(err)
		}
	}
}

// Each launch is kept in the file, with the thousand that are there.
func BenchmarkTagOneOf1000InAFile(b *testing.B) {
	c := full(b, filepath.Join(b.TempDir(), "state"))
	for b.Loop() {
		_, err := c.CreateTags(b.Context(), &ec2.CreateTagsInput{Resources: []string{ec2sim.BaseImage}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun100(b *testing.B) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	for b.Loop() {
		out, err := c.RunInstances(b.Context(), some(100))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.TerminateInstances(b.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids(out.Instances)}); err != nil {
			b.Fatal(err)
		}
	}
}

// The region's own part, without the SDK's decoding of the answer, which takes five times as long.
func BenchmarkAnswer1000(b *testing.B) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	for range 10 {
		if _, err := c.RunInstances(b.Context(), some(100)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		q, err := http.NewRequest(http.MethodGet, "http://ec2.sim/?Action=DescribeInstances&MaxResults=1000", nil)
		if err != nil {
			b.Fatal(err)
		}
		if a, err := r.Do(q); err != nil || a.ContentLength < 1e6 {
			b.Fatal(err, a.ContentLength)
		}
	}
}
