package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// dynamicHeader and dynamicBlock are what package dynblock reads of a dynamic block.
var (
	dynamicHeader = hcl.BlockHeaderSchema{Type: "dynamic", LabelNames: []string{"type"}}
	dynamicBlock  = &blockType{name: "dynamic", args: []string{"for_each", "iterator", "labels"},
		blocks: []*blockType{{name: "content"}}}
)

// walk looks at a body as it is written, before any dynamic block is expanded, so that a
// wrong name is found even in a block that this time is made zero times. It checks names of
// arguments, of blocks and of what expressions refer to.
func (l *loader) walk(body hcl.Body, t *blockType, iterators []string) {
	schema := t.schema()
	schema.Blocks = append(schema.Blocks, dynamicHeader)
	content, diags := body.Content(schema)
	l.add(l.explainStructure(diags, t)...)
	for _, name := range sortedKeys(content.Attributes) {
		l.checkExpression(content.Attributes[name].Expr, iterators)
	}
	for _, b := range content.Blocks {
		if b.Type == dynamicHeader.Type {
			l.walkDynamic(b, t, iterators)
			continue
		}
		l.walk(b.Body, t.block(b.Type), iterators)
	}
}

func (l *loader) walkDynamic(b *hcl.Block, t *blockType, iterators []string) {
	made := t.block(b.Labels[0])
	if made == nil {
		l.errorf(b.LabelRanges[0], "Unsupported block type", "%s", l.unknownBlock(b.Labels[0], t))
		return
	}
	content, diags := b.Body.Content(dynamicBlock.schema())
	l.add(l.explainStructure(diags, dynamicBlock)...)
	if a := content.Attributes["for_each"]; a != nil {
		l.checkExpression(a.Expr, iterators)
	}
	iterator := made.name
	if a := content.Attributes["iterator"]; a != nil {
		if name := hcl.ExprAsKeyword(a.Expr); name != "" {
			iterator = name
		}
	}
	inner := append(slices.Clone(iterators), iterator)
	if a := content.Attributes["labels"]; a != nil {
		l.checkExpression(a.Expr, inner)
	}
	for _, c := range content.Blocks {
		l.walk(c.Body, made, inner)
	}
	l.checkDynamic(b, made, content)
}

// checkDynamic finds what a dynamic block lacks. Package dynblock says so too, at a place
// that is hard to see and for blocks that are made only; saidByWalk drops that.
func (l *loader) checkDynamic(b *hcl.Block, made *blockType, content *hcl.BodyContent) {
	if content.Attributes["for_each"] == nil {
		l.errorf(b.DefRange, "Incomplete dynamic block", "A dynamic block needs for_each, the collection whose elements become blocks.")
	}
	switch labels := content.Attributes["labels"]; {
	case made.label != "" && labels == nil:
		l.errorf(b.DefRange, "Incomplete dynamic block", "Every %s has a name, so labels is needed, such as labels = [%s.key].", made.name, made.name)
	case made.label == "" && labels != nil:
		l.errorf(labels.NameRange, "Unsupported argument", "%s block has no name, so there is nothing for labels to say.", sentence(article(made.name)))
	}
	switch blocks := content.Blocks; {
	case len(blocks) == 0:
		l.errorf(b.DefRange, "Incomplete dynamic block", "What every %s says stands in a block named content, and there is none.", made.name)
	case len(blocks) > 1:
		l.errorf(blocks[1].DefRange, "Second content block", "A dynamic block has one content block, and there is one at %s already.", position(blocks[0].DefRange))
	}
}

// saidByWalk says whether a diagnostic is about the shape of a body. walk has reported it, in
// better words, whatever a later look at the same body finds.
func saidByWalk(d *hcl.Diagnostic) bool {
	switch d.Summary {
	case "Unsupported argument", "Unsupported block type", "Extraneous JSON object property",
		"Missing required argument", "Missing dynamic content block", "Extraneous dynamic content block":
		return true
	}
	return strings.HasPrefix(d.Summary, "Missing name for ") || strings.HasPrefix(d.Summary, "Extraneous label for ") ||
		strings.HasPrefix(d.Summary, "Missing type for ")
}

// explainDynamic says in this language's words what package dynblock has found.
func explainDynamic(d *hcl.Diagnostic) {
	switch d.Summary {
	case "Extraneous dynamic block label", "Insufficient dynamic block labels":
		d.Summary = "Invalid name"
		d.Detail = "A block has one name, so labels has one element: labels = [name]."
	case "Invalid dynamic for_each value":
		d.Detail = strings.Replace(d.Detail, "An iterable collection is required.", "It takes a list, a set or a map.", 1)
	case "Invalid dynamic block label":
		d.Summary = "Invalid name"
		switch {
		case strings.Contains(d.Detail, "marks"):
			d.Detail = "The name is made from a sensitive value, and names are shown."
		case strings.Contains(d.Detail, "null"):
			d.Detail = "The name is null."
		case strings.Contains(d.Detail, "not yet known"):
			d.Extra = consequence{}
		}
	}
}

// explainStructure says in this language's words what HCL has found about the shape of a body.
func (l *loader) explainStructure(diags hcl.Diagnostics, t *blockType) hcl.Diagnostics {
	for _, d := range diags {
		switch {
		case d.Summary == "Unsupported argument":
			d.Detail = l.unknownArgument(l.nameAt(d.Subject), t)
		case d.Summary == "Unsupported block type":
			d.Detail = l.unknownBlock(l.nameAt(d.Subject), t)
		case d.Summary == "Extraneous JSON object property":
			d.Summary = "Unsupported property"
			d.Detail = l.unknownProperty(l.nameAt(d.Subject), t)
		case strings.HasPrefix(d.Summary, "Missing name for "):
			kind := strings.TrimPrefix(d.Summary, "Missing name for ")
			d.Detail = fmt.Sprintf("Every %s block has a name in quotes: %s %q { … }.", kind, kind, exampleName[kind])
		case d.Summary == "Missing type for dynamic":
			d.Detail = `A dynamic block names the kind of block that it makes: dynamic "group" { … }.`
		case strings.HasPrefix(d.Summary, "Extraneous label for "):
			kind := strings.TrimPrefix(d.Summary, "Extraneous label for ")
			if exampleName[kind] != "" && (kind != buildBlock.name || t == imageRootBlock) {
				d.Summary = "Second name for " + kind
				d.Detail = fmt.Sprintf("%s block has one name: %s %q { … }.", sentence(article(kind)), kind, exampleName[kind])
			} else {
				d.Summary = "Name for " + kind
				d.Detail = fmt.Sprintf("%s block has no name: write %s { … }.", sentence(article(kind)), kind)
			}
		}
	}
	return diags
}

var exampleName = map[string]string{
	"cluster": "cfd", "group": "compute", "variable": "nodes", "dynamic": "group", "image": "hpc-base",
	"mount": "/shared", "ready": "mounts",
}

// nameAt is the word a diagnostic points at, without quotes.
func (l *loader) nameAt(r *hcl.Range) string {
	f := l.files[r.Filename]
	if f == nil || !r.CanSliceBytes(f.Bytes) {
		return ""
	}
	return strings.Trim(string(r.SliceBytes(f.Bytes)), `"`)
}

func (l *loader) unknownArgument(name string, t *blockType) string {
	if t.block(name) != nil {
		return fmt.Sprintf("In %s, %q is a block: write %s { … }, without the equals sign.", t.what(), name, name)
	}
	return fmt.Sprintf("%s has no argument %q.%s", sentence(t.what()), name, l.hintFor(name, t, t.args))
}

func (l *loader) unknownBlock(name string, t *blockType) string {
	if slices.Contains(t.args, name) {
		return fmt.Sprintf("In %s, %q is an argument: write %s = …, with an equals sign.", t.what(), name, name)
	}
	return fmt.Sprintf("%s has no block %q.%s", sentence(t.what()), name, l.hintFor(name, t, t.blockNames()))
}

func (l *loader) unknownProperty(name string, t *blockType) string {
	all := append(slices.Clone(t.args), t.blockNames()...)
	return fmt.Sprintf("%s has no argument or block %q.%s", sentence(t.what()), name, l.hintFor(name, t, all))
}

// hintFor says what to write instead of an unknown name: the near word, the block it
// belongs in, the word of this language for a word of another one, or what there is.
func (l *loader) hintFor(name string, t *blockType, known []string) string {
	if hint, ok := l.lang.foreign[name]; ok {
		return " " + hint
	}
	if hint, ok := foreignWords[name]; ok {
		return " " + hint
	}
	if home := t.within(name); home != nil {
		return fmt.Sprintf(" It belongs in %s.", home.what())
	}
	if s := didYouMean(name, known); s != "" {
		return s
	}
	if home := l.lang.root.within(name); home != nil && home != t {
		return fmt.Sprintf(" It belongs in %s.", home.what())
	}
	if len(known) == 0 {
		return ""
	}
	return fmt.Sprintf(" There is %s.", join(known, "and"))
}

// foreignWords are names that people bring along from Terraform and the EC2 API.
var foreignWords = map[string]string{
	"ami":                         `The image is a block: image { id = "ami-…" }.`,
	"ami_id":                      `The image is a block: image { id = "ami-…" }.`,
	"image_id":                    `The image is a block: image { id = "ami-…" }.`,
	"most_recent":                 "With name, the newest match is always taken.",
	"subnet":                      "Write subnets, a list that is tried in order.",
	"subnet_id":                   "Write subnets, a list that is tried in order.",
	"subnet_ids":                  "Write subnets, a list that is tried in order.",
	"availability_zone":           "The zone is that of the subnet: write subnets.",
	"zone":                        "The zone is that of the subnet: write subnets.",
	"zones":                       "The zone is that of the subnet: write subnets.",
	"vpc_security_group_ids":      "Write security_groups, a list of ids.",
	"security_group_ids":          "Write security_groups, a list of ids.",
	"iam_instance_profile":        "Write instance_profile, the name of the profile.",
	"iam_role":                    "Write instance_profile, the name of an instance profile.",
	"user_data_base64":            "Write user_data, as plain text: it is encoded on the way.",
	"spot":                        `Write market = "spot".`,
	"placement_group":             `Write placement = "cluster": the placement group is made and removed with the cluster.`,
	"root_block_device":           "Write a root_volume block.",
	"ebs_block_device":            "Only the root volume can be changed: write a root_volume block.",
	"block_device_mappings":       "Only the root volume can be changed: write a root_volume block.",
	"volume_size":                 "It is size, in a root_volume block.",
	"volume_type":                 "It is type, in a root_volume block.",
	"delete_on_termination":       "The root volume of a node is always deleted with it.",
	"metadata_options":            "Instance metadata always wants a token (IMDSv2), and shows the tags.",
	"associate_public_ip_address": "The subnet decides about public addresses.",
	"resource":                    "That is Terraform's; a cluster file describes nodes in group blocks inside its cluster block.",
	"data":                        "That is Terraform's; images are found by the image block.",
	"provider":                    "That is Terraform's; the region stands in the cluster block.",
	"terraform":                   "That is Terraform's; a cluster file needs no such settings.",
	"module":                      "That is Terraform's; one file is one cluster.",
	"output":                      "That is Terraform's; see cluster status --json.",
	"local":                       "Write a locals block: locals { name = … }.",
	"var":                         `Write a variable block: variable "name" { … }.`,
	"rolling_update":              `Write an update block: update { max_unavailable = "10%" }.`,
	"update_policy":               `Write an update block: update { max_unavailable = "10%" }.`,
	"instance_refresh":            `Write an update block: update { max_unavailable = "10%" }.`,
	"max_surge":                   `Write order = "launch-first" in an update block: max_unavailable nodes are launched before as many go.`,
	"readiness_probe":             `Write a ready block: ready "mounts" { command = "mountpoint -q /shared" }.`,
	"health_check":                `Write a ready block: ready "mounts" { command = "mountpoint -q /shared" }.`,
	"create_before_destroy":       `Write order = "launch-first" in an update block.`,
	"ssh_user":                    `Write an ssh block: ssh { user = "ec2-user" }.`,
	"bastion":                     `Write an ssh block: ssh { jump = "head" }.`,
	"hostname":                    "Write set_hostname = true: each node is called by its own name, such as compute-3.",
	"host_name":                   "Write set_hostname = true: each node is called by its own name, such as compute-3.",
	"mounts":                      `Write a mount block for each: mount "/shared" { efs = "fs-…" }.`,
	"shared_storage":              `Write a mount block: mount "/shared" { efs = "fs-…" }.`,
	"lustre":                      `Write fsx, with its mount_name, in a mount block: mount "/scratch" { fsx = "fs-…" }.`,
	"server":                      `Write nfs = "server:/export" in a mount block.`,
	"for_each":                    `Blocks are repeated by dynamic "group" { for_each = … }.`,
}

// foreignImageWords are names that people bring along to an image file.
var foreignImageWords = map[string]string{
	"ami":            `The image that it is built from is a block: base { id = "ami-…" }.`,
	"ami_id":         `The image that it is built from is a block: base { id = "ami-…" }.`,
	"image_id":       `The image that it is built from is a block: base { id = "ami-…" }.`,
	"image":          `The image that it is built from is a block: base { id = "ami-…" }.`,
	"source_ami":     `The image that it is built from is a block: base { id = "ami-…" }.`,
	"parent":         `The image that it is built from is a block: base { id = "ami-…" }.`,
	"user_data":      "The builder's user data is made from the script: write provision, its path.",
	"script":         "Write provision, the path of the script, or provision_script, its text.",
	"build":          "Write provision, the path of the script, or provision_script, its text.",
	"provisioner":    "Write provision, the path of the script, or provision_script, its text.",
	"ssh_username":   "Nobody logs in to a builder: its script comes with it and runs as root.",
	"instance_types": "A builder is one instance: write instance_type.",
	"count":          "A builder is one instance.",
	"group":          "An image file describes an image; nodes are described in a cluster file.",
	"channel":        "A new version holds no channel until it is promoted: cluster image promote.",
	"regions":        "A version is copied to other regions when it is there: cluster image copy.",
	"ami_regions":    "A version is copied to other regions when it is there: cluster image copy.",
	"ami_users":      "A version is shared when it is there: cluster image share.",
	"ami_name":       "The name of the image is made from its family and version.",
	"source":         "That is Packer's; the image that is built from is the base block.",
	"builder":        "That is Packer's; what the builder is like stands in the image block itself.",
	"resource":       "That is Terraform's.",
}
