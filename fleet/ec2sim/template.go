package ec2sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// template is a launch template. It is there to be what an image is needed by: nothing is launched from it.
type template struct {
	types.LaunchTemplate
	Token    string `json:",omitzero"` // that it was made with
	Versions []templateVersion
}

// templateVersion is a version of a launch template; the first has the number 1.
type templateVersion struct {
	Made        time.Time
	Token       string `json:",omitzero"` // that it was added with
	Description *string
	Data        types.ResponseLaunchTemplateData
}

// modelledTemplate is what a launch template may hold here.
var modelledTemplate = []string{"EbsOptimized", "ImageId", "InstanceType", "KeyName", "SecurityGroupIds", "UserData"}

// AddTemplate adds a version to a launch template that names an image, and the template if there is none
// of the name. region is "" for the Options' region. It returns the template's id.
func (r *Region) AddTemplate(region, name, image string) (id string) {
	err := r.locked(func() error {
		w := r.world(cmp.Or(region, r.o.Region))
		t := w.templateNamed(name)
		if t == nil {
			t = w.addTemplate(name)
		}
		t.add(templateVersion{Made: w.now.Truncate(time.Second), Data: types.ResponseLaunchTemplateData{ImageId: new(image)}})
		id = *t.LaunchTemplateId
		return nil
	})
	if err != nil {
		panic(err)
	}
	return id
}

// addTemplate adds a launch template that has no version yet.
func (w *world) addTemplate(name string) *template {
	t := &template{LaunchTemplate: types.LaunchTemplate{
		LaunchTemplateId: new(w.newID("lt-")), LaunchTemplateName: new(name), CreateTime: new(w.now.Truncate(time.Second)),
		CreatedBy: new("arn:aws:iam::" + w.account() + ":user/rehearsal"), DefaultVersionNumber: new(int64(1)),
		Operator: &types.OperatorResponse{Managed: new(false)},
	}}
	w.Templates[*t.LaunchTemplateId] = t
	return t
}

func (t *template) add(v templateVersion) {
	t.Versions = append(t.Versions, v)
	t.LatestVersionNumber = new(int64(len(t.Versions)))
}

// templateData reads what a version of a launch template holds.
func templateData(d *types.RequestLaunchTemplateData, action string) (types.ResponseLaunchTemplateData, error) {
	if key := beyond(d, "LaunchTemplateData.", modelledTemplate); key != "" {
		return types.ResponseLaunchTemplateData{}, unmodelled("the parameter " + key + " of " + action)
	}
	return types.ResponseLaunchTemplateData{
		EbsOptimized: d.EbsOptimized, ImageId: d.ImageId, InstanceType: d.InstanceType, KeyName: d.KeyName,
		SecurityGroupIds: d.SecurityGroupIds, UserData: d.UserData,
	}, nil
}

func (w *world) createLaunchTemplate(in *ec2.CreateLaunchTemplateInput) (*ec2.CreateLaunchTemplateOutput, error) {
	data, err := templateData(in.LaunchTemplateData, "CreateLaunchTemplate")
	if err != nil {
		return nil, err
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
	t := w.addTemplate(name)
	t.Token = value(in.ClientToken)
	t.add(templateVersion{Made: *t.CreateTime, Description: in.VersionDescription, Data: data})
	if m := tags[string(types.ResourceTypeLaunchTemplate)]; m != nil {
		w.Tags[*t.LaunchTemplateId] = m
	}
	return &ec2.CreateLaunchTemplateOutput{LaunchTemplate: w.viewTemplate(t)}, nil
}

// createLaunchTemplateVersion adds a version to a launch template. It is made of what is given, and of
// nothing that another version has.
func (w *world) createLaunchTemplateVersion(in *ec2.CreateLaunchTemplateVersionInput) (*ec2.CreateLaunchTemplateVersionOutput, error) {
	t, err := w.template(in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	if in.SourceVersion != nil {
		return nil, unmodelled("versions of a launch template that are made from another")
	}
	data, err := templateData(in.LaunchTemplateData, "CreateLaunchTemplateVersion")
	if err != nil {
		return nil, err
	}
	token := value(in.ClientToken)
	if n := slices.IndexFunc(t.Versions, func(v templateVersion) bool { return token != "" && v.Token == token }); n >= 0 {
		return &ec2.CreateLaunchTemplateVersionOutput{LaunchTemplateVersion: t.view(n + 1)}, nil
	}
	t.add(templateVersion{Made: w.now.Truncate(time.Second), Token: token, Description: in.VersionDescription, Data: data})
	return &ec2.CreateLaunchTemplateVersionOutput{LaunchTemplateVersion: t.view(len(t.Versions))}, nil
}

func (w *world) viewTemplate(t *template) *types.LaunchTemplate {
	row := t.LaunchTemplate
	row.Tags = w.tags(*t.LaunchTemplateId)
	return &row
}

// view is the n-th version of a launch template.
func (t *template) view(n int) *types.LaunchTemplateVersion {
	v := t.Versions[n-1]
	return &types.LaunchTemplateVersion{
		LaunchTemplateId: t.LaunchTemplateId, LaunchTemplateName: t.LaunchTemplateName, VersionNumber: new(int64(n)),
		DefaultVersion: new(int64(n) == *t.DefaultVersionNumber), VersionDescription: v.Description, CreateTime: new(v.Made),
		CreatedBy: t.CreatedBy, LaunchTemplateData: new(v.Data), Operator: t.Operator,
	}
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
