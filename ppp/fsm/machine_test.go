package fsm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
)

// colors is a Protocol for tests. It asks for its options until the peer rejects them or suggests others. Of the peer's
// it accepts type 1, wants the value 9 for type 2, and rejects the others.
type colors struct {
	ask      []fsm.Option
	wants    byte         // a type that the peer should ask for
	firm     bool         // Naks are firm
	end      fsm.Cause    // ends the layer at the next request, suggestion or rejection
	current  []fsm.Option // what we ask for now
	agreed   []fsm.Option // what the peer acknowledged
	accepted []fsm.Option // what we acknowledged
}

func (c *colors) Begin()                { c.current, c.agreed, c.accepted = c.ask, nil, nil }
func (c *colors) Request() []fsm.Option { return c.current }
func (c *colors) Acked()                { c.agreed = c.current }

func (c *colors) Accepted(opts []fsm.Option) fsm.Reason {
	c.accepted = nil
	for _, o := range opts {
		c.accepted = append(c.accepted, fsm.Option{Type: o.Type, Data: []byte(string(o.Data))})
	}
	return fsm.Reason{}
}

func (c *colors) Suggested(opts []fsm.Option) fsm.Reason {
	var next []fsm.Option
	for _, ours := range c.current {
		for _, o := range opts {
			if o.Type == ours.Type {
				ours.Data = []byte(string(o.Data))
			}
		}
		next = append(next, ours)
	}
	c.current = next
	return fsm.Reason{Cause: c.end}
}

func (c *colors) Rejected(opts []fsm.Option) fsm.Reason {
	var next []fsm.Option
	for _, ours := range c.current {
		keep := true
		for _, o := range opts {
			keep = keep && o.Type != ours.Type
		}
		if keep {
			next = append(next, ours)
		}
	}
	c.current = next
	return fsm.Reason{Cause: c.end}
}

func (c *colors) Judge(opts []fsm.Option) fsm.Judgement {
	j := fsm.Judgement{End: fsm.Reason{Cause: c.end}}
	nak := fsm.Nak
	if c.firm {
		nak = fsm.FirmNak
	}
	missing := c.wants != 0
	for _, o := range opts {
		missing = missing && o.Type != c.wants
		v := fsm.Reject()
		if o.Type == 1 || o.Type == 2 && string(o.Data) == "\x09" {
			v = fsm.Accept()
		} else if o.Type == 2 {
			v = nak(fsm.Option{Type: 2, Data: []byte{9}})
		}
		j.Verdicts = append(j.Verdicts, v)
	}
	if missing {
		j.Append = []fsm.Option{{Type: c.wants, Data: []byte{9}}}
	}
	return j
}

type step = fsmtest.Step

var after = fsmtest.After

const number = 0x80ff

// play gives the inputs to a machine and compares the effects.
func play(t *testing.T, p fsm.Protocol, c fsm.Config, steps []step) *fsmtest.Engine {
	t.Helper()
	m := fsm.New(number, p, c)
	e := &fsmtest.Engine{Layer: m}
	fsmtest.Play(t, e, "80ff", map[string]func() []fsm.Effect{"rejected": m.ProtocolRejected}, steps)
	return e
}

const timer = "; start timer 3s"

// opened are the steps to Opened, the peer first acknowledging us.
var opened = []step{
	{"open", "layer started"},
	{"up", "send 01 01 00 04" + timer},
	{"02 01 0004", ""},
	{"01 50 0004", "stop timer; send 02 50 00 04; layer up"},
}

func TestNegotiation(t *testing.T) {
	begin := after(opened[:2])
	for name, steps := range map[string][]step{
		"opened, our request acknowledged first": opened,
		"opened, the peer's first": after(begin,
			step{"01 50 0004", "send 02 50 00 04"},
			step{"02 01 0004", "stop timer; layer up"}),
		"the peer's request starts a stopped machine": {
			{"open", "layer started"},
			{"up", "send 01 01 00 04" + timer},
			{"rejected", "stop timer; layer finished: the peer rejects the protocol"},
			{"01 50 0004", "send 01 02 00 04" + timer + "; send 02 50 00 04"},
		},
		"closed: a request is answered with a Terminate-Ack, an answer with nothing": {
			{"up", ""},
			{"01 50 0004", "send 06 50 00 04"},
			{"02 50 0004", ""},
		},
		"the lower layer is down: silence": {
			{"01 50 0004", ""},
			{"05 50 0004", ""},
			{"09 50 0004", ""},
			{"open", "layer started"},
			{"01 50 0004", ""},
		},
		"RFC 1661 §5.1: a retransmission has the same identifier, and its late answer is valid": after(begin,
			step{"timeout", "send 01 01 00 04" + timer},
			step{"timeout", "send 01 01 00 04" + timer},
			step{"02 01 0004", ""},
			step{"timeout", "send 01 02 00 04" + timer}), // answered before: a new identifier
		"RFC 1661 §5.2: an Ack with another identifier or other octets is dropped": after(begin,
			step{"02 02 0004", ""},
			step{"02 00 0004", ""},
			step{"02 01 0006 0102", ""},
			step{"03 02 0007 020309", ""},
			step{"04 02 0007 020309", ""},
			step{"timeout", "send 01 01 00 04" + timer}),
		"a second answer to the same request is dropped": after(opened,
			step{"02 01 0004", ""},
			step{"03 01 0007 020309", ""}),
		"an Ack may be followed by padding": after(begin,
			step{"02 01 0004 0000", ""},
			step{"01 50 0004 ffff", "stop timer; send 02 50 00 04; layer up"}),
		"RFC 1661 §6: an option past the end drops the packet": after(begin,
			step{"01 50 0006 0103", ""},
			step{"01 50 0006 0101", ""},
			step{"01 50 0006 0100", ""},
			step{"01 50 0005 01", ""},
			step{"03 01 0006 0103", ""},
			step{"04 01 0006 0103", ""}),
		"Reject goes before Nak, Nak before Ack, in the order of the request": after(begin,
			step{"01 50 000f 010300 020300 7003aa 7102", "send 04 50 00 09 70 03 aa 71 02"},
			step{"01 51 000a 010300 020300", "send 03 51 00 07 02 03 09"},
			step{"01 52 000a 010300 020309", "send 02 52 00 0a 01 03 00 02 03 09"}),
		"RFC 1661 §6: an option is not listed twice": after(begin,
			step{"01 50 000a 010300 010301", "send 04 50 00 07 01 03 01"}),
		"a Configure-Request takes an open layer down": after(opened,
			step{"01 51 0004", "layer down: renegotiated by the peer; send 01 02 00 04" + timer + "; send 02 51 00 04"},
			step{"02 02 0004", "stop timer; layer up"}),
		"so does one that cannot be acknowledged": after(opened,
			step{"01 51 0007 020300",
				"layer down: renegotiated by the peer; send 01 02 00 04" + timer + "; send 03 51 00 07 02 03 09"}),
		"a malformed one does not": after(opened,
			step{"01 51 0006 0203", ""}),
		"a Terminate-Ack that was not asked for opens the layer anew": after(opened,
			step{"06 99 0004", "layer down: ended by the peer; send 01 02 00 04" + timer}),
		"RFC 1661 §3.7: the peer terminates, and one restart time passes": after(opened,
			step{"05 09 0008 62796521", "layer down: ended by the peer: \"bye!\"; start timer 3s; send 06 09 00 04"},
			step{"05 0a 0004", "send 06 0a 00 04"},
			step{"timeout", "stop timer; layer finished: ended by the peer: \"bye!\""},
			step{"timeout", ""}),
		"the peer terminates a negotiation: the reason is kept": after(begin,
			step{"05 09 0005 78", "send 06 09 00 04"},
			step{"timeout", "send 01 01 00 04" + timer},
			step{"timeout", "send 01 01 00 04" + timer},
			step{"timeout", "stop timer; layer finished: ended by the peer: \"x\""}),
		"an operator closes": after(opened,
			step{"close enough", "layer down: enough; send 05 02 00 0a 65 6e 6f 75 67 68" + timer},
			step{"close later", ""},
			step{"01 51 0004", ""},
			step{"timeout", "send 05 02 00 0a 65 6e 6f 75 67 68" + timer},
			step{"06 02 0004", "stop timer; layer finished: enough"},
			step{"01 51 0004", "send 06 51 00 04"}),
		"an operator closes, and the peer is silent: Max-Terminate is 2": after(opened,
			step{"close enough", "layer down: enough; send 05 02 00 0a 65 6e 6f 75 67 68" + timer},
			step{"timeout", "send 05 02 00 0a 65 6e 6f 75 67 68" + timer},
			step{"timeout", "stop timer; layer finished: enough"}),
		"a Code-Reject of the Terminate-Request ends it, for the first reason": after(opened,
			step{"close x", "layer down: x; send 05 02 00 05 78" + timer},
			step{"07 09 0009 0502000578", "stop timer; layer finished: x"}),
		"closed while the peer ends: its reason is the first": after(opened,
			step{"05 09 0004", "layer down: ended by the peer; start timer 3s; send 06 09 00 04"},
			step{"close enough", ""},
			step{"timeout", "stop timer; layer finished: ended by the peer"}),
		"closed before the lower layer was up": {
			{"open", "layer started"},
			{"close enough", "layer finished: enough"},
		},
		"carrier lost": after(opened,
			step{"down", "layer down: the layer below is down"},
			step{"up", "send 01 02 00 04" + timer},
			step{"down", "stop timer"}),
		"RFC 1661 §5.6: an unknown code is rejected, with a new identifier": after(opened,
			step{"0e 77 0006 aabb 00", "send 07 02 00 0a 0e 77 00 06 aa bb"},
			step{"00 77 0004", "send 07 03 00 08 00 77 00 04"},
			step{"ff 77 0004", "send 07 04 00 08 ff 77 00 04"}),
		"a Code-Reject of a code that all have ends the layer": after(opened,
			step{"07 77 0008 01020304",
				"layer down: the peer rejects a basic code: \"code 1\"; send 05 02 00 04" + timer},
			step{"06 02 0004", "stop timer; layer finished: the peer rejects a basic code: \"code 1\""}),
		"a Code-Reject of another code, or an empty one, does not": after(opened,
			step{"07 77 0008 0c020304", ""},
			step{"07 77 0005 00", ""},
			step{"07 77 0004", ""}),
		"the protocol is rejected": after(opened,
			step{"rejected", "layer down: the peer rejects the protocol; send 05 02 00 04" + timer},
			step{"timeout", "send 05 02 00 04" + timer},
			step{"timeout", "stop timer; layer finished: the peer rejects the protocol"}),
	} {
		t.Run(name, func(t *testing.T) { play(t, &colors{}, fsm.Config{FirstID: 1, MaxConfigure: 3}, steps) })
	}
}

// Our options change as the peer says, and the identifier with them (RFC 1661 §5.1, 5.3, 5.4).
func TestRefusedByThePeer(t *testing.T) {
	asks := func() *colors {
		return &colors{ask: []fsm.Option{{Type: 5, Data: []byte{1}}, {Type: 6, Data: []byte{2}}, {Type: 7}}}
	}
	begin := []step{
		{"open", "layer started"},
		{"up", "send 01 01 00 0c 05 03 01 06 03 02 07 02" + timer},
	}
	for name, steps := range map[string][]step{
		"Nak and Reject": after(begin,
			step{"03 01 0007 060309", "send 01 02 00 0c 05 03 01 06 03 09 07 02" + timer},
			step{"04 02 0009 050301 0702", "send 01 03 00 07 06 03 09" + timer},
			step{"02 03 0007 060309", ""}),
		"RFC 1661 §5.3: a Nak may have another length, and options we did not ask for": after(begin,
			step{"03 01 000a 060409aa 0d02", "send 01 02 00 0d 05 03 01 06 04 09 aa 07 02" + timer}),
		"RFC 1661 §5.4: a Reject has options of the request, as they are, in their order": after(begin,
			step{"04 01 0007 050309", ""},
			step{"04 01 0007 080301", ""},
			step{"04 01 0009 0702 050301", ""},
			step{"04 01 0008 0702 0702", ""},
			step{"04 01 0004", ""},
			step{"03 01 0004", ""},
			step{"04 01 000c 050301 060302 0702", "send 01 02 00 04" + timer}),
	} {
		t.Run(name, func(t *testing.T) { play(t, asks(), fsm.Config{FirstID: 1}, steps) })
	}
}

// Max-Configure: ten requests, then the layer is finished. Each peer that answers sets the counter anew.
func TestMaxConfigure(t *testing.T) {
	var steps []step
	for range 9 {
		steps = append(steps, step{"timeout", "send 01 01 00 04" + timer})
	}
	ends := step{"timeout", "stop timer; layer finished: no answer to Configure-Requests"}
	play(t, &colors{}, fsm.Config{FirstID: 1}, after(opened[:2], append(steps, ends)...))
	again := after(opened[:2], append(steps, step{"02 01 0004", ""})...)
	for range 10 {
		again = append(again, step{"timeout", "send 01 02 00 04" + timer})
	}
	play(t, &colors{}, fsm.Config{FirstID: 1}, append(again, ends))
}

// Max-Failure: five Naks, then the option is rejected; a peer that goes on is given up (RFC 1661 §4.6).
func TestMaxFailure(t *testing.T) {
	const fails = "send 05 02 00 1f 6e 6f 20 61 67 72 65 65 6d 65 6e 74 20 6f 6e 20 74 68 65 20 6f 70 74 69 6f 6e 73" +
		timer
	steps := after(opened[:2])
	for range 5 {
		steps = append(steps, step{"01 50 0007 020300", "send 03 50 00 07 02 03 09"})
	}
	for range 10 {
		steps = append(steps, step{"01 50 0007 020300", "send 04 50 00 07 02 03 00"})
	}
	ends := after(steps, step{"01 50 0007 020300", fails},
		step{"06 02 0004", `stop timer; layer finished: the options do not converge: "15 Configure-Requests refused"`})
	play(t, &colors{}, fsm.Config{FirstID: 1}, ends)
	// An Ack sets the count anew.
	play(t, &colors{}, fsm.Config{FirstID: 1}, after(steps,
		step{"01 50 0004", "send 02 50 00 04"},
		step{"01 50 0007 020300", "send 03 50 00 07 02 03 09"}))
	// A firm Nak stays a Nak.
	steps = after(opened[:2])
	for range 15 {
		steps = append(steps, step{"01 50 0007 020300", "send 03 50 00 07 02 03 09"})
	}
	play(t, &colors{firm: true}, fsm.Config{FirstID: 1}, after(steps, step{"01 50 0007 020300", fails}))
	// An option that we want is appended as often, and then not any more.
	steps = after(opened[:2])
	for range 5 {
		steps = append(steps, step{"01 50 0004", "send 03 50 00 07 08 03 09"})
	}
	play(t, &colors{wants: 8}, fsm.Config{FirstID: 1}, after(steps, step{"01 50 0004", "send 02 50 00 04"}))
}

// A peer that refuses every request is given up, too.
func TestRefusedTooOften(t *testing.T) {
	steps := []step{{"open", "layer started"}, {"up", "send 01 01 00 07 05 03 00" + timer}}
	for i := range 15 {
		steps = append(steps, step{fmt.Sprintf("03 %02x 0007 0503%02x", i+1, i+1),
			fmt.Sprintf("send 01 %02x 00 07 05 03 %02x", i+2, i+1) + timer})
	}
	const fails = "send 05 11 00 1f 6e 6f 20 61 67 72 65 65 6d 65 6e 74 20 6f 6e 20 74 68 65 20 6f 70 74 69 6f 6e 73" +
		timer
	steps = append(steps, step{"03 10 0007 050310", fails},
		step{"06 11 0004", `stop timer; layer finished: the options do not converge: ` +
			`"the peer refused 16 Configure-Requests"`})
	play(t, &colors{ask: []fsm.Option{{Type: 5, Data: []byte{0}}}}, fsm.Config{FirstID: 1}, steps)
}

// A peer that acknowledges each request and sends none is given up after four times Max-Configure.
func TestPeerWithoutRequest(t *testing.T) {
	e := play(t, &colors{}, fsm.Config{}, []step{{"open", "layer started"}, {"up", "send 01 00 00 04" + timer}})
	for range 1000 {
		for _, p := range e.Take() {
			if p[0] == fsm.ConfigureRequest {
				p[0] = fsm.ConfigureAck
				e.Receive(t, p)
			}
		}
		if e.Armed {
			e.Timeout(t)
		}
	}
	if len(e.Finished) != 1 || e.Finished[0].Cause != fsm.NotConverging || e.Packets != 42 {
		t.Errorf("%v in %v after %d packets", e.Finished, e.Layer.State(), e.Packets)
	}
}

// A Protocol can end the layer at each of its questions.
func TestProtocolEnds(t *testing.T) {
	for _, in := range []string{"01 50 0004", "03 01 0007 050300", "04 01 0007 050300"} {
		p := &colors{ask: []fsm.Option{{Type: 5, Data: []byte{0}}}, end: "no color"}
		e := play(t, p, fsm.Config{FirstID: 1}, []step{{"open", "layer started"},
			{"up", "send 01 01 00 07 05 03 00" + timer}})
		e.Receive(t, fsmtest.Hex(t, in))
		if e.Layer.State() != fsm.Closing {
			t.Errorf("%s: state %v", in, e.Layer.State())
		}
		e.Timeout(t)
		e.Timeout(t)
		if len(e.Finished) != 1 || e.Finished[0].Cause != "no color" {
			t.Errorf("%s: finished %v", in, e.Finished)
		}
	}
}

// Before the line is open a modem's command must not be spelled: the framer may not escape everything yet.
func TestTextsSpellNoCommand(t *testing.T) {
	m := fsm.New(number, &colors{end: "x"}, fsm.Config{})
	e := &fsmtest.Engine{Layer: m}
	e.Start(t)
	e.Take()
	e.Receive(t, fsmtest.Hex(t, "01 50 0004"))
	text := strings.ToUpper(string(e.Take()[0]))
	if strings.Contains(text, "AT") || strings.Contains(text, "A/") {
		t.Errorf("%q", text)
	}
}

// A Code-Reject is truncated to what the peer can receive (RFC 1661 §5.6).
func TestCodeRejectIsTruncated(t *testing.T) {
	for _, c := range []struct{ mru, set, want int }{
		{0, 0, 1500}, {200, 0, 200}, {0, 128, 128}, {1, 0, 8}, {0, -5, 8}, {0, 9000, 2008},
	} {
		m := fsm.New(number, &colors{}, fsm.Config{PeerMRU: c.mru})
		if c.set != 0 {
			m.SetPeerMRU(c.set)
		}
		e := &fsmtest.Engine{Layer: m}
		e.Start(t)
		e.Take()
		e.Receive(t, fsm.Packet{Code: 99, Data: make([]byte, 2000)}.Bytes())
		if got := len(e.Take()[0]); got != c.want {
			t.Errorf("MRU %d, set to %d: %d octets", c.mru, c.set, got)
		}
	}
}

// The counters and the timer are those of the configuration.
func TestConfig(t *testing.T) {
	c := fsm.Config{Restart: 7 * time.Second, MaxConfigure: 1, MaxTerminate: 1, FirstID: 0xff}
	play(t, &colors{}, c, []step{
		{"open", "layer started"},
		{"up", "send 01 ff 00 04; start timer 7s"},
		{"timeout", "stop timer; layer finished: no answer to Configure-Requests"},
		{"down", "layer started"},
		{"up", "send 01 00 00 04; start timer 7s"},
		{"close x", "send 05 01 00 05 78; start timer 7s"},
		{"timeout", "stop timer; layer finished: x"},
	})
}
