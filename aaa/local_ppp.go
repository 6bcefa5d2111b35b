package aaa

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
)

// nobody is a password against which the response of a user without one is computed, for the time that it takes.
const nobody Secret = "no password of anybody"

// checkResponse checks a response that answers computes from the password, so it refuses a user with only a hash. The
// reason for that is not told to the caller.
func (l *Local) checkResponse(r Request, method string, answers func(password Secret) bool) Result {
	u, as := l.find(r)
	password := u.password
	if password == "" {
		password = nobody
	}
	right := answers(password)
	if as != nobodys && u.password == "" {
		return Result{Kind: Refused, Server: "local", Reason: fmt.Sprintf("local: %s cannot be checked for %q: "+
			"only a password hash is known (use PAP, or password_file for this user)", method, r.User)}
	}
	return u.judge(r, as, right)
}

// mschapFailed is what a peer is told of a wrong response: it may try again (RFC 2433 §8, RFC 2759 §6). The side that
// sends it to the peer adds the next challenge and the version.
const mschapFailed = "E=691 R=1"

func (l *Local) checkMSCHAP(r Request) Result {
	user, m := r.User, *r.MSCHAP
	if err := m.Check(); err != nil {
		return Result{Kind: Refused, Server: "local", Reason: "local: " + err.Error()}
	}
	var proof string
	var why error
	res := l.checkResponse(r, "MS-CHAP", func(password Secret) (ok bool) {
		proof, ok, why = m.answers(user, password)
		return ok
	})
	switch {
	case res.Kind == Granted:
		res.Success = proof
		return res
	case why != nil:
		res.Reason = fmt.Sprintf("local: user %q: %v", user, why)
	}
	res.Success = mschapFailed
	return res
}

// The codes and types of EAP that are used here (RFC 3748 §4, §5).
const (
	eapRequest  = 1
	eapResponse = 2
	eapSuccess  = 3
	eapIdentity = 1
	eapNak      = 3
	eapMD5      = 4
)

// localEAP is EAP-MD5 (RFC 3748 §5.4) with a local user, after the identity.
type localEAP struct {
	local *Local
	login Request
	chap  CHAP // its challenge

	mu    sync.Mutex
	ended bool
}

// startEAP challenges every user, also an unknown one.
func (l *Local) startEAP(r Request) (Conversation, Result) {
	id, kind, _, ok := parseEAP(r.EAP)
	if !ok || kind != eapIdentity {
		return nil, Result{Kind: Refused, Server: "local",
			Reason: "local: the login does not begin with an EAP identity"}
	}
	c := &localEAP{local: l, login: r, chap: CHAP{ID: id + 1, Challenge: make([]byte, md5Len)}}
	rand.Read(c.chap.Challenge)
	request := append([]byte{eapRequest, c.chap.ID, 0, 6 + md5Len, eapMD5, md5Len}, c.chap.Challenge...)
	return c, Result{Kind: Prompt, Server: "local", EAP: request}
}

// md5Len is the length of a challenge and of a response.
const md5Len = 16

// Answer takes the peer's response, and ends the conversation.
func (c *localEAP) Answer(_ context.Context, answer Secret) Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	refused := Result{Kind: Refused, Server: "local"}
	if c.ended {
		refused.Reason = "the conversation has ended"
		return refused
	}
	c.ended = true
	id, kind, data, ok := parseEAP([]byte(answer))
	switch {
	case !ok || id != c.chap.ID || kind != eapNak && (kind != eapMD5 || len(data) <= md5Len || data[0] != md5Len):
		refused.Reason = "local: not a response to the EAP-MD5 challenge"
		return refused
	case kind == eapNak:
		refused.Reason = "local: the peer requires an EAP method other than MD5, the only one of local users"
		return refused
	}
	c.chap.Response = data[1 : 1+md5Len]
	res := c.local.checkResponse(c.login, "EAP-MD5", c.chap.answers)
	if res.Kind == Granted {
		res.EAP = []byte{eapSuccess, id, 0, 4}
	}
	return res
}

// parseEAP reads a response of a peer. Octets after its length are ignored (RFC 3748 §4).
func parseEAP(b []byte) (id, kind byte, data []byte, ok bool) {
	if len(b) < 5 || b[0] != eapResponse {
		return 0, 0, nil, false
	}
	n := int(b[2])<<8 | int(b[3])
	if n < 5 || n > len(b) {
		return 0, 0, nil, false
	}
	return b[1], b[4], b[5:n], true
}
