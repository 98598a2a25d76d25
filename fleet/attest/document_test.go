package attest_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"cluster/fleet/attest"
)

// A signer is a region's key, or somebody's.
type signer struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newSigner(serial int64) signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{Organization: []string{"Amazon Web Services LLC"}},
		NotBefore: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2195, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return signer{key, cert}
}

// Two regions, and somebody whose certificate says what that of the first does.
var signers = sync.OnceValue(func() []signer { return []signer{newSigner(1), newSigner(2), newSigner(1), newSigner(3)} })

func east() signer     { return signers()[0] }
func west() signer     { return signers()[1] }
func impostor() signer { return signers()[2] }
func stranger() signer { return signers()[3] }

func certificates() attest.Certificates {
	return attest.Certificates{"us-east-1": east().cert, "us-west-2": west().cert}
}

var launched = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

const document = `{
  "accountId" : "123456789012", "architecture" : "x86_64", "availabilityZone" : "us-east-1a", "billingProducts" : null,
  "imageId" : "ami-00000000000202611", "instanceId" : "i-00000000000000001", "instanceType" : "c7i.large",
  "pendingTime" : "2026-11-26T10:00:00Z", "privateIp" : "172.31.0.4", "region" : "us-east-1", "version" : "2017-09-30"
}`

func expected() attest.Expected {
	return attest.Expected{
		Account: "123456789012", Region: "us-east-1", Instance: "i-00000000000000001", Image: "ami-00000000000202611",
		InstanceType: "c7i.large", Architecture: "x86_64", PrivateIP: "172.31.0.4", Launched: launched,
	}
}

// sign puts a document into a message that all of them sign.
func sign(t testing.TB, content string, digest asn1.ObjectIdentifier, by ...signer) []byte {
	t.Helper()
	s, err := pkcs7.NewSignedData([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	s.SetDigestAlgorithm(digest)
	for _, b := range by {
		if err := s.AddSigner(b.cert, b.key, pkcs7.SignerInfoConfig{}); err != nil {
			t.Fatal(err)
		}
	}
	der, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func signed(t testing.TB, content string, by ...signer) string {
	return base64.StdEncoding.EncodeToString(sign(t, content, pkcs7.OIDDigestAlgorithmSHA256, by...))
}

// replaced is a message in which some bytes became others of the same length.
func replaced(t testing.TB, message, old, new string) string {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(message)
	if err != nil {
		t.Fatal(err)
	}
	if len(old) != len(new) || !bytes.Contains(der, []byte(old)) {
		t.Fatalf("%q cannot be replaced by %q", old, new)
	}
	return base64.StdEncoding.EncodeToString(bytes.Replace(der, []byte(old), []byte(new), 1))
}

func TestVerify(t *testing.T) {
	for name, text := range map[string]string{
		"one line":  signed(t, document, east()),
		"lines":     "-----BEGIN PKCS7-----\n" + strings.Join(strings.SplitAfter(signed(t, document, east()), "A"), "\n") + "\n-----END PKCS7-----\n",
		"with CRLF": strings.ReplaceAll(signed(t, document, east()), "B", "B\r\n"),
	} {
		d, err := certificates().Verify("us-east-1", text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := d.Differences(expected()); len(diff) > 0 {
			t.Errorf("%s: %v", name, diff)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	good := signed(t, document, east())
	other := strings.ReplaceAll(document, "us-east-1", "us-west-2")
	for _, tc := range []struct {
		name, region, text string
		reason             attest.Reason
		says               string
	}{
		{"one byte of the image id", "us-east-1", replaced(t, good, "202611", "202612"), attest.Tampered, "message digest mismatch"},
		{"another region", "us-east-1", signed(t, other, west()), attest.OtherRegion, "signed with the certificate of us-west-2, and not of us-east-1"},
		{"another signer", "us-east-1", signed(t, document, stranger()), attest.OtherSigner, "another certificate than that of us-east-1"},
		{"a signer who gives himself out for the region", "us-east-1", signed(t, document, impostor()), attest.BadSignature, "the signature of its document is not that of us-east-1"},
		{"two signers", "us-east-1", signed(t, document, east(), west()), attest.Signers, "2 signers"},
		{"the same signer twice", "us-east-1", signed(t, document, east(), east()), attest.Signers, "2 signers"},
		{"no signer", "us-east-1", signed(t, document), attest.Signers, "0 signers"},
		{"SHA-1", "us-east-1", base64.StdEncoding.EncodeToString(sign(t, document, pkcs7.OIDDigestAlgorithmSHA1, east())), attest.Algorithm, "not signed with SHA-256"},
		{"too large", "us-east-1", strings.Repeat("A", 17<<10), attest.TooLarge, "17408 characters"},
		{"not base64", "us-east-1", "<html>404 - Not Found</html>", attest.NotPKCS7, "not base64"},
		{"nothing", "us-east-1", "", attest.NotPKCS7, "no PKCS7"},
		{"not PKCS7", "us-east-1", base64.StdEncoding.EncodeToString([]byte(document)), attest.NotPKCS7, "no PKCS7"},
		{"cut off", "us-east-1", good[:len(good)/2/4*4], attest.NotPKCS7, "no PKCS7"},
		{"signed, and no document", "us-east-1", signed(t, "hello", east()), attest.NotDocument, "no identity document"},
		{"signed, and an empty document", "us-east-1", signed(t, "{}", east()), attest.NotDocument, "no identity document"},
		{"a region without a certificate", "mars-north-1", good, attest.NoCertificate, "no certificate of mars-north-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := certificates().Verify(tc.region, tc.text)
			refused, ok := errors.AsType[*attest.DocumentError](err)
			if !ok || refused.Reason != tc.reason || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %q (%v), want %q with %q", refused, err, tc.reason, tc.says)
			}
			if d != (attest.Document{}) {
				t.Errorf("a document that was refused says %+v", d)
			}
		})
	}
}

func TestDifferences(t *testing.T) {
	d, err := certificates().Verify("us-east-1", signed(t, document, east()))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		field     string
		change    func(*attest.Expected)
		want, got string
	}{
		{"instance", func(e *attest.Expected) { e.Instance = "i-00000000000000002" }, "i-00000000000000002", "i-00000000000000001"},
		{"account", func(e *attest.Expected) { e.Account = "210987654321" }, "210987654321", "123456789012"},
		{"region", func(e *attest.Expected) { e.Region = "us-west-2" }, "us-west-2", "us-east-1"},
		{"image", func(e *attest.Expected) { e.Image = "ami-1" }, "ami-1", "ami-00000000000202611"},
		{"instance type", func(e *attest.Expected) { e.InstanceType = "c7i.xlarge" }, "c7i.xlarge", "c7i.large"},
		{"architecture", func(e *attest.Expected) { e.Architecture = "arm64" }, "arm64", "x86_64"},
		{"private address", func(e *attest.Expected) { e.PrivateIP = "172.31.0.5" }, "172.31.0.5", "172.31.0.4"},
		{"launch time", func(e *attest.Expected) { e.Launched = launched.Add(2 * time.Minute) }, "2026-11-26T10:02:00Z", "2026-11-26T10:00:00Z"},
		{"account", func(e *attest.Expected) { e.Account = "" }, "", "123456789012"},
		{"launch time", func(e *attest.Expected) { e.Launched = time.Time{} }, "", "2026-11-26T10:00:00Z"},
	} {
		want := expected()
		tc.change(&want)
		found := d.Differences(want)
		if len(found) != 1 || found[0] != (attest.Difference{Field: tc.field, Want: tc.want, Got: tc.got}) {
			t.Errorf("%s: %v", tc.field, found)
		}
	}
	want := expected()
	want.Launched = launched.Add(30 * time.Second)
	if found := d.Differences(want); len(found) > 0 {
		t.Errorf("half a minute apart: %v", found)
	}
}

// Every certificate that is pinned is one of AWS's: RSA with 2048 bits, signed by itself, of a region, and good
// for many years.
func TestPinned(t *testing.T) {
	pinned, err := attest.Pinned()
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for region, c := range pinned {
		k, ok := c.PublicKey.(*rsa.PublicKey)
		if !ok || k.N.BitLen() != 2048 {
			t.Errorf("%s: the key is %T", region, c.PublicKey)
			continue
		}
		if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
			t.Errorf("%s: %v", region, err)
		}
		if c.NotAfter.Before(time.Now().AddDate(10, 0, 0)) || c.NotBefore.After(time.Now()) {
			t.Errorf("%s: from %s to %s", region, c.NotBefore, c.NotAfter)
		}
		if !strings.Contains(c.Subject.String(), "Amazon Web Services LLC") || strings.Count(region, "-") < 2 {
			t.Errorf("%s: %s", region, c.Subject)
		}
		if other := keys[k.N.String()]; other != "" {
			t.Errorf("%s and %s have the same key", region, other)
		}
		keys[k.N.String()] = region
	}
	for _, region := range []string{"us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"} {
		if pinned[region] == nil {
			t.Errorf("%s has none", region)
		}
	}
	if len(pinned) != 39 {
		t.Errorf("%d regions", len(pinned))
	}
}

// Whatever a node gives for its document, it is refused or genuine.
func FuzzVerify(f *testing.F) {
	good := signed(f, document, east())
	f.Add(good)
	f.Add(signed(f, document, stranger()))
	f.Add(replaced(f, good, "202611", "202612"))
	der, _ := base64.StdEncoding.DecodeString(good)
	for _, n := range []int{1, 4, 20, 60, len(der) / 2, len(der) - 1} {
		f.Add(base64.StdEncoding.EncodeToString(der[:n]))
		changed := bytes.Clone(der)
		changed[n] ^= 0x80
		f.Add(base64.StdEncoding.EncodeToString(changed))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := certificates().Verify("us-east-1", text)
		if err == nil && len(d.Differences(expected())) > 0 {
			t.Errorf("%q is taken for %+v", text, d)
		}
	})
}
