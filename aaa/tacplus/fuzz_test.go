package tacplus

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// FuzzPackets: no octets cause a panic, and an accepted packet belongs to the waiting session, is complete, and has
// lengths that add up.
func FuzzPackets(f *testing.F) {
	good := header{version: major, kind: authentication, seq: 2, session: 7}
	octets, err := good.encode([]byte{1, 0, 0, 0, 0, 0}, []byte("secret"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(octets)
	f.Add(octets[:11])
	f.Add(append(append([]byte(nil), octets...), octets...))
	f.Add([]byte("\xc0\x01\x02\x00\x00\x00\x00\x07\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		p := &peer{ServerConfig: ServerConfig{Secret: "secret"}.withDefaults(), conns: map[*conn]bool{}}
		c := newConn(p, a, false)
		s := &session{c: c, id: 7, kind: authentication, version: major, reply: make(chan []byte, 1), want: 2}
		c.sessions[7] = s
		r := bufio.NewReader(bytes.NewReader(octets))
		h, body, err := c.next(r)
		if err != nil {
			return
		}
		if int(h.length) != len(body) || len(octets) < headerLen+len(body) {
			t.Fatalf("%d octets of %d, a body of %d", h.length, len(octets), len(body))
		}
		raw := bytes.Clone(body)
		if err := c.take(h, body); err != nil {
			return
		}
		if h.session != 7 || h.seq != 2 || h.version != major || h.flags&flagPlain != 0 {
			t.Fatalf("taken: %+v", h)
		}
		got := <-s.reply
		if h.obfuscate(got, []byte("secret")); !bytes.Equal(got, raw) {
			t.Fatal("obfuscation does not give back what came")
		}
	})
}

// FuzzAuthorization: no answer of a server causes a panic, and each grant satisfies the rules for all grants.
func FuzzAuthorization(f *testing.F) {
	f.Add([]byte("\x01\x02\x00\x00\x00\x00\x0a\x16priv-lvl=7callback-dialstring=12"), false)
	f.Add([]byte("\x02\x01\x00\x02\x00\x00\x0dhiaddr=10.0.0.1"), true)
	f.Add([]byte("\x10\x00\x00\x00\x00\x00"), true)
	f.Fuzz(func(t *testing.T, reply []byte, ppp bool) {
		if checkBody(authorization, reply) != nil {
			return
		}
		p := &peer{ServerConfig: ServerConfig{Name: "one"}}
		v, err := p.verdict(aaa.About{}, &session{}, reply)
		if err != nil || !v.passed {
			return
		}
		q, ask := aaa.Question{}, question{args: []string{"service=shell", "cmd="}}
		if ppp {
			q.Service, ask = aaa.PPP, question{protocol: "ip", args: []string{"service=ppp", "protocol=ip"}}
		}
		r := newReading(q)
		if r.take(ask, v) != nil {
			return
		}
		if err := r.Conclude(nil); err != nil {
			t.Fatal(err)
		}
		a := r.A
		number := a.Dialstring.Value()
		switch {
		case len(number) > 64 || strings.ContainsFunc(number, func(c rune) bool { return c < ' ' || c > '~' }):
			t.Fatalf("dial string %q", number)
		case a.PrivLevel < 0 || a.PrivLevel > 15 || a.Rotary != nil && (*a.Rotary < 0 || *a.Rotary > 100) ||
			a.SessionTimeout < 0 || a.IdleTimeout < 0:
			t.Fatalf("%+v", a)
		case a.Callback != a.Dialstring.IsSet() || ppp && a.NoVerify:
			t.Fatalf("%+v", a)
		case len(a.Readings) != len(v.args):
			t.Fatalf("%d readings of %d pairs", len(a.Readings), len(v.args))
		}
	})
}
