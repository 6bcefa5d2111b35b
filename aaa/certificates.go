package aaa

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Certificates are the files, in PEM, that authenticate us and a server to each other over TLS. With the zero value the
// system's authorities are trusted, and we show no certificate.
type Certificates struct {
	CAFile            string // certificates of the authorities that may sign the server's; "" the system's
	CertFile, KeyFile string // our certificate and its key: most servers identify clients by it
	// DNS name or IP address that must be in the server's certificate (subjectAltName); "": the host of its address
	ServerName string
}

// Check reports contradictory settings without reading the files.
func (c Certificates) Check() error {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("tls: cert_file and key_file: set both or neither")
	}
	return nil
}

// Config reads the files for a server on host. TLS 1.3 is the minimum, and there is no session cache: no resumed
// session, no early data. The error names the file.
func (c Certificates) Config(host string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: c.ServerName}
	if t.ServerName == "" {
		t.ServerName = host
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.ca_file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca_file %s: no certificate in it (is it PEM?)", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls.cert_file %s, tls.key_file %s: %w", c.CertFile, c.KeyFile, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
