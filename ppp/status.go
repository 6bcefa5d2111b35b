package ppp

import (
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/hdlc"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ncp"
)

// Status is the state of an Engine, for people.
type Status struct {
	Phase    Phase
	Identity aaa.Identity // that AAA granted; zero: none yet

	LCP, IPCP, IPV6CP fsm.State  // Initial if it has not begun
	Link              lcp.Result // valid while LCP is Opened
	Auth              auth.State // Initial before LCP is Opened
	Callback          CallbackStatus

	Open       [2]bool    // by Family
	Opening    [2]Opening // by Family; valid if Open is
	Assignment Assignment // the zero value before the network phase

	Traffic Traffic
	Frames  hdlc.Counters // received

	Echo        lcp.Echo // the keepalive in force; Every is 0 if none runs
	Missed      int      // Echo-Requests in a row without a sign of life
	IdleTimeout time.Duration
}

// CallbackStatus is what was negotiated about a callback.
type CallbackStatus struct {
	Wish     cbcp.Wish  // what the peer asks for by LCP
	Rejected bool       // it asked, and LCP has rejected that
	Offer    cbcp.Offer // by CBCP; zero: none
	State    cbcp.State // of CBCP; Initial: there is none
	Choice   cbcp.Wish  // what the broker was asked to promise
	Asked    bool       // Choice is valid
	Promised bool       // the callback is recorded
}

// Status returns the state of the link. The caller does not change what it points to.
func (e *Engine) Status() Status {
	s := Status{
		Phase: e.phase, LCP: e.lcp.State(), IPCP: e.state(ncp.IPCPProtocol), IPV6CP: e.state(ncp.IPV6CPProtocol),
		Link: e.lcp.Result(), Callback: e.callbackStatus(), Open: e.up, Opening: e.opening, Assignment: e.with,
		Traffic: e.traffic, Frames: e.decoder.Counters, IdleTimeout: e.idleTimeoutOf(),
	}
	if e.begun {
		s.Identity = e.result.Identity
	}
	if e.auth != nil {
		s.Auth = e.auth.State()
	}
	s.Echo, s.Missed = e.lcp.Keepalive()
	return s
}

func (e *Engine) callbackStatus() CallbackStatus {
	asked := e.lcp.Result().CallbackAsked
	s := CallbackStatus{Wish: e.wish(), Choice: e.choice, Asked: e.chosen, Promised: e.promised}
	s.Rejected = asked && s.Wish.Way == cbcp.NotAsked
	if e.cbcp != nil {
		s.Offer, s.State = e.cbcp.Offer(), e.cbcp.State()
	}
	return s
}
