package cbcp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ringback/ringback/ppp/cbcp"
)

// FuzzMachine gives a Machine any events, packets and verdicts. The engine checks what always holds: a timer or a
// question where one is due, one packet at most for one input, no Ack without the broker, 10 Requests at most. The
// first octet is the offer; an octet below 16 is a command, any other one is the length of the packet that follows.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("\x05\x00\x03\x01\x08\x03\x01\x02"))
	f.Add([]byte("\x02\x00\x04\x01\x08\x04\x01\x01\x01"))
	f.Add([]byte("\x04\x00\x03\x01\x07\x03\x02\x06\x03\x02"))
	f.Add([]byte("\x01\x00\x1a\x02\x01\x00\x06\x01\x02\x01\x01"))
	f.Add([]byte("\x05\x00\x05\x01\x09\x05\x01\x0a\x0b"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 {
			return
		}
		offer := cbcp.Offer{None: in[0]&1 > 0, Admin: in[0]&2 > 0, User: in[0]&4 > 0}
		e := newEngine(t, cbcp.Config{Offer: offer})
		in = in[1:]
		for len(in) > 0 {
			command := in[0]
			in = in[1:]
			if command >= 16 {
				n := min(int(command)-12, len(in))
				e.do(e.m.Receive(bytes.Clone(in[:n])))
				in = in[n:]
				continue
			}
			arg := byte(0)
			if command >= 3 && command <= 5 && len(in) > 0 {
				arg, in = in[0], in[1:]
			}
			event(e, command, arg)
		}
		settle(t, e)
	})
}

// event gives e one event.
func event(e *engine, command, arg byte) {
	switch command {
	case 0:
		e.start()
	case 1, 2:
		if e.armed {
			e.timeout()
		} else if got := e.do(e.m.Timeout()); got != "" { // late
			e.t.Fatalf("a late timer: %s", got)
		}
	case 3:
		e.receive(response(arg, "02 0c 0c 01 '5551234' 00"))
	case 4:
		e.receive(response(arg, "03 03 05"))
	case 5:
		e.receive(response(arg, "01 02"))
	case 6, 7, 8, 9, 10:
		if kind := cbcp.Kind(command - 6); e.open {
			e.answer(kind)
		} else if got := e.do(e.m.Answer(cbcp.Verdict{Kind: kind})); got != "" {
			e.t.Fatalf("a verdict without a question: %s", got)
		}
	case 11:
		e.open = false
		if !e.promised && e.offer == (cbcp.Offer{None: true}) {
			e.admitted = true
		}
		e.do(e.m.Rejected())
	}
}

// settle lets the broker refuse and the peer be silent: the negotiation ends.
func settle(t *testing.T, e *engine) {
	t.Helper()
	if e.open {
		e.answer(cbcp.VerdictRefuse)
	}
	for range 20 {
		if e.armed {
			e.timeout()
		}
	}
	if state := e.m.State(); state == cbcp.Waiting || state == cbcp.Asking || state == cbcp.Promised {
		t.Errorf("still %v", state)
	}
}

// FuzzParseOption reads any octets as an option 13.
func FuzzParseOption(f *testing.F) {
	f.Add([]byte("\x0384001"))
	f.Add([]byte("\x02home"))
	f.Add([]byte("\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, ok := cbcp.ParseOption(b)
		switch {
		case !ok:
			if w != (cbcp.Wish{}) || len(b) > 0 && (b[0] <= 3 || b[0] == 6) {
				t.Errorf("% x: %+v is not ok", b, w)
			}
			return
		case w.Way == cbcp.NotAsked, w.Decline, w.Delay != 0:
			t.Errorf("% x: %+v", b, w)
		case (w.Unusable == "") != (w.Number+w.Place != "" || w.Way == cbcp.ByUser || w.Way == cbcp.ByCBCP):
			t.Errorf("% x: %+v", b, w)
		}
		if given := w.Number + w.Place; given != "" && given != string(b[1:]) {
			t.Errorf("% x: %+v is not what was sent", b, w)
		}
		for _, c := range w.Number {
			if !strings.ContainsRune("0123456789 -().+*#", c) {
				t.Errorf("% x: number %q", b, w.Number)
			}
		}
		for _, c := range w.Place {
			if c < ' ' || c > '~' {
				t.Errorf("% x: place %q", b, w.Place)
			}
		}
	})
}
