package ec2sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// template is a launch template and its only version. There to be what an image is needed by: nothing is
// launched from it here.
type template struct {
	types.LaunchTemplate
	Data        types.ResponseLaunchTemplateData
	Description *string `json:",omitzero"` // of the version
	Token       string  `json:",omitzero"`
}

// modelledTemplate is what a launch template may hold here.
var modelledTemplate = []string{"EbsOptimized", "ImageId", "InstanceType", "KeyName", "SecurityGroupIds", "UserData"}

func (w *world) createLaunchTemplate(in *ec2.CreateLaunchTemplateInput) (*ec2.CreateLaunchTemplateOutput, error) {
	if key := beyond(in.LaunchTemplateData, "LaunchTemplateData.", modelledTemplate); key != "" {
		return nil, unmodelled("the parameter " + key + " of CreateLaunchTemplate")
	}
	if in.Operator != nil {
		return nil, unmodelled("launch templates of other operators")
	}
	name := *in.LaunchTemplateName
	if len(name) < 3 || len(name) > 128 {
		return nil, fail("InvalidLaunchTemplateName.MalformedException", "A launch template name must be between 3 and 128 characters long.")
	}
	if t := w.templateNamed(name); t != nil && t.Token != "" && t.Token == value(in.ClientToken) {
		return &ec2.CreateLaunchTemplateOutput{LaunchTemplate: w.viewTemplate(t)}, nil
	} else if t != nil {
		return nil, fail("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	tags, err := tagSpecifications(in.TagSpecifications, false, types.ResourceTypeLaunchTemplate)
	if err != nil {
		return nil, err
	}
	d := in.LaunchTemplateData
	t := &template{
		LaunchTemplate: types.LaunchTemplate{
			LaunchTemplateId: new(w.newID("lt-")), LaunchTemplateName: new(name), CreateTime: new(w.now.Truncate(time.Second)),
			CreatedBy: new("arn:aws:iam::" + w.account() + ":user/rehearsal"), DefaultVersionNumber: new(int64(1)), LatestVersionNumber: new(int64(1)),
			Operator: &types.OperatorResponse{Managed: new(false)},
		},
		Data: types.ResponseLaunchTemplateData{
			EbsOptimized: d.EbsOptimized, ImageId: d.ImageId, InstanceType: d.InstanceType, KeyName: d.KeyName,
			SecurityGroupIds: d.SecurityGroupIds, UserData: d.UserData,
		},
		Description: in.VersionDescription, Token: value(in.ClientToken),
	}
	w.Templates[*t.LaunchTemplateId] = t
	if m := tags[string(types.ResourceTypeLaunchTemplate)]; m != nil {
		w.Tags[*t.LaunchTemplateId] = m
	}
	return &ec2.CreateLaunchTemplateOutput{LaunchTemplate: w.viewTemplate(t)}, nil
}

func (w *world) viewTemplate(t *template) *types.LaunchTemplate {
	row := t.LaunchTemplate
	row.Tags = w.tags(*t.LaunchTemplateId)
	return &row
}

// templateNamed is the launch template with a name; nil if there is none.
func (w *world) templateNamed(name string) *template {
	for _, t := range w.Templates {
		if *t.LaunchTemplateName == name {
			return t
		}
	}
	return nil
}

// template finds a launch template by its id or, if there is none, by its name.
func (w *world) template(id, name *string) (*template, error) {
	if id == nil {
		if t := w.templateNamed(value(name)); t != nil {
			return t, nil
		}
		return nil, fail("InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name %s, does not exist.", value(name))
	}
	if err := templateKind.check(*id); err != nil {
		return nil, err
	}
	t := w.Templates[*id]
	if t == nil {
		return nil, templateKind.absent(*id)
	}
	return t, nil
}

func (w *world) deleteLaunchTemplate(in *ec2.DeleteLaunchTemplateInput) (*ec2.DeleteLaunchTemplateOutput, error) {
	t, err := w.template(in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	out := &ec2.DeleteLaunchTemplateOutput{LaunchTemplate: w.viewTemplate(t)}
	delete(w.Templates, *t.LaunchTemplateId)
	delete(w.Tags, *t.LaunchTemplateId)
	return out, nil
}

func (w *world) describeLaunchTemplates(in *ec2.DescribeLaunchTemplatesInput) (*ec2.DescribeLaunchTemplatesOutput, error) {
	all, err := pick(w.Templates, in.LaunchTemplateIds, templateKind, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range in.LaunchTemplateNames {
		if _, err := w.template(nil, &name); err != nil {
			return nil, err
		}
	}
	var rows []*types.LaunchTemplate
	for _, t := range all {
		if len(in.LaunchTemplateNames) == 0 || slices.Contains(in.LaunchTemplateNames, *t.LaunchTemplateName) {
			rows = append(rows, w.viewTemplate(t))
		}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 1, most: 200}
	rows, next, err := paged(w, rows, p, func(t *types.LaunchTemplate) []string { return []string{*t.LaunchTemplateId} })
	return &ec2.DescribeLaunchTemplatesOutput{LaunchTemplates: deref(rows), NextToken: next}, err
}

// describeLaunchTemplateVersions shows the versions of a template, or of all of them their newest or default.
func (w *world) describeLaunchTemplateVersions(in *ec2.DescribeLaunchTemplateVersionsInput) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	all, err := pick(w.Templates, nil, templateKind, nil)
	if err != nil {
		return nil, err
	}
	if in.LaunchTemplateId != nil || in.LaunchTemplateName != nil {
		t, err := w.template(in.LaunchTemplateId, in.LaunchTemplateName)
		if err != nil {
			return nil, err
		}
		all = []*template{t}
	} else if len(in.Versions) == 0 {
		return nil, fail("MissingParameter", "The request must contain the parameter LaunchTemplateId, LaunchTemplateName or Versions")
	}
	for _, v := range in.Versions {
		if !slices.Contains([]string{"$Latest", "$Default", "1"}, v) {
			return nil, fail("InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template.", v)
		}
	}
	if cmp.Or(value(in.MinVersion), "1") != "1" || cmp.Or(value(in.MaxVersion), "1") < "1" {
		all = nil
	}
	var rows []*types.LaunchTemplateVersion
	for _, t := range all {
		rows = append(rows, &types.LaunchTemplateVersion{
			LaunchTemplateId: t.LaunchTemplateId, LaunchTemplateName: t.LaunchTemplateName, VersionNumber: new(int64(1)), DefaultVersion: new(true),
			VersionDescription: t.Description, CreateTime: t.CreateTime, CreatedBy: t.CreatedBy, LaunchTemplateData: new(t.Data), Operator: t.Operator,
		})
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 1, most: 200}
	rows, next, err := paged(w, rows, p, func(v *types.LaunchTemplateVersion) []string { return []string{*v.LaunchTemplateId} })
	return &ec2.DescribeLaunchTemplateVersionsOutput{LaunchTemplateVersions: deref(rows), NextToken: next}, err
}
