package aaatest

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

// answer makes the reply to p.
func (s *RADIUS) answer(p *radius.Packet, from net.Addr, f Faults) []byte {
	r := reply{request: p, secret: s.cfg.Secret, faults: f}
	if p.Code == radius.CodeAccountingRequest {
		s.account(p, from)
		r.code, r.faults.Unsigned = radius.CodeAccountingResponse, true
		return r.encode()
	}
	var u User
	u, r.code, r.attrs = s.login(p, f)
	s.log("%s: %q: %v", from, u.Name, r.code)
	r.faults.Unsigned = f.Unsigned || u.Unsigned
	return r.encode()
}

// login decides on an Access-Request.
func (s *RADIUS) login(p *radius.Packet, f Faults) (User, radius.Code, []Attribute) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, state := string(p.Get(1)), string(p.Get(24))
	u, ok := s.users[name]
	if !ok {
		u, ok = s.users["DEFAULT"], false
	}
	u.Name = name
	password := aaa.Secret(unhide(p.Get(2), p.Authenticator[:], s.cfg.Secret))
	switch {
	case f.Challenge != "":
		return u, radius.CodeAccessChallenge, s.challenge(u, f.Challenge)
	case state != "" && s.states[state] == name && ok && u.Challenge != "" && password == u.Answer && password != "":
		delete(s.states, state)
		return u, radius.CodeAccessAccept, u.Reply
	case state != "" || !ok || u.Reject || password == "" || password != u.Password:
		return u, radius.CodeAccessReject, rejection(u, f)
	case u.Challenge != "":
		return u, radius.CodeAccessChallenge, s.challenge(u, u.Challenge)
	}
	return u, radius.CodeAccessAccept, u.Reply
}

func (s *RADIUS) challenge(u User, prompt string) []Attribute {
	var b [8]byte
	rand.Read(b[:])
	state := hex.EncodeToString(b[:])
	s.states[state] = u.Name
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
		attrs = append(attrs, Attribute{"Service-Type", "Callback-NAS-Prompt"}, Attribute{"Callback-Number", f.Callback})
	}
	return attrs
}

// unhide is RFC 2865 §5.2 the other way; "" where it cannot be.
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

// account keeps an Accounting-Request.
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
		if e := lookup(a.Name); e == nil || e.kind == str {
			v = fmt.Sprintf("%q", v)
		}
		fmt.Fprintf(&b, "\t%s = %s\n", a.Name, v)
	}
	fmt.Fprintf(&b, "\tTimestamp = %d\n\n", r.Time.Unix())
	return b.String()
}

func lookup(name string) *entry {
	for i := range dictionary {
		if dictionary[i].name == name {
			return &dictionary[i]
		}
	}
	return nil
}
