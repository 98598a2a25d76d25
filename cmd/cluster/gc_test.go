package main

import (
	"context"

	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// tag tags every instance that lives, as anybody may do in the console: tag cluster:ttl=0h0m1s.
func tag(ts *testscript.TestScript, neg bool, args []string) {
	var tags []types.Tag
	for k, v := range pairs(ts, args) {
		tags = append(tags, types.Tag{Key: new(k), Value: new(v)})
	}
	inRegion(ts, func(r *ec2sim.Region) {
		client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: r, BaseEndpoint: new("http://ec2.invalid")})
		_, err := client.CreateTags(context.Background(), &ec2.CreateTagsInput{Resources: r.Instances(), Tags: tags})
		ts.Check(err)
	})
}
