package ppp

import (
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ncp"
)

// Frame is a frame on the line, without its framing.
type Frame struct {
	Out      bool // we send it
	Protocol uint16
	Info     []byte    // the information field; valid during the call of the Tap only
	State    fsm.State // of the protocol, if it is LCP, IPCP or IPV6CP: before a received frame has an effect
}

// tap shows a frame to the Tap.
func (e *Engine) tap(out bool, protocol uint16, info []byte) {
	if e.config.Tap != nil {
		e.config.Tap(Frame{Out: out, Protocol: protocol, Info: info, State: e.state(protocol)})
	}
}

// state returns the state of a control protocol; Initial if it has not begun.
func (e *Engine) state(protocol uint16) fsm.State {
	switch {
	case protocol == lcp.Protocol:
		return e.lcp.State()
	case protocol == ncp.IPCPProtocol && e.ipcp != nil:
		return e.ipcp.State()
	case protocol == ncp.IPV6CPProtocol && e.ipv6cp != nil:
		return e.ipv6cp.State()
	}
	return fsm.Initial
}
