package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"cluster/fleet/ec2sim"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// scenarioFiles are the scenarios that have a name: each is a file to copy and to change.
//
//go:embed scenarios/*.hcl
var scenarioFiles embed.FS

// openPlaying is openRegion with the scenario of --scenario in it. A mistake in that is found before the
// region is touched.
func (a *app) openPlaying(o ec2sim.Options) (*ec2sim.Region, error) {
	if a.scenario == "" {
		return a.openRegion(o)
	}
	s, err := a.readScenario(a.scenario)
	if err != nil {
		return nil, err
	}
	r, err := a.openRegion(o)
	if err != nil {
		return nil, err
	}
	return r, r.Play(s)
}

// readScenario finds a scenario by its name, or else reads it from a file.
func (a *app) readScenario(name string) (ec2sim.Scenario, error) {
	file := name
	src, err := scenarioFiles.ReadFile(path.Join("scenarios", name+".hcl"))
	if err != nil {
		if src, err = readSmall(name); err != nil {
			return ec2sim.Scenario{}, a.noScenario(name, err)
		}
	}
	s, parsed, diags := parseScenario(file, src)
	if a.sources == nil {
		a.sources = spec.Sources{}
	}
	a.sources[file] = parsed
	if diags.HasErrors() {
		return s, &fileError{diags}
	}
	return s, nil
}

// maxScenario is the size of a file, in bytes, from which it is taken for something else.
const maxScenario = 1 << 20

func readSmall(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0:
		return nil, errors.New("it is not a file")
	case info.Size() > maxScenario:
		return nil, fmt.Errorf("it has %d MiB, and a scenario has at most one", info.Size()>>20)
	}
	return os.ReadFile(name)
}

// noScenario says that there is no such scenario, and which there are.
func (a *app) noScenario(name string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return &usageError{message: fmt.Sprintf("cannot read the scenario %s: %s", slash(name), rootCause(err))}
	}
	e := &usageError{message: fmt.Sprintf("there is no scenario %q, and no such file", name)}
	if near := spec.Nearest(name, scenarioNames()); near != "" {
		e.hint = fmt.Sprintf("Did you mean %s? ", near)
	}
	e.hint += "The scenarios are " + strings.Join(scenarioNames(), ", ") + "; anything else is a file."
	return e
}

// rootCause is an error without the path and the operation that it begins with.
func rootCause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// scenarioNames are the scenarios that have a name, sorted.
func scenarioNames() (names []string) {
	entries, err := scenarioFiles.ReadDir("scenarios")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".hcl"))
	}
	return names
}

// needsRehearsal refuses a scenario for the real EC2, which plays its own.
func (a *app) needsRehearsal() error {
	if a.scenario == "" || a.rehearse {
		return nil
	}
	return &usageError{message: "--scenario is for rehearsals", hint: "Add --rehearse, or leave --scenario out: EC2 has days of its own."}
}

// parseScenario reads one scenario, in JSON syntax if the name of its file ends in .json. All mistakes are
// reported, in the order of the file.
func parseScenario(file string, src []byte) (ec2sim.Scenario, *hcl.File, hcl.Diagnostics) {
	x := &scenarioReader{}
	f := x.parse(file, src)
	s := x.scenario(f)
	return s, f, x.sorted()
}
