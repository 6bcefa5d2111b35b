package ppp

import (
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/hdlc"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ncp"
)

// The protocol numbers of IP packets.
const (
	ipv4Protocol = 0x0021
	ipv6Protocol = 0x0057
)

// frame gives a frame to its protocol. Before its phase it is discarded (RFC 1661 §3.4 to 3.7).
func (e *Engine) frame(f hdlc.Frame) {
	if f.Protocol == lcp.Protocol {
		e.link(e.lcp.Receive(f.Info))
		return
	}
	if e.lcp.State() != fsm.Opened {
		return
	}
	e.lcp.Heard()
	switch f.Protocol {
	case auth.PAPProtocol, auth.CHAPProtocol, auth.EAPProtocol:
		if e.auth != nil {
			e.authenticate(e.auth.Receive(f.Protocol, f.Info))
		}
		return
	case cbcp.Protocol:
		if e.cbcp != nil {
			e.negotiate(e.cbcp.Receive(f.Info))
		}
		return
	}
	switch {
	case e.phase == PhaseNetwork && e.assigned:
		e.networkFrame(f)
	case e.phase == PhaseNetwork, e.phase == PhaseCallback && !e.promised:
		e.keep(f)
	}
}

// reject answers a frame of a protocol that we do not have (RFC 1661 §5.7): CCP, Multilink, Van Jacobson's.
func (e *Engine) reject(f hdlc.Frame) { e.link(e.lcp.RejectProtocol(f.Protocol, f.Info)) }

// link carries out the effects of LCP.
func (e *Engine) link(effects []fsm.Effect) {
	for _, f := range effects {
		switch f := f.(type) {
		case fsm.Send:
			e.acked = e.acked || e.lcp.State() == fsm.Closing && f.Packet[0] == fsm.TerminateAck
			e.output.send(f.Protocol, f.Packet)
		case fsm.StartTimer:
			e.startTimer(LinkTimer, f.After)
		case fsm.StopTimer:
			e.stopTimer(LinkTimer)
		case lcp.StartEcho:
			e.startTimer(EchoTimer, f.After)
		case lcp.StopEcho:
			e.stopTimer(EchoTimer)
		case lcp.ReceiveAs:
			e.decoder.ACCM = hdlc.ACCM(f.Side.ACCM)
		case lcp.ProtocolRejected:
			e.then(func() { e.protocolRejected(f.Protocol) })
		case fsm.LayerUp:
			e.linkUp()
		case fsm.LayerDown:
			e.linkDown(f.Reason)
		case fsm.LayerFinished:
			e.because(endOf(f.Reason))
			e.finished()
		}
	}
}

// linkUp begins the authentication.
func (e *Engine) linkUp() {
	r := e.lcp.Result()
	e.phase = PhaseAuthenticate
	e.output.setFraming(hdlc.Framing{ACCM: hdlc.ACCM(r.Peer.ACCM), ACFC: r.Peer.ACFC, PFC: r.Peer.PFC})
	method := methodOf(r.Auth)
	if method == 0 {
		e.then(func() {
			e.close(Ending{aaa.CauseNASRequest, "the peer does not authenticate"}, "Authentication is required")
		})
		return
	}
	a := auth.New(auth.Config{Method: method, Name: e.config.Name, Random: e.config.Random})
	e.auth = a
	e.then(func() { e.authenticate(a.Start()) })
}

// linkDown takes down all that rests on LCP.
func (e *Engine) linkDown(r fsm.Reason) {
	e.decoder.ACCM = 0
	e.output.setFraming(hdlc.Framing{ACCM: hdlc.DefaultACCM})
	e.then(func() { e.link(e.lcp.SetEcho(e.config.Echo)) })
	promising := e.promised || e.open.kind == promiseQuestion && !e.choice.Decline
	again := e.phase != PhaseTerminate && e.lcp.State().Negotiates()
	e.takeDown(again && !promising, r.String())
	if !again {
		e.because(endOf(r))
		e.phase = PhaseTerminate
		return
	}
	e.phase = PhaseEstablish
	switch {
	case promising: // it stands, or is recorded at this moment
		text := ""
		if e.promised {
			text = textPromised
		}
		e.then(func() { e.close(Ending{aaa.CauseNASRequest, "renegotiated after the callback was chosen"}, text) })
	case e.renegotiations >= e.config.MaxRenegotiations:
		e.then(func() {
			e.close(Ending{aaa.CauseNASRequest, fmt.Sprintf("renegotiated %d times", e.renegotiations+1)}, "")
		})
	default:
		e.renegotiations++
	}
}

// takeDown ends authentication, callback and network. If the call goes on, the session that has begun is left.
func (e *Engine) takeDown(leave bool, reason string) {
	e.downNetwork()
	e.cancel()
	for _, t := range []Timer{AuthTimer, CBCPTimer, IdleTimer, SessionTimer} {
		e.stopTimer(t)
	}
	leave = leave && e.begun
	e.login = login{promised: e.promised}
	if leave {
		e.do(Leave{reason})
	}
}

// protocolRejected is the peer's answer to a protocol that it does not have.
func (e *Engine) protocolRejected(number uint16) {
	switch {
	case e.auth != nil && number == e.auth.Method().Protocol():
		e.authenticate(e.auth.Rejected())
	case e.cbcp != nil && number == cbcp.Protocol:
		e.negotiate(e.cbcp.Rejected())
	case e.ipcp != nil && (number == ncp.IPCPProtocol || number == ipv4Protocol):
		e.control(e.ipcp.ProtocolRejected())
	case e.ipv6cp != nil && (number == ncp.IPV6CPProtocol || number == ipv6Protocol):
		e.control(e.ipv6cp.ProtocolRejected())
	}
}

// methodOf returns the method of authentication; 0 for none.
func methodOf(a lcp.Auth) auth.Method {
	switch a {
	case lcp.PAP:
		return auth.PAP
	case lcp.CHAP:
		return auth.CHAP
	case lcp.MSCHAPv1:
		return auth.MSCHAPv1
	case lcp.MSCHAPv2:
		return auth.MSCHAPv2
	case lcp.EAP:
		return auth.EAP
	}
	return 0
}

// endOf returns the Ending for the end of LCP that was not ordered by us.
func endOf(r fsm.Reason) Ending {
	cause := aaa.CauseNASRequest
	switch r.Cause {
	case fsm.PeerTerminated:
		cause = aaa.CauseUserRequest
	case lcp.EchoLost, fsm.NoAnswer:
		cause = aaa.CauseLostCarrier
	case "":
		r.Cause = "the link ended"
	}
	return Ending{cause, r.String()}
}
