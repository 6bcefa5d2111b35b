package ppp

import (
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/hdlc"
	"github.com/ringback/ringback/ppp/lcp"
)

// Phase is the phase of a link.
type Phase uint8

// The phases; see the package documentation.
const (
	PhaseDead Phase = iota
	PhaseEstablish
	PhaseAuthenticate
	PhaseCallback
	PhaseNetwork
	PhaseTerminate
	PhaseOver
)

var phaseNames = [...]string{"dead", "establish", "authenticate", "callback", "network", "terminate", "over"}

// String is the phase's name.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return "unknown"
}

// Engine is one PPP link. It is not safe for concurrent use. Make it with New. The Effects that a call returns are
// valid until the next call.
type Engine struct {
	config  Config
	phase   Phase
	decoder hdlc.Decoder
	output  output
	traffic Traffic

	lcp            *lcp.LCP
	renegotiations int
	ending         Ending // why the link ends; the first reason stays
	acked          bool   // we end the link, and have acknowledged that the peer does too
	lingering      bool   // LCP has ended, and the peer has a restart time to drop the carrier

	timers   [Timers]timer
	open     question // zero: none
	asked    int      // the number of the last question
	login             // from LCP's opening to its end
	network           // from Assigned to the end of the network phase
	effects  []Effect
	later    []func() // what follows when the effects of one call of a package are carried out
	delivery Deliver
}

// timer is one of the engine's timers.
type timer struct {
	generation uint64
	running    bool
}

// login is what a peer that renegotiates loses.
type login struct {
	auth     *auth.Authenticator
	result   aaa.Result // for Settle, and then of the grant
	decision Decision
	begun    bool          // a session has begun
	cbcp     *cbcp.Machine // nil: no CBCP
	choice   cbcp.Wish     // what Promise was asked for
	chosen   bool          // choice is valid
	promised bool          // the callback is recorded
	admitted bool

	early     [families][]byte // the last Configure-Requests of network protocols that are not begun yet
	remaining time.Duration    // until the session timeout, at the next end of its timer
	idle      idle
}

// New returns an Engine in PhaseDead.
func New(c Config) *Engine {
	c = c.withDefaults()
	e := &Engine{config: c, lcp: lcp.New(c.lcp())}
	e.decoder.Buffer = make([]byte, maxPacket+hdlc.Overhead)
	e.output.encoder.Escapes, e.output.encoder.Plain = c.Escapes, c.Plain
	e.output.newLine = c.AfterText
	e.output.tap = func(protocol uint16, info []byte) { e.tap(true, protocol, info) }
	return e
}

// Phase returns the phase.
func (e *Engine) Phase() Phase { return e.phase }

// Traffic returns the counters of IP packets.
func (e *Engine) Traffic() Traffic { return e.traffic }

// Frames returns the counters of received frames.
func (e *Engine) Frames() hdlc.Counters { return e.decoder.Counters }

// Start says that the line is up. It is called once.
func (e *Engine) Start() []Effect {
	if e.phase != PhaseDead {
		return nil
	}
	e.begin()
	e.phase = PhaseEstablish
	e.link(e.lcp.Open())
	e.link(e.lcp.Up())
	return e.finish()
}

// Receive takes octets of the line, up to the end of a frame, and returns how many. The driver calls it until all are
// taken.
func (e *Engine) Receive(p []byte) (n int, effects []Effect) {
	if e.phase == PhaseDead || e.phase == PhaseOver {
		return len(p), nil
	}
	e.begin()
	frame, n, ok := e.decoder.Decode(p)
	if ok {
		e.tap(false, frame.Protocol, frame.Info)
		e.frame(frame)
	}
	return n, e.finish()
}

// Timeout says that a timer has run out.
func (e *Engine) Timeout(t Timer, generation uint64) []Effect {
	if t >= Timers || !e.timers[t].running || e.timers[t].generation != generation {
		return nil
	}
	e.begin()
	e.timers[t].running = false
	switch t {
	case LinkTimer:
		if e.lingering {
			e.over()
			break
		}
		e.link(e.lcp.Timeout())
	case EchoTimer:
		e.link(e.lcp.EchoTimeout())
	case AuthTimer:
		e.authenticate(e.auth.Timeout())
	case CBCPTimer:
		e.negotiate(e.cbcp.Timeout())
	case IPCPTimer:
		e.control(e.ipcp.Timeout())
	case IPV6CPTimer:
		e.control(e.ipv6cp.Timeout())
	case IdleTimer:
		e.idleTimeout()
	case SessionTimer:
		e.sessionTimeout()
	}
	return e.finish()
}

// Order ends the link for a reason that is not the peer's: the line is cleared, or a time limit. text is for the peer;
// it may be empty. End follows when the peer has acknowledged it, or does not.
func (e *Engine) Order(end Ending, text string) []Effect {
	if e.phase == PhaseDead || e.phase == PhaseOver {
		return nil
	}
	e.begin()
	e.close(end, text)
	return e.finish()
}

// CarrierLost says that nothing can be read or written any more. End is the last of its Effects.
func (e *Engine) CarrierLost() []Effect {
	if e.phase == PhaseOver {
		return nil
	}
	e.begin()
	e.because(Ending{aaa.CauseLostCarrier, "carrier lost"})
	e.link(e.lcp.Down())
	e.over()
	return e.finish()
}

// Output appends the next frame that is to be written to dst: it returns dst where there is none. idle says that
// nothing was written for a second. It appends MaxOutput octets at most, and then allocates nothing if dst has room.
func (e *Engine) Output(dst []byte, idle bool) []byte {
	out, packet := e.output.next(dst, idle)
	if packet != nil {
		e.traffic.OctetsOut += uint64(len(packet))
		e.traffic.PacketsOut++
	}
	return out
}

// Waiting reports whether Output has a frame.
func (e *Engine) Waiting() bool { return len(e.output.control) > 0 || e.output.waiting > 0 }

// begin begins an event.
func (e *Engine) begin() { e.effects = e.effects[:0] }

// finish completes an event and returns its effects.
func (e *Engine) finish() []Effect {
	for len(e.later) > 0 {
		f := e.later[0]
		e.later = e.later[1:]
		f()
	}
	e.later = e.later[:0]
	if n := len(e.effects); n > 0 {
		return e.effects[:n:n]
	}
	return nil
}

// do adds an effect.
func (e *Engine) do(f Effect) { e.effects = append(e.effects, f) }

// then has f called when the effects at hand are carried out: f may call the package that returned them.
func (e *Engine) then(f func()) { e.later = append(e.later, f) }

func (e *Engine) startTimer(t Timer, after time.Duration) {
	e.timers[t].generation++
	e.timers[t].running = true
	e.do(StartTimer{t, e.timers[t].generation, after})
}

func (e *Engine) stopTimer(t Timer) {
	if e.timers[t].running {
		e.timers[t].running = false
		e.timers[t].generation++
		e.do(StopTimer{t})
	}
}

// because records why the link ends. The first reason stays.
func (e *Engine) because(end Ending) {
	if e.ending.Cause == 0 {
		e.ending = end
	}
}

// close ends the link: Terminate-Request follows what is already queued, so a failure crosses the line before it.
func (e *Engine) close(end Ending, text string) {
	if e.phase == PhaseTerminate || e.phase == PhaseOver {
		return
	}
	e.because(end)
	e.phase = PhaseTerminate
	e.link(e.lcp.Close(fsm.Reason{Cause: fsm.Cause(end.Reason)}, printable(text)))
}

// finished follows the end of LCP. If both sides have sent a Terminate-Request, we may have the answer to ours while
// the answer to the peer's is still on its way: the carrier is not dropped before a restart time (RFC 1661 §3.7).
func (e *Engine) finished() {
	switch {
	case e.lingering:
	case e.acked:
		e.lingering = true
		e.startTimer(LinkTimer, max(e.config.restart(), linger))
	default:
		e.over()
	}
}

// linger is RFC 1661's restart time.
const linger = 3 * time.Second

// over is the end of the link.
func (e *Engine) over() {
	if e.phase == PhaseOver {
		return
	}
	e.takeDown(false, "")
	for t := range Timers {
		e.stopTimer(t)
	}
	e.phase = PhaseOver
	if e.promised {
		e.ending.Cause = aaa.CauseCallback
	}
	e.do(End{e.ending})
}

const maxText = 100 // for the peer

// printable returns the printable ASCII of a text for the peer.
func printable(text string) string {
	b := make([]byte, 0, maxText)
	for i := 0; i < len(text) && len(b) < maxText; i++ {
		if c := text[i]; c >= ' ' && c <= '~' {
			b = append(b, c)
		}
	}
	return string(b)
}
