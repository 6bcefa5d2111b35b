package pppclient

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Method is a method of authentication.
type Method uint8

// The methods.
const (
	PAP      Method = iota + 1 // RFC 1334
	CHAP                       // with MD5, RFC 1994
	MSCHAPv2                   // RFC 2759
	EAP                        // MD5-Challenge, RFC 3748 §5.4
)

// AllMethods are the methods, the strongest first.
var AllMethods = []Method{MSCHAPv2, CHAP, EAP, PAP}

var methods = []struct {
	method Method
	name   string
	option []byte // data of the authentication option
}{
	{PAP, "pap", []byte{0xc0, 0x23}}, {CHAP, "chap", []byte{0xc2, 0x23, 5}},
	{MSCHAPv2, "ms-chap-v2", []byte{0xc2, 0x23, 0x81}}, {EAP, "eap", []byte{0xc2, 0x27}},
}

// ParseMethod reads the name of a method.
func ParseMethod(name string) (Method, error) {
	for _, m := range methods {
		if m.name == name {
			return m.method, nil
		}
	}
	return 0, fmt.Errorf("unknown method %q: use pap, chap, ms-chap-v2 or eap", name)
}

// String is the method's name.
func (m Method) String() string {
	for _, row := range methods {
		if row.method == m {
			return row.name
		}
	}
	return "none"
}

func (m Method) option() []byte {
	for _, row := range methods {
		if row.method == m {
			return row.option
		}
	}
	return nil
}

func (m Method) usesCHAP() bool { return m == CHAP || m == MSCHAPv2 }

// Refused is the error if the server does not accept the login. Text is the server's.
type Refused struct {
	Method Method
	Text   string
}

func (e *Refused) Error() string {
	return fmt.Sprintf("%v: the server refused the login: %q", e.Method, e.Text)
}

// The codes of CHAP and EAP.
const (
	chapChallenge, chapResponse, chapSuccess, chapFailure = 1, 2, 3, 4
	eapRequest, eapResponse, eapSuccess, eapFailure       = 1, 2, 3, 4
)

// authenticate logs in by the method for which the server has asked.
func (c *Client) authenticate(ctx context.Context) error {
	var err error
	switch c.method {
	case PAP:
		err = c.authenticatePAP(ctx)
	case CHAP, MSCHAPv2:
		err = c.talk(ctx, protoCHAP, "chap", nil, c.chap)
	case EAP:
		err = c.talk(ctx, protoEAP, "eap", nil, c.eap)
	default:
		c.config.Tell("the server does not ask for a login")
		return nil
	}
	if err == nil {
		c.passed = true
		c.config.Tell("logged in by " + c.method.String())
	}
	return err
}

// authenticatePAP sends the password until the server answers (RFC 1334 §2).
func (c *Client) authenticatePAP(ctx context.Context) error {
	if len(c.config.User) > 255 || len(c.config.Password) > 255 {
		return errors.New("pap: user or password has more than 255 octets")
	}
	data := append([]byte{byte(len(c.config.User))}, c.config.User...)
	data = append(append(data, byte(len(c.config.Password))), c.config.Password...)
	request := func() error {
		c.id++
		return c.send(packet{1, c.id, data}.frame(protoPAP))
	}
	if err := request(); err != nil {
		return err
	}
	return c.talk(ctx, protoPAP, "pap", request, func(p packet) (bool, error) {
		switch {
		case p.id == c.id && p.code == 2:
			return true, nil
		case p.id == c.id && p.code == 3:
			return false, &Refused{PAP, papText(p.data)}
		}
		return false, nil
	})
}

// papText is the message of an answer, which has its length before it.
func papText(b []byte) string {
	if len(b) == 0 || int(b[0]) > len(b)-1 {
		return ""
	}
	return string(b[1 : 1+int(b[0])])
}

// chap answers challenges until the server has decided (RFC 1994 §4).
func (c *Client) chap(p packet) (bool, error) {
	switch p.code {
	case chapChallenge:
		return false, c.respond(p)
	case chapSuccess:
		if c.method == MSCHAPv2 && (c.proof == "" || !strings.HasPrefix(string(p.data), "S="+c.proof)) {
			return false, errors.New("ms-chap-v2: the server does not prove that it knows the password")
		}
		return true, nil
	case chapFailure:
		challenge, ok := retryChallenge(string(p.data))
		if c.method != MSCHAPv2 || c.config.Again == "" || !ok {
			return false, &Refused{c.method, string(p.data)}
		}
		c.config.Tell("the password is wrong: trying another one")
		c.config.Password, c.config.Again = c.config.Again, ""
		return false, c.respond(packet{chapChallenge, p.id + 1, append([]byte{byte(len(challenge))}, challenge...)})
	}
	return false, nil
}

// retryChallenge takes the challenge of a failure of MS-CHAPv2, "E=691 R=1 C=… V=3", if another attempt is permitted
// (RFC 2759 §6).
func retryChallenge(text string) (challenge []byte, ok bool) {
	for field := range strings.FieldsSeq(text) {
		if field == "R=1" {
			ok = true
		}
		if value, found := strings.CutPrefix(field, "C="); found {
			challenge, _ = hex.DecodeString(value)
		}
	}
	return challenge, ok && len(challenge) == 16
}

// respond answers a challenge. One that is malformed is ignored.
func (c *Client) respond(p packet) error {
	value, ok := chapValue(p.data)
	if !ok {
		return nil
	}
	var response []byte
	switch {
	case c.method == CHAP:
		response = md5Response(p.id, c.config.Password, value)
	case len(value) == 16:
		peer := make([]byte, 16)
		_, _ = rand.Read(peer) // it never fails
		response, c.proof = msResponse(value, peer, c.config.User, c.config.Password)
	default:
		return nil
	}
	data := slices.Concat([]byte{byte(len(response))}, response, []byte(c.config.User))
	return c.send(packet{chapResponse, p.id, data}.frame(protoCHAP))
}

// chapValue takes the value of a Challenge, or of EAP's MD5-Challenge; a name follows.
func chapValue(b []byte) (value []byte, ok bool) {
	if len(b) < 1 || b[0] == 0 || int(b[0]) > len(b)-1 {
		return nil, false
	}
	return b[1 : 1+int(b[0])], true
}

func md5Response(id byte, password string, challenge []byte) []byte {
	sum := md5.Sum(slices.Concat([]byte{id}, []byte(password), challenge))
	return sum[:]
}

// The types of EAP that the client has (RFC 3748 §5).
const (
	eapIdentity, eapNotification, eapNak, eapMD5 = 1, 2, 3, 4
)

// eap answers requests until the server has decided.
func (c *Client) eap(p packet) (bool, error) {
	switch {
	case p.code == eapSuccess:
		return true, nil
	case p.code == eapFailure:
		return false, &Refused{EAP, ""}
	case p.code != eapRequest || len(p.data) == 0:
		return false, nil
	}
	data := []byte{eapNak, eapMD5}
	switch p.data[0] {
	case eapIdentity:
		data = append([]byte{eapIdentity}, c.config.User...)
	case eapNotification:
		data = []byte{eapNotification}
	case eapMD5:
		value, ok := chapValue(p.data[1:])
		if !ok {
			return false, nil
		}
		data = slices.Concat([]byte{eapMD5, md5.Size}, md5Response(p.id, c.config.Password, value),
			[]byte(c.config.User))
	}
	return false, c.send(packet{eapResponse, p.id, data}.frame(protoEAP))
}
