package main

import (
	"context"

	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// retag tags whatever has an id: retag ami-00000000000202610 cluster:image-channel=old.
func retag(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: retag ID KEY=VALUE…")
	}
	var tags []types.Tag
	for k, v := range pairs(ts, args[1:]) {
		tags = append(tags, types.Tag{Key: new(k), Value: new(v)})
	}
	inRegion(ts, func(r *ec2sim.Region) {
		client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: r, BaseEndpoint: new("http://ec2.invalid")})
		_, err := client.CreateTags(context.Background(), &ec2.CreateTagsInput{Resources: args[:1], Tags: tags})
		ts.Check(err)
	})
}

// deregister makes an image go, and leaves the instances that came from it.
func deregister(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: deregister IMAGE")
	}
	inRegion(ts, func(r *ec2sim.Region) {
		client := ec2.New(ec2.Options{Region: "us-east-1", HTTPClient: r, BaseEndpoint: new("http://ec2.invalid")})
		_, err := client.DeregisterImage(context.Background(), &ec2.DeregisterImageInput{ImageId: &args[0]})
		ts.Check(err)
	})
}
