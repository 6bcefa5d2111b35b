package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// ServerFiles are the files, in PEM, of a server that requires a certificate of each client.
type ServerFiles struct {
	CertFile, KeyFile string // the server's certificate and its key
	ClientCAFile      string // certificates of the authorities that may sign those of clients
}

// Check reports missing settings without reading the files.
func (c ServerFiles) Check() error {
	if c.CertFile == "" || c.KeyFile == "" || c.ClientCAFile == "" {
		return errors.New("tls: set cert_file, key_file and client_ca_file: no client is served without a certificate")
	}
	return nil
}

// Config reads the files. A client needs a certificate that one of the authorities has signed for clients, over TLS 1.2
// or later. There are no session tickets: each connection shows its certificate. The error names the file.
func (c ServerFiles) Config() (*tls.Config, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file %s, tls.key_file %s: %w", c.CertFile, c.KeyFile, err)
	}
	pem, err := os.ReadFile(c.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca_file: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.client_ca_file %s: no certificate in it (is it PEM?)", c.ClientCAFile)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authorities, SessionTicketsDisabled: true,
		NextProtos: []string{"http/1.1"}}, nil
}
