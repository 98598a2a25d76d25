package ec2sim_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func TestLaunchTemplates(t *testing.T) {
	c := client(ec2sim.New(ec2sim.Options{Instant: true}))
	data := func(image string) *types.RequestLaunchTemplateData {
		return &types.RequestLaunchTemplateData{ImageId: &image, InstanceType: "c7i.large"}
	}
	make := func(token string) (*ec2.CreateLaunchTemplateOutput, error) {
		return c.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("batch"), ClientToken: &token, LaunchTemplateData: data(ec2sim.BaseImageBefore)})
	}
	out, err := make("one")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := make("one"); err != nil || *again.LaunchTemplate.LaunchTemplateId != *out.LaunchTemplate.LaunchTemplateId {
		t.Errorf("a repeat: %v", err)
	}
	_, err = make("two")
	wantCode(t, err, "InvalidLaunchTemplateName.AlreadyExistsException", http.StatusBadRequest)
	for range 2 { // the second is a repeat
		v, err := c.CreateLaunchTemplateVersion(t.Context(), &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateName: aws.String("batch"), ClientToken: aws.String("v"), LaunchTemplateData: data(ec2sim.BaseImage)})
		if err != nil || *v.LaunchTemplateVersion.VersionNumber != 2 {
			t.Fatal(v, err)
		}
	}
	_, err = c.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("more"), LaunchTemplateData: &types.RequestLaunchTemplateData{KernelId: aws.String("x")}})
	wantCode(t, err, "UnsupportedOperation", http.StatusBadRequest)

	versions := func(in ec2.DescribeLaunchTemplateVersionsInput) (all []string, err error) {
		out, err := c.DescribeLaunchTemplateVersions(t.Context(), &in)
		if err != nil {
			return nil, err
		}
		for _, v := range out.LaunchTemplateVersions {
			all = append(all, *v.LaunchTemplateData.ImageId)
		}
		slices.Sort(all)
		return all, nil
	}
	for _, test := range []struct {
		in   ec2.DescribeLaunchTemplateVersionsInput
		want []string
	}{
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("batch")}, []string{ec2sim.BaseImageBefore, ec2sim.BaseImage}},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("batch"), MinVersion: aws.String("2")}, []string{ec2sim.BaseImage}},
		{ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Latest"}}, []string{ec2sim.BaseImage}},
		{ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Latest", "$Default"}, Filters: []types.Filter{filter("image-id", ec2sim.BaseImageBefore)}}, []string{ec2sim.BaseImageBefore}},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: out.LaunchTemplate.LaunchTemplateId, Versions: []string{"1"}}, []string{ec2sim.BaseImageBefore}},
	} {
		if got, err := versions(test.in); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v %v, want %v", test.in, got, err, test.want)
		}
	}
	_, err = versions(ec2.DescribeLaunchTemplateVersionsInput{})
	wantCode(t, err, "MissingParameter", http.StatusBadRequest)
	_, err = versions(ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("batch"), Versions: []string{"3"}})
	wantCode(t, err, "InvalidLaunchTemplateId.VersionNotFound", http.StatusBadRequest)

	in := some(1)
	in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("batch")}
	_, err = c.RunInstances(t.Context(), in)
	wantCode(t, err, "UnsupportedOperation", http.StatusBadRequest)
	if _, err := c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("batch")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"batch"}})
	wantCode(t, err, "InvalidLaunchTemplateName.NotFoundException", http.StatusBadRequest)
}
