package attest

import (
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"fmt"
	"strings"
)

// Certificates are what identity documents are verified with, by region.
type Certificates map[string]*x509.Certificate

//go:embed certificates.pem
var pinned []byte

// Pinned are the certificates that AWS publishes.
func Pinned() (Certificates, error) {
	all := Certificates{}
	for rest := pinned; ; {
		before, _, _ := strings.Cut(string(rest), "-----BEGIN")
		lines := strings.Fields(before)
		block, after := pem.Decode(rest)
		if block == nil {
			return all, nil
		}
		if len(lines) == 0 {
			return nil, fmt.Errorf("a pinned certificate stands below no region")
		}
		region := lines[len(lines)-1]
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the pinned certificate of %s: %w", region, err)
		}
		all[region], rest = cert, after
	}
}

// ParseCertificate reads the one certificate of a file in PEM.
func ParseCertificate(text []byte) (*x509.Certificate, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("it holds no certificate in PEM")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, fmt.Errorf("it holds more than one certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}
