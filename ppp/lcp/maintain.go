package lcp

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ringback/ringback/ppp/fsm"
)

// The codes of LCP beyond those of all control protocols (RFC 1661 §5.7–5.9, 1570 §1).
const (
	ProtocolReject = 8
	EchoRequest    = 9
	EchoReply      = 10
	DiscardRequest = 11
	Identification = 12
	TimeRemaining  = 13
)

// Echo is the keepalive: an Echo-Request is sent after each Every, and the link ends when Misses of them, one after the
// other, were followed by no valid frame.
type Echo struct {
	Every  time.Duration // 0: no keepalive
	Misses int           // 0 is 4
}

const defaultMisses = 4

// keepalive is the state of the keepalive.
type keepalive struct {
	Echo
	running bool
	asked   bool // an Echo-Request was sent
	heard   bool // a valid frame came since the last EchoTimeout
	missed  int
}

func (k *keepalive) start() []fsm.Effect {
	if k.Every <= 0 {
		return nil
	}
	k.running, k.asked, k.heard, k.missed = true, false, false, 0
	return []fsm.Effect{StartEcho{k.Every}}
}

func (k *keepalive) stop() []fsm.Effect {
	if !k.running {
		return nil
	}
	k.running = false
	return []fsm.Effect{StopEcho{}}
}

// lost counts the last interval and reports whether the peer is lost.
func (k *keepalive) lost() bool {
	switch {
	case k.heard:
		k.missed = 0
	case k.asked:
		k.missed++
	}
	k.heard = false
	limit := k.Misses
	if limit <= 0 {
		limit = defaultMisses
	}
	return k.missed >= limit
}

// SetEcho changes the keepalive. If LCP is open, it begins anew.
func (l *LCP) SetEcho(e Echo) []fsm.Effect {
	effects := l.keepalive.stop()
	l.keepalive.Echo = e
	if l.State() != fsm.Opened || l.rejected[EchoRequest] {
		return effects
	}
	return append(effects, l.keepalive.start()...)
}

// Keepalive returns the keepalive in force, which has no Every if it does not run, and how many Echo-Requests in a row
// were followed by no valid frame.
func (l *LCP) Keepalive() (e Echo, missed int) {
	if !l.keepalive.running {
		return Echo{}, 0
	}
	e = l.keepalive.Echo
	if e.Misses <= 0 {
		e.Misses = defaultMisses
	}
	return e, l.keepalive.missed
}

// Heard says that a valid frame of another protocol came: the peer is alive.
func (l *LCP) Heard() { l.keepalive.heard = true }

// EchoTimeout says that the keepalive's timer has run out. It sends the next Echo-Request, or ends the link.
func (l *LCP) EchoTimeout() []fsm.Effect {
	if !l.keepalive.running {
		return nil
	}
	if l.keepalive.lost() {
		reason := fsm.Reason{Cause: EchoLost, Detail: fmt.Sprintf("%d missed", l.keepalive.missed)}
		return l.Close(reason, "no echo reply")
	}
	l.keepalive.asked = true
	return []fsm.Effect{l.send(EchoRequest, nil), StartEcho{l.keepalive.Every}}
}

// RejectProtocol answers a frame of a protocol that we do not have (RFC 1661 §5.7); info is its information field. If
// LCP is not open it does nothing: such a frame is discarded.
func (l *LCP) RejectProtocol(number uint16, info []byte) []fsm.Effect {
	if l.State() != fsm.Opened || l.rejected[ProtocolReject] {
		return nil
	}
	data := append(u16(int(number)), info[:min(len(info), l.machine.PeerMRU()-6)]...)
	p := fsm.Packet{Code: ProtocolReject, ID: l.machine.NextID(), Data: data}
	return []fsm.Effect{fsm.Send{Protocol: Protocol, Packet: p.Bytes()}}
}

// Identify sends an Identification (RFC 1570 §1.1), if the line is up. text is printable ASCII; empty, nothing is sent.
func (l *LCP) Identify(text string) []fsm.Effect {
	switch l.State() {
	case fsm.Initial, fsm.Starting, fsm.Closed, fsm.Stopped:
		return nil
	}
	if text == "" || l.rejected[Identification] {
		return nil
	}
	return []fsm.Effect{l.send(Identification, []byte(text))}
}

// Forever is the time remaining of a session without an end.
const Forever = 0xffffffff

// TimeRemaining tells the peer the seconds that are left of its session (RFC 1570 §1.2), if LCP is open. text is
// printable ASCII and may be empty.
func (l *LCP) TimeRemaining(seconds uint32, text string) []fsm.Effect {
	if l.State() != fsm.Opened || l.rejected[TimeRemaining] {
		return nil
	}
	return []fsm.Effect{l.send(TimeRemaining, append(u32(seconds), text...))}
}

// send returns a packet with our magic number and data.
func (l *LCP) send(code byte, data []byte) fsm.Effect {
	p := l.withMagic(fsm.Packet{Code: code, ID: l.machine.NextID(), Data: data})
	return fsm.Send{Protocol: Protocol, Packet: p.Bytes()}
}

// withMagic puts our magic number before the data of a packet, 0 until it is negotiated, and truncates the packet to
// what the peer can receive.
func (l *LCP) withMagic(p fsm.Packet) fsm.Packet {
	var magic uint32
	if l.State() == fsm.Opened {
		magic = l.options.ours.Magic
	}
	data := append(u32(magic), p.Data...)
	p.Data = data[:min(len(data), l.machine.PeerMRU()-4)]
	return p
}

// ours reports whether a packet has our own magic number, so that the line may be looped.
func (l *LCP) ours(p fsm.Packet) bool {
	own := l.options.ours.Magic
	return own != 0 && len(p.Data) >= 4 && binary.BigEndian.Uint32(p.Data) == own
}

// Receive takes the information field of a frame of LCP. What is not a valid packet is discarded.
func (l *LCP) Receive(b []byte) []fsm.Effect {
	p, ok := fsm.ParsePacket(b)
	if !ok {
		return nil
	}
	echo := p.Code == EchoRequest || p.Code == EchoReply
	if l.State() == fsm.Opened && echo && l.ours(p) {
		return l.loop()
	}
	l.keepalive.heard = true
	switch p.Code {
	case ProtocolReject:
		return l.receiveProtocolReject(p)
	case EchoRequest:
		return l.receiveEcho(p)
	case EchoReply, DiscardRequest, TimeRemaining:
		return nil
	case Identification:
		return l.receiveIdentification(p)
	case fsm.CodeReject:
		return append(l.receiveCodeReject(p), l.follow(l.machine.Handle(p))...)
	}
	return l.follow(l.machine.Handle(p))
}

// loop counts a packet of ours that came back. It is not a sign of life.
func (l *LCP) loop() []fsm.Effect {
	if l.loops++; l.loops >= maxLoops {
		return l.Close(fsm.Reason{Cause: Looped}, "looped line")
	}
	return nil
}

func (l *LCP) receiveEcho(p fsm.Packet) []fsm.Effect {
	if len(p.Data) < 4 {
		return nil
	}
	return l.machine.Maintain(l.withMagic(fsm.Packet{Code: EchoReply, ID: p.ID, Data: p.Data[4:]}))
}

func (l *LCP) receiveProtocolReject(p fsm.Packet) []fsm.Effect {
	if l.State() != fsm.Opened || len(p.Data) < 2 {
		return nil
	}
	number := binary.BigEndian.Uint16(p.Data)
	if number == Protocol {
		return l.follow(l.machine.ProtocolRejected())
	}
	return []fsm.Effect{ProtocolRejected{number}}
}

func (l *LCP) receiveIdentification(p fsm.Packet) []fsm.Effect {
	if len(p.Data) <= 4 || l.State() <= fsm.Starting {
		return nil
	}
	return []fsm.Effect{PeerIdentified{string(p.Data[4:])}}
}

// receiveCodeReject notes a code that the peer does not have: it is not sent any more.
func (l *LCP) receiveCodeReject(p fsm.Packet) []fsm.Effect {
	if len(p.Data) == 0 {
		return nil
	}
	code := p.Data[0]
	if code < ProtocolReject || code > TimeRemaining {
		return nil
	}
	l.rejected[code] = true
	if code == EchoRequest {
		return l.keepalive.stop()
	}
	return nil
}
