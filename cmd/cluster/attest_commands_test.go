package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/smallstep/pkcs7"
)

// nodeAnswers writes what the nodes that run, in all regions, answer to verify --level node: answers DIR writes
// DIR/NODE/report without the lines around it, and DIR/ID is the same folder; DIR/REGION.pem is what signed them.
func nodeAnswers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: answers DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.RemoveAll(dir))
	inRegion(ts, func(r *ec2sim.Region) {
		ts.Check(os.MkdirAll(dir, 0o755))
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			text, err := r.IdentityCertificate(region)
			ts.Check(err)
			ts.Check(os.WriteFile(filepath.Join(dir, region+".pem"), text, 0o644))
		}
		machines, err := r.Running()
		ts.Check(err)
		for _, m := range machines {
			_, signed, err := r.IdentityDocument(m.ID)
			ts.Check(err)
			own := fmt.Sprintf("%x", sha256.Sum256([]byte(m.ID)))
			text := strings.Join([]string{
				"identity=" + strings.Join(strings.Fields(string(signed)), ""),
				fmt.Sprintf("boot_id=%s-%s-%s-%s-%s", own[:8], own[8:12], own[12:16], own[16:20], own[20:32]),
				"machine_id=" + own, "host_key=ssh-ed25519 " + own, "kernel=6.1.0-13-amd64", "cmdline=" + strings.Repeat("c", 64),
				"content=dpkg 3 " + strings.Repeat("0", 64) + " debian-12", "",
			}, "\n")
			node := filepath.Join(dir, nodeOf(m))
			ts.Check(os.MkdirAll(node, 0o755))
			ts.Check(os.WriteFile(filepath.Join(node, "report"), []byte(text), 0o644))
			ts.Check(os.Symlink(node, filepath.Join(dir, m.ID)))
		}
	})
}

var identityLine = regexp.MustCompile(`(?m)^identity=(.*)$`)

// forge makes the identity document of a report a bad one: tampered (one byte of the image id), signer (somebody
// signs the same), impostor (whose certificate says that it is the region's) or signers (the region and somebody).
func forge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: forge HOW REPORT")
	}
	path := ts.MkAbs(args[1])
	report, err := os.ReadFile(path)
	ts.Check(err)
	der, err := base64.StdEncoding.DecodeString(string(identityLine.FindSubmatch(report)[1]))
	ts.Check(err)
	message, err := pkcs7.Parse(der)
	ts.Check(err)
	switch args[0] {
	case "tampered":
		n := bytes.Index(der, []byte("ami-")) + len("ami-")
		der[n] ^= 1
	case "signer":
		der = signedAnew(ts, message, big.NewInt(1))
	case "impostor":
		der = signedAnew(ts, message, message.GetOnlySigner().SerialNumber)
	case "signers":
		inRegion(ts, func(r *ec2sim.Region) {
			text, err := r.IdentityCertificate("us-east-1")
			ts.Check(err)
			block, _ := pem.Decode(text)
			cert, err := x509.ParseCertificate(block.Bytes)
			ts.Check(err)
			der = signedAnew(ts, message, big.NewInt(1), cert)
		})
	default:
		ts.Fatalf("forge: unknown way %s", args[0])
	}
	report = identityLine.ReplaceAll(report, []byte("identity="+base64.StdEncoding.EncodeToString(der)))
	ts.Check(os.WriteFile(path, report, 0o644))
}

// signedAnew is the content of a message, signed by somebody, once in his own name and once in that of each other
// certificate.
func signedAnew(ts *testscript.TestScript, message *pkcs7.PKCS7, serial *big.Int, names ...*x509.Certificate) []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"Rehearsal"}, CommonName: "us-east-1"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	cert, err := x509.ParseCertificate(raw)
	ts.Check(err)
	s, err := pkcs7.NewSignedData(message.Content)
	ts.Check(err)
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	for _, c := range append([]*x509.Certificate{cert}, names...) {
		ts.Check(s.AddSigner(c, key, pkcs7.SignerInfoConfig{}))
	}
	der, err := s.Finish()
	ts.Check(err)
	return der
}
