package ec2sim_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"cluster/fleet/ec2sim"
)

// client is an SDK client of a region, which never repeats a call by itself.
func client(r *ec2sim.Region) *ec2.Client { return clientIn(r, "us-east-1") }

func clientIn(r *ec2sim.Region, region string) *ec2.Client {
	return ec2.New(ec2.Options{
		Region:       region,
		HTTPClient:   r,
		BaseEndpoint: aws.String("http://ec2.sim"),
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

// code is the error code of an answer, and its HTTP status.
func code(err error) (string, int) {
	var api smithy.APIError
	var http *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &http) {
		return "", 0
	}
	return api.ErrorCode(), http.HTTPStatusCode()
}

// wantCode fails the test unless err is an answer with the code and the status.
func wantCode(t *testing.T, err error, want string, status int) {
	t.Helper()
	if got, s := code(err); got != want || s != status {
		t.Errorf("got %q, %d (%v), want %q, %d", got, s, err, want, status)
	}
}

// run launches, and fails the test if that does not work.
func run(t *testing.T, c *ec2.Client, in *ec2.RunInstancesInput) []string {
	t.Helper()
	out, err := c.RunInstances(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return ids(out.Instances)
}

// describe looks at everything that filters let through.
func describe(t *testing.T, c *ec2.Client, filters ...types.Filter) []types.Instance {
	t.Helper()
	out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filters, MaxResults: aws.Int32(1000)})
	if err != nil {
		t.Fatal(err)
	}
	var all []types.Instance
	for _, r := range out.Reservations {
		all = append(all, r.Instances...)
	}
	return all
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

func tag(key, value string) types.Tag {
	return types.Tag{Key: aws.String(key), Value: aws.String(value)}
}

// some asks for n instances of a plain type.
func some(n int32) *ec2.RunInstancesInput {
	return &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage), InstanceType: types.InstanceTypeC7iLarge,
		MinCount: aws.Int32(n), MaxCount: aws.Int32(n), SubnetId: aws.String(ec2sim.SubnetA),
	}
}

func ids(instances []types.Instance) []string {
	var all []string
	for _, i := range instances {
		all = append(all, *i.InstanceId)
	}
	return all
}

func TestLaunchDescribeTerminate(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	out, err := c.RunInstances(t.Context(), some(100))
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Instances) != 100 {
		t.Fatalf("%d instances", len(out.Instances))
	}
	d, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids(out.Instances)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Reservations[0].Instances); n != 100 {
		t.Errorf("%d instances described", n)
	}
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids(out.Instances)}); err != nil {
		t.Fatal(err)
	}
	if left := r.Instances(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	_, err = c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{"i-00000000000000001"}})
	wantCode(t, err, "InvalidInstanceID.NotFound", http.StatusBadRequest)
}
