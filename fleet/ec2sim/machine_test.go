package ec2sim_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

// On loopback, instances are told apart by their addresses alone, and their public ones lead to them.
func TestLoopbackAddresses(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, Loopback: true})
	c := client(r)
	ids := run(t, c, some(200))
	machines, err := r.Running()
	if err != nil || len(machines) != len(ids) {
		t.Fatalf("%d machines of %d instances, %v", len(machines), len(ids), err)
	}
	seen := map[string]bool{}
	for _, m := range machines {
		a := m.Address.String()
		if seen[a] || !m.Address.IsLoopback() || strings.HasPrefix(a, "127.0.") {
			t.Fatalf("%s has the address %s", m.ID, a)
		}
		seen[a] = true
	}
	for _, i := range describe(t, c) {
		if a := aws.ToString(i.PrivateIpAddress); !seen[a] || i.PublicIpAddress != nil && *i.PublicIpAddress != a {
			t.Errorf("%s: private %s, public %s", aws.ToString(i.InstanceId), a, aws.ToString(i.PublicIpAddress))
		}
	}
}

func TestPowerOffFollowsTheShutdownBehaviour(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	in := some(1)
	in.InstanceInitiatedShutdownBehavior = types.ShutdownBehaviorTerminate
	ends := run(t, c, in)[0]
	stops := run(t, c, some(1))[0]
	for id, want := range map[string]types.InstanceStateName{ends: types.InstanceStateNameTerminated, stops: types.InstanceStateNameStopped} {
		if err := r.PowerOff(id); err != nil {
			t.Fatal(err)
		}
		for _, i := range describe(t, c) {
			if aws.ToString(i.InstanceId) == id && (i.State.Name != want || aws.ToString(i.StateReason.Code) != "Client.InstanceInitiatedShutdown") {
				t.Errorf("%s is %s because of %s, want %s", id, i.State.Name, aws.ToString(i.StateReason.Code), want)
			}
		}
	}
	machines, err := r.Running()
	if err != nil || len(machines) != 0 {
		t.Errorf("%d machines run, %v", len(machines), err)
	}
	known, err := r.Exist([]string{ends, stops, "i-0123456789abcdef0"})
	if err != nil || !known[ends] || !known[stops] || len(known) != 2 {
		t.Errorf("known are %v, %v", known, err)
	}
}

// A start gives a machine another boot, so that whoever runs it knows that it has to begin anew.
func TestBootChangesWithEachStart(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	id := run(t, c, some(1))
	boot := func() string {
		m, err := r.Running()
		if err != nil || len(m) != 1 {
			t.Fatalf("%d machines, %v", len(m), err)
		}
		return m[0].Boot
	}
	first := boot()
	if _, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: id}); err != nil {
		t.Fatal(err)
	}
	second := boot()
	if _, err := c.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: id}); err != nil {
		t.Fatal(err)
	}
	if third := boot(); first == second || second == third {
		t.Errorf("boots %s, %s, %s", first, second, third)
	}
}

// ask reads a path of an instance's metadata.
func ask(t *testing.T, endpoint, method, path string, header ...string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, endpoint+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(header); n += 2 {
		q.Header.Set(header[n], header[n+1])
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(text)
}

func TestMetadataService(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	c := client(r)
	in := some(3)
	in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho hello\n")))
	in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired, InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled}
	in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("cluster:slots"), Value: aws.String("4-6")}}}}
	ids := run(t, c, in)
	s := httptest.NewServer(r.Metadata(ids[1]))
	defer s.Close()
	const ttl, token = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"
	for _, refused := range []struct {
		method, path string
		header       []string
		want         int
	}{
		{"GET", "/latest/meta-data/instance-id", nil, http.StatusUnauthorized},
		{"GET", "/latest/meta-data/instance-id", []string{token, "made up"}, http.StatusUnauthorized},
		{"PUT", "/latest/api/token", nil, http.StatusBadRequest},
		{"PUT", "/latest/api/token", []string{ttl, "21601"}, http.StatusBadRequest},
		{"PUT", "/latest/api/token", []string{ttl, "60", "X-Forwarded-For", "192.0.2.1"}, http.StatusForbidden},
	} {
		if got, _ := ask(t, s.URL, refused.method, refused.path, refused.header...); got != refused.want {
			t.Errorf("%s %s %q: %d, want %d", refused.method, refused.path, refused.header, got, refused.want)
		}
	}
	_, session := ask(t, s.URL, "PUT", "/latest/api/token", ttl, "60")
	for path, want := range map[string]string{
		"/latest/meta-data/instance-id":                 ids[1],
		"/latest/meta-data/ami-launch-index":            "1",
		"/latest/meta-data/tags/instance/cluster:slots": "4-6",
		"/latest/meta-data/tags/":                       "instance/",
		"/latest/meta-data/placement/availability-zone": "us-east-1a",
		"/latest/meta-data/placement/region":            "us-east-1",
		"/latest/user-data":                             "#!/bin/sh\necho hello\n",
		"/latest/":                                      "dynamic/\nmeta-data/\nuser-data",
		"/latest/dynamic/instance-identity/":            "document\nrsa2048",
	} {
		if code, got := ask(t, s.URL, "GET", path, token, session); code != http.StatusOK || got != want {
			t.Errorf("%s: %d %q, want %q", path, code, got, want)
		}
	}
	document, _, err := r.IdentityDocument(ids[1])
	if code, got := ask(t, s.URL, "GET", "/latest/dynamic/instance-identity/document", token, session); err != nil || code != http.StatusOK || got != string(document) {
		t.Errorf("the identity document: %d %q, %v", code, got, err)
	}
	if code, _ := ask(t, s.URL, "GET", "/latest/meta-data/nothing", token, session); code != http.StatusNotFound {
		t.Errorf("a path that is not there gives %d", code)
	}
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids}); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask(t, s.URL, "GET", "/latest/meta-data/instance-id", token, session); code != http.StatusNotFound {
		t.Errorf("an instance that was terminated answers %d", code)
	}
}
