package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority signs certificates for tests. Make one with NewAuthority.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// Certificate is a request to an Authority. The zero Certificate is valid for an hour on both sides of TLS, without a
// name.
type Certificate struct {
	Name    string        // of the subject
	Hosts   []string      // DNS names and IP addresses of the subjectAltName
	Valid   time.Duration // validity from now on; 0: an hour
	Expired bool          // it ended an hour ago
	Future  bool          // it begins in an hour
	Client  bool          // for clients only
	Server  bool          // for servers only
}

// NewAuthority makes a certificate authority with a new key.
func NewAuthority(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return a.pem }

// Pool contains the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// Issue signs a certificate with a new key, both in PEM.
func (a *Authority) Issue(c Certificate) (cert, key []byte, err error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: c.Name},
		KeyUsage:  x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(max(c.Valid, time.Hour)),
		ExtKeyUsage: c.usage()}
	switch {
	case c.Expired:
		t.NotBefore, t.NotAfter = t.NotBefore.Add(-time.Hour), t.NotBefore
	case c.Future:
		t.NotBefore, t.NotAfter = t.NotAfter, t.NotAfter.Add(time.Hour)
	}
	for _, h := range c.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &priv.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

func (c Certificate) usage() []x509.ExtKeyUsage {
	switch {
	case c.Client:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case c.Server:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
}

// TLS issues a certificate and returns it in the form of tls.Config.
func (a *Authority) TLS(c Certificate) (tls.Certificate, error) {
	cert, key, err := a.Issue(c)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

// WriteFiles writes the authority as ca.pem, and for each certificate NAME.pem and NAME.key, into dir. All users may
// read them: they are for tests.
func (a *Authority) WriteFiles(dir string, certs ...Certificate) error {
	files := map[string][]byte{"ca.pem": a.pem}
	for _, c := range certs {
		cert, key, err := a.Issue(c)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", c.Name, err)
		}
		files[c.Name+".pem"], files[c.Name+".key"] = cert, key
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
