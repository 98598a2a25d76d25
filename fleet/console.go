package fleet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Console is what an instance has written on its serial console, as far as EC2 shows it, which is 64 KiB at most; empty
// if it shows nothing. What EC2 posts on its own is minutes old; the latest is what is there now, where the
// instance's type has that, and else the same. It may hold anything: it is the instance that writes.
func (s *Session) Console(ctx context.Context, instance string, latest bool) (string, error) {
	r := Request{Action: "GetConsoleOutput", Doing: "read the console of " + instance}
	in := &ec2.GetConsoleOutputInput{InstanceId: new(instance)}
	if latest {
		in.Latest = new(true)
	}
	out, err := Do(ctx, s, r, s.EC2.GetConsoleOutput, in)
	if e, ok := errors.AsType[*CallError](err); ok && latest && e.Code == "UnsupportedOperation" {
		// Only instances built on Nitro have the latest ("GetConsoleOutput" in the EC2 API Reference).
		return s.Console(ctx, instance, false)
	}
	if err != nil {
		return "", err
	}
	text, err := base64.StdEncoding.DecodeString(value(out.Output))
	if err != nil {
		return "", fmt.Errorf("read the console of %s: %w", instance, err)
	}
	return string(text), nil
}

// HostKeys are the keys by which the sshd of an instance proves who it is, as the instance told on its console at its
// boot; none if EC2 does not show them, or not yet. That the console is the instance's is EC2's word.
func (s *Session) HostKeys(ctx context.Context, instance string) ([]string, error) {
	text, err := s.Console(ctx, instance, true)
	if keys := ParseHostKeys(text); err != nil || len(keys) > 0 || len(text) < consoleFull {
		return keys, err
	}
	// A console that is this long has lost its beginning. What EC2 posted after the boot may have it.
	text, err = s.Console(ctx, instance, false)
	return ParseHostKeys(text), err
}

// consoleFull is how long a console is of which EC2 may not show the beginning any more: it shows 64 KiB.
const consoleFull = 60 << 10

// tailLines is how many lines of a console are worth reading when something went wrong.
const tailLines = 20

// Tail is the last lines of a console, without those that are empty at its end.
func Tail(console string) []string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(console, "\r", "")), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines[max(0, len(lines)-tailLines):]
}

// consolesRead is how many failed nodes of a command have their consoles read: a call each, and they tend to say the
// same.
const consolesRead = 5

// ReadConsoles adds to the first few nodes what they wrote last. It is a help and no more: that EC2 refuses to show a
// console, or that there is none, is no error.
func (s *Session) ReadConsoles(ctx context.Context, nodes []FailedNode) {
	for k := range nodes[:min(len(nodes), consolesRead)] {
		ended := nodes[k].Condition == "" || nodes[k].Condition == spec.WaitChecked // and has no latest any more
		if text, err := s.Console(ctx, nodes[k].Instance, !ended); err == nil {
			nodes[k].Console = Tail(text)
		}
	}
}
