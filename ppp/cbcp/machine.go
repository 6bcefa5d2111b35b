package cbcp

import (
	"bytes"
	"fmt"
	"time"
)

// Config is the configuration of a Machine.
type Config struct {
	Offer Offer // of a Plan

	Resend      time.Duration // between Requests without a Response; 0: 2 s. ResendAfter has it by speed
	MaxRequests int           // Requests in all; 0: 10
	MaxChoices  int           // Responses that cannot be used, of which the last one ends it; 0: only MaxRequests do
	FirstID     byte          // identifier of the first Request; 0: 1
	EndWait     time.Duration // how long the caller has to end the link after the Ack; 0: 10 s
}

func (c Config) withDefaults() Config {
	if c.Resend <= 0 {
		c.Resend = 2 * time.Second
	}
	if c.MaxRequests <= 0 {
		c.MaxRequests = 10
	}
	if c.FirstID == 0 {
		c.FirstID = 1
	}
	if c.EndWait <= 0 {
		c.EndWait = 10 * time.Second
	}
	return c
}

// ResendAfter returns the time between Requests on a line of a speed in bit/s, as Windows has it (MS-CBCP, notes 3 and
// 4); 0 is an unknown speed.
func ResendAfter(speed int) time.Duration {
	switch {
	case speed <= 0 || speed > 9600:
		return 2 * time.Second
	case speed > 2400:
		return 3 * time.Second
	case speed > 1200:
		return 5 * time.Second
	}
	return 7 * time.Second
}

// State is the state of a Machine.
type State uint8

// The states. The timer runs in Waiting and Promised only; a question to the broker is open in Asking only.
const (
	Initial  State = iota
	Waiting        // for a Response
	Asking         // the broker
	Promised       // acknowledged; the caller ends the link
	Declined       // there is no callback: the link goes on
	Over           // the link ends
)

// String is the state's name.
func (s State) String() string {
	names := [...]string{"initial", "waiting", "asking", "promised", "declined", "over"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Machine is the answering side of CBCP (MS-CBCP §3.2) on one link. It is not safe for concurrent use. Make it with
// NewMachine.
type Machine struct {
	config Config
	state  State

	requests int    // sent
	unusable int    // Responses that the offer does not allow, or whose number the broker did not take
	id       byte   // of the last Request
	chosen   answer // the Response that the broker is asked about, or that was acknowledged
	wrong    string // what was wrong with the last Response
	narrowed bool   // the broker could not promise the fixed callback, so that only to decline it is left
}

// NewMachine returns a Machine in the state Initial.
func NewMachine(c Config) *Machine {
	c = c.withDefaults()
	return &Machine{config: c, id: c.FirstID - 1}
}

// State returns the state.
func (m *Machine) State() State { return m.state }

// Offer returns what the caller may choose from.
func (m *Machine) Offer() Offer { return m.config.Offer }

// Start sends the first Request: the peer has authenticated. pppd waits for it without a timer of its own. A second
// Start does nothing. An Offer of nothing ends the link.
func (m *Machine) Start() []Effect {
	if m.state != Initial {
		return nil
	}
	if m.config.Offer == (Offer{}) {
		return m.end(Reason{Refused, "no callback to offer"}, "")
	}
	return m.request()
}

// Receive takes the information field b of a frame of CBCP, and does not keep it. What is not a Response to the last
// Request is dropped (MS-CBCP §3.2). A Response that the offer does not allow is answered with another Request. After
// the Ack, only the same Response again has an answer: the same Ack.
func (m *Machine) Receive(b []byte) []Effect {
	code, id, options, ok := parseMessage(b)
	if !ok || code != codeResponse || id != m.id {
		return nil
	}
	a, why := parseResponse(options, m.config.Offer)
	switch m.state {
	case Waiting:
		if why != "" {
			return m.again(why)
		}
		return m.choose(a)
	case Promised, Declined:
		if why == "" && bytes.Equal(a.option, m.chosen.option) {
			return []Effect{m.ack()}
		}
	}
	return nil
}

// Timeout says that the timer has run out. In a state without a timer it does nothing.
func (m *Machine) Timeout() []Effect {
	switch {
	case m.state == Promised:
		m.state = Over
		return []Effect{End{Reason{Cause: CallbackPromised}, textPromised}}
	case m.state != Waiting:
		return nil
	case m.requests >= m.config.MaxRequests:
		return m.exhausted()
	}
	return m.request()
}

// Kind is the kind of a Verdict.
type Kind uint8

// The kinds, as session.VerdictKind has them. The zero value refuses.
const (
	VerdictRefuse    Kind = iota
	VerdictBadChoice      // the caller is asked again
	VerdictPromised       // the callback is on disk
	VerdictAdmit          // the callback is declined, and the caller is admitted
)

// Verdict is the broker's answer to an Ask (session.Verdict).
type Verdict struct {
	Kind   Kind
	Text   string // for the caller; "" for a default text
	Reason string // for the operator
}

// Answer takes the broker's verdict. If no question is open, it does nothing. Only VerdictPromised has a callback
// acknowledged, and only VerdictAdmit that a callback was declined: any other verdict on them is a refusal.
func (m *Machine) Answer(v Verdict) []Effect {
	if m.state != Asking {
		return nil
	}
	decline := m.chosen.wish.Decline
	switch {
	case v.Kind == VerdictBadChoice && !decline && m.config.Offer == (Offer{None: true, Admin: true}):
		m.config.Offer, m.narrowed = Offer{None: true}, true
		m.unusable-- // the caller has named no number
		return m.again(v.Reason)
	case v.Kind == VerdictBadChoice:
		return m.again(v.Reason)
	case v.Kind == VerdictPromised && !decline:
		m.state = Promised
		return []Effect{m.ack(), StartTimer{m.config.EndWait}}
	case v.Kind == VerdictAdmit && decline:
		return m.decline()
	}
	return m.end(Reason{Refused, v.Reason}, v.Text)
}

// Rejected says that the peer has rejected CBCP (RFC 1661 §5.7). If no callback is all that was offered, the link goes
// on. If a question is open, its verdict has no effect: the engine ends the broker's work, which withdraws a callback
// that was recorded and not told.
func (m *Machine) Rejected() []Effect {
	switch {
	case m.state == Waiting && m.onlyNone():
		m.state = Declined
		return []Effect{StopTimer{}, Proceed{}}
	case m.state == Waiting, m.state == Asking:
		return m.end(Reason{Cause: ProtocolRejected}, "")
	}
	return nil
}

// choose has the broker asked about an answer that the offer allows. If no callback is all that was offered, the broker
// has admitted the caller before.
func (m *Machine) choose(a answer) []Effect {
	a.option = bytes.Clone(a.option)
	m.chosen = a
	if m.onlyNone() {
		return append([]Effect{StopTimer{}}, m.decline()...)
	}
	m.state = Asking
	return []Effect{StopTimer{}, Ask{a.wish}}
}

// onlyNone reports whether no callback is all that was ever offered.
func (m *Machine) onlyNone() bool { return m.config.Offer == (Offer{None: true}) && !m.narrowed }

func (m *Machine) decline() []Effect {
	m.state = Declined
	return []Effect{m.ack(), Proceed{}}
}

// again asks again after a Response that cannot be used.
func (m *Machine) again(why string) []Effect {
	m.wrong = why
	m.unusable++
	if m.requests >= m.config.MaxRequests || m.config.MaxChoices > 0 && m.unusable >= m.config.MaxChoices {
		return m.exhausted()
	}
	return m.request()
}

// request sends the next Request; each has another identifier (MS-CBCP §3.2).
func (m *Machine) request() []Effect {
	m.state = Waiting
	m.requests++
	m.id++
	return []Effect{send(message(codeRequest, m.id, m.config.Offer.request())), StartTimer{m.config.Resend}}
}

// ack copies the option of the Response (MS-CBCP §2.2.4).
func (m *Machine) ack() Effect { return send(message(codeAck, m.id, m.chosen.option)) }

func (m *Machine) exhausted() []Effect {
	if m.wrong != "" {
		return m.end(Reason{NotAgreed, m.wrong}, "")
	}
	return m.end(Reason{NoResponse, fmt.Sprintf("%d Requests", m.requests)}, "")
}

// Texts for the caller.
const (
	textPromised     = "Callback initiated"
	textNotAvailable = "Callback not available"
)

// end ends the link. The timer of Waiting may have run out: to stop it then does no harm.
func (m *Machine) end(r Reason, text string) []Effect {
	if text == "" {
		text = textNotAvailable
	}
	var out []Effect
	if m.state == Waiting {
		out = append(out, StopTimer{})
	}
	m.state = Over
	return append(out, End{r, text})
}

func send(packet []byte) Effect { return Send{Protocol, packet} }
