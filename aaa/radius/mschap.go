package radius

import (
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// Microsoft's attributes (RFC 2548).
const (
	microsoftVendor = 311

	msCHAPResponse   = 1  // §2.1.3
	msCHAPError      = 2  // §2.1.5
	msCHAPChallenge  = 11 // §2.1.2
	msCHAP2Response  = 25 // §2.3.2
	msCHAP2Success   = 26 // §2.3.3
	msCHAP2AnswerLen = 42 // "S=" and 40 hexadecimal digits (RFC 2759 §5)
)

// mschapCredential returns MS-CHAP-Challenge and MS-CHAP-Response or MS-CHAP2-Response. In RADIUS the flags are before
// the other fields, in PPP after them.
func mschapCredential(m aaa.MSCHAP) (credential, error) {
	if err := m.Check(); err != nil {
		return credential{}, err
	}
	response := byte(msCHAPResponse)
	if m.Version == 2 {
		response = msCHAP2Response
	}
	last := len(m.Response) - 1
	var attrs radius.Attributes
	addVendor(&attrs, microsoftVendor, msCHAPChallenge, m.Challenge)
	addVendor(&attrs, microsoftVendor, response, append([]byte{m.ID, m.Response[last]}, m.Response[:last]...))
	return credential{attrs: attrs}, nil
}

// addVendor adds one attribute of a vendor (RFC 2865 §5.26).
func addVendor(attrs *radius.Attributes, vendor uint32, t byte, value []byte) {
	v := append([]byte{byte(vendor >> 24), byte(vendor >> 16), byte(vendor >> 8), byte(vendor), t,
		byte(2 + len(value))}, value...)
	attrs.Add(rfc2865.VendorSpecific_Type, v)
}

// vendorValues returns the values of one attribute of a vendor, in the order of the packet. Truncated attributes are
// ignored.
func vendorValues(attrs radius.Attributes, vendor uint32, t byte) [][]byte {
	var values [][]byte
	for _, a := range attrs {
		if a.Type != rfc2865.VendorSpecific_Type {
			continue
		}
		id, data, err := radius.VendorSpecific(a.Attribute)
		if err != nil || id != vendor {
			continue
		}
		for len(data) >= 2 && data[1] >= 2 && int(data[1]) <= len(data) {
			if data[0] == t {
				values = append(values, data[2:data[1]])
			}
			data = data[data[1]:]
		}
	}
	return values
}

// mschapAccepted returns the server's proof in the Accept of an MS-CHAPv2 login, which the peer checks with the
// password. An Accept without one is an error, because the peer would end the link (RFC 2759 §5).
func mschapAccepted(m aaa.MSCHAP, attrs radius.Attributes) (proof string, err error) {
	if m.Version != 2 {
		return "", nil
	}
	v := vendorValues(attrs, microsoftVendor, msCHAP2Success)
	switch {
	case len(v) == 0:
		return "", errors.New("MS-CHAP2-Success is missing, and the peer requires it")
	case len(v) > 1:
		return "", fmt.Errorf("MS-CHAP2-Success is repeated (%d times)", len(v))
	case len(v[0]) < 1+msCHAP2AnswerLen || !isProof(v[0][1:1+msCHAP2AnswerLen]) ||
		pairs.OneLine(string(v[0][1:])) != nil:
		return "", errors.New("MS-CHAP2-Success: expected S= and 40 hexadecimal digits")
	case v[0][0] != m.ID:
		return "", fmt.Errorf("MS-CHAP2-Success answers response %d, not %d", v[0][0], m.ID)
	}
	return string(v[0][1:]), nil
}

func isProof(b []byte) bool {
	if b[0] != 'S' || b[1] != '=' {
		return false
	}
	for _, c := range b[2:] {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// mschapRefused returns the MS-CHAP-Error of a Reject for the peer, "E=691 R=1 …" (RFC 2433 §5, RFC 2759 §6); "" if
// there is no valid one.
func mschapRefused(m aaa.MSCHAP, attrs radius.Attributes) string {
	v := vendorValues(attrs, microsoftVendor, msCHAPError)
	if len(v) != 1 || len(v[0]) < 3 || v[0][0] != m.ID || pairs.OneLine(string(v[0][1:])) != nil ||
		string(v[0][1:3]) != "E=" {
		return ""
	}
	return string(v[0][1:])
}
