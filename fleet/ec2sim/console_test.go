package ec2sim_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"cluster/fleet/ec2sim"
)

// TestTheConsoleIsLate holds when the host keys of an instance show: soon in the latest, and later in what EC2 posts.
func TestTheConsoleIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := slow()
		o.Timing.Boot, o.Timing.Posted = at(20*time.Second), time.Minute
		c := client(ec2sim.New(o))
		begin := time.Now()
		id := run(t, c, some(1))[0]
		has := func(d time.Duration, latest bool) string {
			time.Sleep(time.Until(begin.Add(d)))
			out, err := c.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &id, Latest: &latest})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := base64.StdEncoding.DecodeString(aws.ToString(out.Output))
			if err != nil {
				t.Fatal(err)
			}
			_, keys, _ := strings.Cut(string(raw), "-----BEGIN SSH HOST KEY KEYS-----\n")
			keys, _, _ = strings.Cut(keys, "-----END SSH HOST KEY KEYS-----\n")
			return keys
		}
		if keys := has(20*time.Second, true); keys != "" {
			t.Errorf("while it boots: %s", keys)
		}
		keys := has(60*time.Second, true)
		if !strings.HasPrefix(keys, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI") || strings.Count(keys, "\n") != 1 {
			t.Errorf("the keys are %q", keys)
		}
		if early := has(61*time.Second, false); early != "" {
			t.Errorf("posted at once: %s", early)
		}
		if late := has(3*time.Minute, false); late != keys {
			t.Errorf("posted %q, and the latest was %q", late, keys)
		}
	})
}

// TestAConsoleOfOnesOwn holds that what stands in for the console is all there is of it.
func TestAConsoleOfOnesOwn(t *testing.T) {
	texts := map[string]string{}
	c := client(ec2sim.New(ec2sim.Options{Instant: true, Console: func(id string) []byte { return []byte(texts[id]) }}))
	ids := run(t, c, some(2))
	texts[ids[0]] = "hello"
	for id, want := range map[string]string{ids[0]: "hello", ids[1]: ""} {
		if text, _ := console(t, c, id); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
}
