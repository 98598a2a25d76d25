package ec2sim_test

import (
	"slices"
	"strings"
	"testing"

	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestImageReferences(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	if _, err := c.RunInstances(t.Context(), of(ec2sim.BaseImage)); err != nil {
		t.Fatal(err)
	}
	lt := r.AddTemplate("", "batch", ec2sim.BaseImageBefore)
	for range 10 {
		r.AddTemplate("", "batch", ec2sim.BaseImage)
	}
	ask := func(in *ec2.DescribeImageReferencesInput) (found []string, err error) {
		if in.ImageIds == nil {
			in.ImageIds = []string{ec2sim.BaseImage, ec2sim.BaseImageBefore}
		}
		out, err := c.DescribeImageReferences(t.Context(), in)
		if err != nil {
			return nil, err
		}
		for _, f := range out.ImageReferences {
			_, what, _ := strings.Cut(*f.Arn, "/")
			found = append(found, string(f.ResourceType)+" "+strings.Replace(what, lt, "lt", 1)+" "+*f.ImageId)
		}
		slices.Sort(found)
		return found, nil
	}
	kind := func(t types.ImageReferenceResourceType, option types.ImageReferenceOptionName, values ...string) *ec2.DescribeImageReferencesInput {
		return &ec2.DescribeImageReferencesInput{ResourceTypes: []types.ResourceTypeRequest{{
			ResourceType: t, ResourceTypeOptions: []types.ResourceTypeOption{{OptionName: option, OptionValues: values}},
		}}}
	}
	instance := "ec2:Instance " + r.Instances()[0] + " " + ec2sim.BaseImage
	for _, tt := range []struct {
		name string
		in   *ec2.DescribeImageReferencesInput
		want []string
	}{
		{"everything, to the usual depth", &ec2.DescribeImageReferencesInput{IncludeAllResourceTypes: new(true)},
			[]string{instance, "ec2:LaunchTemplate lt " + ec2sim.BaseImage}},
		{"deeper", kind("ec2:LaunchTemplate", "version-depth", "11"),
			[]string{"ec2:LaunchTemplate lt " + ec2sim.BaseImageBefore, "ec2:LaunchTemplate lt " + ec2sim.BaseImage}},
		{"instances in a state", kind("ec2:Instance", "state-name", "running", "stopped"), []string{instance}},
		{"instances in another", kind("ec2:Instance", "state-name", "terminated"), nil},
	} {
		if got, err := ask(tt.in); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	for _, in := range []*ec2.DescribeImageReferencesInput{
		{},
		{IncludeAllResourceTypes: new(true), ImageIds: slices.Repeat([]string{ec2sim.BaseImage}, 11)},
		kind("ec2:LaunchTemplate", "version-depth", "0"),
		kind("ec2:LaunchTemplate", "state-name", "running"),
	} {
		if got, err := ask(in); err == nil {
			t.Errorf("%+v is answered with %q", in, got)
		}
	}
}
