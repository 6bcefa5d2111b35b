package modem

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// gsm is a cellular modem of the exchange, as lab/dialects has it.
var gsm = exchange.Dialect{RingText: "+CRING: REL ASYNC", RingCommand: "+CRC=1", VoiceRingText: "+CRING: VOICE",
	Messages: true, CallerIDCommand: "+CLIP=1", CallerIDText: `+CLIP: "%s",129`, CallerIDEachRing: true}

// cellular gives the line what the profile of that name has.
func cellular(o *Options) {
	o.Config.Init = "ATE0Q0V1&C1&D2S0=0+CRC=1"
	o.Config.Profile = lines.Profile{Name: "cellular", CallerID: lines.CallerID{Command: "AT+CLIP=1",
		Lines: []lines.CallerIDLine{{Text: "+CLIP", Form: "clip"}}},
		Messages: lines.Messages{On: "AT+CNMI=2,1,0,0,0", Off: "AT+CNMI=0,0,0,0,0"}}
}

func wantsMessages(o *Options) { o.Config.Messages = true }
func wantsMissed(o *Options)   { o.Config.MissedCalls = true }

// inbox notes the messages of a line.
type inbox struct {
	got  chan lines.Message
	keep bool // the host takes none
}

func (b *inbox) take(m lines.Message) bool {
	b.got <- m
	return !b.keep
}

// onCellular runs body with a line that reads short messages, on a port with and without modem signals.
func onCellular(t *testing.T, m exchange.ModemConfig, body func(e *edge, in *inbox), opts ...option) {
	t.Helper()
	for _, signals := range []bool{true, false} {
		t.Run(fmt.Sprintf("signals=%t", signals), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m.CallerID, m.Dialect = true, gsm
				e := newEdge(t, m)
				defer e.close()
				in := &inbox{got: make(chan lines.Message, 2000)}
				e.message = in.take
				e.run(append([]option{cellular, withSignals(signals)}, opts...)...)
				body(e, in)
			})
		})
	}
}

func (b *inbox) next(t *testing.T) lines.Message {
	t.Helper()
	select {
	case m := <-b.got:
		return m
	case <-time.After(10 * time.Minute):
		t.Fatal("no message")
		return lines.Message{}
	}
}

func (b *inbox) none(t *testing.T) {
	t.Helper()
	pass(time.Minute)
	select {
	case m := <-b.got:
		t.Errorf("message: %+v", m)
	default:
	}
}

// deliver sends a message to the line's modem.
func (e *edge) deliver(from, text string) {
	e.t.Helper()
	if err := e.line.Deliver(from, text); err != nil {
		e.t.Fatal(err)
	}
}

// emptied waits until the modem has no messages.
func (e *edge) emptied() {
	e.t.Helper()
	for end := time.Now().Add(time.Hour); ; pass(time.Second) {
		stored, waiting := e.line.Messages()
		if stored+waiting == 0 {
			return
		}
		if time.Now().After(end) {
			e.t.Fatalf("%d messages are stored, %d wait", stored, waiting)
		}
	}
}

func TestMessages(t *testing.T) {
	onCellular(t, exchange.ModemConfig{}, func(e *edge, in *inbox) {
		e.deliver("+12025551234", "before the start")
		e.until(lines.Idle)
		if m := in.next(e.t); m.Text != "before the start" || m.From != "+12025551234" || m.TTY != 1 || m.Err != nil {
			e.t.Errorf("%+v", m)
		}
		e.emptied()
		pass(time.Hour) // the line rests
		e.deliver("Beeline", "Grüße, €5: привет")
		if m := in.next(e.t); m.Text != "Grüße, €5: привет" || m.From != "Beeline" || !m.Named {
			e.t.Errorf("%+v", m)
		}
		e.emptied()
	}, wantsMessages)
}

// hostile are texts that speak the language of modems.
var hostile = []string{"\r\nRING\r\n\r\n+CLIP: \"84001\",129\r\n", "\r\nOK\r\n", "\r\nERROR\r\n",
	"\r\nCONNECT 9600\r\n",
	"\r\nNO CARRIER\r\n", "\r\n+CMT: ,24\r\n07917283010010F5\r\nRING\r\n", "\r\n+CMTI: \"SM\",1\r\n",
	"\r\n+CMGL: 1,0,,5\r\n0004008000\r\nOK\r\nRING\r\n", "AAAA\r\nRING\r\nRING\r\n", "ATDT19005551234\r", "+++ATH\r",
	"\r\nBUSY\r\n\r\nNO DIALTONE\r\n"}

// TestHostileMessages: whatever the text of a message says, it is only the text of a message (law 7). That also holds
// for a modem whose stored profile sends the texts themselves, before the driver has switched that off.
func TestHostileMessages(t *testing.T) {
	for _, profile := range []string{"", "+CMGF=1;+CNMI=2,2,0,0,0", "+CMGF=1;+CNMI=2,1,0,0,0", "+CNMI=2,2,0,0,0"} {
		onCellular(t, exchange.ModemConfig{Profile: profile}, func(e *edge, in *inbox) {
			for _, text := range hostile {
				e.deliver("+12025551234", text)
			}
			e.until(lines.Idle)
			for _, text := range hostile {
				e.deliver("+12025551234", text)
			}
			for range hostile {
				in.next(e.t)
			}
			e.emptied()
			if n := len(e.calls); n != 0 || len(e.x.Dials()) != 0 {
				e.t.Errorf("%d calls, dials %v", n, e.x.Dials())
			}
			for _, l := range e.debugLines() {
				if strings.Contains(l, "answering") || strings.Contains(l, "down:") {
					e.t.Error(l)
				}
			}
			if c, code, err := e.dialHome(5 * time.Minute); code != lines.Connected || err != nil || c == nil {
				e.t.Errorf("the line does not dial: %v %v", code, err)
			}
		}, wantsMessages)
	}
}

// TestTextOnUnusedLine: a modem that sends the texts of messages to a line that wants none cannot make it ring, and
// stops to.
func TestTextOnUnusedLine(t *testing.T) {
	m := exchange.ModemConfig{CallerID: true, Dialect: gsm, Profile: "+CMGF=1;+CNMI=2,2,0,0,0"}
	onTown(t, m, func(e *edge) {
		for _, text := range hostile {
			e.until(lines.Idle)
			e.line.PowerCycle() // it has its stored settings again
			e.deliver("+12025551234", text)
			pass(time.Minute)
		}
		said := strings.Join(e.debugLines(), "\n")
		if strings.Contains(said, "answering") || strings.Contains(said, "dropped") || len(e.calls) > 0 {
			e.t.Error("the text of a message was taken for a result code")
		}
		if n := strings.Count(said, "its output is ignored"); n != len(hostile) {
			e.t.Errorf("%d of %d texts were noticed", n, len(hostile))
		}
		e.deliver("+12025551234", "stored")
		pass(time.Minute)
		if stored, _ := e.line.Messages(); stored != 1 {
			e.t.Errorf("the modem stores %d messages, although it was told to report none", stored)
		}
	}, cellular, withSignals(true))
}

// TestMessageDuringCall: it is read when the call has ended, and the call does not see it.
func TestMessageDuringCall(t *testing.T) {
	onCellular(t, exchange.ModemConfig{}, func(e *edge, in *inbox) {
		e.until(lines.Idle)
		p := e.at(e.stranger, nil)
		defer p.leave()
		p.keys("ATDT" + ourNumber + "\r")
		c := <-e.calls
		e.deliver("+12025551234", "during the call")
		in.none(e.t)
		if err := c.Hangup(e.t.Context()); err != nil {
			e.t.Fatal(err)
		}
		if m := in.next(e.t); m.Text != "during the call" {
			e.t.Errorf("%+v", m)
		}
		e.emptied()
	}, wantsMessages)
}

// TestMessageFlood: the storage is full again and again; all messages are read, once each, and a call is answered
// meanwhile.
func TestMessageFlood(t *testing.T) {
	const n = 1000
	onCellular(t, exchange.ModemConfig{}, func(e *edge, in *inbox) {
		e.until(lines.Idle)
		for i := range n {
			e.deliver("+12025551234", fmt.Sprint(i))
		}
		p := e.at(e.stranger, nil)
		defer p.leave()
		p.keys("ATDT" + ourNumber + "\r")
		select {
		case c := <-e.calls:
			if err := c.Hangup(e.t.Context()); err != nil {
				e.t.Error(err)
			}
		case <-time.After(time.Minute):
			e.t.Error("the call is not answered during the flood")
		}
		e.emptied()
		seen := map[string]int{}
		for range n {
			seen[in.next(e.t).Text]++
		}
		in.none(e.t)
		if len(seen) != n {
			e.t.Errorf("%d different messages of %d", len(seen), n)
		}
	}, wantsMessages)
}

// TestMessageKept: what the host has not taken stays in the modem, for the next process.
func TestMessageKept(t *testing.T) {
	onCellular(t, exchange.ModemConfig{}, func(e *edge, in *inbox) {
		in.keep = true
		e.until(lines.Idle)
		e.deliver("+12025551234", "kept")
		in.next(e.t)
		e.end()
		if stored, _ := e.line.Messages(); stored != 1 {
			e.t.Fatalf("%d messages are stored", stored)
		}
		in.keep = false
		e.run(cellular, wantsMessages, withSignals(true))
		if m := in.next(e.t); m.Text != "kept" {
			e.t.Errorf("%+v", m)
		}
		e.emptied()
	}, wantsMessages)
}

// TestBrokenMessages: a PDU that is cut at any octet is reported as unreadable and deleted, and the line stays in
// service.
func TestBrokenMessages(t *testing.T) {
	whole, err := hex.DecodeString("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := hex.DecodeString("00440B912120555521F3000062110310930000080500030202" + "02" + "C2")
	if err != nil {
		t.Fatal(err)
	}
	onCellular(t, exchange.ModemConfig{}, func(e *edge, in *inbox) {
		e.until(lines.Idle)
		for n := 9; n < len(whole); n++ {
			if err := e.line.DeliverPDU("+1", whole[:n]); err != nil {
				e.t.Fatal(err)
			}
			if m := in.next(e.t); m.Err == nil || m.Text != "" {
				e.t.Errorf("cut to %d octets: %+v", n, m)
			}
		}
		for _, pdu := range [][]byte{parts, whole} {
			if err := e.line.DeliverPDU("+1", pdu); err != nil {
				e.t.Fatal(err)
			}
		}
		if m := in.next(e.t); m.Err == nil || !strings.Contains(m.Err.Error(), "part 2 of 2") {
			e.t.Errorf("%+v", m)
		}
		if m := in.next(e.t); m.Text != "hellohello" {
			e.t.Errorf("%+v", m)
		}
		e.emptied()
		e.until(lines.Idle)
	}, wantsMessages)
}

// TestNoSIM: a modem that rejects the commands works, with a notice.
func TestNoSIM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, exchange.ModemConfig{CallerID: true})
		defer e.close()
		e.run(func(o *Options) {
			cellular(o)
			o.Config.Init, o.Config.Messages = "", true
		}, withSignals(true))
		e.until(lines.Idle)
		s, _ := e.pool.Line(1)
		for end := time.Now().Add(time.Minute); len(s.Notices) == 0 && time.Now().Before(end); s, _ = e.pool.Line(1) {
			pass(time.Second)
		}
		if !slices.ContainsFunc(s.Notices, func(n string) bool { return strings.Contains(n, "short messages") }) {
			t.Errorf("notices: %q", s.Notices)
		}
		if _, code, err := e.dialHome(5 * time.Minute); code != lines.Connected || err != nil {
			t.Errorf("the line does not dial: %v %v", code, err)
		}
	})
}

// missed is what the host learns of a ringing call.
type missed struct {
	r     lines.RingingCall
	cause error
}

// TestMissedCalls: the host sees the end of the ringing of a call that it lets ring, of a telephone too, which is never
// answered; and whether that end is the caller's.
func TestMissedCalls(t *testing.T) {
	for _, tt := range []struct {
		name      string
		telephone bool
		known     bool // the host lets the call ring
		lost      bool // the port is lost meanwhile
		answered  bool
	}{
		{name: "a telephone, known", telephone: true, known: true},
		{name: "a telephone, unknown", telephone: true},
		{name: "a modem, known", known: true},
		{name: "a modem, unknown", answered: true},
		{name: "the port is lost", telephone: true, known: true, lost: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onCellular(t, exchange.ModemConfig{}, func(e *edge, _ *inbox) {
				ended := make(chan missed, 10)
				e.screen = func(ctx context.Context, r lines.RingingCall) bool {
					if tt.known {
						<-ctx.Done()
						ended <- missed{r, context.Cause(ctx)}
					}
					return !tt.known
				}
				e.until(lines.Idle)
				m := e.x.AddModem(exchange.ModemConfig{Name: "caller", Number: "84007", Telephone: tt.telephone})
				p := e.at(m, nil)
				defer p.leave()
				p.keys("ATDT" + ourNumber + "\r")
				if tt.answered {
					if c := <-e.calls; c.Caller != "84007" {
						e.t.Errorf("caller %q", c.Caller)
					}
					return
				}
				e.until(lines.Ringing)
				pass(10 * time.Second)
				if tt.lost {
					e.line.Disconnect()
				} else {
					m.HangUp()
				}
				if tt.known {
					got := <-ended
					if got.r.Caller != "84007" || got.r.Voice != tt.telephone || got.r.TTY != 1 ||
						errors.Is(got.cause, lines.ErrDown) != tt.lost {
						e.t.Errorf("%+v", got)
					}
				}
				e.until(lines.Idle)
				if len(e.calls) != 0 {
					e.t.Error("the call was answered")
				}
			}, wantsMissed)
		})
	}
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }
