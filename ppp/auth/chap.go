package auth

import (
	"bytes"
	"fmt"

	"github.com/ringback/ringback/aaa"
)

// The codes of CHAP (RFC 1994 §4).
const (
	chapChallenge = 1
	chapResponse  = 2
	chapSuccess   = 3
	chapFailure   = 4
)

// chap is the Challenge-Handshake Authentication Protocol (RFC 1994).
//
// A challenge without a response is repeated as it is, with its identifier and value, as by pppd: a response to the
// first copy that comes after the second one was sent is still valid, and so is the peer's check of our answer to it.
// RFC 1994 §4.1 has each challenge differ; each login has another one.
type chap struct {
	a     *Authenticator
	style style

	id        byte   // of the response that is expected
	challenge []byte // that it answers
	retries   int    // that were allowed

	replied bool
	reply   packet // the last Success or Failure
}

// style is what distinguishes the algorithms of CHAP.
type style struct {
	challengeLen int
	responseLen  int
	// credentials of a response's value
	credentials func(id byte, challenge, value []byte) Credentials
	// reflected reports whether a response has our challenge where the peer's own should be.
	reflected func(challenge, value []byte) bool
	success   func(res aaa.Result) string
	// failure returns the text of a Failure, and whether it lets the peer try again with the challenge next.
	failure func(res aaa.Result, next []byte, mayRetry bool) (message string, retry bool)
}

// md5Style is CHAP with MD5 (RFC 1994 §2). Servers take 1 to 253 octets of challenge; 16 are as many as the hash has.
var md5Style = style{
	challengeLen: 16,
	responseLen:  16,
	credentials: func(id byte, challenge, value []byte) Credentials {
		return Credentials{CHAP: &aaa.CHAP{ID: id, Challenge: challenge, Response: value}}
	},
	reflected: func(_, _ []byte) bool { return false },
	success:   func(res aaa.Result) string { return text(res.Message) },
	failure:   func(res aaa.Result, _ []byte, _ bool) (string, bool) { return failureText(res), false },
}

// parseChallenge reads the data of a Challenge or a Response.
func parseChallenge(data []byte) (value, name []byte, ok bool) {
	value, name, ok = prefixed(data)
	return value, name, ok && len(value) > 0
}

func (c *chap) begin() []Effect {
	c.id = c.a.random(1)[0]
	c.challenge = c.a.random(c.style.challengeLen)
	data := append([]byte{byte(len(c.challenge))}, c.challenge...)
	p := packet{chapChallenge, c.id, append(data, c.a.config.Name...)}
	return c.a.wait(p.bytes(), c.a.config.Resend, c.a.config.MaxRequests)
}

func (c *chap) receive(in packet) []Effect {
	value, name, ok := parseChallenge(in.data)
	switch {
	case !ok || c.a.state == Asking:
		return nil
	case in.code == chapChallenge:
		return c.challenged(value)
	case in.code != chapResponse:
		return nil
	case c.replied && in.id == c.reply.id:
		return []Effect{c.a.send(c.reply.bytes())}
	case c.a.state != Waiting || in.id != c.id:
		return nil
	}
	return c.respond(value, string(name))
}

// challenged takes a challenge to us. It has no answer. Our own challenge comes back from a peer that hopes to learn
// our response to it, or from a looped line.
func (c *chap) challenged(value []byte) []Effect {
	if c.a.state != Waiting || !bytes.Equal(value, c.challenge) {
		return nil
	}
	return c.reject(Reason{Cause: Reflected})
}

func (c *chap) respond(value []byte, name string) []Effect {
	if len(value) != c.style.responseLen {
		return c.reject(Reason{BadResponse, fmt.Sprintf("%d octets, expected %d", len(value), c.style.responseLen)})
	}
	if c.style.reflected(c.challenge, value) {
		return c.reject(Reason{Cause: Reflected})
	}
	if err := aaa.CheckUser(name); err != nil {
		return c.reject(Reason{BadName, err.Error()})
	}
	q := c.style.credentials(c.id, bytes.Clone(c.challenge), bytes.Clone(value))
	q.User = name
	return c.a.ask(Ask{q})
}

// reject fails the peer without asking AAA.
func (c *chap) reject(r Reason) []Effect {
	message, _ := c.style.failure(aaa.Result{Kind: aaa.Refused}, c.a.random(c.style.challengeLen), false)
	return c.a.end(c.answered(chapFailure, message), r)
}

func (c *chap) answer(res aaa.Result) []Effect {
	if res.Kind == aaa.Granted {
		return c.a.pass(c.answered(chapSuccess, c.style.success(res)), res)
	}
	next := c.a.random(c.style.challengeLen)
	message, retry := c.style.failure(res, next, c.retries < maxRetries && !c.a.lastTry)
	reply := c.answered(chapFailure, message)
	if !retry {
		return c.a.end(reply, reasonOf(res))
	}
	c.retries++
	c.id, c.challenge = c.id+1, next
	return append([]Effect{c.a.send(reply)}, c.a.listen(c.a.config.RetryWait, reasonOf(res))...)
}

// answered makes the reply, and keeps it for repeated responses.
func (c *chap) answered(code byte, message string) []byte {
	c.replied, c.reply = true, packet{code, c.id, []byte(message)}
	return c.reply.bytes()
}
