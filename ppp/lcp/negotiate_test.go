package lcp_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
	"github.com/ringback/ringback/ppp/lcp"
)

type step = fsmtest.Step

var after = fsmtest.After

const timer = "; start timer 3s"

// magics returns the numbers 11111111, 22222222 and so on.
func magics() func() uint32 {
	n := uint32(0)
	return func() uint32 { n++; return n * 0x11111111 }
}

func config() lcp.Config {
	return lcp.Config{Config: fsm.Config{FirstID: 1}, Magic: magics(), Callback: []lcp.Operation{lcp.ByCBCP},
		Auth: []lcp.Auth{lcp.MSCHAPv2, lcp.CHAP, lcp.PAP}}
}

// play gives inputs to an LCP and compares the effects.
func play(t *testing.T, c lcp.Config, steps []step) (*lcp.LCP, *fsmtest.Engine) {
	t.Helper()
	l := lcp.New(c)
	e := &fsmtest.Engine{Layer: l}
	fsmtest.Play(t, e, "c021", map[string]func() []fsm.Effect{
		"echo timeout":   l.EchoTimeout,
		"heard":          func() []fsm.Effect { l.Heard(); return nil },
		"shorter echo":   func() []fsm.Effect { return l.SetEcho(lcp.Echo{Every: 10 * time.Second, Misses: 3}) },
		"no echo":        func() []fsm.Effect { return l.SetEcho(lcp.Echo{}) },
		"identify":       func() []fsm.Effect { return l.Identify("me") },
		"60 s left":      func() []fsm.Effect { return l.TimeRemaining(60, "soon") },
		"reject 80fd":    func() []fsm.Effect { return l.RejectProtocol(0x80fd, []byte{1, 2, 3}) },
		"reject a large": func() []fsm.Effect { return l.RejectProtocol(0x80fd, make([]byte, 300)) },
	}, steps)
	return l, e
}

// begin are the steps to Req-Sent.
var begin = []step{
	{"open", "layer started"},
	{"up", "send 01 01 00 19 02 06 00 00 00 00 03 05 c2 23 81 05 06 11 11 11 11 07 02 08 02" + timer},
}

// The peer's requests, as captured, and our answers.
func TestJudge(t *testing.T) {
	const endpoint = "1317 01 fc3d3f156d2741f1b4f18779e2e9e17000000000"
	none := func(c *lcp.Config) { c.Callback = nil }
	ops := func(o ...lcp.Operation) func(*lcp.Config) { return func(c *lcp.Config) { c.Callback = o } }
	xonxoff := func(c *lcp.Config) { c.PeerACCM = 0x000a0000 }
	for _, c := range []struct {
		name, request, answer string
		with                  func(*lcp.Config)
	}{
		{"pppd 2.4.9 with callback", "01 01 0017 0206 00000000 0d0306 0506 aabbccdd 0702 0802",
			"02 01 0017 0206 00000000 0d0306 0506 aabbccdd 0702 0802", nil},
		{"pppd 2.4.9, no callback allowed", "01 01 0017 0206 00000000 0d0306 0506 aabbccdd 0702 0802",
			"04 01 0007 0d0306", none},
		{"pppd 2.4.9, callback, mru 1400, asyncmap a0000",
			"01 01 001b 01040578 0206000a0000 0d0306 0506b31e8120 0702 0802",
			"02 01 001b 01040578 0206000a0000 0d0306 0506b31e8120 0702 0802", nil},
		{"Windows 2000 by modem (comp.protocols.ppp, decoding Windows traces)",
			"01 01 0032 0206 00000000 0506 57993135 0702 0802 0d0306 1104064e" + endpoint,
			"04 01 001f 1104064e" + endpoint, nil},
		{"the same, all in one Reject",
			"01 01 0032 0206 00000000 0506 57993135 0702 0802 0d0306 1104064e" + endpoint,
			"04 01 0022 0d0306 1104064e" + endpoint, none},
		{"Windows client of L2TP", "01 00 0015 01040578 0506 57993135 0702 0802 0d0306",
			"02 00 0015 01040578 0506 57993135 0702 0802 0d0306", nil},
		{"MS-CBCP §4.1", "01 00 0017 0206 ffffffff 0506 57993135 0702 0802 0d0306",
			"02 00 0017 0206 ffffffff 0506 57993135 0702 0802 0d0306", nil},
		{"RRAS as a server", "01 00 0038 01040578 0304c227 0506 57993135 0702 0802 0d0306 1104064e" + endpoint +
			"1704 0001",
			"04 00 002a 0304c227 0d0306 1104064e" + endpoint + "1704 0001", none},
		{"KB Q161368: Multilink is rejected at once", "01 05 0014 1104 05dc 1202 1306 01020304 1704 0001",
			"04 05 0014 1104 05dc 1202 1306 01020304 1704 0001", nil},
		{"Livingston PortMaster trace", "01 03 0014 0206 00000000 0506 2b3aeb57 0702 0802",
			"02 03 0014 0206 00000000 0506 2b3aeb57 0702 0802", nil},
		{"ThreadX NetX Duo #100", "01 2c 0008 010405dc", "02 2c 0008 010405dc", nil},
		{"FreeBSD sppp, i4b manual §10.4.2", "01 1d 000a 0506 66272d20", "02 1d 000a 0506 66272d20", nil},
		{"no options", "01 1d 0004", "02 1d 0004", nil},
		{"picotcp #291: a Reject has the rejected options only", "01 09 0012 01040578 0408c02500000064 0702",
			"04 09 000c 0408c02500000064", nil},
		{"authentication of us", "01 09 0009 0305c22305", "04 09 0009 0305c22305", nil},
		{"unknown options and PFC with a value", "01 09 0010 0903 01 0a03 02 0702 0f02 3f02",
			"04 09 000e 0903 01 0a03 02 0f02 3f02", nil},
		{"boolean options are rejected, not Nak'd", "01 09 000b 0703 01 0804 0101", "04 09 000b 0703 01 0804 0101",
			nil},
		{"MRU 127", "01 09 0008 0104007f", "03 09 0008 01040080", nil},
		{"MRU 128", "01 09 0008 01040080", "02 09 0008 01040080", nil},
		{"RFC 1661 §6: a wrong length is answered with a value", "01 09 0010 0103 05 0204 0000 0505 010203",
			"03 09 0014 0104 05dc 0206 00000000 0506 22222222", nil},
		{"RFC 1661 §6.4: magic number 0", "01 09 000a 0506 00000000", "03 09 000a 0506 22222222", nil},
		{"a line that does not pass XON and XOFF", "01 09 000a 0206 00000001", "03 09 000a 0206 000a0001", xonxoff},
		{"its client knows", "01 09 000a 0206 000a0000", "02 09 000a 0206 000a0000", xonxoff},
		{"callback by the user's number (mpd)", "01 09 0007 0d0300", "02 09 0007 0d0300",
			ops(lcp.ByUser, lcp.ByCBCP)},
		{"callback by the user's number, only CBCP is allowed", "01 09 0007 0d0300", "03 09 0007 0d0306", nil},
		{"callback by E.164", "01 09 000e 0d0a03 35353531323334", "02 09 000e 0d0a03 35353531323334",
			ops(lcp.ByNumber)},
		{"CBCP is not exchanged for another operation", "01 09 0007 0d0306", "04 09 0007 0d0306", ops(lcp.ByUser)},
		{"an operation is not allowed, nor CBCP", "01 09 0009 0d0501 3535", "04 09 0009 0d0501 3535", ops(lcp.ByUser)},
		{"CBCP with a message, MS-CBCP §2.2.1", "01 09 0008 0d0406 31", "02 09 0008 0d0406 31", nil},
		{"option 13 of length 2", "01 09 0006 0d02", "04 09 0006 0d02", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := config()
			if c.with != nil {
				c.with(&conf)
			}
			want := fmt.Sprintf("send % x", fsmtest.Hex(t, c.answer))
			play(t, conf, after(begin, step{c.request, want}))
		})
	}
}

// Option 13 with an operation that is not allowed gets one suggestion, then a Reject.
func TestCallbackIsSuggestedOnce(t *testing.T) {
	play(t, config(), after(begin,
		step{"01 09 0009 0d0501 3535", "send 03 09 00 07 0d 03 06"},
		step{"01 0a 0009 0d0501 3535", "send 04 0a 00 09 0d 05 01 35 35"}))
}

// What the peer says to our request. The Windows, FreeBSD and pppd answers are from the same captures.
func TestOurRequest(t *testing.T) {
	for name, steps := range map[string][]step{
		"everything": {
			{"02 01 0019 020600000000 0305c22381 050611111111 0702 0802",
				"receive as mru 1500 accm 00000000 magic 11111111 pfc acfc"}},
		"ACCM: its bits are added": {
			{"03 01 000a 0206 000a0000",
				"send 01 02 00 19 02 06 00 0a 00 00 03 05 c2 23 81 05 06 11 11 11 11 07 02 08 02" + timer}},
		"ACCM: rejected, all are escaped": {
			{"04 01 000a 0206 00000000", "send 01 02 00 13 03 05 c2 23 81 05 06 11 11 11 11 07 02 08 02" + timer},
			{"02 02 0013 0305c22381 050611111111 0702 0802",
				"receive as mru 1500 accm ffffffff magic 11111111 pfc acfc"}},
		"magic number and compression rejected": {
			{"04 01 000e 050611111111 0702 0802",
				"send 01 02 00 0f 02 06 00 00 00 00 03 05 c2 23 81" + timer},
			{"02 02 000f 020600000000 0305c22381", "receive as mru 1500 accm 00000000 magic 00000000"}},
		"compression is Nak'd: it counts as rejected": {
			{"03 01 0008 0702 0802",
				"send 01 02 00 15 02 06 00 00 00 00 03 05 c2 23 81 05 06 11 11 11 11" + timer}},
		"magic number: a new one of ours": {
			{"03 01 000a 0506 99999999",
				"send 01 02 00 19 02 06 00 00 00 00 03 05 c2 23 81 05 06 22 22 22 22 07 02 08 02" + timer}},
		"FreeBSD: a Nak with option 13 of length 2, and one that is not ours": {
			{"03 01 0006 0d02",
				"send 01 02 00 19 02 06 00 00 00 00 03 05 c2 23 81 05 06 11 11 11 11 07 02 08 02" + timer},
			{"03 02 000b 0d0306 01040400",
				"send 01 03 00 19 02 06 00 00 00 00 03 05 c2 23 81 05 06 11 11 11 11 07 02 08 02" + timer}},
		"a value of a wrong length is ignored": {
			{"03 01 000e 0103 01 0204 0000 0303 c0",
				"send 01 02 00 19 02 06 00 00 00 00 03 05 c2 23 05 05 06 11 11 11 11 07 02 08 02" + timer}},
		"authentication: the peer chooses of the list": {
			{"03 01 0008 0304c023",
				"send 01 02 00 18 02 06 00 00 00 00 03 04 c0 23 05 06 11 11 11 11 07 02 08 02" + timer}},
		"authentication: what is not in the list moves to the next, until there is none": {
			{"03 01 0008 0304c227",
				"send 01 02 00 19 02 06 00 00 00 00 03 05 c2 23 05 05 06 11 11 11 11 07 02 08 02" + timer},
			{"03 02 0009 0305c22380",
				"send 01 03 00 18 02 06 00 00 00 00 03 04 c0 23 05 06 11 11 11 11 07 02 08 02" + timer},
			{"03 03 0009 0305c22380", fails(4)},
			{"06 04 0004", `stop timer; layer finished: the peer rejects authentication: "it wants ms-chap"`}},
		"authentication: a refused method does not come back": {
			{"03 01 0009 0305c22305",
				"send 01 02 00 19 02 06 00 00 00 00 03 05 c2 23 05 05 06 11 11 11 11 07 02 08 02" + timer},
			{"03 02 0009 0305c22381",
				"send 01 03 00 18 02 06 00 00 00 00 03 04 c0 23 05 06 11 11 11 11 07 02 08 02" + timer},
			{"03 03 0009 0305c02301", fails(4)},
			{"06 04 0004", `stop timer; layer finished: the peer rejects authentication: "it wants protocol c02301"`}},
		"authentication: rejected (NetX Duo #100)": {
			{"04 01 0009 0305c22381", fails(2)},
			{"06 02 0004", `stop timer; layer finished: the peer rejects authentication: "ms-chap-v2"`}},
	} {
		t.Run(name, func(t *testing.T) { play(t, config(), after(begin, steps...)) })
	}
}

// fails is the Terminate-Request of a negotiation that failed.
func fails(id byte) string {
	return fmt.Sprintf("send 05 %02x 00 1f % x", id, "no agreement on the options") + timer
}

func TestOurMRU(t *testing.T) {
	c := config()
	c.MRU, c.ACCM, c.Auth = 1400, 0xffffffff, nil
	begin := []step{
		{"open", "layer started"},
		{"up", "send 01 01 00 12 01 04 05 78 05 06 11 11 11 11 07 02 08 02" + timer},
	}
	for name, steps := range map[string][]step{
		"smaller":   {{"03 01 0008 01040240", "send 01 02 00 12 01 04 02 40 05 06 11 11 11 11 07 02 08 02" + timer}},
		"too small": {{"03 01 0008 01040001", "send 01 02 00 12 01 04 00 80 05 06 11 11 11 11 07 02 08 02" + timer}},
		"larger than we can": {
			{"03 01 0008 01042000", "send 01 02 00 12 01 04 05 78 05 06 11 11 11 11 07 02 08 02" + timer}},
		"rejected": {{"04 01 0008 01040578", "send 01 02 00 0e 05 06 11 11 11 11 07 02 08 02" + timer}},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.Magic = magics()
			play(t, c, after(begin, steps...))
		})
	}
}

// The offered option of each method (RFC 1334 §2, 1994 §3, 2433 §2, 2759 §2, 2284 §3).
func TestAuthOptions(t *testing.T) {
	for a, want := range map[lcp.Auth]string{
		lcp.PAP: "03 04 c0 23", lcp.CHAP: "03 05 c2 23 05", lcp.MSCHAPv1: "03 05 c2 23 80",
		lcp.MSCHAPv2: "03 05 c2 23 81", lcp.EAP: "03 04 c2 27", lcp.NoAuth: "", 77: "",
	} {
		c := config()
		c.Auth = []lcp.Auth{a}
		e := &fsmtest.Engine{Layer: lcp.New(c)}
		e.Start(t)
		got := fmt.Sprintf("% x", e.Take()[0])
		if want != "" && !strings.Contains(got, " "+want+" 05 06") || want == "" && strings.Contains(got, " 03 0") {
			t.Errorf("%v: %s", a, got)
		}
	}
}

// What was negotiated, each way.
func TestResult(t *testing.T) {
	c := config()
	c.Callback = []lcp.Operation{lcp.ByNumber}
	l, _ := play(t, c, after(begin,
		step{"03 01 0008 0304c023",
			"send 01 02 00 18 02 06 00 00 00 00 03 04 c0 23 05 06 11 11 11 11 07 02 08 02" + timer},
		step{"02 02 0018 020600000000 0304c023 050611111111 0702 0802",
			"receive as mru 1500 accm 00000000 magic 11111111 pfc acfc"},
		step{"01 09 001a 01040240 0206000a0000 05060a0b0c0d 0802 0d0403 35",
			"stop timer; send 02 09 00 1a 01 04 02 40 02 06 00 0a 00 00 05 06 0a 0b 0c 0d 08 02 0d 04 03 35; " +
				"layer up"}))
	want := lcp.Result{
		Ours:          lcp.Side{MRU: 1500, Magic: 0x11111111, PFC: true, ACFC: true},
		Peer:          lcp.Side{MRU: 576, ACCM: 0x000a0000, Magic: 0x0a0b0c0d, ACFC: true},
		Auth:          lcp.PAP,
		Callback:      &lcp.Callback{Operation: lcp.ByNumber, Message: []byte("5")},
		CallbackAsked: true,
	}
	if got := l.Result(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %+v", got, got.Callback)
	}
}

// A callback that was rejected was asked for; a renegotiation forgets everything.
func TestResultOfARenegotiation(t *testing.T) {
	c := config()
	c.Callback = nil
	acks := []step{
		{"02 01 0019 020600000000 0305c22381 050611111111 0702 0802",
			"receive as mru 1500 accm 00000000 magic 11111111 pfc acfc"},
		{"01 09 0007 0d0306", "send 04 09 00 07 0d 03 06"},
		{"01 0a 0008 01040240", "stop timer; send 02 0a 00 08 01 04 02 40; layer up"},
	}
	l, e := play(t, c, after(begin, acks...))
	if r := l.Result(); !r.CallbackAsked || r.Callback != nil || r.Peer.MRU != 576 {
		t.Errorf("first: %+v", r)
	}
	fsmtest.Play(t, e, "c021", nil, []step{
		{"01 0b 0004", "layer down: renegotiated by the peer; " +
			"send 01 02 00 19 02 06 00 00 00 00 03 05 c2 23 81 05 06 22 22 22 22 07 02 08 02" + timer +
			"; send 02 0b 00 04"},
		{"02 02 0019 020600000000 0305c22381 050622222222 0702 0802",
			"receive as mru 1500 accm 00000000 magic 22222222 pfc acfc; stop timer; layer up"},
	})
	want := lcp.Side{MRU: 1500, ACCM: 0xffffffff}
	if r := l.Result(); r.CallbackAsked || r.Peer != want || r.Auth != lcp.MSCHAPv2 {
		t.Errorf("second: %+v", r)
	}
}
