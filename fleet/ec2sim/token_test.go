package ec2sim_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func tokened(n int32, token string) *ec2.RunInstancesInput {
	in := some(n)
	in.ClientToken = aws.String(token)
	return in
}

func TestTokenLaunchesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{})
		c := client(r)
		first := run(t, c, tokened(3, "a"))
		time.Sleep(20 * time.Second)
		again, err := c.RunInstances(t.Context(), tokened(3, "a"))
		if err != nil || !slices.Equal(ids(again.Instances), first) {
			t.Errorf("got %v, %v, want %v", again, err, first)
		}
		if s := again.Instances[0].State.Name; s != "running" {
			t.Errorf("the replay shows %s, not what is", s)
		}
		if *again.Instances[2].AmiLaunchIndex != 2 || *again.Instances[0].ClientToken != "a" {
			t.Errorf("the replay shows %+v", again.Instances[2])
		}
		for name, change := range map[string]func(*ec2.RunInstancesInput){
			"count": func(in *ec2.RunInstancesInput) { in.MaxCount = aws.Int32(4) },
			"type":  func(in *ec2.RunInstancesInput) { in.InstanceType = types.InstanceTypeC7iXlarge },
			"tags": func(in *ec2.RunInstancesInput) {
				in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{tag("a", "b")}}}
			},
		} {
			in := tokened(3, "a")
			change(in)
			_, err := c.RunInstances(t.Context(), in)
			if got, status := code(err); got != "IdempotentParameterMismatch" || status != http.StatusBadRequest {
				t.Errorf("other %s: %v", name, err)
			}
			time.Sleep(time.Second)
		}
		if n := len(r.Instances()); n != 3 {
			t.Errorf("%d instances", n)
		}
	})
}

func TestTokensHaveAScope(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	at := func(subnet, zone string) []string {
		in := tokened(1, "a")
		in.SubnetId, in.Placement = nil, nil
		if subnet != "" {
			in.SubnetId = aws.String(subnet)
		}
		if zone != "" {
			in.Placement = &types.Placement{AvailabilityZone: aws.String(zone)}
		}
		return run(t, c, in)
	}
	a, nowhere := at("", "us-east-1a"), at("", "")
	for name, other := range map[string][]string{"zone b": at("", "us-east-1b"), "no zone": nowhere} {
		if slices.Equal(a, other) {
			t.Errorf("%s has the instance of zone a", name)
		}
	}
	if !slices.Equal(a, at("", "us-east-1a")) || !slices.Equal(nowhere, at("", "")) {
		t.Error("the same scope has other instances")
	}
	elsewhere := tokened(1, "a")
	elsewhere.SubnetId = nil
	elsewhere.ImageId = aws.String(ec2sim.IDIn("eu-west-1", ec2sim.BaseImage))
	if slices.Equal(run(t, clientIn(r, "eu-west-1"), elsewhere), nowhere) {
		t.Error("another region has the same instance")
	}
	// The subnet is a parameter like others where the zone is the same.
	in := tokened(1, "a")
	in.SubnetId = aws.String(r.AddSubnet(ec2sim.SubnetSpec{Zone: "us-east-1a", CIDR: "172.31.64.0/28"}))
	_, err := c.RunInstances(t.Context(), in)
	wantCode(t, err, "IdempotentParameterMismatch", http.StatusBadRequest)
}

func TestAFailedLaunchBindsItsToken(t *testing.T) {
	none := map[ec2sim.Pool]int{{Type: "c7i.large", Zone: "us-east-1a"}: 0}
	for _, free := range []bool{false, true} {
		r := ec2sim.New(ec2sim.Options{Instant: true, Capacity: none, FreeFailedTokens: free})
		c := client(r)
		_, err := c.RunInstances(t.Context(), tokened(1, "a"))
		wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
		other := tokened(1, "a")
		other.InstanceType = types.InstanceTypeC7iXlarge
		_, err = c.RunInstances(t.Context(), other)
		if got, _ := code(err); (got == "IdempotentParameterMismatch") == free {
			t.Errorf("free %v: %v", free, err)
		}
		// The same call again is a new attempt.
		if !free {
			r.SetCapacity(ec2sim.Pool{Type: "c7i.large", Zone: "us-east-1a"}, 1)
			run(t, c, tokened(1, "a"))
		}
	}
}

func TestTokenOfTheDead(t *testing.T) {
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := ec2sim.New(ec2sim.Options{Instant: true, DeadTokenFails: fails})
			c := client(r)
			dead := run(t, c, tokened(2, "a"))
			kill := func(id string) {
				if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
					t.Fatal(err)
				}
			}
			kill(dead[0])
			if got := run(t, c, tokened(2, "a")); !slices.Equal(got, dead) {
				t.Errorf("one of two is dead: %v", got)
			}
			kill(dead[1])
			out, err := c.RunInstances(t.Context(), tokened(2, "a"))
			if fails {
				wantCode(t, err, "IdempotentInstanceTerminated", http.StatusBadRequest)
			} else if err != nil || !slices.Equal(ids(out.Instances), dead) || out.Instances[0].State.Name != "terminated" {
				t.Errorf("got %v, %v", out, err)
			}
			// When EC2 no longer lists them, it still knows the token, for a day.
			time.Sleep(2 * time.Hour)
			_, err = c.RunInstances(t.Context(), tokened(2, "a"))
			wantCode(t, err, "IdempotentInstanceTerminated", http.StatusBadRequest)
			time.Sleep(24 * time.Hour)
			if got := run(t, c, tokened(2, "a")); slices.Equal(got, dead) {
				t.Error("after a day the token is still bound")
			}
		})
	}
}

func TestADryRunBindsAndLaunchesNothing(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	in := tokened(5, "a")
	in.DryRun = aws.Bool(true)
	_, err := c.RunInstances(t.Context(), in)
	wantCode(t, err, "DryRunOperation", http.StatusPreconditionFailed)
	if n := len(r.Instances()); n != 0 {
		t.Errorf("%d instances", n)
	}
	if j := r.Journal(); !j[0].DryRun || j[0].Code != "DryRunOperation" || j[0].Attempt != 1 || j[0].Action != "RunInstances" {
		t.Errorf("journal: %+v", j)
	}
	run(t, c, tokened(6, "a"))
}
