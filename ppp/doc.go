// Package ppp is the answering side of a PPP link (RFC 1661): the Engine composes framing (hdlc), the link (lcp),
// authentication (auth), the callback (cbcp) and the network protocols (ncp), in the order of the phases. It neither
// authenticates a user nor decides about a callback: it asks, and acts on the answer.
//
// It is pure: no goroutines, no clock, no input or output. Events come in as calls of the Engine: octets of the line
// (Receive), the end of a timer (Timeout), the answer to a question (Answered, Settled, Promised, Assigned), the end of
// the call (Order, CarrierLost). Each call returns Effects, which its driver carries out in their order before the next
// call. What is to be written waits in the Engine and is taken with Output, control packets before IP packets, so a
// driver that cannot write still reads.
//
// # Phases
//
//	Establish     LCP negotiates; a peer without authentication is refused
//	Authenticate  the peer proves who it is: Ask, Continue, Settle
//	Callback      leg one: CBCP, or the promise of RFC 1570: Promise
//	Network       Admit, Assign, then IPCP and IPV6CP, each for itself
//	Terminate     Terminate-Request sent or acknowledged; the restart timer runs
//	Over          End was returned
//
// A Configure-Request in any phase takes down everything above LCP, authentication included: the open question is
// canceled, the network is closed and its addresses are released, and a session that has begun is left (Leave). A
// callback that is promised, or whose promise is under way, ends the link if the peer renegotiates: it stands, and
// nothing else can follow on this call.
//
// Frames before their phase are discarded in silence, except that the last Configure-Request of a network protocol is
// kept while the broker or the network works. Protocols that we do not have are rejected in the network phase.
//
// # The end
//
// The first reason of an end stays. A failure of the login crosses the line before the Terminate-Request. A peer that
// ends the link has LCP's restart time to drop the carrier; our Terminate-Request is repeated until it is acknowledged,
// twice at most.
//
// # Questions
//
// At most one question is open at a time. It has a number, and an answer with another number is dropped: it belongs to
// a login that has ended. Cancel says that the answer to the open question is not needed any more.
package ppp
