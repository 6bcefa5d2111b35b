package ppp

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
)

// driver carries out the effects of an Engine in a simulated time and checks what holds for every step.
type driver struct {
	t      testing.TB
	engine *Engine
	client *ppptest.Client // nil: nobody answers
	octets ppptest.Decoder // of what the engine writes

	now    time.Duration
	timers map[Timer]deadline
	asked  map[int]Effect // questions without an answer
	auto   bool           // questions are answered at once
	aaa    func(Effect) aaa.Result
	settle func(aaa.Result) Settlement
	broker func(cbcp.Wish) cbcp.Verdict
	assign func() Assignment

	log       []string
	sent      []ppptest.Frame
	wire      []byte
	delivered [][]byte
	end       *Ending

	granted  bool // the last settlement admitted, or a decline was admitted
	accepted bool
	admitted bool
	assigned bool
	promised bool
	open     [families]bool
	logins   map[string]int // identity of an attempt: how often AAA was asked about it
}

type deadline struct {
	at         time.Duration
	generation uint64
}

// settings is what most tests have in common.
func settings() Config {
	seed := byte(0)
	return Config{
		Auth: []lcp.Auth{lcp.PAP}, CBCP: true, RFC1570: true, IPv4: true,
		Random: func(b []byte) {
			for i := range b {
				seed = seed*5 + 17
				b[i] = seed
			}
		},
	}
}

// grant is AAA's grant for kim.
func grant(Effect) aaa.Result {
	return aaa.Result{Kind: aaa.Granted, Server: "primary", Identity: aaa.Identity{Entry: "radius", User: "kim"}}
}

func admit(aaa.Result) Settlement {
	return Settlement{Accepted: true, Decision: Decision{Kind: Admitted}}
}

func offer(fixed bool) func(aaa.Result) Settlement {
	return func(aaa.Result) Settlement {
		return Settlement{Accepted: true, Decision: Decision{Kind: Offered, Fixed: fixed}}
	}
}

func promise(cbcp.Wish) cbcp.Verdict { return cbcp.Verdict{Kind: cbcp.VerdictPromised} }

// place is what Assign has for the caller.
func place() Assignment {
	return Assignment{IPv4: true, Local: netip.MustParseAddr("10.8.0.1"), Peer: netip.MustParseAddr("10.8.0.10"),
		IPv6: true}
}

// newDriver returns a driver whose questions are answered at once, for a caller who is admitted.
func newDriver(t testing.TB, c Config, client *ppptest.Client) *driver {
	return &driver{t: t, engine: New(c), client: client, timers: map[Timer]deadline{}, asked: map[int]Effect{},
		auto: true, aaa: grant, settle: admit, broker: promise, assign: place, logins: map[string]int{}}
}

// begin starts the engine and its client.
func (d *driver) begin() {
	d.t.Helper()
	d.carry(d.engine.Start())
	if d.client != nil {
		d.write(d.client.Start()...)
	}
	d.exchange()
}

// write gives frames to the engine as the line would.
func (d *driver) write(frames ...ppptest.Frame) {
	d.t.Helper()
	for _, f := range frames {
		d.input(f.Encode())
	}
}

func (d *driver) input(b []byte) {
	d.t.Helper()
	for len(b) > 0 {
		n, effects := d.engine.Receive(b)
		if n == 0 {
			d.t.Fatal("Receive takes nothing")
		}
		b = b[n:]
		d.carry(effects)
	}
}

// flush takes what the engine writes.
func (d *driver) flush() (frames []ppptest.Frame) {
	for d.engine.Waiting() {
		out := d.engine.Output(nil, false)
		d.wire = append(d.wire, out...)
		for _, f := range d.octets.Feed(out) {
			f.Info = bytes.Clone(f.Info)
			frames = append(frames, f)
		}
	}
	d.sent = append(d.sent, frames...)
	return frames
}

// exchange carries frames until both sides have nothing to say.
func (d *driver) exchange() {
	d.t.Helper()
	for range 1000 {
		frames := d.flush()
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			if d.client != nil {
				d.write(d.client.Take(f)...)
			}
		}
	}
	d.t.Fatal("the exchange has no end")
}

// pass lets time pass: timers run out in their order.
func (d *driver) pass(span time.Duration) {
	d.t.Helper()
	end := d.now + span
	for {
		name, at, found := Timer(0), end, false
		for t := range Timers {
			if dl, ok := d.timers[t]; ok && dl.at <= at && (!found || dl.at < at) {
				name, at, found = t, dl.at, true
			}
		}
		if !found {
			d.now = end
			return
		}
		d.now = at
		d.fire(name)
		d.exchange()
	}
}

// fire ends a timer.
func (d *driver) fire(t Timer) {
	d.t.Helper()
	dl := d.timers[t]
	delete(d.timers, t)
	d.carry(d.engine.Timeout(t, dl.generation))
}

// answer answers an open question.
func (d *driver) answer(number int) {
	d.t.Helper()
	q := d.asked[number]
	delete(d.asked, number)
	switch q := q.(type) {
	case Ask, Continue:
		d.carry(d.engine.Answered(number, d.aaa(q)))
	case Settle:
		s := d.settle(q.Result)
		s.Accepted = s.Accepted && q.Result.Kind == aaa.Granted
		d.accepted = s.Accepted
		d.granted = s.Accepted && s.Decision.Kind == Admitted
		d.carry(d.engine.Settled(number, s))
	case Promise:
		v := d.broker(q.Wish)
		d.granted = d.granted || q.Wish.Decline && v.Kind == cbcp.VerdictAdmit
		d.promised = d.promised || !q.Wish.Decline && v.Kind == cbcp.VerdictPromised
		d.carry(d.engine.Promised(number, v))
	case Assign:
		a := d.assign()
		d.assigned = a.Reason == ""
		d.carry(d.engine.Assigned(number, a))
	}
}

// carry carries out the effects of one call.
func (d *driver) carry(effects []Effect) {
	d.t.Helper()
	own := append([]Effect(nil), effects...)
	if len(own) > 40 {
		d.t.Fatalf("%d effects for one event", len(own))
	}
	var questions []int
	for i, f := range own {
		d.log = append(d.log, f.String())
		if d.end != nil {
			d.t.Fatalf("%v after the end", f)
		}
		switch f := f.(type) {
		case StartTimer:
			if f.After <= 0 {
				d.t.Fatalf("timer of %v", f.After)
			}
			d.timers[f.Timer] = deadline{d.now + f.After, f.Generation}
		case StopTimer:
			delete(d.timers, f.Timer)
		case Ask:
			d.attempt(f)
			questions = d.question(questions, f.Question, f)
		case Continue:
			questions = d.question(questions, f.Question, f)
		case Settle:
			questions = d.question(questions, f.Question, f)
		case Promise:
			questions = d.question(questions, f.Question, f)
		case Assign:
			questions = d.question(questions, f.Question, f)
		case Cancel:
			if _, open := d.asked[f.Question]; !open {
				d.t.Fatalf("cancel of question %d, which is not open", f.Question)
			}
			delete(d.asked, f.Question)
		case End:
			if i != len(own)-1 || f.Cause == 0 || f.Reason == "" {
				d.t.Fatalf("end %+v, effect %d of %d", f, i+1, len(own))
			}
			d.end = &f.Ending
		default:
			d.session(f)
		}
	}
	d.check()
	for _, q := range questions {
		if _, open := d.asked[q]; open && d.auto {
			d.answer(q)
		}
	}
}

func (d *driver) question(list []int, number int, f Effect) []int {
	d.asked[number] = f
	return append(list, number)
}

// attempt counts how often AAA is asked about one attempt of the peer.
func (d *driver) attempt(f Ask) {
	c := f.Credentials
	key := fmt.Sprintf("%d %s %x %x %x", d.engine.renegotiations, c.User, c.CHAP, c.MSCHAP, c.EAP)
	if c.CHAP != nil {
		key = fmt.Sprintf("chap %x %x", c.CHAP.Challenge, c.CHAP.Response)
	}
	if c.MSCHAP != nil {
		key = fmt.Sprintf("ms-chap %x %x", c.MSCHAP.Challenge, c.MSCHAP.Response)
	}
	if d.logins[key]++; d.logins[key] > 1 {
		d.t.Fatalf("AAA was asked twice about one attempt: %s", key)
	}
}

// session carries out effects on the session and the network, and checks that each was granted.
func (d *driver) session(f Effect) {
	d.t.Helper()
	switch f := f.(type) {
	case Admit:
		if !d.granted || d.admitted || d.promised {
			d.t.Fatalf("admitted: granted %v, admitted %v, promised %v", d.granted, d.admitted, d.promised)
		}
		d.admitted = true
	case Leave:
		if !d.accepted || f.Reason == "" {
			d.t.Fatalf("left a session that has not begun, or without a reason: %q", f.Reason)
		}
		d.accepted, d.admitted, d.granted = false, false, false
	case OpenNetwork:
		if !d.admitted || !d.assigned || d.open[f.Family] {
			d.t.Fatalf("%v: admitted %v, assigned %v", f, d.admitted, d.assigned)
		}
		d.open[f.Family] = true
	case CloseNetwork:
		if !d.open[f.Family] {
			d.t.Fatalf("%v twice", f)
		}
		d.open[f.Family] = false
	case Release:
		if !d.assigned || d.open != [families]bool{} {
			d.t.Fatalf("release: assigned %v, open %v", d.assigned, d.open)
		}
		d.assigned = false
	case *Deliver:
		if !d.open[IPv4] && !d.open[IPv6] {
			d.t.Fatal("a packet was delivered before the network is open")
		}
		d.delivered = append(d.delivered, bytes.Clone(f.Packet))
	}
}

// check checks that the engine cannot wait for ever.
func (d *driver) check() {
	d.t.Helper()
	p := d.engine.Phase()
	if (p == PhaseOver) != (d.end != nil) {
		d.t.Fatalf("phase %v, end %v", p, d.end)
	}
	if len(d.asked) > 1 {
		d.t.Fatalf("%d questions are open", len(d.asked))
	}
	if d.engine.phase == PhaseOver {
		if len(d.timers)+len(d.asked) > 0 || d.assigned || d.open != [families]bool{} {
			d.t.Fatalf("over: timers %v, questions %v, assigned %v, open %v", d.timers, d.asked, d.assigned, d.open)
		}
		return
	}
	waits := len(d.asked) > 0
	for t := range Timers {
		if _, ok := d.timers[t]; ok && t != EchoTimer && t != IdleTimer && t != SessionTimer {
			waits = true
		}
	}
	if !waits && p != PhaseDead && !(p == PhaseNetwork && (d.open[IPv4] || d.open[IPv6])) {
		d.t.Fatalf("phase %v waits without a timer or a question\n%s", p, d.story())
	}
	for t := range d.timers {
		if !d.engine.timers[t].running {
			d.t.Fatalf("%v timer runs, and the engine does not know", t)
		}
	}
	if n := len(d.engine.output.control); n > 2*maxControl {
		d.t.Fatalf("%d control packets wait", n)
	}
}

// story returns the effects so far.
func (d *driver) story() string { return strings.Join(d.log, "\n") }

// ended returns the end of the link, as "cause reason".
func (d *driver) ended() string {
	if d.end == nil {
		return "still " + d.engine.Phase().String()
	}
	return fmt.Sprintf("%d %s", d.end.Cause, d.end.Reason)
}

// count returns how many frames of a protocol with a code were written.
func (d *driver) count(protocol uint16, code byte) (n int) {
	for _, f := range d.sent {
		if f.Protocol == protocol && len(f.Info) > 0 && f.Info[0] == code {
			n++
		}
	}
	return n
}

// order returns the protocol and code of the frames that were written, without LCP's negotiation and echoes.
func (d *driver) order() string {
	var out []string
	for _, f := range d.sent {
		if f.Protocol == ppptest.LCP && f.Info[0] != 5 && f.Info[0] != 6 || f.Protocol == ppptest.IPCP {
			continue
		}
		out = append(out, fmt.Sprintf("%04x:%d", f.Protocol, f.Info[0]))
	}
	return strings.Join(out, " ")
}
