package cbcp_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/cbcp"
)

// engine carries out effects without a clock or a line, and checks what always holds.
type engine struct {
	t     testing.TB
	m     *cbcp.Machine
	offer cbcp.Offer

	armed    bool // the timer runs
	after    time.Duration
	open     bool // a question to the broker is open
	promised bool // the broker has promised
	admitted bool // the broker has admitted a caller who declines, or no callback is all that was offered

	asked    cbcp.Wish
	proceeds int
	ends     int
	why      cbcp.Reason
	text     string
	sent     [][]byte
	requests int
}

func newEngine(t testing.TB, c cbcp.Config) *engine {
	return &engine{t: t, m: cbcp.NewMachine(c), offer: c.Offer, admitted: c.Offer == cbcp.Offer{None: true}}
}

// do carries out the effects of one call and returns them as text: packets in hexadecimal digits.
func (e *engine) do(effects []cbcp.Effect) string {
	e.t.Helper()
	var log []string
	sent := 0
	for _, effect := range effects {
		if e.ends > 0 {
			e.t.Fatalf("%v after the end", effect)
		}
		if effect.String() == "" {
			e.t.Fatalf("%T has no text", effect)
		}
		switch v := effect.(type) {
		case cbcp.Send:
			sent++
			e.transmit(v)
			log = append(log, "send "+hex.EncodeToString(v.Packet))
		case cbcp.StartTimer:
			e.armed, e.after = true, v.After
			log = append(log, "start timer "+v.After.String())
		case cbcp.StopTimer:
			e.armed = false
			log = append(log, "stop timer")
		case cbcp.Ask:
			e.ask(v.Wish)
			log = append(log, "ask")
		case cbcp.Proceed:
			if e.proceeds++; !e.admitted || e.promised || e.proceeds > 1 {
				e.t.Fatalf("proceeds %d times; admitted %v, promised %v", e.proceeds, e.admitted, e.promised)
			}
			log = append(log, "proceed")
		case cbcp.End:
			if e.ends++; v.Reason.Cause == "" || v.Text == "" {
				e.t.Fatalf("end without a reason: %+v", v)
			}
			e.why, e.text = v.Reason, v.Text
			log = append(log, "end: "+string(v.Reason.Cause))
		default:
			e.t.Fatalf("unknown effect %T", v)
		}
	}
	e.check(sent)
	return strings.Join(log, "; ")
}

// transmit checks a packet: an Ack of a callback has the broker's promise, and the types of a Request are those
// offered, type 2 last and type 4 never.
func (e *engine) transmit(v cbcp.Send) {
	e.t.Helper()
	p := v.Packet
	e.sent = append(e.sent, p)
	if v.Protocol != 0xc029 || len(p) < 6 || len(p) > 4+255 || int(p[2])<<8|int(p[3]) != len(p) || e.open {
		e.t.Fatalf("sent %04x % x; question open %v", v.Protocol, p, e.open)
	}
	switch p[0] {
	case 1:
		e.requests++
		for b := p[4:]; len(b) > 0; b = b[b[1]:] {
			if b[0] == 2 && len(b) != int(b[1]) || b[0] == 0 || b[0] > 3 {
				e.t.Fatalf("Request % x", p)
			}
		}
	case 3:
		if p[4] == 1 && !e.admitted || p[4] != 1 && !e.promised {
			e.t.Fatalf("Ack % x without the broker", p)
		}
	default:
		e.t.Fatalf("sent code %d", p[0])
	}
}

// ask checks a question: the number is one by its syntax, and it is there exactly if the offer leaves it to the caller.
func (e *engine) ask(w cbcp.Wish) {
	e.t.Helper()
	if e.open || e.promised || w.Delay < 0 || w.Delay > 255*time.Second ||
		strings.Trim(w.Number, "0123456789 -().+*#") != "" {
		e.t.Fatalf("asks for %+v; open %v, promised %v", w, e.open, e.promised)
	}
	offered := e.offer.Admin
	switch {
	case w.Decline:
		offered = e.offer.None && w.Number == ""
	case w.Number != "":
		offered = e.offer.User
	}
	if !offered {
		e.t.Fatalf("asks for %+v of the offer %v", w, e.offer)
	}
	e.open, e.asked = true, w
}

func (e *engine) check(sent int) {
	e.t.Helper()
	state := e.m.State()
	switch {
	case sent > 1:
		e.t.Fatalf("%d packets for one input", sent)
	case e.requests > 10:
		e.t.Fatalf("%d Requests", e.requests)
	case e.armed != (state == cbcp.Waiting || state == cbcp.Promised):
		e.t.Fatalf("timer runs %v in state %v", e.armed, state)
	case e.open != (state == cbcp.Asking):
		e.t.Fatalf("question open %v in state %v", e.open, state)
	case (e.ends > 0) != (state == cbcp.Over), (e.proceeds > 0) != (state == cbcp.Declined):
		e.t.Fatalf("%d ends, %d proceeds in state %v", e.ends, e.proceeds, state)
	}
}

func (e *engine) start() string { e.t.Helper(); return e.do(e.m.Start()) }

// receive passes a packet in hexadecimal digits, with spaces.
func (e *engine) receive(packet string) string {
	e.t.Helper()
	return e.do(e.m.Receive(octets(packet)))
}

func (e *engine) timeout() string {
	e.t.Helper()
	e.armed = false
	return e.do(e.m.Timeout())
}

func (e *engine) answer(kind cbcp.Kind) string {
	e.t.Helper()
	e.open = false
	e.promised = e.promised || kind == cbcp.VerdictPromised && !e.asked.Decline
	e.admitted = e.admitted || kind == cbcp.VerdictAdmit && e.asked.Decline
	return e.do(e.m.Answer(cbcp.Verdict{Kind: kind, Reason: "because"}))
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
			panic(s + ": " + err.Error())
		}
		out = append(out, b...)
	}
	return out
}

func send(packet string) string { return "send " + hex.EncodeToString(octets(packet)) }
