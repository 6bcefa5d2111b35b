// Package certs has the certificates of connections over TLS: the files that a site names for a server, and what a
// failed handshake means. It opens no connection.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Files are the files, in PEM, that authenticate us and a server to each other over TLS. With the zero value the
// system's authorities are trusted, and we show no certificate.
type Files struct {
	CAFile            string // certificates of the authorities that may sign the server's; "" the system's
	CertFile, KeyFile string // our certificate and its key: most servers identify clients by it
	// DNS name or IP address that must be in the server's certificate (subjectAltName); "": the host of its address
	ServerName string
	MinTLS12   bool // allows TLS 1.2, for an old server; otherwise the minimum is 1.3
	Insecure   bool // accepts any certificate of the server: an on-path attacker can read and change everything
}

// Check reports contradictory settings without reading the files.
func (c Files) Check() error {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("tls: cert_file and key_file: set both or neither")
	}
	return nil
}

// Config reads the files for a server on host. There is no session cache: no resumed session, no early data. The error
// names the file.
func (c Files) Config(host string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: c.ServerName, InsecureSkipVerify: c.Insecure}
	if c.MinTLS12 {
		t.MinVersion = tls.VersionTLS12
	}
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
