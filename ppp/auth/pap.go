package auth

import (
	"bytes"
	"time"

	"github.com/ringback/ringback/aaa"
)

// The codes of PAP (RFC 1334 §2.2).
const (
	papRequest = 1
	papAck     = 2
	papNak     = 3
)

// pap is the Password Authentication Protocol (RFC 1334 §2).
type pap struct {
	a     *Authenticator
	asked []byte // the data of the request about which AAA is asked
	id    byte   // of the newest copy of that request
	reply packet // once there is one
}

// parsePAP reads the data of an Authenticate-Request. Octets after the password are ignored.
func parsePAP(data []byte) (user, password []byte, ok bool) {
	user, rest, ok := prefixed(data)
	if !ok {
		return nil, nil, false
	}
	password, _, ok = prefixed(rest)
	return user, password, ok
}

func (p *pap) begin() []Effect {
	c := p.a.config
	return p.a.listen(c.Resend*time.Duration(c.MaxRequests), Reason{Cause: PeerSilent})
}

func (p *pap) receive(in packet) []Effect {
	user, password, ok := parsePAP(in.data)
	if in.code != papRequest || !ok {
		return nil
	}
	switch p.a.state {
	case Waiting:
		return p.request(in, string(user), string(password))
	case Asking:
		// Each copy has its own identifier (§2.2.1), and the peer may accept only the answer to the newest.
		if bytes.Equal(in.data, p.asked) {
			p.id = in.id
		}
		return nil
	}
	if p.reply.code == 0 { // it ended without a request
		return nil
	}
	p.reply.id = in.id
	return []Effect{p.a.send(p.reply.bytes())}
}

func (p *pap) request(in packet, user, password string) []Effect {
	p.asked, p.id = bytes.Clone(in.data), in.id
	if err := aaa.CheckUser(user); err != nil {
		return p.a.end(p.nak(textRefused), Reason{BadName, err.Error()})
	}
	return p.a.ask(Ask{Credentials{User: user, Password: aaa.Secret(password)}})
}

func (p *pap) answer(res aaa.Result) []Effect {
	if res.Kind != aaa.Granted {
		return p.a.end(p.nak(failureText(res)), reasonOf(res))
	}
	return p.a.pass(p.answered(papAck, text(res.Message)), res)
}

func (p *pap) nak(message string) []byte { return p.answered(papNak, message) }

// answered makes the reply, and keeps it for repeated requests.
func (p *pap) answered(code byte, message string) []byte {
	p.asked = nil // it has the password
	p.reply = packet{code, p.id, append([]byte{byte(len(message))}, message...)}
	return p.reply.bytes()
}
