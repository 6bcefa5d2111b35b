package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// ServerFiles are the files, in PEM, of a server.
type ServerFiles struct {
	CertFile, KeyFile string // the server's certificate and its key
	// certificates of the authorities that may sign those of clients; "": clients need no certificate
	ClientCAFile string
}

// Check reports missing settings without reading the files.
func (c ServerFiles) Check() error {
	if c.CertFile == "" || c.KeyFile == "" {
		return errors.New("tls: set cert_file and key_file")
	}
	return nil
}

// Config reads the files, for TLS 1.2 or later. With ClientCAFile, a client needs a certificate that one of the
// authorities has signed for clients, and there are no session tickets: each connection shows its certificate. The
// error names the file.
func (c ServerFiles) Config() (*tls.Config, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file %s, tls.key_file %s: %w", c.CertFile, c.KeyFile, err)
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"}}
	if c.ClientCAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca_file: %w", err)
	}
	t.ClientAuth, t.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.client_ca_file %s: no certificate in it (is it PEM?)", c.ClientCAFile)
	}
	return t, nil
}
