package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsimple"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"
)

// settingsFile is the name of the file that says what Slurm does not: it starts programs without any environment.
const settingsFile = "cluster-slurm.hcl"

// slurmSettings are what is in it. Paths are relative to its folder.
type slurmSettings struct {
	ClusterFile   string            `hcl:"cluster_file"`
	Arguments     []string          `hcl:"arguments,optional"`   // common flags, such as --var and --rehearse
	Environment   map[string]string `hcl:"environment,optional"` // such as AWS_PROFILE
	Spool         string            `hcl:"spool"`                // folder
	Log           string            `hcl:"log"`
	Scontrol      string            `hcl:"scontrol"`
	ResumeTimeout string            `hcl:"resume_timeout"` // Slurm's, as "15m0s"

	path   string
	conf   string        // SLURM_CONF
	resume time.Duration // what ResumeTimeout says
}

// readSlurmSettings finds and reads the settings.
func (a *app) readSlurmSettings(path string) (*slurmSettings, error) {
	conf := a.getenv("SLURM_CONF")
	if path == "" {
		path = filepath.Join(cmp.Or(filepath.Dir(conf), "/etc/slurm"), settingsFile)
		if conf == "" {
			path = filepath.Join("/etc/slurm", settingsFile)
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	src, err := readSmall(path)
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("cannot read %s: %s", slash(path), rootCause(err)), hint: "cluster slurm conf --out writes it; --settings names another."}
	}
	s := &slurmSettings{path: path, conf: conf}
	if err := hclsimple.Decode(path, src, nil, s); err != nil {
		if diags, ok := err.(hcl.Diagnostics); ok {
			return nil, &fileError{diags}
		}
		return nil, err
	}
	if s.resume, err = time.ParseDuration(s.ResumeTimeout); err != nil || s.resume <= 0 {
		return nil, &usageError{message: fmt.Sprintf("%s: resume_timeout %q is not a time", slash(path), s.ResumeTimeout), hint: `Write the ResumeTimeout of slurm.conf, such as "900s".`}
	}
	if s.conf == "" {
		s.conf = filepath.Join(filepath.Dir(path), "slurm.conf")
	}
	for _, p := range []*string{&s.ClusterFile, &s.Spool, &s.Log, &s.Scontrol} {
		if !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(path), *p)
		}
	}
	return s, nil
}

// take makes the program what the settings say: its environment, its common flags, and its log.
func (a *app) take(s *slurmSettings, root *cobra.Command) error {
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		if err := os.Setenv(name, s.Environment[name]); err != nil {
			return &usageError{message: fmt.Sprintf("%s: the environment cannot have %q: %v", slash(s.path), name, err)}
		}
	}
	if err := os.Setenv("SLURM_CONF", s.conf); err != nil {
		return err
	}
	a.env = os.Environ()
	if err := root.PersistentFlags().Parse(s.Arguments); err != nil {
		return &usageError{message: fmt.Sprintf("%s: arguments: %v", slash(s.path), err), hint: "They are common flags of cluster, such as --var and --region."}
	}
	return nil
}

// text is the settings as a file.
func (s *slurmSettings) text() []byte {
	f := hclwrite.NewEmptyFile()
	b := f.Body()
	b.AppendUnstructuredTokens(hclwrite.Tokens{{
		Type: hclsyntax.TokenComment, Bytes: []byte("# What cluster-slurm-resume and cluster-slurm-suspend are not told by Slurm.\n"),
	}})
	str := func(name, value string) { b.SetAttributeValue(name, cty.StringVal(value)) }
	str("cluster_file", s.ClusterFile)
	if len(s.Arguments) > 0 {
		var words []cty.Value
		for _, w := range s.Arguments {
			words = append(words, cty.StringVal(w))
		}
		b.SetAttributeValue("arguments", cty.ListVal(words))
	}
	if len(s.Environment) > 0 {
		vars := map[string]cty.Value{}
		for name, value := range s.Environment {
			vars[name] = cty.StringVal(value)
		}
		b.SetAttributeValue("environment", cty.MapVal(vars))
	}
	str("spool", s.Spool)
	str("log", s.Log)
	str("scontrol", s.Scontrol)
	str("resume_timeout", s.ResumeTimeout)
	return f.Bytes()
}

// passedOn are the variables of this environment that whoever works for Slurm needs too. No secret is among them.
func (a *app) passedOn() map[string]string {
	vars := map[string]string{}
	for _, kv := range a.env {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "HOME", "PATH":
			vars[name] = value
		}
	}
	return vars
}
