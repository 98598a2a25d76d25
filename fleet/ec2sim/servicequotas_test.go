package ec2sim_test

import (
	"errors"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"cluster/fleet/ec2sim"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/smithy-go"
)

func quotas(r *ec2sim.Region) *servicequotas.Client {
	return servicequotas.New(servicequotas.Options{
		Region: "eu-west-1", HTTPClient: r, BaseEndpoint: new("http://ec2.invalid"), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
}

func TestServiceQuotas(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true, VCPUQuota: 1152})
	c := quotas(r)
	get := func(service, code string) (*servicequotas.GetServiceQuotaOutput, error) {
		return c.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
	}
	out, err := get("ec2", "L-F7808C92")
	if err != nil {
		t.Fatal(err)
	}
	if q := out.Quota; *q.Value != 1152 || *q.QuotaName != "Running On-Demand HPC instances" || *q.QuotaArn != "arn:aws:servicequotas:eu-west-1:123456789012:ec2/L-F7808C92" || !q.Adjustable {
		t.Errorf("the account's quota: %+v", *q)
	}
	for code, want := range map[string]float64{"L-1216C47A": 5, "L-34B43A08": 5, "L-F7808C92": 0} {
		out, err := c.GetAWSDefaultServiceQuota(t.Context(), &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: new("ec2"), QuotaCode: &code})
		if err != nil || *out.Quota.Value != want {
			t.Errorf("AWS's default of %s: %v %v, want %v", code, out, err, want)
		}
	}
	refused := func(want string, err error) {
		t.Helper()
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != want || e.ErrorMessage() == "" {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err = get("ec2", "L-00000000")
	refused("NoSuchResourceException", err)
	_, err = get("vpc", "L-1216C47A")
	refused("NoSuchResourceException", err)
	_, err = get("ec2", "")
	refused("ValidationException", err)
	_, err = c.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: new("ec2"), QuotaCode: new("L-1216C47A"), ContextId: new("*")})
	refused("ValidationException", err)
	_, err = c.ListServices(t.Context(), &servicequotas.ListServicesInput{})
	refused("UnknownOperationException", err)
	r.Inject(ec2sim.Fault{Action: "GetServiceQuota", Code: "AccessDeniedException", Message: "not you"})
	_, err = get("ec2", "L-1216C47A")
	refused("AccessDeniedException", err)

	j := r.Journal()
	if first, last := j[0], j[len(j)-1]; first.Action != "GetServiceQuota" || first.Region != "eu-west-1" || first.Params.Get("QuotaCode") != "L-F7808C92" || last.Code != "AccessDeniedException" {
		t.Errorf("journal: %+v … %+v", first, last)
	}
}

// Service Quotas has no part in EC2's buckets: more questions than any of them holds are answered.
func TestServiceQuotasChargeNoBucket(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Timing: ec2sim.Timing{Call: 1}})
	for range 200 {
		if _, err := quotas(r).GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: new("ec2"), QuotaCode: new("L-1216C47A")}); err != nil {
			t.Fatal(err)
		}
	}
}

// A request that is no JSON is refused, and one for another service of that protocol is not taken for ours.
func TestServiceQuotasMindTheirProtocol(t *testing.T) {
	s := httptest.NewServer(ec2sim.New(ec2sim.Options{Instant: true}))
	defer s.Close()
	for _, target := range []string{"ServiceQuotasV20190624.GetServiceQuota", "Logs_20140328.PutLogEvents"} {
		q := httptest.NewRequest("POST", s.URL, strings.NewReader("{nonsense"))
		q.RequestURI = ""
		q.Header.Set("X-Amz-Target", target)
		a, err := s.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != 400 {
			t.Errorf("%s: %s", target, a.Status)
		}
	}
}

// The AWS CLI asks as a person would.
func TestAWSCLIReadsQuotas(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("there is no AWS CLI (aws) on the path: it was not asked for a quota of the embedded region")
	}
	s := httptest.NewServer(ec2sim.New(ec2sim.Options{Instant: true, VCPUQuota: 1152}))
	defer s.Close()
	for code, want := range map[string]string{"L-1216C47A": "1152", "L-00000000": "(NoSuchResourceException)"} {
		cmd := exec.Command("aws", "service-quotas", "get-service-quota", "--service-code", "ec2", "--quota-code", code, "--endpoint-url", s.URL, "--query", "Quota.Value")
		cmd.Env = append(cmd.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_DEFAULT_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_DEFAULT_OUTPUT=text")
		// A refusal is an exit code as well; what it says is compared.
		if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), want) {
			t.Errorf("%s: got %s, want %s", code, out, want)
		}
	}
}
