package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cluster/fleet/ec2sim"
	"cluster/spec"

	"github.com/google/go-cmp/cmp"
)

// The scenarios that have a name can be played, say what they are, and are laid out as fmt does it.
func TestNamedScenarios(t *testing.T) {
	names := scenarioNames()
	if want := []string{"bad-day", "busy-account", "calm", "shortage"}; !slices.Equal(names, want) {
		t.Errorf("scenarios %v, want %v", names, want)
	}
	for _, name := range names {
		src, err := scenarioFiles.ReadFile("scenarios/" + name + ".hcl")
		if err != nil {
			t.Fatal(err)
		}
		s, _, diags := parseScenario(name, src)
		if diags.HasErrors() || s.Name != name || description(name) == "" {
			t.Errorf("%s: %q, %q, %v", name, s.Name, description(name), diags)
		}
		if err := ec2sim.New(ec2sim.Options{}).Play(s); err != nil {
			t.Error(err)
		}
		if formatted, diags := spec.Format(src, name); diags.HasErrors() || string(formatted) != string(src) {
			t.Errorf("%s is not laid out as fmt does it: %v\n%s", name, diags, formatted)
		}
	}
}

func TestScenarioSaysWhatItSays(t *testing.T) {
	s, _, diags := parseScenario("day.hcl", []byte(`
scenario "day" {
  seed = 7
  capacity "c7i.*" "us-east-1a" {
    every = "1h"
    count = 4
    step {
      at    = "10m"
      count = 0
    }
  }
  drain "Run*" {
    requests = 1.5
    from     = "1m"
    to       = "2m"
    every    = "5m"
  }
  timing {
    visible = ["0s", "15s"]
    checks  = "4m"
  }
  boot {
    share = 0.25
    time  = "3m"
  }
  node {
    numbers = [2, 5]
    dies    = "Server.InternalError"
    after   = ["1m", "2m"]
  }
  fault "RunInstances" {
    calls = [1, 3]
    code  = "InternalError"
    done  = true
    slow  = "20s"
  }
  fault "*" {
    share = 0.1
    lost  = true
    to    = "1h"
  }
}
`))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	const m, sec = time.Minute, time.Second
	broken := ec2sim.Fault{Action: "RunInstances", Call: 1, Code: "InternalError", Message: "The scenario has this call end with InternalError.", Done: true, Slow: 20 * sec}
	again := broken
	again.Call = 3
	want := ec2sim.Scenario{
		Name: "day", Seed: 7,
		Supply: []ec2sim.Supply{{Type: "c7i.*", Zone: "us-east-1a", Every: time.Hour, Steps: []ec2sim.Step{{Count: 4}, {At: 10 * m}}}},
		Drains: []ec2sim.Drain{{Action: "Run*", Requests: 1.5, From: m, To: 2 * m, Every: 5 * m}},
		Timing: ec2sim.Timing{Visible: ec2sim.Range{Max: 15 * sec}, Checks: 4 * m},
		Boots:  []ec2sim.Boot{{Share: 0.25, Takes: ec2sim.Range{Min: 3 * m, Max: 3 * m}}},
		Faults: []ec2sim.Fault{
			{Instances: []int{2, 5}, Dies: "Server.InternalError", After: ec2sim.Range{Min: m, Max: 2 * m}},
			broken, again,
			{Action: "*", Share: 0.1, LoseReply: true, To: time.Hour},
		},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever a file holds, it is refused with a place, or it can be played.
func FuzzScenario(f *testing.F) {
	for _, name := range scenarioNames() {
		src, err := scenarioFiles.ReadFile("scenarios/" + name + ".hcl")
		if err != nil {
			f.Fatal(err)
		}
		f.Add("day.hcl", src)
	}
	script, err := os.ReadFile("../../testdata/script/scenario_mistakes.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(script), "\n-- ") {
		f.Add("day.hcl", []byte(part))
		f.Add("day.json", []byte(part))
	}
	f.Add("day.hcl", []byte(`scenario "day" {
  timing {
    pending = ["1s", null]
  }
  node {
    numbers = [null]
    stuck   = null
  }
}`))
	f.Fuzz(func(t *testing.T, name string, src []byte) {
		s, _, diags := parseScenario(name, src)
		for _, d := range diags {
			if d.Subject == nil || d.Summary == "" || d.Detail == "" {
				t.Errorf("a mistake without a place or words: %+v", d)
			}
		}
		if diags.HasErrors() {
			return
		}
		if err := ec2sim.New(ec2sim.Options{}).Play(s); err != nil {
			t.Error(err)
		}
	})
}
