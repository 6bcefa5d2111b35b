package auth

import (
	"time"

	"github.com/ringback/ringback/aaa"
)

// The codes of EAP, and the type of an identity (RFC 3748 §4, §5.1).
const (
	eapRequest  = 1
	eapResponse = 2
	eapSuccess  = 3
	eapFailure  = 4

	eapIdentity = 1
)

// maxRounds limits the requests of an AAA server in one login; package aaa/radius has a lower limit.
const maxRounds = 100

// maxEAPWait limits how long an AAA server can have us wait for one response (RFC 2869 §2.3.2).
const maxEAPWait = 60 * time.Second

// eap is the pass-through authenticator (RFC 3748 §2.3): it asks for the identity, and then carries packets between the
// peer and AAA. It makes no Success, and a Failure only for a refusal that is not the server's (RFC 3579 §2.6).
type eap struct {
	a      *Authenticator
	id     byte // of the open request, or the last
	begun  bool // AAA has been asked
	rounds int  // requests of AAA
}

func (e *eap) begin() []Effect {
	e.id = e.a.random(1)[0]
	return e.wait(packet{eapRequest, e.id, []byte{eapIdentity}}, e.a.config.Resend)
}

func (e *eap) wait(p packet, every time.Duration) []Effect {
	return e.a.wait(p.bytes(), every, e.a.config.MaxRequests)
}

// receive takes only the response to the open request (RFC 3748 §4.1). A request of the peer has no answer: we are not
// authenticated.
func (e *eap) receive(in packet) []Effect {
	if e.a.state != Waiting || in.code != eapResponse || in.id != e.id || len(in.data) == 0 {
		return nil
	}
	if e.begun {
		return e.a.ask(Continue{in.bytes()})
	}
	if in.data[0] != eapIdentity { // a Nak is not allowed here (§5.3.1)
		return nil
	}
	name := string(in.data[1:])
	if err := aaa.CheckUser(name); err != nil {
		return e.a.end(e.failure(), Reason{BadName, err.Error()})
	}
	e.begun = true
	return e.a.ask(Ask{Credentials{User: name, EAP: in.bytes()}})
}

func (e *eap) answer(res aaa.Result) []Effect {
	p, ok := parsePacket(res.EAP)
	switch res.Kind {
	case aaa.Prompt:
		return e.next(p, res.Wait)
	case aaa.Granted:
		return e.a.pass(packet{eapSuccess, p.id, nil}.bytes(), res)
	case aaa.Refused:
		reply := e.failure()
		if ok && p.code == eapFailure {
			reply = packet{eapFailure, p.id, nil}.bytes()
		}
		return e.a.end(reply, reasonOf(res))
	}
	return e.a.end(nil, reasonOf(res)) // silence must not become a Failure (RFC 3579 §2.1)
}

// next sends AAA's next request. wait is how long it gives the peer before the request is repeated; 0: not said.
func (e *eap) next(p packet, wait time.Duration) []Effect {
	if e.rounds++; e.rounds > maxRounds {
		return e.a.end(e.failure(), Reason{Cause: TooManyRounds})
	}
	e.id = p.id
	return e.wait(p, max(min(wait, maxEAPWait), e.a.config.Resend))
}

// failure is a Failure of our own for the last response (RFC 3748 §4.2).
func (e *eap) failure() []byte { return packet{eapFailure, e.id, nil}.bytes() }
