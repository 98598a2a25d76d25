package main

import (
	"context"

	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// owner makes every instance of the region somebody's, as if that principal had launched it.
func owner(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: owner ARN")
	}
	inRegion(ts, func(r *ec2sim.Region) {
		client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: r, BaseEndpoint: new("http://ec2.invalid")})
		_, err := client.CreateTags(context.Background(), &ec2.CreateTagsInput{
			Resources: r.Instances(),
			Tags:      []types.Tag{{Key: new("cluster:owner"), Value: new(args[0])}},
		})
		ts.Check(err)
	})
}
