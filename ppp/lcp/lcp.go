package lcp

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/ppp/fsm"
)

// Config is the configuration of an LCP.
type Config struct {
	fsm.Config
	MRU      int    // the largest information field that we can receive; 0 is 1500, which is not asked for
	ACCM     uint32 // the control characters that the peer has to escape; 0 is best for a line that passes all
	PeerACCM uint32 // control characters that the line does not pass: the peer has to let us escape them
	// Auth has the methods in the order in which they are offered. Without one the peer does not authenticate.
	Auth     []Auth
	Callback []Operation // for which the peer may ask; others are rejected
	// Magic returns a random number. It is required.
	Magic func() uint32
	Echo  Echo
	// Identification is sent when LCP opens, if not empty (RFC 1570 §1.1): printable ASCII.
	Identification string
}

// Side is how one side of the link wants its packets sent. The other side sends them so.
type Side struct {
	MRU   int    // the largest information field
	ACCM  uint32 // control characters that are escaped
	Magic uint32 // 0: none
	PFC   bool   // the protocol field may have one octet
	ACFC  bool   // the address and control fields may be left out
}

// String is the text for debugging.
func (s Side) String() string {
	text := fmt.Sprintf("mru %d accm %08x magic %08x", s.MRU, s.ACCM, s.Magic)
	if s.PFC {
		text += " pfc"
	}
	if s.ACFC {
		text += " acfc"
	}
	return text
}

func defaultSide() Side { return Side{MRU: fsm.DefaultMRU, ACCM: defaultACCM} }

// Result is what was negotiated. It is valid while LCP is open.
type Result struct {
	Ours          Side // how the peer sends
	Peer          Side // how we send; packets of LCP with codes 1 to 7 are sent by the defaults
	Auth          Auth // by which the peer has to authenticate
	Callback      *Callback
	CallbackAsked bool // the peer asked for a callback, accepted or not
}

// The causes for which LCP ends, beyond those of package fsm.
const (
	Looped       fsm.Cause = "the line is looped back"
	AuthRejected fsm.Cause = "the peer rejects authentication"
	EchoLost     fsm.Cause = "no answer to Echo-Requests"
)

// ReceiveAs says that the peer may now send as Side says, until LayerDown: it has acknowledged our request. LCP may not
// be open yet.
type ReceiveAs struct{ Side Side }

// PeerIdentified has the text of an Identification of the peer, with any octets. A peer can send many.
type PeerIdentified struct{ Text string }

// ProtocolRejected says that the peer rejects a protocol (RFC 1661 §5.7): nothing of it is sent any more. If it is a
// network control protocol, the engine calls its ProtocolRejected.
type ProtocolRejected struct{ Protocol uint16 }

// StartEcho orders that EchoTimeout is called after a time. It replaces the timer of an earlier StartEcho.
type StartEcho struct{ After time.Duration }

// StopEcho orders that EchoTimeout is not called.
type StopEcho struct{}

func (e ReceiveAs) String() string      { return fmt.Sprintf("c021 receive as %v", e.Side) }
func (e PeerIdentified) String() string { return fmt.Sprintf("c021 peer is %q", e.Text) }
func (e ProtocolRejected) String() string {
	return fmt.Sprintf("c021 peer rejects protocol %04x", e.Protocol)
}
func (e StartEcho) String() string { return fmt.Sprintf("c021 start echo timer %v", e.After) }
func (StopEcho) String() string    { return "c021 stop echo timer" }

// LCP is the Link Control Protocol of one link. It is not safe for concurrent use. Make it with New.
type LCP struct {
	machine   *fsm.Machine
	options   *options
	keepalive keepalive
	ident     string
	rejected  map[byte]bool // our codes that the peer rejects: they are not sent any more (RFC 1661 §4.3)
	loops     int           // packets with our own magic number while open
}

// New returns an LCP in state Initial.
func New(c Config) *LCP {
	o := &options{config: c, ours: defaultSide(), peer: defaultSide()}
	return &LCP{machine: fsm.New(Protocol, o, c.Config), options: o, keepalive: keepalive{Echo: c.Echo},
		ident: c.Identification, rejected: map[byte]bool{}}
}

// State returns the state of the automaton.
func (l *LCP) State() fsm.State { return l.machine.State() }

// Result returns what was negotiated.
func (l *LCP) Result() Result { return l.options.result() }

// Up says that the line is up.
func (l *LCP) Up() []fsm.Effect { return l.follow(l.machine.Up()) }

// Down says that the line is down.
func (l *LCP) Down() []fsm.Effect { return l.follow(l.machine.Down()) }

// Open allows the negotiation.
func (l *LCP) Open() []fsm.Effect { return l.follow(l.machine.Open()) }

// Close ends the link for a reason; text is for the peer, in the Terminate-Request. LayerFinished follows.
func (l *LCP) Close(r fsm.Reason, text string) []fsm.Effect {
	return l.follow(l.machine.Close(r, text))
}

// Timeout says that the restart timer has run out.
func (l *LCP) Timeout() []fsm.Effect { return l.follow(l.machine.Timeout()) }

// follow adds what LCP does when it opens and closes to the effects of its machine.
func (l *LCP) follow(effects []fsm.Effect) []fsm.Effect {
	var out []fsm.Effect
	if l.options.takeAcked() {
		out = append(out, ReceiveAs{l.options.ours})
	}
	for _, e := range effects {
		out = append(out, e)
		switch e.(type) {
		case fsm.LayerUp:
			l.machine.SetPeerMRU(l.options.peer.MRU)
			l.loops = 0
			out = append(out, l.keepalive.start()...)
			out = append(out, l.Identify(l.ident)...)
		case fsm.LayerDown:
			l.machine.SetPeerMRU(fsm.DefaultMRU)
			out = append(out, l.keepalive.stop()...)
		}
	}
	return out
}
