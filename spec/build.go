package spec

import (
	"time"

	"github.com/hashicorp/hcl/v2"
)

// A Build is one checked image file: how the next version of an image is made from a base image by a
// script. LoadBuild returns one only if the file has no error, so its readers need not check it again.
type Build struct {
	Family          string // the label of the image block
	Version         string
	Region          string // empty: the AWS configuration chain decides
	Base            Image  // that the builder is launched from
	Script          []byte // that the builder runs as root; UserData, which is what EC2 gets, has at most 16 KiB
	InstanceType    string
	InstanceProfile string // name of an IAM instance profile; empty: none
	Network         Network
	RootVolume      RootVolume
	Tags            map[string]string // on the image and its snapshots, and on the builder
	BootTest        bool              // launch one instance of the image before the build counts as done
	Timeout         time.Duration     // from the launch of the builder until it has stopped; default one hour
	Source          Source
}

// defaultBuildTimeout is how long provisioning may take unless the file says otherwise.
const defaultBuildTimeout = time.Hour

// LoadBuild reads, evaluates and checks one image file, as Load does a cluster file.
func LoadBuild(path string, o Options) (*Build, Sources, hcl.Diagnostics) {
	return limited(maxTime, newLoader(path, imageLanguage), func(l *loader) *Build { return l.loadBuild(path, o) })
}

// IsImageFile says whether a file is an image file by the blocks at its top: an image and no cluster.
// It is false for a file that cannot be read or has a syntax error.
func IsImageFile(path string) bool {
	l := newLoader(path, clusterLanguage)
	f := l.parse(path, l.lang.root.name)
	return f != nil && isImageFile(f.Body)
}

func isImageFile(body hcl.Body) bool {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: buildBlock.name, LabelNames: []string{buildBlock.label}},
		{Type: clusterBlock.name, LabelNames: []string{clusterBlock.label}},
	}})
	return len(content.Blocks.OfType(buildBlock.name)) > 0 && len(content.Blocks.OfType(clusterBlock.name)) == 0
}

func (l *loader) loadBuild(path string, o Options) *Build {
	f := l.parse(path, l.lang.root.name)
	if f == nil {
		return nil
	}
	if content, _, _ := f.Body.PartialContent(rootBlock.schema()); len(content.Blocks.OfType("cluster")) > 0 {
		l.errorf(content.Blocks.OfType("cluster")[0].DefRange, "A cluster file, not an image file",
			"The file describes a cluster, which is for cluster up. What an image is built from stands in a file of its own, with an image block at the top.")
		return nil
	}
	content, diags := l.top(f, o)
	images := content.Blocks.OfType("image")
	if len(images) == 0 {
		if !diags.HasErrors() {
			l.errorf(content.MissingItemRange, "No image block", `An image file has one image block: image "hpc-base" { … }.`)
		}
		return nil
	}
	for _, b := range images[1:] {
		l.errorf(b.DefRange, "Second image block", "One file is one image, and this file has image %q at %s. Move one of them to a file of its own.",
			images[0].Labels[0], position(images[0].DefRange))
	}
	l.walk(images[0].Body, buildBlock, nil)
	return l.build(images[0])
}
