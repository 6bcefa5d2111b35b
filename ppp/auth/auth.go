package auth

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
)

// Method is how the peer authenticates. The zero value is none, and no peer passes by it.
type Method uint8

// The methods.
const (
	PAP      Method = iota + 1 // RFC 1334
	CHAP                       // with MD5, RFC 1994
	MSCHAPv1                   // RFC 2433
	MSCHAPv2                   // RFC 2759
	EAP                        // RFC 3748
)

// The PPP protocol numbers.
const (
	PAPProtocol  = 0xc023
	CHAPProtocol = 0xc223
	EAPProtocol  = 0xc227
)

// Protocol returns the PPP protocol number of the method; 0 for none.
func (m Method) Protocol() uint16 {
	switch m {
	case PAP:
		return PAPProtocol
	case CHAP, MSCHAPv1, MSCHAPv2:
		return CHAPProtocol
	case EAP:
		return EAPProtocol
	}
	return 0
}

// String is the method's name in the configuration.
func (m Method) String() string {
	names := [...]string{"none", "pap", "chap", "ms-chap", "ms-chap-v2", "eap"}
	if int(m) < len(names) {
		return names[m]
	}
	return "unknown"
}

// Interpret returns AAA's result as this package acts on it. A grant that the method cannot tell the peer is a refusal
// with a reason: of MS-CHAPv2 without the server's proof (RFC 2759 §5), of EAP without an EAP Success. So is a question
// that the method cannot ask (RFC 2865 §4.4). A grant gets the method's name (aaa.Result.PPPAuth). Interpret of its own
// result changes nothing.
//
// Answer interprets too. An engine that acts on a result before it calls Answer calls Interpret first.
func (m Method) Interpret(res aaa.Result) aaa.Result {
	switch res.Kind {
	case aaa.Granted:
		return m.interpretGrant(res)
	case aaa.Prompt:
		if p, ok := parsePacket(res.EAP); m != EAP {
			return refused(res, fmt.Sprintf("AAA asks the caller a question, and %v cannot ask it", m))
		} else if !ok || p.code != eapRequest || len(p.data) == 0 {
			return refused(res, "AAA goes on without a valid EAP Request")
		}
	}
	return res
}

func (m Method) interpretGrant(res aaa.Result) aaa.Result {
	switch m {
	case PAP, CHAP, MSCHAPv1:
	case MSCHAPv2:
		if !isProof(res.Success) {
			return refused(res, "AAA granted without the S= with which it proves itself to MS-CHAPv2 peers")
		}
	case EAP:
		if p, ok := parsePacket(res.EAP); !ok || p.code != eapSuccess {
			return refused(res, "AAA granted without an EAP Success")
		}
	default:
		return refused(res, "no authentication method")
	}
	res.PPPAuth = m.String()
	return res
}

// refused turns a result into a refusal that grants and carries nothing.
func refused(res aaa.Result, reason string) aaa.Result {
	return aaa.Result{Kind: aaa.Refused, Server: res.Server, Reason: reason}
}

// Config is the configuration of an Authenticator.
type Config struct {
	Method Method
	Name   string // ours, for CHAP challenges; may be empty
	// Random fills b with random octets: challenges and the first identifier. It is required.
	Random func(b []byte)

	Resend      time.Duration // between copies of a request without a response; 0: 3 s
	MaxRequests int           // copies of one request; 0: 10. A PAP peer has Resend × MaxRequests for its request
	// RetryWait is how long the user has for another password after an MS-CHAP failure; 0: 60 s.
	RetryWait time.Duration
}

func (c Config) withDefaults() Config {
	if c.Resend <= 0 {
		c.Resend = 3 * time.Second
	}
	if c.MaxRequests <= 0 {
		c.MaxRequests = 10
	}
	if c.RetryWait <= 0 {
		c.RetryWait = 60 * time.Second
	}
	return c
}

// State is the state of an Authenticator.
type State uint8

// The states. The timer runs in Waiting only; a question to AAA is open in Asking only.
const (
	Initial State = iota
	Waiting       // for the peer
	Asking        // AAA
	Passed
	Over // the peer has not passed
)

// String is the state's name.
func (s State) String() string {
	names := [...]string{"initial", "waiting", "asking", "passed", "over"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Authenticator authenticates one peer, once. It is not safe for concurrent use. Make it with New.
type Authenticator struct {
	config   Config
	dialogue dialogue
	state    State
	lastTry  bool

	// of Waiting
	request []byte        // is repeated when the timer runs out; nil: nothing is
	every   time.Duration // between its copies
	copies  int           // that are left
	silence Reason        // why the peer fails if it stays silent
}

// dialogue is one protocol. Its functions return effects, or nil if the packet is discarded.
type dialogue interface {
	// begin enters Waiting.
	begin() []Effect
	// receive takes a packet in any state but Initial. It must not keep the packet's data.
	receive(p packet) []Effect
	// answer takes AAA's interpreted result in the state Asking, and leaves that state.
	answer(res aaa.Result) []Effect
}

// New returns an Authenticator in the state Initial.
func New(c Config) *Authenticator {
	a := &Authenticator{config: c.withDefaults()}
	switch c.Method {
	case PAP:
		a.dialogue = &pap{a: a}
	case CHAP:
		a.dialogue = &chap{a: a, style: md5Style}
	case MSCHAPv1:
		a.dialogue = &chap{a: a, style: msStyle(1)}
	case MSCHAPv2:
		a.dialogue = &chap{a: a, style: msStyle(2)}
	case EAP:
		a.dialogue = &eap{a: a}
	default:
		a.dialogue = noMethod{a}
	}
	return a
}

// State returns the state.
func (a *Authenticator) State() State { return a.state }

// Method returns the method.
func (a *Authenticator) Method() Method { return a.config.Method }

// Start begins: LCP has opened. A second Start does nothing.
func (a *Authenticator) Start() []Effect {
	if a.state != Initial {
		return nil
	}
	return a.dialogue.begin()
}

// Receive takes the information field b of a frame of a protocol, and does not keep it. What does not belong to the
// method, or is not a valid packet of it, is discarded.
func (a *Authenticator) Receive(protocol uint16, b []byte) []Effect {
	if a.state == Initial || protocol != a.config.Method.Protocol() {
		return nil
	}
	p, ok := parsePacket(b)
	if !ok {
		return nil
	}
	return a.dialogue.receive(p)
}

// Timeout says that the timer has run out. In a state without a timer it does nothing.
func (a *Authenticator) Timeout() []Effect {
	if a.state != Waiting {
		return nil
	}
	if a.copies == 0 {
		a.state = Over
		return []Effect{Failed{a.silence}}
	}
	a.copies--
	return []Effect{a.send(a.request), StartTimer{a.every}}
}

// Answer takes AAA's result for the last Ask or Continue. If no question is open, it does nothing. Before that, the
// engine may lower a grant to aaa.Refused, for a user who is not the expected one: the peer then gets a failure.
func (a *Authenticator) Answer(res aaa.Result) []Effect {
	if a.state != Asking {
		return nil
	}
	return a.dialogue.answer(a.config.Method.Interpret(res))
}

// LastTry says that the caller has no try after this one: whatever AAA permits, a failure lets the peer not try again.
func (a *Authenticator) LastTry() { a.lastTry = true }

// Rejected says that the peer has rejected the method's protocol (RFC 1661 §5.7). A peer that has passed stays so.
func (a *Authenticator) Rejected() []Effect {
	if a.state != Waiting && a.state != Asking {
		return nil
	}
	return a.end(nil, Reason{Cause: ProtocolRejected})
}

// wait enters Waiting: request is sent at once, and then each time the timer runs out, until copies are sent.
func (a *Authenticator) wait(request []byte, every time.Duration, copies int) []Effect {
	a.state, a.every, a.copies = Waiting, every, copies-1
	a.request = request
	a.silence = Reason{Cause: PeerSilent}
	return []Effect{a.send(request), StartTimer{every}}
}

// listen enters Waiting without a request to repeat.
func (a *Authenticator) listen(after time.Duration, silence Reason) []Effect {
	a.state, a.copies, a.request, a.silence = Waiting, 0, nil, silence
	return []Effect{StartTimer{after}}
}

// ask enters Asking.
func (a *Authenticator) ask(question Effect) []Effect {
	a.state, a.request = Asking, nil
	return []Effect{StopTimer{}, question}
}

// pass tells the peer that it has passed.
func (a *Authenticator) pass(reply []byte, res aaa.Result) []Effect {
	a.state = Passed
	return []Effect{a.send(reply), Granted{res}}
}

// end ends a login that did not pass. reply is for the peer; nil: none.
func (a *Authenticator) end(reply []byte, r Reason) []Effect {
	var out []Effect
	if a.state == Waiting {
		out = append(out, StopTimer{})
	}
	a.state, a.request = Over, nil
	if reply != nil {
		out = append(out, a.send(reply))
	}
	return append(out, Failed{r})
}

// send returns the transmission of a copy of b.
func (a *Authenticator) send(b []byte) Effect {
	return Send{Protocol: a.config.Method.Protocol(), Packet: append([]byte(nil), b...)}
}

// random returns n random octets.
func (a *Authenticator) random(n int) []byte {
	b := make([]byte, n)
	a.config.Random(b)
	return b
}

// reasonOf is why a result that does not grant ends the login.
func reasonOf(res aaa.Result) Reason {
	if res.Kind == aaa.Refused {
		return Reason{Refused, res.Reason}
	}
	return Reason{Unanswered, res.Reason}
}

// The texts for a peer that fails, if AAA has none.
const (
	textRefused    = "Access denied"
	textUnanswered = "Service not available"
)

// failureText is the text for a peer that fails.
func failureText(res aaa.Result) string {
	switch {
	case res.Kind != aaa.Refused:
		return textUnanswered
	case res.Message != "":
		return text(res.Message)
	}
	return textRefused
}

// noMethod is the dialogue of an unknown method: the peer fails at once.
type noMethod struct{ a *Authenticator }

func (n noMethod) begin() []Effect {
	return n.a.end(nil, Reason{Refused, "no authentication method"})
}
func (noMethod) receive(packet) []Effect    { return nil }
func (noMethod) answer(aaa.Result) []Effect { return nil }
