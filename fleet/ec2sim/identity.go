package ec2sim

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/smallstep/pkcs7"
)

// A region signs the identity documents of its instances with a key of its own, as EC2 does. It is made when
// it is first asked for, and lives as long as the region's state. What it has signed is worth nothing elsewhere.

// identity is the key that a region signs with, and its certificate, in DER.
type identity struct{ Key, Certificate []byte }

// IdentityDocument is the identity document of an instance, and the same document with the signature of its
// region's RSA-2048 key around it, both as the instance finds them in its metadata (dynamic/instance-identity,
// document and rsa2048): the one is JSON, the other PKCS7 in lines of base64.
func (r *Region) IdentityDocument(id string) (document, signed []byte, err error) {
	err = r.look(func() error {
		err := fmt.Errorf("there is no instance %s", id)
		r.everyWorld(func(w *world) bool {
			i := w.Instances[id]
			if i != nil {
				document = w.identityDocument(i)
				signed, err = r.signed(w.Name, document)
			}
			return i != nil
		})
		return err
	})
	return document, signed, err
}

// IdentityCertificate is the certificate, in PEM, of the key that a region's identity documents are signed with.
func (r *Region) IdentityCertificate(region string) (certificate []byte, err error) {
	if !regionName.MatchString(region) {
		return nil, fmt.Errorf("there is no region %q", region)
	}
	err = r.look(func() error {
		id, err := r.identity(region)
		if err == nil {
			certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate})
		}
		return err
	})
	return certificate, err
}

var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)

// identityDocument has the fields of EC2's, in its order.
func (w *world) identityDocument(i *instance) []byte {
	v := w.view(i)
	text, err := json.MarshalIndent(struct {
		Account      string    `json:"accountId"`
		Architecture string    `json:"architecture"`
		Zone         string    `json:"availabilityZone"`
		Billing      []string  `json:"billingProducts"`
		Devpay       []string  `json:"devpayProductCodes"`
		Marketplace  []string  `json:"marketplaceProductCodes"`
		Image        string    `json:"imageId"`
		Instance     string    `json:"instanceId"`
		Type         string    `json:"instanceType"`
		Kernel       *string   `json:"kernelId"`
		Pending      time.Time `json:"pendingTime"`
		Address      *string   `json:"privateIp"`
		Ramdisk      *string   `json:"ramdiskId"`
		Region       string    `json:"region"`
		Version      string    `json:"version"`
	}{
		Account: w.account(), Architecture: string(v.Architecture), Zone: w.Launches[i.Launch].Zone, Image: *v.ImageId, Instance: i.ID,
		Type: string(v.InstanceType), Pending: v.LaunchTime.UTC(), Address: v.PrivateIpAddress, Region: w.Name, Version: "2017-09-30",
	}, "", "  ")
	if err != nil {
		panic(err) // strings and times always encode
	}
	return text
}

// signed is a document in a PKCS7 message of a region's, in lines of base64.
func (r *Region) signed(region string, document []byte) ([]byte, error) {
	id, err := r.identity(region)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(id.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of %s: %w", region, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(id.Key)
	if err != nil {
		return nil, fmt.Errorf("read the key of %s: %w", region, err)
	}
	der, err := signPKCS7(document, cert, key)
	if err != nil {
		return nil, fmt.Errorf("sign an identity document: %w", err)
	}
	lines := slices.Collect(slices.Chunk([]byte(base64.StdEncoding.EncodeToString(der)), 76))
	return bytes.Join(lines, []byte("\n")), nil
}

func signPKCS7(document []byte, cert *x509.Certificate, key crypto.PrivateKey) ([]byte, error) {
	s, err := pkcs7.NewSignedData(document)
	if err != nil {
		return nil, err
	}
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := s.AddSigner(cert, key, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, err
	}
	return s.Finish()
}

// identity is that of a region, made if there is none. The caller holds the lock.
func (r *Region) identity(region string) (*identity, error) {
	if id := r.s.Identities[region]; id != nil {
		return id, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the key of %s: %w", region, err)
	}
	id := &identity{}
	if id.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, fmt.Errorf("make the key of %s: %w", region, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("make the certificate of %s: %w", region, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"Rehearsal"}, CommonName: region},
		NotBefore: day(1990, 1, 1), NotAfter: day(2195, 1, 17), // the clock of a test may stand at 2000
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if id.Certificate, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key); err != nil {
		return nil, fmt.Errorf("make the certificate of %s: %w", region, err)
	}
	fill(&r.s.Identities)
	r.s.Identities[region], r.s.dirty = id, true
	return id, nil
}

// serveIdentity answers GET /_rehearsal/identity.pem.
func (r *Region) serveIdentity(out http.ResponseWriter, q *http.Request) {
	region := q.URL.Query().Get("region")
	if region == "" {
		region = r.o.Region
	}
	certificate, err := r.IdentityCertificate(region)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	out.Header().Set("Content-Type", "application/x-pem-file")
	// A client that went away is not this side's trouble.
	_, _ = out.Write(certificate)
}
