package explain

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
)

// peer is the PPP client that logs in: it answers challenges with the password. Its zero method sends the password.
type peer struct {
	method   auth.Method
	user     string
	password aaa.Secret
	proof    string // that the server must send after MS-CHAPv2
	wants    byte   // the EAP type that the server wanted last, which the peer does not have; 0: none
}

// credentials returns r as the access server sends it after the peer has answered.
func (p *peer) credentials(r aaa.Request) (aaa.Request, error) {
	r.User = p.user
	switch p.method {
	case auth.CHAP:
		r.CHAP = &aaa.CHAP{ID: 1, Challenge: random(16)}
		r.CHAP.Response = r.CHAP.Answer(p.password)
	case auth.MSCHAPv1, auth.MSCHAPv2:
		return r, p.answerMSCHAP(&r)
	case auth.EAP:
		if len(p.user) > aaa.MaxUser {
			return r, fmt.Errorf("a user name of %d octets", len(p.user))
		}
		r.EAP = response(1, append([]byte{eapIdentity}, p.user...))
	default:
		r.Password = p.password
	}
	return r, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// answerMSCHAP makes a response's value of 49 octets: for version 1 the NT response and the flag that says so, for
// version 2 also the peer's challenge before it (RFC 2433 §4, RFC 2759 §4).
func (p *peer) answerMSCHAP(r *aaa.Request) error {
	m := &aaa.MSCHAP{Version: 1, ID: 1, Challenge: random(8), Response: make([]byte, 49)}
	if p.method == auth.MSCHAPv2 {
		m.Version, m.Challenge = 2, random(16)
		rand.Read(m.Response[:16])
	} else {
		m.Response[48] = 1
	}
	nt, proof, err := m.Answer(p.user, p.password)
	if err != nil {
		return err
	}
	copy(m.Response[24:], nt)
	r.MSCHAP, p.proof = m, proof
	return nil
}

// EAP's types (RFC 3748 §5).
const (
	eapIdentity     = 1
	eapNotification = 2
	eapNak          = 3
	eapMD5          = 4
)

// response returns an EAP response: its type and the data of the type.
func response(id byte, data []byte) []byte {
	n := 4 + len(data)
	return append([]byte{2, id, byte(n >> 8), byte(n)}, data...)
}

// answer answers an EAP request. The peer's only method is MD5.
func (p *peer) answer(request []byte) []byte {
	id, kind, data := request[1], request[4], request[5:]
	switch {
	case kind == eapIdentity:
		return response(id, append([]byte{eapIdentity}, p.user...))
	case kind == eapNotification:
		return response(id, []byte{eapNotification})
	case kind == eapMD5 && len(data) > 1 && int(data[0]) < len(data):
		sum := aaa.CHAP{ID: id, Challenge: data[1 : 1+int(data[0])]}.Answer(p.password)
		return response(id, append([]byte{eapMD5, byte(len(sum))}, sum...))
	}
	p.wants = kind
	return response(id, []byte{eapNak, eapMD5})
}

// converse logs in with PPP. An error means that the peer could not answer.
func (p *peer) converse(ctx context.Context, login aaa.Login, r aaa.Request) (aaa.Result, error) {
	r, err := p.credentials(r)
	if err != nil {
		return aaa.Result{}, err
	}
	conv, res := login.Start(ctx, r)
	for {
		res = p.method.Interpret(res)
		if res.Kind != aaa.Prompt {
			break
		}
		res = conv.Answer(ctx, aaa.Secret(p.answer(res.EAP)))
	}
	if err := p.check(res); err != nil {
		return aaa.Result{Kind: aaa.Refused, Server: res.Server, Reason: err.Error()}, nil
	}
	return res, nil
}

// check checks the server's proof, as the caller's client does, which hangs up if it is wrong.
func (p *peer) check(res aaa.Result) error {
	proof, _, _ := strings.Cut(res.Success, " ")
	if res.Kind == aaa.Granted && !strings.EqualFold(proof, p.proof) && p.proof != "" {
		return errors.New("the server accepted the response, but its proof (S=) is wrong: the caller's client would " +
			"hang up. Does a proxy or the server change the user name?")
	}
	return nil
}

// hint returns what to check after a refusal.
func (p *peer) hint() string {
	switch p.method {
	case auth.CHAP:
		return "if PAP passes: for CHAP the server needs the password in plain text, not a hash"
	case auth.MSCHAPv1, auth.MSCHAPv2:
		return "if PAP passes: for MS-CHAP the server needs the password in plain text, or its NT hash"
	case auth.EAP:
		if p.wants != 0 {
			return fmt.Sprintf("the server wants EAP type %d, and this test knows MD5 (4) only: test other methods "+
				"with eapol_test, or with a real client", p.wants)
		}
		return "if PAP passes: for EAP-MD5 the server needs EAP with MD5, and the password in plain text"
	}
	return ""
}
