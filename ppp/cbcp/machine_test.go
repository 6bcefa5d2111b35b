package cbcp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/cbcp"
)

var (
	none     = cbcp.Offer{None: true}
	user     = cbcp.Offer{User: true}
	admin    = cbcp.Offer{Admin: true}
	noneUser = cbcp.Offer{None: true, User: true}
)

// The packets of MS-CBCP §4.2.
const (
	msRequest  = "01 01 00 0B 01 02 02 05 00 01 00"
	msResponse = "02 01 00 10 02 0C 0C 01 32 30 30 39 30 34 32 00"
	msAck      = "03 01 00 10 02 0C 0C 01 32 30 30 39 30 34 32 00"
)

func TestExampleOfMSCBCP(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: noneUser})
	e.expect("start", e.start(), send(msRequest), "start timer 2s")
	e.expect("start twice", e.start(), "")
	response := octets(msResponse)
	e.expect("response", e.do(e.m.Receive(response)), "stop timer", "ask")
	for i := range response {
		response[i] = 0 // Receive does not keep it
	}
	if want := (cbcp.Wish{Way: cbcp.ByCBCP, Number: "2009042", Delay: 12 * time.Second}); e.asked != want {
		t.Errorf("asked for %+v", e.asked)
	}
	e.expect("promised", e.answer(cbcp.VerdictPromised), send(msAck), "start timer 10s")
	e.expect("the Ack was lost", e.receive(msResponse), send(msAck))
	e.expect("another number", e.receive("02 01 00 10 02 0C 0C 01 32 30 30 39 30 34 33 00"), "")
	e.expect("declined", e.receive("02 01 00 06 01 02"), "")
	e.expect("the caller does not end the link", e.timeout(), "end: callback promised")
	if e.text != "Callback initiated" {
		t.Errorf("text %q", e.text)
	}
	e.expect("after the end", e.receive(msResponse), "")
}

// What pppd 2.4.9 of Debian 12 was measured to answer to each type.
func TestResponsesOfPPPD(t *testing.T) {
	for _, tt := range []struct {
		offer    cbcp.Offer
		request  string
		response string
		want     cbcp.Wish
	}{
		{user, "01 01 00 09 02 05 00 01 00", "02 01 00 10 02 0C 05 01 35 35 35 31 32 33 34 00",
			cbcp.Wish{Way: cbcp.ByCBCP, Number: "5551234", Delay: 5 * time.Second}},
		{admin, "01 01 00 07 03 03 00", "02 01 00 07 03 03 05", cbcp.Wish{Way: cbcp.ByCBCP, Delay: 5 * time.Second}},
		{noneUser, "01 01 00 0b 01 02 02 05 00 01 00", "02 01 00 06 01 02", cbcp.Wish{Way: cbcp.ByCBCP, Decline: true}},
	} {
		e := newEngine(t, cbcp.Config{Offer: tt.offer})
		e.expect("start", e.start(), send(tt.request), "start timer 2s")
		e.expect(tt.response, e.receive(tt.response), "stop timer", "ask")
		if e.asked != tt.want {
			t.Errorf("%s: asked for %+v", tt.response, e.asked)
		}
		ack := send("03" + tt.response[2:])
		if tt.want.Decline {
			e.expect("admitted", e.answer(cbcp.VerdictAdmit), ack, "proceed")
			e.expect("late timer", e.do(e.m.Timeout()), "")
		} else {
			e.expect("promised", e.answer(cbcp.VerdictPromised), ack, "start timer 10s")
		}
		e.expect("again", e.receive(tt.response), ack)
	}
}

// Nobody is called back: pppd goes on with IPCP after its Response; the Ack needs no broker.
func TestNoCallbackIsAllThereIs(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: none})
	e.expect("start", e.start(), send("01 01 00 06 01 02"), "start timer 2s")
	e.expect("response", e.receive("02 01 00 06 01 02"), "stop timer", send("03 01 00 06 01 02"), "proceed")
	e.expect("repeated while IP is up", e.receive("02 01 00 06 01 02"), send("03 01 00 06 01 02"))
	e.expect("a number then", e.receive(msResponse), "")
}

// A fixed callback that the broker cannot promise, and that nobody requires: only none is offered then, and the broker
// is asked about that too.
func TestNotToBeHad(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: cbcp.Offer{None: true, Admin: true}})
	e.expect("start", e.start(), send("01 01 00 09 01 02 03 03 00"), "start timer 2s")
	e.expect("admin", e.receive("02 01 00 07 03 03 00"), "stop timer", "ask")
	e.expect("not to be had", e.answer(cbcp.VerdictBadChoice), send("01 02 00 06 01 02"), "start timer 2s")
	e.expect("admin again", e.receive("02 02 00 07 03 03 00"), send("01 03 00 06 01 02"), "start timer 2s")
	e.expect("none", e.receive("02 03 00 06 01 02"), "stop timer", "ask")
	e.expect("admitted", e.answer(cbcp.VerdictAdmit), send("03 03 00 06 01 02"), "proceed")

	e = newEngine(t, cbcp.Config{Offer: cbcp.Offer{None: true, Admin: true}})
	e.start()
	e.receive("02 01 00 07 03 03 00")
	e.answer(cbcp.VerdictBadChoice)
	e.expect("rejected", e.do(e.m.Rejected()), "stop timer", "end: the peer rejects CBCP, which it accepted")
}

// Type 2 stands last: pppd hangs otherwise.
func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		offer cbcp.Offer
		want  string
	}{
		{none, "01 02"}, {admin, "03 03 00"}, {user, "02 05 00 01 00"}, {noneUser, "01 02 02 05 00 01 00"},
		{cbcp.Offer{Admin: true, None: true}, "01 02 03 03 00"},
		{cbcp.Offer{Admin: true, User: true}, "03 03 00 02 05 00 01 00"},
		{cbcp.Offer{None: true, Admin: true, User: true}, "01 02 03 03 00 02 05 00 01 00"},
	} {
		e := newEngine(t, cbcp.Config{Offer: tt.offer, FirstID: 0xab})
		e.start()
		if want := octets(fmt.Sprintf("01 ab 00 %02x", 4+len(octets(tt.want))) +
			tt.want); string(e.sent[0]) != string(want) {
			t.Errorf("%v: % x, want % x", tt.offer, e.sent[0], want)
		}
	}
	e := newEngine(t, cbcp.Config{})
	e.expect("an offer of nothing", e.start(), "end: callback refused")
}

func response(id byte, option string) string {
	return fmt.Sprintf("02 %02x %04x %s", id, 4+len(octets(option)), option)
}

// number is an option of type 2 with a number of n octets, without NUL.
func number(n int) string { return fmt.Sprintf("02 %02x 00 01 '%s'", 4+n, strings.Repeat("5", n)) }

// Answers outside the offer are asked again, with the next identifier, and the broker does not hear of them.
func TestAskedAgain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		offer  cbcp.Offer
		option string
		why    string
	}{
		{"nothing", user, "", "damaged"},
		{"one octet", user, "02", "damaged"},
		{"length 0", user, "02 00", "damaged"},
		{"length 1", user, "02 01 00", "damaged"},
		{"length beyond the end", user, "02 0d 00 01 '5551234' 00", "damaged"},
		{"type 0", user, "00 02", "type 0 was not offered"},
		{"a list", user, "04 0c 00 01 '5551234' 00", "type 4 was not offered"},
		{"none, not offered", user, "01 02", "none was not offered"}, // ipppd, if it has no number
		{"admin, not offered", user, "03 03 00", "admin was not offered"},
		{"user, not offered", admin, "02 0c 00 01 '5551234' 00", "user was not offered"},
		{"number after admin", admin, "03 0c 00 01 '5551234' 00", "set beforehand"},
		{"admin without delay", admin, "03 02", "without a delay"},
		{"user without delay", user, "02 02", "without a delay"},
		{"no number", user, "02 03 00", "no digit"},
		{"empty number", user, "02 05 00 01 00", "no digit"},
		{"none with a delay", noneUser, "01 03 00", "more octets"},
		{"address type 2", user, "02 0c 00 02 '5551234' 00", "address of type 2"},
		{"octets after the number", user, "02 0e 00 01 '5551234' 00 01 00", "octets after"},
		{"two numbers", user, "02 0e 00 01 '5551' 00 01 '555' 00", "octets after"},
		{"251 octets", user, number(251), "longer than 250"},
		{"no digit", user, "02 08 00 01 '---' 00", "no digit"},
		{"AT", user, "02 0a 00 01 'AT555' 00", "is not a telephone number"},
		{"atdt", user, "02 0c 00 01 'atdt555' 00", "is not a telephone number"},
		{"CR", user, "02 0d 00 01 '5551234' 0d 00", "is not a telephone number"},
		{"LF", user, "02 0d 00 01 '5551234' 0a 00", "is not a telephone number"},
		{";", user, "02 0d 00 01 '5551234;' 00", "is not a telephone number"},
		{",", user, "02 0c 00 01 '9,55512' 00", "is not a telephone number"},
		{"W", user, "02 0c 00 01 '9W55512' 00", "is not a telephone number"},
		{"!", user, "02 0c 00 01 '5551234' 21", "is not a telephone number"},
		{"+++ATH0", user, "02 0c 00 01 '+++ATH0' 00", "is not a telephone number"},
		{"8 bits", user, "02 0c 00 01 '555' b5 '123' 00", "is not a telephone number"},
		{"full-width digits", user, "02 0c 00 01 '5555' EFBC95 00", "is not a telephone number"},
	} {
		e := newEngine(t, cbcp.Config{Offer: tt.offer})
		first := e.start()
		again := strings.Replace(first, "send 0101", "send 0102", 1)
		e.expect(tt.name, e.receive(response(1, tt.option)), again)
		e.expect(tt.name+", the old identifier", e.receive(response(1, tt.option)), "")
		for id := byte(2); id <= 10; id++ {
			e.receive(response(id, tt.option))
		}
		if e.requests != 10 || e.why.Cause != cbcp.NotAgreed || !strings.Contains(e.why.Detail, tt.why) {
			t.Errorf("%s: %d Requests, %v", tt.name, e.requests, e.why)
		}
	}
}

func TestAccepted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		offer  cbcp.Offer
		option string
		want   cbcp.Wish
	}{
		{"without NUL", user, "02 0b 00 01 '5551234'", cbcp.Wish{Number: "5551234"}},
		{"delay 255", user, "02 0c ff 01 '5551234' 00", cbcp.Wish{Number: "5551234", Delay: 255 * time.Second}},
		{"as people write it", user, "02 11 00 01 '(408) 555-12' 00", cbcp.Wish{Number: "(408) 555-12"}},
		{"250 octets", user, number(250), cbcp.Wish{Number: strings.Repeat("5", 250)}},
		{"options after the first", user, "02 0b 00 01 '5551234' 01 02", cbcp.Wish{Number: "5551234"}},
		{"admin with an empty number", admin, "03 05 07 01 00", cbcp.Wish{Delay: 7 * time.Second}},
	} {
		e := newEngine(t, cbcp.Config{Offer: tt.offer})
		e.start()
		e.expect(tt.name, e.receive(response(1, tt.option)), "stop timer", "ask")
		tt.want.Way = cbcp.ByCBCP
		if e.asked != tt.want {
			t.Errorf("%s: asked for %+v", tt.name, e.asked)
		}
		e.answer(cbcp.VerdictPromised)
		option := octets(tt.option)
		want := fmt.Sprintf("03 01 %04x %x", 4+int(option[1]), option[:option[1]])
		if got := e.sent[len(e.sent)-1]; string(got) != string(octets(want)) {
			t.Errorf("%s: Ack % x, want %s", tt.name, got, want)
		}
	}
}

// MS-CBCP §3.2 and the tolerance of no identifier but the last.
func TestSilence(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":                "",
		"three octets":         "02 01 00",
		"length below 4":       "02 01 00 03 01 02",
		"length beyond it":     "02 01 00 11 02 0C 0C 01 32 30 30 39 30 34 32 00",
		"an identifier to be":  "02 02 00 06 01 02",
		"another identifier":   "02 00 00 06 01 02",
		"a Request to us":      "01 01 00 06 01 02",
		"an Ack to us":         "03 01 00 06 01 02",
		"an unknown code":      "04 01 00 06 01 02",
		"code 2 with padding?": "82 01 00 06 01 02",
	} {
		e := newEngine(t, cbcp.Config{Offer: noneUser})
		e.expect(name+", before the Request", e.receive(packet), "")
		e.expect("before the Request", e.receive("02 00 00 06 01 02"), "")
		e.start()
		e.expect(name, e.receive(packet), "")
		e.expect(name+", then a good one", e.receive(msResponse+"00 00"), "stop timer", "ask")
	}
}

// While the disk works, nothing is sent.
func TestSlowBroker(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: user})
	e.start()
	e.receive(msResponse)
	e.expect("repeated", e.receive(msResponse), "")
	e.expect("another", e.receive(response(1, "02 0c 00 01 '5551234' 00")), "")
	e.expect("late timer", e.do(e.m.Timeout()), "")
	e.expect("promised", e.answer(cbcp.VerdictPromised), send(msAck), "start timer 10s")
	e.expect("late verdict", e.do(e.m.Answer(cbcp.Verdict{})), "")
}

func TestRefused(t *testing.T) {
	for kind, option := range map[cbcp.Kind]string{cbcp.VerdictRefuse: "02 0c 00 01 '5551234' 00",
		cbcp.VerdictAdmit: "02 0c 00 01 '5551234' 00", 77: "02 0c 00 01 '5551234' 00", cbcp.VerdictPromised: "01 02"} {
		e := newEngine(t, cbcp.Config{Offer: noneUser})
		e.start()
		e.receive(response(1, option))
		e.expect("refused", e.answer(kind), "end: callback refused")
		if e.why.Detail != "because" || e.text != "Callback not available" || len(e.sent) != 1 {
			t.Errorf("%d: %v, %q, %d packets", kind, e.why, e.text, len(e.sent))
		}
		e.expect("repeated", e.receive(response(1, option)), "")
	}
	e := newEngine(t, cbcp.Config{Offer: user})
	e.start()
	e.receive(msResponse)
	e.open = false
	e.do(e.m.Answer(cbcp.Verdict{Text: "Callback already pending"}))
	if e.text != "Callback already pending" {
		t.Errorf("text %q", e.text)
	}
}

// The broker does not take the number, nine times; the tenth Request is the last.
func TestChooseAgain(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: user})
	e.start()
	for id := byte(1); id < 10; id++ {
		e.receive(response(id, "02 0c 00 01 '5551234' 00"))
		e.expect("again", e.answer(cbcp.VerdictBadChoice),
			send(fmt.Sprintf("01 %02x 00 09 02 05 00 01 00", id+1)), "start timer 2s")
	}
	e.receive(response(10, "02 0c 00 01 '5551234' 00"))
	e.expect("enough", e.answer(cbcp.VerdictBadChoice), "end: "+string(cbcp.NotAgreed))
	if e.requests != 10 || e.why.Detail != "because" {
		t.Errorf("%d Requests, %v", e.requests, e.why)
	}

	e = newEngine(t, cbcp.Config{Offer: user}) // garbage counts like a bad number
	e.start()
	for id := byte(1); id < 10; id++ {
		e.receive(response(id, "04 02"))
	}
	e.expect("enough", e.receive(response(10, "04 02")), "stop timer", "end: "+string(cbcp.NotAgreed))
}

// The third Response that cannot be used is the last one, whether the broker or the offer rejects it; what the broker
// cannot promise at a fixed number is no try, and neither is a Request without a Response.
func TestMaxChoices(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: user, MaxChoices: 3})
	e.start()
	e.receive(response(1, "02 0c 00 01 '5551234' 00"))
	e.answer(cbcp.VerdictBadChoice)
	e.timeout()
	e.receive(response(3, "04 02"))
	e.receive(response(4, "02 0c 00 01 '5551234' 00"))
	e.expect("enough", e.answer(cbcp.VerdictBadChoice), "end: "+string(cbcp.NotAgreed))
	if e.requests != 4 || e.why.Detail != "because" {
		t.Errorf("%d Requests, %v", e.requests, e.why)
	}

	e = newEngine(t, cbcp.Config{Offer: cbcp.Offer{None: true, Admin: true}, MaxChoices: 1})
	e.start()
	e.receive(response(1, "03 03 00"))
	e.expect("no try", e.answer(cbcp.VerdictBadChoice), send("01 02 00 06 01 02"), "start timer 2s")
}

func TestSilentPeer(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: admin, Resend: 7 * time.Second})
	e.start()
	for id := 2; id <= 10; id++ {
		e.expect("again", e.timeout(), send(fmt.Sprintf("01 %02x 00 07 03 03 00", id)), "start timer 7s")
	}
	e.armed = false
	out := e.m.Timeout()
	e.expect("enough", e.do(out), "stop timer", "end: "+string(cbcp.NoResponse))
}

func TestRejected(t *testing.T) {
	e := newEngine(t, cbcp.Config{Offer: user})
	e.expect("before the start", e.do(e.m.Rejected()), "")
	e.start()
	e.expect("waiting", e.do(e.m.Rejected()), "stop timer", "end: "+string(cbcp.ProtocolRejected))

	e = newEngine(t, cbcp.Config{Offer: none})
	e.start()
	e.expect("no callback", e.do(e.m.Rejected()), "stop timer", "proceed")
	e.expect("a Response then", e.receive("02 01 00 06 01 02"), "")

	e = newEngine(t, cbcp.Config{Offer: user})
	e.start()
	e.receive(msResponse)
	e.open = false // the engine ends it
	e.expect("asking", e.do(e.m.Rejected()), "end: "+string(cbcp.ProtocolRejected))
	e.expect("promised all the same", e.do(e.m.Answer(cbcp.Verdict{Kind: cbcp.VerdictPromised})), "")
}

// MS-CBCP notes 3 and 4: what Windows waits at each speed.
func TestResendAfter(t *testing.T) {
	for speed, want := range map[int]time.Duration{0: 2, -1: 2, 300: 7, 1200: 7, 1201: 5, 2400: 5, 4800: 3, 9600: 3,
		14400: 2, 115200: 2} {
		if got := cbcp.ResendAfter(speed); got != want*time.Second {
			t.Errorf("%d bit/s: %v", speed, got)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		effect cbcp.Effect
		want   string
	}{
		{cbcp.Send{Packet: octets(msAck)}, "c029 send Ack id 1: 02 0c 0c 01 32 30 30 39 30 34 32 00"},
		{cbcp.Send{Packet: []byte{1}}, "c029 send a damaged packet of 1 octets"},
		{cbcp.Ask{Wish: cbcp.Wish{Decline: true}}, "c029 the caller declines"},
		{cbcp.Ask{Wish: cbcp.Wish{Number: "1", Delay: time.Second}}, `c029 ask the broker: number "1", delay 1s`},
		{cbcp.End{Reason: cbcp.Reason{Cause: cbcp.Refused, Detail: "a\nb"}}, `c029 end: callback refused: "a\nb"`},
	} {
		if got := tt.effect.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	var got []string
	for s := range cbcp.Over + 2 {
		got = append(got, s.String())
	}
	for w := range cbcp.ByPlace + 2 {
		got = append(got, w.String())
	}
	for a := range cbcp.Disconnect + 2 {
		got = append(got, a.String())
	}
	got = append(got, cbcp.Offer{}.String(), cbcp.Type(4).String())
	want := "initial, waiting, asking, promised, declined, over, unknown, " +
		"not asked, CBCP, by user, by number, by place, unknown, " +
		"reject, terminate, negotiate, promise, open, disconnect, unknown, nothing, type 4"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}
