package ppp

import (
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/hdlc"
	"github.com/ringback/ringback/ppp/lcp"
)

// Limits of the queues. A peer that reads nothing cannot have them grow.
const (
	maxControl = 32 // control packets that wait
	maxAnswers = 16 // with so many waiting, packets that only answer are dropped
	maxData    = 3  // IP packets that wait: more would only add to the delay of a modem line
	maxPacket  = fsm.DefaultMRU
)

// MaxOutput is the most octets that one call of Output appends.
var MaxOutput = hdlc.MaxFrame(maxPacket) + len(newLine)

// newLine ends a text before the first frame: the modem driver delays frames behind text that may be a command.
const newLine = "\r\n"

// control is an entry of the control queue: a packet, or another framing for what follows.
type control struct {
	protocol uint16
	packet   []byte
	framing  *hdlc.Framing
}

// output is what waits to be written.
type output struct {
	encoder hdlc.Encoder
	newLine bool
	control []control
	data    [maxData][]byte // a ring
	first   int             // of data
	waiting int             // in data
	tap     func(protocol uint16, info []byte)
}

// send queues a control packet. A full queue drops it, like a line that loses it: its sender repeats it.
func (o *output) send(protocol uint16, packet []byte) {
	limit := maxControl
	if onlyAnswers(protocol, packet) {
		limit = maxAnswers
	}
	if len(o.control) < limit {
		o.control = append(o.control, control{protocol: protocol, packet: packet})
	}
}

// onlyAnswers reports whether a packet answers one that the peer may send in any number.
func onlyAnswers(protocol uint16, packet []byte) bool {
	if len(packet) == 0 {
		return true
	}
	switch packet[0] {
	case fsm.CodeReject:
		return true
	case lcp.ProtocolReject, lcp.EchoReply:
		return protocol == lcp.Protocol
	}
	return false
}

// setFraming changes the framing of the packets that are queued from now on. Two changes in a row are one.
func (o *output) setFraming(f hdlc.Framing) {
	if n := len(o.control); n > 0 && o.control[n-1].framing != nil {
		o.control[n-1].framing = &f
		return
	}
	o.control = append(o.control, control{framing: &f})
}

// sendData queues a copy of an IP packet, and reports whether there was room.
func (o *output) sendData(packet []byte) bool {
	if o.waiting == maxData {
		return false
	}
	i := (o.first + o.waiting) % maxData
	o.data[i] = append(o.data[i][:0], packet...)
	o.waiting++
	return true
}

func (o *output) dropData() { o.first, o.waiting = 0, 0 }

// next appends the next frame to dst: a control packet, or else an IP packet, which is returned too.
func (o *output) next(dst []byte, idle bool) (out, packet []byte) {
	for len(o.control) > 0 {
		c := o.control[0]
		o.control[0] = control{}
		if o.control = o.control[1:]; len(o.control) == 0 {
			o.control = nil
		}
		if c.framing == nil {
			return o.append(dst, idle, c.protocol, c.packet), nil
		}
		o.encoder.SetFraming(*c.framing)
	}
	if o.waiting == 0 {
		return dst, nil
	}
	p := o.data[o.first]
	o.first = (o.first + 1) % maxData
	o.waiting--
	return o.append(dst, idle, ipProtocol(p), p), p
}

func (o *output) append(dst []byte, idle bool, protocol uint16, packet []byte) []byte {
	if o.newLine {
		o.newLine = false
		dst = append(dst, newLine...)
	}
	if idle {
		o.encoder.Idle()
	}
	o.tap(protocol, packet)
	return o.encoder.Append(dst, protocol, packet)
}
