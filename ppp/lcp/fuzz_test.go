package lcp_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
	"github.com/ringback/ringback/ppp/lcp"
)

// authAsked says whether the last Configure-Request that was sent asks for authentication.
func authAsked(asked bool, effects []fsm.Effect) bool {
	for _, e := range effects {
		send, ok := e.(fsm.Send)
		if !ok || send.Packet[0] != fsm.ConfigureRequest {
			continue
		}
		p, _ := fsm.ParsePacket(send.Packet)
		opts, _ := fsm.ParseOptions(p.Data)
		asked = slices.ContainsFunc(opts, func(o fsm.Option) bool { return o.Type == 3 })
	}
	return asked
}

// echoArmed says whether the keepalive's timer runs after the effects.
func echoArmed(armed bool, effects []fsm.Effect) bool {
	for _, e := range effects {
		switch e.(type) {
		case lcp.StartEcho:
			armed = true
		case lcp.StopEcho:
			armed = false
		}
	}
	return armed
}

// FuzzLCP gives an LCP any events and packets. The engine checks what always holds; here: the keepalive runs exactly
// while LCP is open, unless the peer does not know it, and nobody gets in without a method of the list.
func FuzzLCP(f *testing.F) {
	f.Add([]byte("\x00\x01\x0b\x01\x50\x00\x07\x0d\x03\x06\x0c\x09\x50\x00\x08\x0a\x0b\x0c\x0d\x02\x06"))
	f.Add([]byte("\x00\x01\x1d\x02\x01\x00\x19\x02\x06\x00\x00\x00\x00\x03\x05\xc2\x23\x81\x05\x06\x11\x11\x11\x11" +
		"\x07\x02\x08\x02\x08\x01\x07\x00\x04\x06\x06\x06\x06\x06\x06"))
	f.Add([]byte("\x00\x01\x0c\x03\x01\x00\x08\x03\x04\xc0\x23\x08\x01\x07\x00\x04\x08\x05\x01\x00\x04\x02\x02"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c := config()
		c.Echo = lcp.Echo{Every: time.Second, Misses: 2}
		c.Identification = "me"
		l := lcp.New(c)
		e := &fsmtest.Engine{Layer: l}
		echo, noEcho, asked := false, false, false
		do := func(effects []fsm.Effect) {
			t.Helper()
			e.Do(t, effects)
			echo = echoArmed(echo, effects)
			if open := l.State() == fsm.Opened; echo != open && !noEcho {
				t.Fatalf("echo timer runs %v in state %v", echo, l.State())
			}
			asked = authAsked(asked, effects)
			if l.State() == fsm.Opened && (!asked || !slices.Contains(c.Auth, l.Result().Auth)) {
				t.Fatalf("open with authentication %v", l.Result().Auth)
			}
			if r := l.Result(); r.Callback != nil && r.Callback.Operation != lcp.ByCBCP {
				t.Fatalf("callback %+v", r.Callback)
			}
		}
		for len(in) > 0 {
			command := in[0]
			in = in[1:]
			switch command {
			case 0:
				do(l.Open())
			case 1:
				do(l.Up())
			case 2:
				e.Armed = false
				do(l.Timeout())
			case 3:
				do(l.Close(fsm.Reason{Cause: "closed"}, "closed"))
			case 4:
				do(l.Down())
			case 5:
				do(l.RejectProtocol(0x80fd, in))
			case 6:
				do(l.EchoTimeout())
			case 7:
				do(append(l.Identify("me"), l.TimeRemaining(1, "")...))
			default:
				n := min(int(command)-4, len(in))
				p, ok := fsm.ParsePacket(in[:n])
				noEcho = noEcho || ok && p.Code == fsm.CodeReject && len(p.Data) > 0 && p.Data[0] == lcp.EchoRequest
				do(l.Receive(in[:n]))
				in = in[n:]
			}
		}
		for range 20 {
			if e.Armed {
				e.Armed = false
				do(l.Timeout())
			}
		}
		if e.Armed {
			t.Errorf("still waiting in %v", l.State())
		}
	})
}
