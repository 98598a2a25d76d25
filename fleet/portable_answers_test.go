package fleet_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// A question is put to an endpoint as one or two plain API calls. The embedded region has to give EC2's
// answer. Where moto gives another one, both stand here with the document of AWS's that decides, and the
// test fails as soon as the difference is gone.
type question struct {
	name string
	ask  func(p *portable) string
	ec2  string // EC2's answer
	moto string // moto's; empty: the same
	doc  string // where AWS says so
}

func (q question) compare(p *portable) {
	want := q.ec2
	if p.endpoint.moto && q.moto != "" {
		want = q.moto
	}
	got := q.ask(p)
	p.Logf("%s", got)
	if got != want {
		p.Errorf("the answer is %q, want %q; EC2's is %q: %s", got, want, q.ec2, q.doc)
	}
}

// launch asks for one instance, or for what edit makes of that; gives it,
// once the endpoint shows it, or says in a word what came of it.
func (p *portable) launch(edit ...func(*ec2.RunInstancesInput)) ([]types.Instance, string) {
	p.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: p.image.ImageId, InstanceType: instanceType, SubnetId: p.subnets[0].SubnetId,
		MinCount: new(int32(1)), MaxCount: new(int32(1)),
	}
	for _, e := range edit {
		e(in)
	}
	out, err := p.raw.RunInstances(p.Context(), in)
	if err != nil {
		return nil, word(err)
	}
	for _, i := range out.Instances {
		p.settle("instance-id", *i.InstanceId, 1)
	}
	return out.Instances, fmt.Sprintf("%d launched", len(out.Instances))
}

// must launches what has to work.
func (p *portable) must(edit ...func(*ec2.RunInstancesInput)) []types.Instance {
	p.Helper()
	got, answer := p.launch(edit...)
	if len(got) == 0 {
		p.Fatalf("the launch that the question is about: %s", answer)
	}
	return got
}

// tagged gives a launch tags, keys and values by turns.
func tagged(pairs ...string) func(*ec2.RunInstancesInput) {
	return func(in *ec2.RunInstancesInput) {
		t := types.TagSpecification{ResourceType: types.ResourceTypeInstance}
		for pair := range slices.Chunk(pairs, 2) {
			t.Tags = append(t.Tags, types.Tag{Key: new(pair[0]), Value: new(pair[1])})
		}
		in.TagSpecifications = []types.TagSpecification{t}
	}
}

// described says how many instances a filter finds.
func (p *portable) described(filter string, values ...string) string {
	p.Helper()
	n, err := p.found(filter, values...)
	if err != nil {
		return word(err)
	}
	return fmt.Sprintf("%d found", n)
}

// word is EC2's error code; or the status, where the answer is none of EC2's; or that there was no error.
func word(err error) string {
	if err == nil {
		return "granted"
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok && e.HTTPStatusCode() == http.StatusInternalServerError {
		return "HTTP 500"
	}
	return err.Error()
}

func (p *portable) found(filter string, values ...string) (n int, err error) {
	out, err := p.raw.DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: new(filter), Values: values}}})
	if err != nil {
		return 0, err
	}
	for _, r := range out.Reservations {
		n += len(r.Instances)
	}
	return n, nil
}

// settle waits until a filter shows n instances: EC2 does not show them at once.
func (p *portable) settle(filter, value string, n int) {
	p.Helper()
	for range 300 {
		if got, err := p.found(filter, value); err == nil && got == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.Fatalf("%s = %s does not show %d instances", filter, value, n)
}

// pass waits until the endpoint's clock has left the second of t. Launch times are in whole seconds (EC2 API
// Reference, Instance, LaunchTime), so that nobody can tell which of two launches of one second was first.
func (p *portable) pass(t time.Time) {
	p.Helper()
	for range 300 {
		if p.clock().Truncate(time.Second).After(t) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.Fatalf("the clock of the endpoint still shows %s", t)
}

// facts is what DescribeInstanceTypes says of a type, as far as a plan rests on it. moto has AWS's own
// data.
func (p *portable) facts(name types.InstanceType) string {
	p.Helper()
	out, err := p.raw.DescribeInstanceTypes(p.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{name}})
	if err != nil {
		return word(err)
	}
	t := out.InstanceTypes[0]
	efa := int32(0)
	if e := t.NetworkInfo.EfaInfo; e != nil {
		efa = *e.MaximumEfaInterfaces
	}
	slices.Sort(t.ProcessorInfo.SupportedArchitectures)
	slices.Sort(t.PlacementGroupInfo.SupportedStrategies)
	slices.Sort(t.SupportedUsageClasses)
	s := fmt.Sprintf("%d vCPU, %d MiB, EFA %d on %d, %s %s %s", *t.VCpuInfo.DefaultVCpus, *t.MemoryInfo.SizeInMiB,
		efa, *t.NetworkInfo.MaximumNetworkCards, t.ProcessorInfo.SupportedArchitectures,
		t.PlacementGroupInfo.SupportedStrategies, t.SupportedUsageClasses)
	if *t.BurstablePerformanceSupported {
		s += ", burstable"
	}
	return s
}

// end terminates instances and says what came of it.
func (p *portable) end(ids ...string) string {
	_, err := p.raw.TerminateInstances(p.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids})
	return word(err)
}

// protect switches an instance's protection from termination on.
func (p *portable) protect(id string) string {
	_, err := p.raw.ModifyInstanceAttribute(p.Context(), &ec2.ModifyInstanceAttributeInput{
		InstanceId: new(id), DisableApiTermination: &types.AttributeBooleanValue{Value: new(true)},
	})
	return word(err)
}

// besideProtected ends two instances of which one, in a zone of the given number, is protected.
func (p *portable) besideProtected(zone int) string {
	p.Helper()
	plain := p.must()
	got := p.must(func(in *ec2.RunInstancesInput) { in.SubnetId = p.subnets[zone].SubnetId })
	p.protect(*got[0].InstanceId)
	return p.end(*plain[0].InstanceId, *got[0].InstanceId) + p.other(*plain[0].InstanceId)
}

// other says what became of the other instance of a call.
func (p *portable) other(id string) string {
	if p.living(id) {
		return ", the other one stays"
	}
	return ", the other one goes"
}

// living says that an instance is not on its way out.
func (p *portable) living(id string) bool {
	s := p.state(id)
	return s == types.InstanceStateNamePending || s == types.InstanceStateNameRunning
}

// rootVolume launches an instance and describes its root volume, or says what came of it instead.
func (p *portable) rootVolume(edit func(*ec2.RunInstancesInput)) (types.Volume, string) {
	p.Helper()
	got, answer := p.launch(edit)
	if len(got) == 0 {
		return types.Volume{}, answer
	}
	for range 300 {
		out, err := p.raw.DescribeVolumes(p.Context(), &ec2.DescribeVolumesInput{
			Filters: []types.Filter{{Name: new("attachment.instance-id"), Values: []string{*got[0].InstanceId}}},
		})
		if err != nil {
			return types.Volume{}, word(err)
		}
		if len(out.Volumes) > 0 {
			return out.Volumes[0], ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	return types.Volume{}, "no volume"
}

// rootOf is the root device of an image.
func rootOf(i types.Image) *types.EbsBlockDevice {
	for _, m := range i.BlockDeviceMappings {
		if *m.DeviceName == *i.RootDeviceName {
			return m.Ebs
		}
	}
	return nil
}
