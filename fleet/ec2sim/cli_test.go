package ec2sim_test

import (
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"cluster/fleet/ec2sim"
)

// The AWS CLI sees images, tags, permissions and states as EC2 would show them, from two accounts.
func TestAWSCLISeesImages(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("there is no AWS CLI (aws) on the path: its look at images was not tried")
	}
	r := ec2sim.New(ec2sim.Options{Instant: true})
	s := httptest.NewServer(r)
	defer s.Close()
	// as runs the CLI as an account. It returns the words of the answer, or the code of the error.
	as := func(account, args string, more ...string) []string {
		cmd := exec.Command("aws", append(append([]string{"ec2"}, strings.Fields(args)...), more...)...)
		cmd.Env = append(cmd.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_ACCESS_KEY_ID="+account, "AWS_SECRET_ACCESS_KEY=b", "AWS_DEFAULT_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_DEFAULT_OUTPUT=text")
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			_, code, _ := strings.Cut(errs.String(), "An error occurred (")
			code, _, ok := strings.Cut(code, ")")
			if !ok {
				t.Errorf("aws %s: %v %s", args, err, errs.String())
			}
			return []string{code}
		}
		return strings.Fields(out.String())
	}
	check := func(want, account, args string, more ...string) {
		t.Helper()
		if got := as(account, args, more...); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("aws %s as %s: got %q, want %q", args, account, got, want)
		}
	}
	const owner, other = "123456789012", "210987654321"
	source := run(t, client(r), some(1))[0]
	made := as(owner, "create-image --name hpc-1.0.0 --instance-id "+source+" --query ImageId --tag-specifications ResourceType=image,Tags=[{Key=a,Value=b}] ResourceType=snapshot,Tags=[{Key=a,Value=c}]")
	if len(made) != 1 || !strings.HasPrefix(made[0], "ami-") {
		t.Fatal(made)
	}
	image := made[0]
	snapshot := *imageNow(t, client(r), image).BlockDeviceMappings[0].Ebs.SnapshotId
	var all sync.WaitGroup
	all.Go(func() {
		check(image+" available hpc-1.0.0 "+source+" b "+snapshot, owner,
			"describe-images --owners self --filters Name=tag:a,Values=b Name=state,Values=available --query Images[].[ImageId,State,Name,SourceInstanceId,Tags[0].Value,BlockDeviceMappings[0].Ebs.SnapshotId]")
	})
	all.Go(func() {
		check("completed 100% c", owner, "describe-snapshots --owner-ids self --filters Name=tag-key,Values=a --query Snapshots[].[State,Progress,Tags[0].Value]")
		check("", owner, "modify-snapshot-attribute --attribute createVolumePermission --operation-type add --user-ids "+other+" --snapshot-id "+snapshot)
	})
	all.Go(func() {
		check("InvalidAMIID.NotFound", other, "copy-image --name mine --source-region us-east-1 --region eu-west-1 --source-image-id "+image)
		check("", owner, "modify-image-attribute --launch-permission Add=[{UserId="+other+"}] --image-id "+image)
		check(other, owner, "describe-image-attribute --attribute launchPermission --query LaunchPermissions[].UserId --image-id "+image)
		check(image+" None", other, "describe-images --executable-users self --query Images[].[ImageId,Tags]")
	})
	all.Wait()
	as(other, "copy-image --name mine --source-region us-east-1 --region eu-west-1 --source-image-id "+image)
	check("mine "+other+" "+image+" us-east-1 available", other, "describe-images --region eu-west-1 --owners self --query Images[].[Name,OwnerId,SourceImageId,SourceImageRegion,State]")
	check("success True", owner, "deregister-image --delete-associated-snapshots --query [DeleteSnapshotResults[0].ReturnCode,Return] --image-id "+image)
}
