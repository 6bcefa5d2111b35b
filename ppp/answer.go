package ppp

import (
	"net/netip"
	"time"

	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/ncp"
)

// Settlement is the answer to Settle.
type Settlement struct {
	// Accepted says that AAA's grant stands and a session has begun: the Decision is valid.
	Accepted bool
	Retry    bool   // not accepted: the caller has more tries
	Reason   string // not accepted: why, for the operator
	Decision Decision
}

// DecisionKind is the kind of a Decision.
type DecisionKind uint8

// The kinds, as session.VerdictKind has them. The zero value refuses.
const (
	Refused  DecisionKind = iota
	Admitted              // the session may begin
	Offered               // a callback is offered
	Secure                // the peer must not learn what was decided: the link ends with the Text
)

// Decision is the broker's decision about a user.
type Decision struct {
	Kind       DecisionKind
	Fixed      bool   // Offered: the number is fixed
	MayDecline bool   // Offered: the caller may decline the callback
	Text       string // for the caller; "" for a default text
	Reason     string // for the operator

	// the longest session and idle time, if AAA sets none that are shorter; 0: none
	SessionTime, IdleTime time.Duration
}

// Assignment is the answer to Assign: what the link may use. The zero value has no network protocol, which ends the
// link.
type Assignment struct {
	Reason string // not empty: there are no addresses, and why

	IPv4        bool
	Local, Peer netip.Addr             // of IPv4
	Permit      func(netip.Addr) error // the peer may choose: see ncp.IPCPConfig
	DNS, WINS   []netip.Addr

	IPv6            bool
	LocalID, PeerID ncp.InterfaceID // zero: chosen

	Prefixes []netip.Prefix // IPv6 prefixes of the caller
	Routes   []netip.Prefix // networks behind the caller: it may send from them too
	MTU      int            // the largest packet to the caller; 0: what the peer receives

	Filter *filter.Filter // nil allows and counts everything
}

// Traffic counts the IP packets of all sessions of a link, without framing.
type Traffic struct {
	OctetsIn, PacketsIn   uint64 // from the caller
	OctetsOut, PacketsOut uint64 // to the caller
	Dropped               uint64 // from the caller: not permitted, of another source, or damaged
	Overflow              uint64 // to the caller: the queue was full, or the packet too long
	Counted               uint64 // packets that keep the session from being idle
}
