package spec

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// A blockType is one kind of block of the language: what may stand in it. The whole language
// is the trees below rootBlock and imageRootBlock; decoding, suggestions and hints all read it.
type blockType struct {
	name   string
	label  string // what its one label is; empty: it has none
	once   bool   // at most one in its parent
	args   []string
	blocks []*blockType
}

var (
	imageBlock = &blockType{name: "image", once: true,
		args: []string{"id", "name", "owners", "family", "version", "channel"}}
	networkBlock = &blockType{name: "network", once: true,
		args: []string{"subnets", "security_groups", "key_name"}}
	sshBlock = &blockType{name: "ssh", once: true,
		args: []string{"user", "jump", "public"}}
	rootVolumeBlock = &blockType{name: "root_volume", once: true,
		args: []string{"size", "type", "iops", "throughput", "encrypted", "kms_key_id"}}
	launchBlock = &blockType{name: "launch", once: true,
		args: []string{"all", "min", "timeout", "wait", "subnets", "retry", "together", "reserve"}}
	capacityBlock = &blockType{name: "capacity", once: true,
		args: []string{"reservations", "reservation_group", "blocks", "only"}}
	updateBlock = &blockType{name: "update", once: true,
		args: []string{"max_unavailable", "order"}}
	dataVolumeBlock = &blockType{name: "volume", once: true, args: rootVolumeBlock.args}
	mountBlock      = &blockType{name: "mount", label: "name",
		args:   []string{"nfs", "efs", "fsx", "mount_name", "from", "options", "read_only"},
		blocks: []*blockType{dataVolumeBlock}}
	readyBlock = &blockType{name: "ready", label: "name",
		args: []string{"command", "timeout"}}
	slurmBlock = &blockType{name: "slurm", once: true,
		args: []string{"burst", "partition", "features", "weight"}}
	groupBlock = &blockType{name: "group", label: "name",
		args: []string{"count", "instance_type", "instance_types", "placement", "market", "fallback", "efa",
			"subnets", "security_groups", "instance_profile", "user_data", "tags", "ttl", "slots_per", "set_hostname"},
		blocks: []*blockType{imageBlock, rootVolumeBlock, capacityBlock, launchBlock, readyBlock, updateBlock, mountBlock, slurmBlock}}
	clusterBlock = &blockType{name: "cluster", label: "name",
		args:   []string{"region", "tags", "ttl", "set_hostname"},
		blocks: []*blockType{imageBlock, networkBlock, sshBlock, updateBlock, mountBlock, groupBlock}}
	validationBlock = &blockType{name: "validation", args: []string{"condition", "error_message"}}
	variableBlock   = &blockType{name: "variable", label: "name",
		args:   []string{"type", "default", "description", "sensitive", "nullable"},
		blocks: []*blockType{validationBlock}}
	localsBlock = &blockType{name: "locals"}
	rootBlock   = &blockType{name: "cluster file",
		blocks: []*blockType{variableBlock, localsBlock, clusterBlock}}

	baseBlock  = &blockType{name: "base", once: true, args: imageBlock.args}
	buildBlock = &blockType{name: "image", label: "name",
		args: []string{"version", "region", "provision", "provision_script", "instance_type", "instance_profile",
			"tags", "boot_test", "timeout"},
		blocks: []*blockType{baseBlock, networkBlock, rootVolumeBlock}}
	imageRootBlock = &blockType{name: "image file",
		blocks: []*blockType{variableBlock, localsBlock, buildBlock}}
)

// A language is what a kind of file is written in, and what messages about it say.
type language struct {
	root    *blockType
	made    string            // from the file
	secrets string            // a sentence about where they may stand, with a space before it
	foreign map[string]string // hints for words that are not of this language, before foreignWords
}

var (
	clusterLanguage = &language{root: rootBlock, made: "instances", secrets: " Only user_data may be sensitive."}
	imageLanguage   = &language{root: imageRootBlock, made: "image", secrets: " Secrets do not belong into an image.", foreign: foreignImageWords}
)

// The lock file is a language of its own, see Lock.
var (
	lockedBlock = &blockType{name: "image", label: "region",
		args: []string{"rehearsal", "asked", "id", "name", "owner", "created", "root_snapshot", "family", "version", "ancestors"}}
	lockFile     = &blockType{name: "lock file", blocks: []*blockType{lockedBlock}}
	lockLanguage = &language{root: lockFile, made: "lock"}
)

// schema is the type as HCL wants it. No argument is required there: what is missing is
// found by checks that can say more about it.
func (t *blockType) schema() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, a := range t.args {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: a})
	}
	for _, b := range t.blocks {
		h := hcl.BlockHeaderSchema{Type: b.name}
		if b.label != "" {
			h.LabelNames = []string{b.label}
		}
		s.Blocks = append(s.Blocks, h)
	}
	return s
}

// what names the type in a sentence.
func (t *blockType) what() string {
	if t == rootBlock || t == imageRootBlock || t == lockFile {
		return article(t.name)
	}
	return article(t.name) + " block"
}

// block is the type of block with this name inside t; nil if there is none.
func (t *blockType) block(name string) *blockType {
	i := slices.IndexFunc(t.blocks, func(b *blockType) bool { return b.name == name })
	if i < 0 {
		return nil
	}
	return t.blocks[i]
}

func (t *blockType) blockNames() []string {
	var names []string
	for _, b := range t.blocks {
		names = append(names, b.name)
	}
	return names
}

// within finds where below t something of this name is at home, as an argument or a block.
func (t *blockType) within(name string) (home *blockType) {
	for _, b := range t.blocks {
		if slices.Contains(b.args, name) || b.block(name) != nil {
			return b
		}
	}
	for _, b := range t.blocks {
		if home := b.within(name); home != nil {
			return home
		}
	}
	return nil
}
