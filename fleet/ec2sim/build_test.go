package ec2sim_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"cluster/fleet/ec2sim"
)

// builder asks for an instance that runs a script.
func builder(script string) *ec2.RunInstancesInput {
	in := some(1)
	in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(script)))
	return in
}

// console is what an instance wrote, and whether it runs.
func console(t *testing.T, c *ec2.Client, id string) (text, state string) {
	t.Helper()
	out, err := c.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &id, Latest: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(aws.ToString(out.Output))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), string(describe(t, c, filter("instance-id", id))[0].State.Name)
}

func TestABuildOnTheConsole(t *testing.T) {
	for _, test := range []struct {
		name, script, mark, state string
	}{
		{"plain", "#!/bin/bash\necho hello\n", "", "running"},
		{"build", "#!/bin/bash\n# cluster: build t1\necho\n", "cluster-build t1 done", "running"},
		{"stops", "#!/bin/bash\n# cluster: build t2 then stop\n  exit 1\necho exit 2\n", "cluster-build t2 done", "stopped"},
		{"exit", "# cluster: build t3 then stop\nmake\nexit 12\n", "cluster-build t3 failed 12", "stopped"},
		{"false", "# cluster: build t4\nfalse\n", "cluster-build t4 failed 1", "running"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			synctest.Test(t, func(t *testing.T) {
				o := slow()
				o.Path, o.Timing.Provision, o.Timing.Checks = path, at(60*time.Second), 30*time.Second
				begin := time.Now()
				id := run(t, client(open(t, o)), builder(test.script))[0]
				until := func(d time.Duration) (string, string) {
					time.Sleep(time.Until(begin.Add(d)))
					return console(t, client(open(t, o)), id)
				}
				if text, _ := until(5 * time.Second); text != "" {
					t.Errorf("a pending instance wrote %q", text)
				}
				if text, _ := until(30 * time.Second); !strings.Contains(text, "Linux version") || strings.Contains(text, "login:") || strings.Contains(text, "cluster-build") {
					t.Errorf("before anything is over: %s", text)
				}
				if text, _ := until(50 * time.Second); !strings.Contains(text, "login:") {
					t.Errorf("after the status checks: %s", text)
				}
				until(85 * time.Second)
				text, state := until(95 * time.Second)
				if got := strings.Contains(text, "cluster-build"); got != (test.mark != "") || !strings.Contains(text, test.mark) || state != test.state {
					t.Errorf("afterwards %s: %s", state, text)
				}
			})
		})
	}
}

// An image that does not come up can be made by hand, and copies of it are as bad.
func TestAnImageThatDoesNotBoot(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	image := capture(t, c, run(t, c, builder("#!/bin/bash\n# cluster-sim: breaks boot\n"))[0], "bad")
	if n := len(r.Instances()); n != 1 {
		t.Errorf("%d instances live: it is the image that is bad", n)
	}
	out, err := c.CopyImage(t.Context(), copyOf(image, "bad-copy"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{image, *out.ImageId, r.AddImage(ec2sim.ImageSpec{Name: "broken", Broken: true})} {
		id := run(t, c, of(bad))[0]
		if i := describe(t, c, filter("instance-id", id))[0]; i.State.Name != "terminated" || *i.StateReason.Code != "Server.InternalError" {
			t.Errorf("an instance of %s is %s: %+v", bad, i.State.Name, i.StateReason)
		}
	}
}

// A fault may be one of an image's instances, by its id or its name.
func TestAFaultOfAnImage(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	r.Inject(ec2sim.Fault{Image: "hpc-base-2026.10", Impaired: true})
	r.Inject(ec2sim.Fault{Image: ec2sim.BaseImageBefore, Instances: []int{2}, Dies: "Server.InternalError"})
	run(t, c, some(1))
	before := of(ec2sim.BaseImageBefore)
	before.MinCount, before.MaxCount = aws.Int32(2), aws.Int32(2)
	bad := run(t, c, before)
	if n := len(r.Instances()); n != 2 {
		t.Errorf("%d instances live", n)
	}
	out, err := c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.InstanceStatuses {
		want := "ok"
		if *s.InstanceId == bad[0] {
			want = "impaired"
		}
		if string(s.InstanceStatus.Status) != want {
			t.Errorf("%s: %s, want %s", *s.InstanceId, s.InstanceStatus.Status, want)
		}
	}
	if text, _ := console(t, c, bad[0]); strings.Contains(text, "login:") {
		t.Errorf("an impaired instance wrote %s", text)
	}
}

func TestSnapshotsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(slow())
		c := client(r)
		source := run(t, c, some(1))[0]
		time.Sleep(20 * time.Second)
		r.Inject(ec2sim.Fault{Action: "CreateImage", Call: 1, Fails: "The volume could not be read"})
		bad, good := capture(t, c, source, "one"), capture(t, c, source, "two")
		bound := copyOf(ec2sim.BaseImage, "three")
		bound.Encrypted, bound.KmsKeyId = aws.Bool(true), aws.String("arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012")
		out, err := c.CopyImage(t.Context(), bound)
		if err != nil {
			t.Fatal(err)
		}
		if s := imageNow(t, c, bad).State; s != "pending" {
			t.Errorf("at first it is %s", s)
		}
		time.Sleep(5 * time.Minute)
		i := imageNow(t, c, bad)
		s := snapshotNow(t, c, *i.BlockDeviceMappings[0].Ebs.SnapshotId)
		if i.State != "failed" || *i.StateReason.Message != "The volume could not be read" || s.State != "error" || *s.StateMessage != *i.StateReason.Message {
			t.Errorf("%s %+v, snapshot %s %v", i.State, i.StateReason, s.State, s.StateMessage)
		}
		if s := imageNow(t, c, good).State; s != "available" {
			t.Errorf("the next one is %s", s)
		}
		if s := imageNow(t, c, *out.ImageId).State; s != "failed" {
			t.Errorf("a copy with another region's key is %s", s)
		}
	})
}
