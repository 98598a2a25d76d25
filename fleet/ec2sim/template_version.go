package ec2sim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// describeLaunchTemplateVersions shows versions of a template or, if none is named, the newest or the default
// one of each.
func (w *world) describeLaunchTemplateVersions(in *ec2.DescribeLaunchTemplateVersionsInput) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	var all []*template
	var err error
	if in.LaunchTemplateId != nil || in.LaunchTemplateName != nil {
		t, err := w.template(in.LaunchTemplateId, in.LaunchTemplateName)
		if err != nil {
			return nil, err
		}
		all = []*template{t}
	} else {
		named := slices.ContainsFunc(in.Versions, func(v string) bool { return v != "$Latest" && v != "$Default" })
		if len(in.Versions) == 0 || named {
			return nil, fail("MissingParameter", "The request must contain the parameter LaunchTemplateId or LaunchTemplateName, or the versions $Latest or $Default")
		}
		if all, err = pick(w.Templates, nil, templateKind, nil); err != nil {
			return nil, err
		}
	}
	least, most, err := versionSpan(in)
	if err != nil {
		return nil, err
	}
	var rows []*types.LaunchTemplateVersion
	for _, t := range all {
		numbers, err := t.numbers(in.Versions)
		if err != nil {
			return nil, err
		}
		for _, n := range numbers {
			if least <= n && n <= most {
				rows = append(rows, t.view(n))
			}
		}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 1, most: 200}
	rows, next, err := paged(w, rows, p, func(v *types.LaunchTemplateVersion) []string {
		return []string{*v.LaunchTemplateId, fmt.Sprint(*v.VersionNumber)}
	})
	return &ec2.DescribeLaunchTemplateVersionsOutput{LaunchTemplateVersions: deref(rows), NextToken: next}, err
}

// versionSpan is the first and the last version that are asked for.
func versionSpan(in *ec2.DescribeLaunchTemplateVersionsInput) (least, most int, err error) {
	least, err = strconv.Atoi(cmp.Or(value(in.MinVersion), "1"))
	if err == nil {
		most, err = strconv.Atoi(cmp.Or(value(in.MaxVersion), strconv.Itoa(math.MaxInt32)))
	}
	if err != nil {
		return 0, 0, fail("InvalidParameterValue", "MinVersion and MaxVersion are numbers of versions.")
	}
	return least, most, nil
}

// numbers are those of the versions that are named, or of all.
func (t *template) numbers(named []string) ([]int, error) {
	var all []int
	if len(named) == 0 {
		for n := range t.Versions {
			all = append(all, n+1)
		}
		return all, nil
	}
	for _, v := range named {
		n, err := strconv.Atoi(v)
		switch {
		case v == "$Latest":
			n = len(t.Versions)
		case v == "$Default":
			n = int(*t.DefaultVersionNumber)
		case err != nil || n < 1 || n > len(t.Versions):
			return nil, fail("InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template.", v)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
