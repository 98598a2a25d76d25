package ec2sim_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smallstep/pkcs7"

	"cluster/fleet/ec2sim"
)

// certificateOf is what a region signs with.
func certificateOf(t *testing.T, r *ec2sim.Region, region string) *x509.Certificate {
	t.Helper()
	text, err := r.IdentityCertificate(region)
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || len(rest) > 0 {
		t.Fatalf("%s", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// opened is the content of a signed document, if cert signed it.
func opened(t *testing.T, signed []byte, cert *x509.Certificate) ([]byte, error) {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(string(signed))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	p.Certificates = []*x509.Certificate{cert}
	return p.Content, p.Verify()
}

func TestIdentityDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ec2sim.New(ec2sim.Options{Instant: true})
		id := run(t, client(r), some(1))[0]
		i := describe(t, client(r))[0]
		document, signed, err := r.IdentityDocument(id)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			AccountID, ImageID, InstanceID, InstanceType, Architecture, PrivateIP, Region, AvailabilityZone string
			PendingTime                                                                                     time.Time
		}
		if err := json.Unmarshal(document, &got); err != nil {
			t.Fatal(err)
		}
		if got.AccountID != "123456789012" || got.ImageID != ec2sim.BaseImage || got.InstanceID != id || got.InstanceType != string(i.InstanceType) ||
			got.Architecture != "x86_64" || got.PrivateIP != *i.PrivateIpAddress || got.Region != "us-east-1" ||
			got.AvailabilityZone != *i.Placement.AvailabilityZone || !got.PendingTime.Equal(*i.LaunchTime) {
			t.Errorf("%s", document)
		}
		cert := certificateOf(t, r, "us-east-1")
		if content, err := opened(t, signed, cert); err != nil || !bytes.Equal(content, document) {
			t.Errorf("%s, %v", content, err)
		}
		if k, ok := cert.PublicKey.(*rsa.PublicKey); !ok || k.N.BitLen() != 2048 || cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
			t.Errorf("signed with %v", cert.PublicKey)
		}
		if _, err := opened(t, signed, certificateOf(t, r, "eu-west-1")); err == nil {
			t.Error("another region's certificate opens it")
		}
		if _, _, err := r.IdentityDocument("i-0"); err == nil {
			t.Error("there is a document of an instance that is not there")
		}
		if _, err := r.IdentityCertificate("../x"); err == nil {
			t.Error("anything is a region")
		}
		r.Reset()
		if !certificateOf(t, r, "us-east-1").Equal(cert) {
			t.Error("a reset changed the key")
		}
	})
}

// Processes that share a file share its keys; a file that nobody has asked for a document has none.
func TestIdentityIsKept(t *testing.T) {
	o := ec2sim.Options{Instant: true, Path: filepath.Join(t.TempDir(), "state")}
	r := open(t, o)
	id := run(t, client(r), some(1))[0]
	holds := func(word string) bool {
		raw, err := os.ReadFile(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(raw, []byte(word))
	}
	if holds("Identities") {
		t.Error("there is a key before it is needed")
	}
	_, signed, err := r.IdentityDocument(id)
	if err != nil {
		t.Fatal(err)
	}
	if !holds("Identities") {
		t.Error("the key is not in the file")
	}
	if _, err := opened(t, signed, certificateOf(t, open(t, o), "us-east-1")); err != nil {
		t.Error(err)
	}
}

func TestIdentityCertificateOverAConnection(t *testing.T) {
	r := ec2sim.New(ec2sim.Options{Instant: true})
	s := httptest.NewServer(r)
	defer s.Close()
	for query, region := range map[string]string{"": "us-east-1", "?region=eu-west-1": "eu-west-1"} {
		want, err := r.IdentityCertificate(region)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := get(t, s.URL, "/_rehearsal/identity.pem"+query); status != http.StatusOK || body != string(want) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	if status, _ := get(t, s.URL, "/_rehearsal/identity.pem?region=%2e"); status != http.StatusBadRequest {
		t.Errorf("a region that cannot be: %d", status)
	}
}
