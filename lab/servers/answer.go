package servers

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// challenge is an Access-Challenge that awaits its answer.
type challenge struct {
	user string
	any  bool   // any answer is accepted
	eap  []byte // the value of EAP-MD5's challenge; nil for other challenges
	id   byte   // of EAP
}

// answer makes the reply to p. port is the kind of requests that the port accepts; why is the reason of a refusal.
func (s *RADIUS) answer(p *radius.Packet, from net.Addr, f Faults, port radius.Code) (b []byte, why string) {
	r := reply{request: p, secret: s.cfg.Secret, faults: f, raw: s.cfg.RawAscend}
	switch {
	case p.Code == statusServerCode && port == radius.CodeAccountingRequest:
		r.code, r.faults.Unsigned = radius.CodeAccountingResponse, true
		return r.encode(), ""
	case p.Code == statusServerCode: // FreeRADIUS signs neither
		r.code, r.faults.Unsigned = radius.CodeAccessAccept, true
		return r.encode(), ""
	case p.Code == radius.CodeAccountingRequest:
		s.account(p, from)
		r.code, r.faults.Unsigned = radius.CodeAccountingResponse, true
		return r.encode(), ""
	}
	u, code, attrs, why := s.login(p, f)
	r.code, r.attrs = code, attrs
	s.log("%s: %q: %v %s", from, u.Name, r.code, why)
	r.faults.Unsigned = f.Unsigned || u.Unsigned
	return r.encode(), why
}

// login decides on an Access-Request; why is the reason of a refusal.
func (s *RADIUS) login(p *radius.Packet, f Faults) (u User, code radius.Code, attrs []Attribute, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := Match(s.users, p)
	state := string(p.Get(24))
	waiting, known := s.states[state]
	if f.Challenge != "" {
		return u, radius.CodeAccessChallenge, s.challenge(u, f.Challenge, challenge{}), ""
	}
	eap, err := eapMessage(p)
	switch {
	case err != nil:
		return u, radius.CodeAccessReject, rejection(u, f), err.Error()
	case !ok:
		return u, radius.CodeAccessReject, rejection(u, f), "unknown user, or no entry matches"
	case u.Reject:
		return u, radius.CodeAccessReject, rejection(u, f), "Auth-Type := Reject"
	case eap != nil:
		return s.eap(u, eap, state, f)
	case state != "" && (!known || waiting.user != u.Name || waiting.eap != nil):
		return u, radius.CodeAccessReject, rejection(u, f), "the State belongs to another login"
	case state != "":
		return s.answered(p, u, state, f)
	}
	proof := proven(p, u, s.cfg.Secret)
	switch {
	case proof.why != "":
		return u, radius.CodeAccessReject, append(rejection(u, f), proof.attrs...), proof.why
	case u.Challenge != "":
		return u, radius.CodeAccessChallenge, s.challenge(u, u.Challenge, challenge{}), ""
	case f.AskFirst != "":
		return u, radius.CodeAccessChallenge, s.challenge(u, f.AskFirst, challenge{any: true}), ""
	}
	return u, radius.CodeAccessAccept, append(u.Reply, proof.attrs...), ""
}

// answered checks the answer to a challenge.
func (s *RADIUS) answered(p *radius.Packet, u User, state string, f Faults) (User, radius.Code, []Attribute, string) {
	said := aaa.Secret(unhide(p.Get(2), p.Authenticator[:], s.cfg.Secret))
	if said == "" || said != u.Answer && !s.states[state].any {
		return u, radius.CodeAccessReject, rejection(u, f), "wrong answer"
	}
	delete(s.states, state)
	return u, radius.CodeAccessAccept, u.Reply, ""
}

// challenge stores what is asked and returns the attributes of the Access-Challenge.
func (s *RADIUS) challenge(u User, prompt string, c challenge) []Attribute {
	var b [8]byte
	rand.Read(b[:])
	state := hex.EncodeToString(b[:])
	c.user = u.Name
	s.states[state] = c
	if c.eap != nil {
		return []Attribute{{"State", state}}
	}
	attrs := []Attribute{{"State", state}, {"Reply-Message", prompt}, {"Prompt", "No-Echo"}}
	if u.Echo {
		attrs[2].Value = "Echo"
	}
	return attrs
}

func rejection(u User, f Faults) []Attribute {
	var attrs []Attribute
	for _, a := range u.Reply {
		if a.Name == "Reply-Message" {
			attrs = append(attrs, a)
		}
	}
	if f.Callback != "" {
		attrs = append(attrs, Attribute{"Service-Type", "Callback-NAS-Prompt"},
			Attribute{"Callback-Number", f.Callback})
	}
	return attrs
}

// unhide reverses the hiding of RFC 2865 §5.2; "" if hidden is malformed.
func unhide(hidden, auth []byte, secret aaa.Secret) string {
	if len(hidden) == 0 || len(hidden)%16 != 0 || len(hidden) > 128 {
		return ""
	}
	var plain []byte
	last := auth
	for len(hidden) > 0 {
		pad := md5.Sum([]byte(string(secret) + string(last)))
		for i := range 16 {
			plain = append(plain, hidden[i]^pad[i])
		}
		last, hidden = hidden[:16], hidden[16:]
	}
	return strings.TrimRight(string(plain), "\x00")
}

// account records an Accounting-Request.
func (s *RADIUS) account(p *radius.Packet, from net.Addr) {
	r := Record{Time: time.Now(), From: from.String()}
	for _, a := range p.Attributes {
		r.Attributes = append(r.Attributes, decode(a.Type, a.Attribute))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
	if s.cfg.Detail == nil {
		return
	}
	if _, err := io.WriteString(s.cfg.Detail, r.detail()); err != nil {
		s.log("detail: %v", err)
	}
}

// detail is the record as FreeRADIUS writes it: a date, indented attributes, an empty line.
func (r Record) detail() string {
	var b strings.Builder
	b.WriteString(r.Time.Format(time.ANSIC) + "\n")
	for _, a := range r.Attributes {
		v := a.Value
		if quotedKind(a.Name) {
			v = quote(v)
		}
		fmt.Fprintf(&b, "\t%s = %s\n", a.Name, v)
	}
	fmt.Fprintf(&b, "\tTimestamp = %d\n\n", r.Time.Unix())
	return b.String()
}
