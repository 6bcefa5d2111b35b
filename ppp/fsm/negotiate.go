package fsm

import (
	"bytes"
	"fmt"
	"slices"
)

// Protocol is what one control protocol adds to the negotiation: the meaning of its options. A Machine calls it; it
// does not call the Machine. Options and their data that it is given are valid only during the call.
type Protocol interface {
	// Begin forgets everything that was negotiated: all options have their defaults.
	Begin()
	// Request returns the options of our next Configure-Request. They must not be longer than a packet.
	Request() []Option
	// Judge is asked about the options of the peer's Configure-Request. A request can be repeated.
	Judge(opts []Option) Judgement
	// Accepted says that we acknowledge a Configure-Request with these options, in place of an earlier one. A Reason
	// ends the layer instead of the Ack.
	Accepted(opts []Option) Reason
	// Acked says that the peer has acknowledged our last Configure-Request.
	Acked()
	// Suggested says that the peer answers with other values for our options (Configure-Nak), or with options that we
	// did not ask for. A Reason ends the layer.
	Suggested(opts []Option) Reason
	// Rejected says that the peer does not negotiate these of our options. A Reason ends the layer.
	Rejected(opts []Option) Reason
}

// Judgement is the answer of a Protocol to a Configure-Request.
type Judgement struct {
	Verdicts []Verdict // one for each option, in the order of the request
	Append   []Option  // options that the peer did not ask for and should (RFC 1661 §5.3)
	End      Reason    // if not zero, the layer ends
}

// Verdict is the answer to one option of a Configure-Request: Accept, Nak or Reject.
type Verdict struct {
	code byte
	nak  Option
	firm bool
}

// Accept returns the verdict that an option is acceptable.
func Accept() Verdict { return Verdict{code: ConfigureAck} }

// Nak returns the verdict that another value is acceptable. After Max-Failure Naks it counts as Reject.
func Nak(o Option) Verdict { return Verdict{code: ConfigureNak, nak: o} }

// FirmNak is a Nak that never counts as Reject.
func FirmNak(o Option) Verdict { return Verdict{code: ConfigureNak, nak: o, firm: true} }

// Reject returns the verdict that an option is not negotiated.
func Reject() Verdict { return Verdict{code: ConfigureReject} }

// Receive takes the information field of a frame of the machine's protocol. What is not a valid packet is discarded.
func (m *Machine) Receive(b []byte) []Effect {
	p, ok := ParsePacket(b)
	if !ok {
		return nil
	}
	return m.Handle(p)
}

// Handle is Receive for a packet that was parsed.
func (m *Machine) Handle(p Packet) []Effect {
	switch p.Code {
	case ConfigureRequest:
		return m.receiveRequest(p)
	case ConfigureAck, ConfigureNak, ConfigureReject:
		return m.receiveAnswer(p)
	case TerminateRequest:
		return m.receiveTerminate(p)
	case TerminateAck:
		return m.happen(RTA, input{received: p, reason: m.ifOpened(PeerTerminated)})
	case CodeReject:
		return m.receiveCodeReject(p)
	}
	return m.happen(RUC, input{received: p})
}

// Maintain takes a packet of link maintenance for which answer is the reply (RFC 1661 §5.8). It is sent if the layer is
// open.
func (m *Machine) Maintain(answer Packet) []Effect { return m.happen(RXR, input{answer: answer}) }

// ifOpened returns the reason c if the layer is open now; otherwise none, and the reason of the machine stays.
func (m *Machine) ifOpened(c Cause) Reason {
	if m.state == Opened {
		return Reason{Cause: c}
	}
	return Reason{}
}

func (m *Machine) receiveRequest(p Packet) []Effect {
	opts, ok := ParseOptions(p.Data)
	if !ok {
		return nil
	}
	if !m.state.Negotiates() && m.state != Opened && m.state != Stopped {
		return m.happen(RCRPlus, input{received: p}) // the options do not matter
	}
	renegotiation := m.ifOpened(PeerRestarted)
	m.prepare(RCRPlus)
	m.reason = renegotiation
	j := m.protocol.Judge(opts)
	if j.End.Cause != "" {
		return m.fail(j.End)
	}
	answer := m.answerRequest(p, opts, j)
	switch {
	case answer.Code == ConfigureAck:
		m.naks, m.rejects = 0, 0
		if end := m.protocol.Accepted(opts); end.Cause != "" {
			return m.fail(end)
		}
		return m.run(RCRPlus, input{received: p, answer: answer})
	case m.naks+m.rejects > m.limit():
		return m.fail(Reason{NotConverging, fmt.Sprintf("%d Configure-Requests refused", m.naks+m.rejects-1)})
	}
	return m.run(RCRMinus, input{received: p, answer: answer})
}

// answerRequest returns the Configure-Ack, -Nak or -Reject for a request, and counts it. A Reject goes before a Nak,
// and a Nak before an Ack (RFC 1661 §5.2–5.4).
func (m *Machine) answerRequest(p Packet, opts []Option, j Judgement) Packet {
	var rejected, naks []Option
	seen := map[byte]bool{}
	for i, o := range opts {
		v := Reject()
		if !seen[o.Type] && i < len(j.Verdicts) {
			v = j.Verdicts[i] // no option can be listed more than once (RFC 1661 §6)
		}
		seen[o.Type] = true
		switch {
		case v.code == ConfigureAck:
		case v.code == ConfigureNak && (v.firm || m.naks < m.config.MaxFailure):
			naks = append(naks, v.nak)
		default:
			rejected = append(rejected, o)
		}
	}
	if m.naks < m.config.MaxFailure {
		naks = append(naks, j.Append...)
	}
	switch {
	case len(rejected) > 0:
		m.rejects++
		return Packet{ConfigureReject, p.ID, AppendOptions(nil, rejected...)}
	case len(naks) > 0:
		m.naks++
		return Packet{ConfigureNak, p.ID, AppendOptions(nil, naks...)}
	}
	return Packet{ConfigureAck, p.ID, bytes.Clone(p.Data)}
}

// receiveAnswer takes an answer to our last request. An answer with another identifier, a second one and one that does
// not fit the request are discarded (RFC 1661 §5.2–5.4).
func (m *Machine) receiveAnswer(p Packet) []Effect {
	if m.answered || p.ID != m.request.ID {
		return nil
	}
	event := RCN
	var opts []Option
	if p.Code == ConfigureAck {
		event = RCA
		if !bytes.Equal(p.Data, m.request.Data) {
			return nil
		}
	} else {
		var ok bool
		opts, ok = ParseOptions(p.Data)
		if !ok || len(opts) == 0 || p.Code == ConfigureReject && !m.requested(opts) {
			return nil
		}
	}
	m.answered = true
	if !m.state.Negotiates() {
		return m.happen(event, input{received: p})
	}
	m.reason = Reason{}
	if end := m.tell(p.Code, opts); end.Cause != "" {
		return m.fail(end)
	}
	return m.run(event, input{received: p})
}

// tell passes a valid answer on to the protocol, and counts the refusals.
func (m *Machine) tell(code byte, opts []Option) (end Reason) {
	switch code {
	case ConfigureAck:
		m.protocol.Acked()
		return Reason{}
	case ConfigureNak:
		end = m.protocol.Suggested(opts)
	case ConfigureReject:
		end = m.protocol.Rejected(opts)
	}
	m.refused++
	if end.Cause == "" && m.refused > m.limit() {
		end = Reason{NotConverging, fmt.Sprintf("the peer refused %d Configure-Requests", m.refused)}
	}
	return end
}

// requested reports whether opts are options of our last request, in its order.
func (m *Machine) requested(opts []Option) bool {
	ours, _ := ParseOptions(m.request.Data)
	for _, o := range opts {
		i := slices.IndexFunc(ours, o.Equal)
		if i < 0 {
			return false
		}
		ours = ours[i+1:]
	}
	return true
}

func (m *Machine) receiveTerminate(p Packet) []Effect {
	in := input{received: p}
	if m.state == Opened || m.state.Negotiates() {
		in.reason = Reason{PeerTerminated, string(p.Data)}
	}
	return m.happen(RTR, in)
}

// receiveCodeReject takes the rejection of one of our codes. It ends the layer if the code is one of those that every
// implementation has (RFC 1661 §5.6).
func (m *Machine) receiveCodeReject(p Packet) []Effect {
	if len(p.Data) == 0 {
		return nil
	}
	code := p.Data[0]
	if code < ConfigureRequest || code > CodeReject {
		return m.happen(RXJPlus, input{received: p})
	}
	return m.happen(RXJMinus, input{received: p, reason: Reason{CodeRejected, fmt.Sprintf("code %d", code)}})
}

// failText is for a peer with which a negotiation failed. No text that is sent before LCP is open spells "AT" or "A/":
// the line may still escape only control characters, and a modem must not see a command.
const failText = "no agreement on the options"

// fail closes the layer from within a negotiation.
func (m *Machine) fail(r Reason) []Effect { return m.Close(r, failText) }
