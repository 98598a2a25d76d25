package ec2sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// A file that was written before a region knew of accounts, copies and launch templates is read, and so is
// one that has other accounts.
func TestOlderFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	o := ec2sim.Options{Instant: true, Path: path}
	r := open(t, o)
	run(t, client(r), some(1))
	run(t, clientOf(r, friend, "us-east-1"), of(ec2sim.AmazonLinux))
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stamp, rest, _ := bytes.Cut(raw, []byte("\n"))
	var state map[string]any
	if err := json.Unmarshal(rest, &state); err != nil {
		t.Fatal(err)
	}
	worlds := state["Worlds"].(map[string]any)
	for key, w := range worlds {
		w := w.(map[string]any)
		if _, ok := w["Images"]; ok != (key == "us-east-1") {
			t.Errorf("the images are kept in %s", key)
		}
		delete(w, "Copies")
		delete(w, "Templates")
	}
	if rest, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%s older\n%s", stamp, rest), 0o600); err != nil {
		t.Fatal(err)
	}
	r = open(t, o)
	for _, c := range []*ec2.Client{client(r), clientOf(r, friend, "us-east-1")} {
		if n := len(describe(t, c)); n != 1 {
			t.Errorf("%d instances", n)
		}
		in := copyOf(ec2sim.LookAlikeImage, "copied")
		in.ClientToken = aws.String("x")
		_, err := c.CopyImage(t.Context(), in)
		wantCode(t, err, "InvalidRequest", http.StatusBadRequest) // public, but not its snapshot
		if _, err := c.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("abc"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2sim.AmazonLinux)}}); err != nil {
			t.Error(err)
		}
	}
	if _, err := client(r).CopyImage(t.Context(), copyOf(ec2sim.BaseImage, "copied")); err != nil {
		t.Error(err)
	}
}
