package ami

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// builder is the instance that runs the script: the one that is there, or a new one. Should there be two,
// which takes two subnets and a reply that came too late, the younger is ended.
func (b *building) builder(ctx context.Context, machines []machine) (machine, error) {
	found := living(machines, "")
	if len(found) > 1 {
		var extra []string
		for _, m := range found[1:] {
			extra = append(extra, m.id)
		}
		if err := b.Session.Terminate(ctx, extra...); err != nil {
			return machine{}, err
		}
	}
	if len(found) > 0 {
		return found[0], nil
	}
	if b.consent != nil {
		if err := b.consent(b.done.Base); err != nil {
			return machine{}, err
		}
	}
	m, err := b.launch(ctx, "builder", func(subnet string) *ec2.RunInstancesInput {
		in := b.input(b.done.Base.ID, subnet, nil)
		in.UserData = new(base64.StdEncoding.EncodeToString(b.m.UserData(b.token)))
		in.BlockDeviceMappings = []types.BlockDeviceMapping{fleet.RootMapping(b.done.Base.RootDevice, b.m.RootVolume)}
		return in
	})
	return m, err
}

// living are the machines that live and are on trial of an image; of none, for builders.
func living(machines []machine, image string) []machine {
	return slices.DeleteFunc(slices.Clone(machines), func(m machine) bool { return m.state.Dead() || m.tags[planner.TagProbe] != image })
}

// launchAttempts is how many dead instances of the same launch are passed over: EC2 remembers a client
// token for some time after what it launched is gone.
const launchAttempts = 50

// launch launches one instance in the first subnet that has room, and remembers that it is to be ended.
func (b *building) launch(ctx context.Context, what string, input func(subnet string) *ec2.RunInstancesInput) (m machine, err error) {
	subnets := b.m.Network.Subnets
	if len(subnets) == 0 {
		subnets = []string{""} // EC2 takes one of the default VPC
	}
	for _, subnet := range subnets {
		m, err = b.launchIn(ctx, what, subnet, input)
		if e, ok := err.(*fleet.CallError); !ok || e.Class != fleet.Capacity {
			break
		}
	}
	if err != nil {
		return m, err
	}
	b.done.Launched = append(b.done.Launched, m.id)
	b.tell(Event{Type: EventLaunched, Instance: m.id, Family: b.m.Family, Version: b.m.Version, Message: what})
	return m, nil
}

func (b *building) launchIn(ctx context.Context, what, subnet string, input func(string) *ec2.RunInstancesInput) (machine, error) {
	for attempt := 0; ; attempt++ {
		in := input(subnet)
		in.ClientToken = new(clientToken(in, attempt))
		out, err := fleet.Do(ctx, b.Session, fleet.Request{Action: "RunInstances", Instances: 1, At: b.m.Source.At("instance_type"),
			Doing: fmt.Sprintf("launch the %s of %s", what, b.label)}, b.Session.EC2.RunInstances, in)
		if e, ok := err.(*fleet.CallError); ok && e.Class == fleet.Token && attempt < launchAttempts {
			continue
		}
		if err != nil {
			return machine{}, err
		}
		if m := toMachine(out.Instances[0]); !m.state.Dead() || attempt == launchAttempts {
			return m, nil
		}
	}
}

// clientToken is a hash of a call's input, so that the same call made again is no second instance, and of
// an attempt.
func clientToken(in any, attempt int) string {
	text, err := json.Marshal([]any{in, attempt})
	if err != nil {
		panic(err) // inputs of the SDK always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// input is what the builder and the instance of the boot test have in common. Both stop, and do not go,
// when they are powered off from within, so that the console stays to be read.
func (b *building) input(image, subnet string, more map[string]string) *ec2.RunInstancesInput {
	m := b.m
	in := &ec2.RunInstancesInput{
		ImageId: new(image), InstanceType: types.InstanceType(m.InstanceType), MinCount: new(int32(1)), MaxCount: new(int32(1)),
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorStop,
		SecurityGroupIds:                  m.Network.SecurityGroups,
		MetadataOptions: &types.InstanceMetadataOptionsRequest{
			HttpTokens: types.HttpTokensStateRequired, HttpEndpoint: types.InstanceMetadataEndpointStateEnabled,
		},
	}
	if subnet != "" {
		in.SubnetId = new(subnet)
	}
	if m.Network.KeyName != "" {
		in.KeyName = new(m.Network.KeyName)
	}
	if m.InstanceProfile != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: new(m.InstanceProfile)}
	}
	tags := maps.Clone(m.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, map[string]string{
		"Name": "build " + b.label, planner.TagBuild: b.label, planner.TagBuildToken: b.token,
		planner.TagTTL: planner.TTLTag(m.Timeout + time.Hour), // after that, it is waste
	})
	maps.Copy(tags, more)
	for _, t := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume} {
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: t, Tags: fleet.ToTags(tags)})
	}
	return in
}
