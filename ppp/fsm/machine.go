package fsm

import (
	"fmt"
	"slices"
	"time"
)

// DefaultMRU is the information field that every peer can receive (RFC 1661 §6.1).
const DefaultMRU = 1500

// leastMRU is the least that a Machine believes: a Code-Reject with the header of the rejected packet.
const leastMRU = 2 * headerLen

// rounds is how often the restart counter may be spent in one negotiation: a peer that acknowledges our requests and
// sends none sets it anew each time.
const rounds = 4

// Config is the configuration of a Machine. Zero values are the defaults of RFC 1661 §4.6. Beyond them, a negotiation
// ends when either side has refused more than MaxFailure + MaxConfigure requests, or we sent four times MaxConfigure.
type Config struct {
	Restart      time.Duration // the restart timer, 3 s
	MaxConfigure int           // Configure-Requests without an answer, 10
	MaxTerminate int           // Terminate-Requests without an answer, 2
	MaxFailure   int           // Configure-Naks without an Ack, after which options are rejected, 5
	FirstID      byte          // identifier of the first packet
	PeerMRU      int           // the largest information field that the peer can receive, DefaultMRU
}

func (c Config) withDefaults() Config {
	set := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	set(&c.MaxConfigure, 10)
	set(&c.MaxTerminate, 2)
	set(&c.MaxFailure, 5)
	set(&c.PeerMRU, DefaultMRU)
	c.PeerMRU = max(c.PeerMRU, leastMRU)
	if c.Restart <= 0 {
		c.Restart = 3 * time.Second
	}
	return c
}

// Machine drives the automaton for one control protocol. It is not safe for concurrent use. Make it with New.
type Machine struct {
	number   uint16
	protocol Protocol
	config   Config

	state    State
	restarts int  // the restart counter
	lastID   byte // of the last packet that is not an answer

	request  Packet // the last Configure-Request
	answered bool   // it has a valid answer, or there is no request: the next one is new
	end      Packet // the Terminate-Request
	naks     int    // Configure-Naks sent since the last Ack
	rejects  int    // Configure-Rejects sent since the last Ack
	sent     int    // Configure-Requests sent in this negotiation
	refused  int    // Naks and Rejects received in this negotiation
	reason   Reason // why the layer goes down
}

// New returns a machine in state Initial for the protocol with a number (LCP is 0xc021).
func New(number uint16, p Protocol, c Config) *Machine {
	c = c.withDefaults()
	return &Machine{number: number, protocol: p, config: c, lastID: c.FirstID - 1, answered: true}
}

// State returns the state of the automaton.
func (m *Machine) State() State { return m.state }

// PeerMRU returns the largest information field that the peer can receive.
func (m *Machine) PeerMRU() int { return m.config.PeerMRU }

// SetPeerMRU sets the largest information field that the peer can receive. Code-Rejects are truncated to it (RFC 1661
// §5.6).
func (m *Machine) SetPeerMRU(n int) { m.config.PeerMRU = max(n, leastMRU) }

// limit is how many requests either side may refuse in one negotiation. RFC 1661 §4.5 leaves such a limit to us.
func (m *Machine) limit() int { return m.config.MaxFailure + m.config.MaxConfigure }

// NextID returns a new identifier for a packet that is not an answer.
func (m *Machine) NextID() byte {
	m.lastID++
	return m.lastID
}

// Up says that the layer below is up.
func (m *Machine) Up() []Effect { return m.happen(Up, input{}) }

// Down says that the layer below is down.
func (m *Machine) Down() []Effect {
	return m.happen(Down, input{reason: Reason{Cause: LowerLayerDown}})
}

// Open allows the negotiation, which begins when the layer below is up.
func (m *Machine) Open() []Effect { return m.happen(Open, input{}) }

// Close ends the layer for a reason. text is for the peer, in the Terminate-Request; it may be empty. The layer is not
// opened again before Open. LayerFinished follows when the peer has answered or did not, unless Down comes first. A
// layer that is ending already keeps its reason.
func (m *Machine) Close(r Reason, text string) []Effect {
	return m.happen(Close, input{reason: r, text: text})
}

// Timeout says that the restart timer has run out. In a state without a timer it does nothing.
func (m *Machine) Timeout() []Effect {
	if m.state.Negotiates() && m.sent >= rounds*m.config.MaxConfigure {
		return m.fail(Reason{NotConverging, fmt.Sprintf("%d Configure-Requests sent", m.sent)})
	}
	if m.restarts > 0 {
		return m.happen(TOPlus, input{})
	}
	return m.happen(TOMinus, input{})
}

// ProtocolRejected says that the peer has rejected the protocol (RFC 1661 §5.7).
func (m *Machine) ProtocolRejected() []Effect {
	return m.happen(RXJMinus, input{reason: Reason{Cause: ProtocolRejected}})
}

// input is what an event has with it.
type input struct {
	received Packet // that is answered
	answer   Packet // to send for SCA, SCN, SER
	reason   Reason // why, if the layer goes down or is finished by this event
	text     string // for the peer, in a Terminate-Request
}

// happen is an event that may begin a new negotiation.
func (m *Machine) happen(e Event, in input) []Effect {
	m.prepare(e)
	return m.run(e, in)
}

// prepare begins a new negotiation if e sends a Configure-Request from a state in which none is going on.
func (m *Machine) prepare(e Event) {
	_, do, _ := Step(m.state, e)
	if m.state.Negotiates() || !slices.Contains(do, SCR) {
		return
	}
	m.protocol.Begin()
	m.answered = true
	m.naks, m.rejects, m.refused, m.sent = 0, 0, 0, 0
	m.reason = Reason{}
}

// run takes one step of the automaton and turns its actions into effects.
func (m *Machine) run(e Event, in input) []Effect {
	next, do, ok := Step(m.state, e)
	if !ok {
		return nil
	}
	if in.reason.Cause != "" && m.state != Closing && m.state != Stopping {
		m.reason = in.reason // the first reason of an end stays
	}
	if e == TOMinus && m.state.Negotiates() && m.reason.Cause != PeerTerminated {
		m.reason = Reason{Cause: NoAnswer}
	}
	before := m.state
	m.state = next
	var out []Effect
	if before.Waits() && !next.Waits() {
		out = append(out, StopTimer{m.number})
	}
	for _, a := range do {
		out = append(out, m.act(a, do, in)...)
	}
	return out
}

// act carries out one of the actions do.
func (m *Machine) act(a Action, do []Action, in input) []Effect {
	switch a {
	case TLU:
		return []Effect{LayerUp{m.number}}
	case TLD:
		return []Effect{LayerDown{m.number, m.reason}}
	case TLS:
		return []Effect{LayerStarted{m.number}}
	case TLF:
		return []Effect{LayerFinished{m.number, m.reason}}
	case IRC:
		m.restarts = m.config.MaxConfigure
		if slices.Contains(do, STR) {
			m.restarts = m.config.MaxTerminate
			m.end = Packet{TerminateRequest, m.NextID(), []byte(in.text)}
		}
	case ZRC:
		m.restarts = 0
		return []Effect{m.startTimer()}
	case SCR:
		m.restarts--
		m.sent++
		return []Effect{m.send(m.configureRequest()), m.startTimer()}
	case STR:
		m.restarts--
		return []Effect{m.send(m.end), m.startTimer()}
	case SCA, SCN, SER:
		return []Effect{m.send(in.answer)}
	case STA:
		return []Effect{m.send(Packet{Code: TerminateAck, ID: in.received.ID})}
	case SCJ:
		return []Effect{m.send(m.codeReject(in.received))}
	}
	return nil
}

func (m *Machine) startTimer() Effect { return StartTimer{m.number, m.config.Restart} }

func (m *Machine) send(p Packet) Effect { return Send{m.number, p.Bytes()} }

// configureRequest returns the last Configure-Request if it was not answered: with the same identifier, so that a late
// answer to the first copy is valid. Otherwise it returns a new one (RFC 1661 §5.1).
func (m *Machine) configureRequest() Packet {
	if m.answered {
		m.request = Packet{ConfigureRequest, m.NextID(), AppendOptions(nil, m.protocol.Request()...)}
		m.answered = false
	}
	return m.request
}

// codeReject returns the Code-Reject of a packet, truncated to what the peer can receive (RFC 1661 §5.6).
func (m *Machine) codeReject(p Packet) Packet {
	b := p.Bytes()
	return Packet{CodeReject, m.NextID(), b[:min(len(b), m.config.PeerMRU-headerLen)]}
}
