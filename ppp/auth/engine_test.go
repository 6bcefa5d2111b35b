package auth_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
)

// engine carries out effects without a clock or a line, and checks what always holds.
type engine struct {
	t testing.TB
	a *auth.Authenticator

	armed     bool          // the timer runs
	after     time.Duration // of the timer
	open      bool          // a question to AAA is open
	granting  bool          // Answer is being called with a grant
	questions int
	ended     int // Granted and Failed

	asked auth.Credentials // of the last Ask
	more  []byte           // of the last Continue
	grant aaa.Result
	why   auth.Reason
	sent  [][]byte
}

// newEngine starts an Authenticator whose random octets are random, in their order, and then 0, 1, 2, …
func newEngine(t testing.TB, c auth.Config, random ...byte) *engine {
	next := byte(0)
	c.Random = func(b []byte) {
		n := copy(b, random)
		random = random[n:]
		for i := n; i < len(b); i++ {
			b[i] = next
			next++
		}
	}
	return &engine{t: t, a: auth.New(c)}
}

// do carries out the effects of one call and returns them as text: packets in hexadecimal digits.
func (e *engine) do(effects []auth.Effect) string {
	e.t.Helper()
	sent := 0
	var log []string
	for _, effect := range effects {
		if effect.String() == "" {
			e.t.Fatalf("%T has no text", effect)
		}
		switch v := effect.(type) {
		case auth.Send:
			if e.ended > 0 && sent == 0 && len(effects) > 1 {
				e.t.Fatal("sent after the end, and more")
			}
			if v.Protocol != e.a.Method().Protocol() || len(v.Packet) < 4 || len(v.Packet) > 1500 {
				e.t.Fatalf("sent %04x % x", v.Protocol, v.Packet)
			}
			sent++
			e.sent = append(e.sent, v.Packet)
			log = append(log, "send "+hex.EncodeToString(v.Packet))
		case auth.StartTimer:
			if v.After <= 0 {
				e.t.Fatalf("timer of %v", v.After)
			}
			e.armed, e.after = true, v.After
			log = append(log, "start timer "+v.After.String())
		case auth.StopTimer:
			e.armed = false
			log = append(log, "stop timer")
		case auth.Ask:
			e.question(v.User)
			e.asked = v.Credentials
			log = append(log, "ask "+v.User)
		case auth.Continue:
			e.question("x")
			e.more = v.EAP
			log = append(log, "continue "+hex.EncodeToString(v.EAP))
		case auth.Granted:
			if !e.granting || v.Result.Kind != aaa.Granted {
				e.t.Fatalf("granted without a grant: %+v", v.Result)
			}
			e.ended++
			e.grant = v.Result
			log = append(log, "granted")
		case auth.Failed:
			if v.Reason.Cause == "" {
				e.t.Fatal("failed without a reason")
			}
			e.ended++
			e.why = v.Reason
			log = append(log, "failed: "+string(v.Reason.Cause))
		default:
			e.t.Fatalf("unknown effect %T", v)
		}
	}
	if last := len(effects) - 1; sent > 0 && e.ended > 0 && last > 0 {
		if i := slices.IndexFunc(effects, isEnd); i >= 0 && i != last {
			e.t.Fatalf("effects after the end: %v", log)
		}
	}
	e.check(sent)
	return strings.Join(log, "; ")
}

func isEnd(e auth.Effect) bool {
	switch e.(type) {
	case auth.Granted, auth.Failed:
		return true
	}
	return false
}

func (e *engine) question(user string) {
	e.t.Helper()
	if e.open || user == "" || e.ended > 0 {
		e.t.Fatalf("asked about %q; open %v, ended %d", user, e.open, e.ended)
	}
	e.open = true
	e.questions++
}

func (e *engine) check(sent int) {
	e.t.Helper()
	state := e.a.State()
	switch {
	case sent > 1:
		e.t.Fatalf("%d packets for one input", sent)
	case e.armed != (state == auth.Waiting):
		e.t.Fatalf("timer runs %v in state %v", e.armed, state)
	case e.open != (state == auth.Asking):
		e.t.Fatalf("question open %v in state %v", e.open, state)
	case e.ended > 1, (e.ended == 1) != (state == auth.Passed || state == auth.Over):
		e.t.Fatalf("ended %d times in state %v", e.ended, state)
	}
}

func (e *engine) start() string { e.t.Helper(); return e.do(e.a.Start()) }

// receive passes a packet in hexadecimal digits, with spaces.
func (e *engine) receive(packet string) string {
	e.t.Helper()
	return e.do(e.a.Receive(e.a.Method().Protocol(), octets(packet)))
}

func (e *engine) timeout() string {
	e.t.Helper()
	e.armed = false
	return e.do(e.a.Timeout())
}

func (e *engine) answer(res aaa.Result) string {
	e.t.Helper()
	e.open, e.granting = false, res.Kind == aaa.Granted
	defer func() { e.granting = false }()
	return e.do(e.a.Answer(res))
}

// expect compares the text of effects.
func (e *engine) expect(what, got string, want ...string) {
	e.t.Helper()
	if w := strings.Join(want, "; "); got != w {
		e.t.Fatalf("%s:\n got %s\nwant %s", what, got, w)
	}
}

// octets reads hexadecimal digits; 'text' is ASCII.
func octets(s string) []byte {
	var out []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(part), ""))
		if err != nil {
			panic(fmt.Sprintf("%q: %v", s, err))
		}
		out = append(out, b...)
	}
	return out
}

func send(packet string) string { return "send " + hex.EncodeToString(octets(packet)) }

func granted(user string) aaa.Result {
	return aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: user}}
}

func refused(message string) aaa.Result {
	return aaa.Result{Kind: aaa.Refused, Reason: "wrong password", Message: message}
}
