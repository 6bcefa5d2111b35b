package radius

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// A reply that is checked while its exchange gives up must not free the identifier if another exchange owns it by then:
// that exchange's reply would be a stray one.
func TestLateReplyFreesNobodyElses(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	s := newSocket(newPeer(ServerConfig{Secret: wireSecret}.withDefaults(), "", Config{}.withDefaults()), ours, false)
	late := &exchange{reply: make(chan answer, 1)}
	next := &exchange{reply: make(chan answer, 1)}
	late.check = func([]byte, *slot) flaw {
		late.free()
		s.next = late.first.at.id // as if all others were taken
		if id, ok := s.take(next); !ok || id != late.first.at.id {
			t.Fatalf("identifier %d, %v", id, ok)
		}
		return good
	}
	id, _ := s.take(late)
	if _, err := s.prepare(id, question{encode: func(*slot) ([]byte, error) { return nil, nil }}); err != nil {
		t.Fatal(err)
	}
	s.deliver(append([]byte{2, byte(id), 0, 20}, make([]byte, 16)...))
	if s.atLocked(id) != &next.first || s.taken != 1 {
		t.Fatalf("identifier %d was taken from its owner: %d are in use", id, s.taken)
	}
}

// A late answer on a connection frees its own identifier, and no other.
func TestLateAnswerFreesItsOwn(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	s := newSocket(newPeer(ServerConfig{Transport: TLS, Secret: wireSecret}.withDefaults(), "",
		Config{}.withDefaults()), ours, false)
	ex := &exchange{reply: make(chan answer, 1)}
	id, _ := s.take(ex)
	if _, err := s.prepare(id, question{encode: func(*slot) ([]byte, error) { return nil, nil }}); err != nil {
		t.Fatal(err)
	}
	ex.free()
	if s.taken != 1 {
		t.Fatalf("an unanswered identifier is free: %d in use", s.taken)
	}
	s.deliver(append([]byte{2, byte(id), 0, 20}, make([]byte, 16)...))
	if s.taken != 0 {
		t.Fatalf("the late answer freed nothing: %d in use", s.taken)
	}
}

// Secrets are masked in malformed attributes too: in a pair without a sign, or in a plain Ascend type from a server
// without that dialect.
func TestSecretsInOddPlaces(t *testing.T) {
	const canary = "canary-secret"
	for _, attrs := range []radius.Attributes{
		{avpair("lcp:send-secret:" + canary)},
		{avpair("lcp:send-secret " + canary)},
		{avpair("send-secret " + canary)},
		{a(214, canary)}, {a(151, canary)}, {a(181, canary)}, {a(184, canary)}, {a(141, canary)}, {a(121, canary)},
		{a(70, canary)},
	} {
		for _, session := range []aaa.Service{aaa.EXEC, aaa.PPP} {
			z := authorized(session, attrs)
			all := strings.Join(z.Attributes, "\n") + z.Refuse
			for _, r := range z.Readings {
				all += r.Value + r.Note + r.Attribute
			}
			if strings.Contains(all, canary) || strings.Contains(all, "63616e617279") {
				t.Errorf("%d %q: %s", attrs[0].Type, attrs[0].Attribute, all)
			}
		}
	}
}

// An optional callback is not made if another attribute forbids it.
func TestOptionalAndForbidden(t *testing.T) {
	z := authorized(aaa.EXEC, radius.Attributes{wrap(zyxel, 192, "\x00\x00\x00\x01"),
		wrap(zyxel, 193, "\x00\x00\x00\x01"), wrap(ascend, 246, "\x00\x00\x00\x00")})
	if z.Callback || z.Refuse != "" {
		t.Errorf("%+v", z)
	}
}

// A pair that sets the lines for a callback requires a callback, in both protocols: the user is not admitted on this
// call.
func TestLinePairsDemand(t *testing.T) {
	for _, p := range []string{"shell:callback-line=7", "shell:callback-rotary=7"} {
		if z := authorized(aaa.EXEC, radius.Attributes{avpair(p)}); !z.Callback || !z.Dialstring.IsNull() {
			t.Errorf("%s: %+v", p, z)
		}
		z := authorized(aaa.EXEC, radius.Attributes{avpair(p), wrap(ascend, 246, "\x00\x00\x00\x00")})
		if !strings.Contains(z.Refuse, "Ascend-Callback") || !strings.Contains(z.Refuse, "shell:callback-") {
			t.Errorf("%s and a denial: %q", p, z.Refuse)
		}
	}
}

// A socket that the watchdog opens while its client is being replaced is closed again: nothing else would close it.
func TestRetiredKeepsNothingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialed := 0
		dial := func(context.Context, string, string) (net.Conn, error) {
			dialed++
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs)
			return ours, nil
		}
		p := newPeer(ServerConfig{Address: "one:1812", Secret: wireSecret, StatusServer: StatusOn}.withDefaults(),
			"one:1812", Config{Dial: dial}.withDefaults())
		defer p.close()
		open := func() int {
			synctest.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			return len(p.sockets)
		}
		p.markDead(time.Minute) // it is probed, which opens a socket
		if open() != 1 {
			t.Fatalf("%d sockets", open())
		}
		p.retire()
		if open() != 0 {
			t.Errorf("%d sockets after it was replaced", open())
		}
		p.tryOpen() // as if its watch had just begun to
		if open() != 0 || dialed != 2 {
			t.Errorf("%d sockets of %d after the watchdog's last attempt", open(), dialed)
		}
		p.mu.Lock()
		p.retired, p.dog.state = false, Down
		p.mu.Unlock()
		p.probe().free() // as if a probe of its watch were under way
		p.mu.Lock()
		p.retired = true
		p.todo |= setTimer
		p.watching = true
		p.mu.Unlock()
		p.nudge()
		p.parts.Go(p.watch)
		if open() != 0 {
			t.Errorf("%d sockets after the watch of a replaced server ended", open())
		}
	})
}

// If a number has the prefix of another kind of session, the caller may not choose a number: it was meant to be fixed.
func TestNumberOfAnotherSession(t *testing.T) {
	attrs := func(pairs ...string) radius.Attributes {
		out := radius.Attributes{{Type: rfc2865.ServiceType_Type, Attribute: radius.NewInteger(9)}}
		for _, p := range pairs {
			out = append(out, avpair(p))
		}
		return out
	}
	for _, tt := range []struct {
		pairs  []string
		refuse string
		dial   string
	}{
		{[]string{"lcp:callback-dialstring=84001"}, "Cisco-AVPair lcp:callback-dialstring", ""},
		{[]string{"lcp:callback-dialstring=84001", "shell:callback-dialstring=84002"}, "", "84002"},
		{[]string{"lcp:callback-dialstring=84001", "shell:callback-dialstring="}, "", ""}, // the caller chooses
		{[]string{"lcp:callback-dialstring="}, "", ""},
		{nil, "", ""},
	} {
		a := Dialects{}.Authorize(aaa.EXEC, attrs(tt.pairs...))
		switch {
		case tt.refuse != "":
			if !strings.Contains(a.Refuse, tt.refuse) || !strings.Contains(a.Refuse, "Service-Type") ||
				a.Dialstring.IsSet() {
				t.Errorf("%q: %+v", tt.pairs, a)
			}
		case a.Refuse != "" || !a.Callback || a.Dialstring.Value() != tt.dial:
			t.Errorf("%q: %+v", tt.pairs, a)
		}
	}
}
