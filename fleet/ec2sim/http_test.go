package ec2sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"cluster/fleet/ec2sim"
)

// get asks the endpoint like a browser.
func get(t *testing.T, endpoint, query string) (int, string) {
	t.Helper()
	a, err := http.Get(endpoint + query)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(body)
}

func post(t *testing.T, endpoint, body string) int {
	t.Helper()
	a, err := http.Post(endpoint, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	return a.StatusCode
}

func TestOverAConnection(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	s := httptest.NewServer(r)
	defer s.Close()
	for query, want := range map[string]struct {
		status int
		holds  string
	}{
		"/?Action=DescribeRegions&Version=2016-11-15&RegionName.1=us-west-2": {200, "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>"},
		"/?Action=Conjure": {400, "<Code>InvalidAction</Code><Message>The action Conjure is not valid for this web service.</Message>"},
		"/?":               {400, "<Code>MissingAction</Code>"},
		"/?Action=DescribeRegions&Version=2010-01-01":                              {400, "<Code>NoSuchVersion</Code>"},
		"/?Action=DescribeRegions&Colour=red":                                      {400, "<Code>UnknownParameter</Code>"},
		"/?Action=GetCallerIdentity&Version=2011-06-15":                            {200, "<Account>123456789012</Account>"},
		"/?Action=AssumeRole&Version=2011-06-15":                                   {400, "<Code>InvalidAction</Code>"},
		"/?Action=DescribeSubnets&X-Amz-Credential=A/d/eu-west-3/ec2/aws4_request": {200, "eu-west-3a"},
		"/_rehearsal/nonsense":                                                     {404, "/_rehearsal/journal"},
	} {
		if status, body := get(t, s.URL, query); status != want.status || !strings.Contains(body, want.holds) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	if status := post(t, s.URL+"/_rehearsal/fault", `{"Action":"DescribeRegions","LoseReply":true}`); status != http.StatusNoContent {
		t.Errorf("injecting a fault: %d", status)
	}
	if status := post(t, s.URL+"/_rehearsal/fault", `{"Action":"DescribeRegions"}`); status != http.StatusBadRequest {
		t.Errorf("injecting a fault that does nothing: %d", status)
	}
	if a, err := http.Get(s.URL + "/?Action=DescribeRegions"); err == nil {
		t.Errorf("a lost reply: %v", a.Status)
	}
	run(t, client(r), some(3))
	var calls []ec2sim.Call
	_, journal := get(t, s.URL, "/_rehearsal/journal")
	if err := json.Unmarshal([]byte(journal), &calls); err != nil {
		t.Fatal(err)
	}
	if last := calls[len(calls)-1]; last.Action != "RunInstances" || last.Instances != 3 || last.Params.Get("ImageId") != ec2sim.BaseImage {
		t.Errorf("journal: %s", journal)
	}
	if status := post(t, s.URL+"/_rehearsal/reset", ""); status != http.StatusNoContent {
		t.Errorf("reset: %d", status)
	}
	if len(r.Instances()) != 0 || len(r.Journal()) != 0 {
		t.Error("something is left after a reset")
	}
}

// The SDK over a real connection, with its own retries: a broken one is tried again and launches once.
func TestTheSDKOverAConnection(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	s := httptest.NewServer(r)
	defer s.Close()
	r.Inject(ec2sim.Fault{Action: "RunInstances", Call: 1, LoseReply: true})
	o := client(r).Options()
	o.BaseEndpoint, o.HTTPClient, o.Retryer = &s.URL, s.Client(), nil
	out, err := ec2.New(o).RunInstances(t.Context(), some(2))
	if err != nil || len(out.Instances) != 2 || len(r.Instances()) != 2 {
		t.Errorf("%v %v, %d instances", out, err, len(r.Instances()))
	}
}

// A client that nobody here wrote, and that minds the case of names: the AWS CLI.
func TestAWSCLI(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("there is no AWS CLI (aws) on the path: its session with the embedded region was not tried")
	}
	r := ec2sim.New(ec2sim.Options{Speed: 10_000})
	s := httptest.NewServer(r)
	defer s.Close()
	cli := func(args string, more ...string) (string, string) {
		cmd := exec.Command("aws", append(append([]string{"ec2"}, strings.Fields(args)...), more...)...)
		cmd.Env = append(cmd.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_DEFAULT_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_DEFAULT_OUTPUT=text")
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil && errs.Len() == 0 {
			t.Error(err)
		}
		return strings.TrimSpace(out.String()), strings.TrimSpace(errs.String())
	}
	refused := func(want, args string, more ...string) {
		t.Helper()
		if out, errs := cli(args, more...); !strings.Contains(errs, "("+want+")") {
			t.Errorf("aws %s: got %s %s, want %s", args, out, errs, want)
		}
	}
	works := func(args string, more ...string) []string {
		t.Helper()
		out, errs := cli(args, more...)
		if errs != "" {
			t.Errorf("aws %s: %s", args, errs)
		}
		return strings.Fields(out)
	}
	if got := works("describe-images --owners self --filters Name=tag:cluster:image-channel,Values=stable Name=architecture,Values=x86_64 --query Images[].[ImageId,RootDeviceName,BlockDeviceMappings[0].Ebs.SnapshotId]"); !slices.Equal(got, []string{ec2sim.BaseImageBefore, "/dev/xvda", ec2sim.RootSnapshot(ec2sim.BaseImageBefore)}) {
		t.Errorf("images: %v", got)
	}
	launch := "run-instances --image-id " + ec2sim.BaseImage + " --instance-type c7i.large --subnet-id " + ec2sim.SubnetA + " --query Instances[].InstanceId"
	tags := []string{"--tag-specifications", "ResourceType=instance,Tags=[{Key=team,Value=a & <b>}]"}
	fifty := works(launch+" --count 50 --client-token one", tags...)
	if len(fifty) != 50 {
		t.FailNow()
	}
	r.SetCapacity(ec2sim.Pool{Type: "c7i.large", Zone: "us-east-1a"}, 50)
	works("create-tags --tags Key=rank,Value=0 --resources " + fifty[0])
	// A call costs the CLI most of a second, so those that do not depend on each other share it.
	var all sync.WaitGroup
	all.Go(func() {
		if again := works(launch+" --count 50 --client-token one", tags...); len(fifty) != 50 || !slices.Equal(fifty, again) {
			t.Errorf("%d instances, and again %v", len(fifty), again)
		}
	})
	all.Go(func() {
		filters := []string{"--filters", "Name=tag:team,Values=a & <b>", "Name=instance-state-name,Values=running,pending"}
		if got := works("describe-instances --page-size 20 --query Reservations[].Instances[].InstanceId", filters...); len(got) != 50 {
			t.Errorf("%d instances by pages of 20", len(got))
		}
	})
	all.Go(func() {
		got := works("describe-instances --query Reservations[].Instances[].[InstanceId,SubnetId,Tags[0].Value] --filters Name=tag:rank,Values=?")
		if !slices.Equal(got, []string{fifty[0], ec2sim.SubnetA, "0"}) {
			t.Errorf("tagged: %v", got)
		}
	})
	all.Go(func() { refused("DryRunOperation", launch+" --dry-run") })
	all.Go(func() {
		refused("IdempotentParameterMismatch", launch+" --count 49 --client-token one", tags...)
		refused("InsufficientInstanceCapacity", launch)
	})
	all.Go(func() {
		refused("InvalidInstanceID.NotFound", "terminate-instances --instance-ids i-0123456789abcdef0")
		refused("InvalidAction", "describe-bundle-tasks")
	})
	all.Wait()
	if got := works("terminate-instances --query TerminatingInstances[].CurrentState.Name --instance-ids " + strings.Join(fifty, " ")); len(got) != 50 || got[0] != "shutting-down" {
		t.Errorf("terminated: %v", got)
	}
	if n := len(r.Instances()); n != 0 {
		t.Errorf("%d instances are left", n)
	}
}
