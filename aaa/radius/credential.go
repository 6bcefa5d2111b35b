package radius

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// credential authenticates the user in an Access-Request: a password, which is encrypted differently in each packet, or
// attributes that are the same in all packets.
type credential struct {
	typed    bool       // a password, possibly empty
	password aaa.Secret // if typed
	attrs    radius.Attributes
	eap      bool // attrs contain an EAP packet from the peer
	eapID    byte // its identifier
}

// checked returns the credential of r, or an error if r cannot be sent to a RADIUS server.
func checked(r aaa.Request) (credential, error) {
	if r.Enable < 0 || r.Enable > 15 {
		return credential{}, fmt.Errorf("privilege level %d out of range (0 to 15)", r.Enable)
	}
	if r.Enable == 0 || r.User != "" {
		if err := aaa.CheckUser(r.User); err != nil {
			return credential{}, err
		}
	}
	return credentialOf(r)
}

// credentialOf returns the credential of r. More than one kind is an error (RFC 2865 §4.1, RFC 3579 §2.1); none is an
// empty password.
func credentialOf(r aaa.Request) (credential, error) {
	var kinds []string
	for _, k := range []struct {
		name string
		here bool
	}{{"a password", r.Password != ""}, {"CHAP", r.CHAP != nil}, {"MS-CHAP", r.MSCHAP != nil}, {"EAP", r.EAP != nil}} {
		if k.here {
			kinds = append(kinds, k.name)
		}
	}
	switch {
	case len(kinds) > 1:
		return credential{}, fmt.Errorf("a request with %s: only one of them is allowed", strings.Join(kinds, " and "))
	case r.Enable > 0 && len(kinds) == 1 && r.Password == "":
		return credential{}, fmt.Errorf("a privilege level requested with %s: a password is required", kinds[0])
	case r.CHAP != nil:
		return chapCredential(*r.CHAP)
	case r.MSCHAP != nil:
		return mschapCredential(*r.MSCHAP)
	case r.EAP != nil:
		return eapCredential(r.EAP)
	}
	return passwordCredential(r.Password)
}

// passwordCredential checks a password: RFC 2865 §5.2 allows at most 128 octets and pads with NULs.
func passwordCredential(p aaa.Secret) (credential, error) {
	switch {
	case len(p) > maxSecret:
		return credential{}, fmt.Errorf("password of %d octets: RADIUS allows at most %d", len(p), maxSecret)
	case strings.Contains(string(p), "\x00"):
		return credential{}, errors.New("password contains a NUL, which RADIUS cannot carry")
	}
	return credential{typed: true, password: p}, nil
}

// interactive reports whether the user can answer a challenge: with CHAP and MS-CHAP that is impossible (RFC 2865
// §4.4).
func (c credential) interactive() bool { return c.typed || c.eap }

// Lengths of RFC 2865 §5.3 and §5.40.
const (
	chapResponseLen  = 16
	minChapChallenge = 5
)

// chapCredential returns CHAP-Password and CHAP-Challenge (RFC 2865 §5.3, §5.40).
func chapCredential(c aaa.CHAP) (credential, error) {
	switch {
	case len(c.Response) != chapResponseLen:
		return credential{}, fmt.Errorf("CHAP response of %d octets, expected %d", len(c.Response), chapResponseLen)
	case len(c.Challenge) < minChapChallenge || len(c.Challenge) > maxAttrLen:
		return credential{}, fmt.Errorf("CHAP challenge of %d octets: RADIUS allows %d to %d", len(c.Challenge),
			minChapChallenge, maxAttrLen)
	}
	var attrs radius.Attributes
	attrs.Add(rfc2865.CHAPPassword_Type, append(radius.Attribute{c.ID}, c.Response...))
	attrs.Add(rfc2865.CHAPChallenge_Type, append(radius.Attribute(nil), c.Challenge...))
	return credential{attrs: attrs}, nil
}
