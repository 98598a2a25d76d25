package attest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"
)

// A Document is an instance identity document that was verified.
type Document struct {
	Account      string    `json:"accountId"`
	Architecture string    `json:"architecture"`
	Image        string    `json:"imageId"`
	Instance     string    `json:"instanceId"`
	InstanceType string    `json:"instanceType"`
	Pending      time.Time `json:"pendingTime"` // when it was launched, or started again
	PrivateIP    string    `json:"privateIp"`
	Region       string    `json:"region"`
}

// A Reason is why a document proves nothing.
type Reason string

const (
	NoCertificate Reason = "no certificate"     // of the region is known
	TooLarge      Reason = "too large"          // for a document
	NotPKCS7      Reason = "not PKCS7"          // or not in base64
	Signers       Reason = "number of signers"  // not one
	Algorithm     Reason = "algorithm"          // not SHA-256
	OtherRegion   Reason = "another region"     // whose certificate it is signed with
	OtherSigner   Reason = "another signer"     // whom nobody knows
	Tampered      Reason = "digest mismatch"    // the document is not what was signed
	BadSignature  Reason = "signature mismatch" // what was signed, was not signed with the key of the certificate
	NotDocument   Reason = "not a document"     // signed, and something else
)

// A DocumentError is a document that proves nothing.
type DocumentError struct {
	Reason Reason
	Detail string // a clause
}

func (e *DocumentError) Error() string { return e.Detail }

// maxDocument is how much text a signed document may have; EC2's have some two thousand characters.
const maxDocument = 16 << 10

// Verify is the identity document in a PKCS7 message, as instance metadata has it (rsa2048): in base64, with or
// without white space and the lines around it. The message must have one signer, and be signed with SHA-256 by
// the region's certificate; certificates that it brings along count for nothing. Errors are *DocumentErrors.
func (c Certificates) Verify(region, signed string) (Document, error) {
	cert := c[region]
	if cert == nil {
		return refuse(NoCertificate, "no certificate of %s is known to verify its document with", region)
	}
	if len(signed) > maxDocument {
		return refuse(TooLarge, "its document has %d characters, and no more than %d are read", len(signed), maxDocument)
	}
	message, err := parse(signed)
	if err != nil {
		return refuse(NotPKCS7, "what it gives for its document is no PKCS7 message: %v", err)
	}
	switch n := len(message.Signers); {
	case n != 1:
		return refuse(Signers, "its document has %d signers, and not one", n)
	case !message.Signers[0].DigestAlgorithm.Algorithm.Equal(pkcs7.OIDDigestAlgorithmSHA256):
		return refuse(Algorithm, "its document is not signed with SHA-256")
	}
	if err := c.check(message, region); err != nil {
		return Document{}, err
	}
	var d Document
	if err := json.Unmarshal(message.Content, &d); err != nil || d.Instance == "" {
		return refuse(NotDocument, "what is signed is no identity document")
	}
	return d, nil
}

// parse reads a PKCS7 message from base64.
func parse(text string) (*pkcs7.PKCS7, error) {
	text = strings.TrimSpace(text)
	text = strings.TrimPrefix(text, "-----BEGIN PKCS7-----")
	text = strings.TrimSuffix(text, "-----END PKCS7-----")
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("not base64")
	}
	message, err := pkcs7.Parse(der)
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	return message, nil
}

// check verifies the only signer of a message.
func (c Certificates) check(message *pkcs7.PKCS7, region string) error {
	err := verifiedBy(message, c[region])
	switch {
	case err == nil:
		return nil
	case is[*pkcs7.MessageDigestMismatchError](err):
		_, err = refuse(Tampered, "its document is not the one that was signed: message digest mismatch")
		return err
	case message.GetOnlySigner() != nil: // the serial number is that of the region's certificate
		_, err = refuse(BadSignature, "the signature of its document is not that of %s: %v", region, err)
		return err
	}
	for _, other := range slices.Sorted(maps.Keys(c)) {
		if other != region && verifiedBy(message, c[other]) == nil {
			_, err = refuse(OtherRegion, "its document is signed with the certificate of %s, and not of %s", other, region)
			return err
		}
	}
	_, err = refuse(OtherSigner, "its document is signed with another certificate than that of %s", region)
	return err
}

// verifiedBy verifies a message as if a certificate were the only one that it has.
func verifiedBy(message *pkcs7.PKCS7, cert *x509.Certificate) error {
	message.Certificates = []*x509.Certificate{cert}
	return message.Verify()
}

func refuse(r Reason, format string, args ...any) (Document, error) {
	return Document{}, &DocumentError{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// is says whether err holds an E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
