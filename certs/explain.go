package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"reflect"
)

// Alerts (RFC 8446 §6, RFC 7301 §3.2).
const (
	badCertificate      = 42
	unsupportedCert     = 43
	certificateExpired  = 45
	certificateUnknown  = 46
	unknownCA           = 48
	accessDenied        = 49
	protocolVersion     = 70
	certificateRequired = 116

	NoApplicationProtocol = 120
)

// Alert returns the TLS alert that the server sent; false if there is none. crypto/tls stores it in a private type of
// one octet.
func Alert(err error) (alert uint64, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return v.Uint(), true
}

// Explain adds to the error of a handshake, or of a connection over TLS, what is wrong with the certificates and which
// key to check. Other errors are returned unchanged.
func Explain(err error) error {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	alert, alerted := Alert(err)
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("the server's certificate is for another name: %w (check server_name)", err)
	case errors.As(err, &authority):
		return fmt.Errorf("the server's certificate is signed by an unknown authority: %w (check ca_file)", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the server's certificate is expired or not yet valid: %w (check this machine's clock)", err)
	case errors.As(err, &invalid):
		return fmt.Errorf("the server's certificate is not valid: %w", err)
	case errors.As(err, &header):
		return fmt.Errorf("the server does not speak TLS on this port: %w", err)
	case alerted:
		return explainAlert(err, alert)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("TLS: no answer in time: %w (does the server speak TLS on this port?)", err)
	}
	return err
}

func explainAlert(err error, alert uint64) error {
	switch alert {
	case certificateRequired:
		return fmt.Errorf("the server requires a client certificate: %w (set cert_file and key_file, signed by an "+
			"authority that the server trusts)", err)
	case badCertificate, unsupportedCert, certificateExpired, certificateUnknown, unknownCA, accessDenied:
		return fmt.Errorf("the server rejected our certificate: %w (is cert_file valid, and signed by an authority "+
			"that it trusts?)", err)
	case protocolVersion:
		return fmt.Errorf("the server's TLS version is too old: %w (allow TLS 1.2 for it: min_version)", err)
	}
	return err
}
