package config

import (
	"crypto/tls"
	"crypto/x509"
	"io/fs"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/schema"
)

// certificates reads `tls` of a server and checks the files that it names. ok is false if there was a problem,
// which it reports.
func (l *loader) certificates(v *schema.Value) (c certs.Files, ok bool) {
	if !v.IsSet() {
		return c, true
	}
	before := len(l.problems)
	c = certs.Files{ServerName: v.Get("server_name").Text(), MinTLS12: v.Get("min_version").Text() == "1.2",
		Insecure: v.Get("insecure").Bool(false)}
	if ca := v.Get("ca_file"); ca.IsSet() {
		var data []byte
		var ok bool
		if data, c.CAFile, ok = l.pem(ca, noWrite); ok && !x509.NewCertPool().AppendCertsFromPEM(data) {
			l.errorAt(ca, "certificates in PEM: -----BEGIN CERTIFICATE-----", "%s: there is no certificate in it",
				c.CAFile)
		}
	}
	cert, key := v.Get("cert_file"), v.Get("key_file")
	switch {
	case cert.IsSet() && key.IsSet():
		c.CertFile, c.KeyFile = l.keyPair(cert, key)
	case cert.IsSet():
		l.errorAt(cert, "add key_file", "a certificate without its key")
	case key.IsSet():
		l.errorAt(key, "add cert_file", "a key without its certificate")
	}
	return c, !l.problems[before:].HasErrors()
}

// overTLS reports the client's warnings about a server over TLS, unless the problem is reported already.
func (l *loader) overTLS(server *schema.Value, warnings []string) {
	at := server
	if v := server.Get("tls"); v.IsSet() {
		at = v
	}
	if l.broken(at.Path) {
		return
	}
	for _, w := range warnings {
		l.warnAt(at, "", "%s", w)
	}
}

// serverFiles reads `tls` of a listener that has cert_file and key_file, and checks the files that it names.
func (l *loader) serverFiles(v *schema.Value) (c certs.ServerFiles) {
	c.CertFile, c.KeyFile = l.keyPair(v.Get("cert_file"), v.Get("key_file"))
	if ca := v.Get("client_ca_file"); ca.IsSet() {
		var data []byte
		var ok bool
		if data, c.ClientCAFile, ok = l.pem(ca, noWrite); ok && !x509.NewCertPool().AppendCertsFromPEM(data) {
			l.errorAt(ca, "certificates in PEM: -----BEGIN CERTIFICATE-----", "%s: there is no certificate in it",
				c.ClientCAFile)
		}
	}
	return c
}

// keyPair returns the paths of a certificate and its key, and checks the two.
func (l *loader) keyPair(cert, key *schema.Value) (certFile, keyFile string) {
	public, certFile, ok1 := l.pem(cert, noWrite)
	private, keyFile, ok2 := l.pem(key, noRead)
	if !ok1 || !ok2 {
		return certFile, keyFile
	}
	if _, err := tls.X509KeyPair(public, private); err != nil { // its errors reveal nothing of the key
		l.errorAt(cert, "a certificate in PEM and its key", "%s and %s: %v", certFile, keyFile, err)
	}
	return certFile, keyFile
}

// maxPEM is the maximum size of a certificate file, in octets.
const maxPEM = 1 << 20

// pem returns the content and the path of a file in PEM; ok is false if there was a problem, which it reports.
func (l *loader) pem(v *schema.Value, forbidden fs.FileMode) (data []byte, path string, ok bool) {
	if path, ok = l.credential(v); !ok {
		return nil, "", false
	}
	data, access, err := l.read(path, maxPEM)
	if err != nil {
		l.errorAt(v, "the path is relative to the directory of the configuration file", "%s: %s", path,
			schema.Reason(err))
		return nil, path, false
	}
	l.trust(v, path, access, forbidden)
	return data, path, true
}
