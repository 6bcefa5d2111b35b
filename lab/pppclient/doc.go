// Package pppclient is the PPP of a subscriber's computer in the lab: it dials in, never answers as a server, and is
// written as a script that goes from one phase to the next, without the automaton of RFC 1661.
//
// It is there to prove the answering side, so it shares nothing with it: it imports no package of this module, and
// has its own framing, its own bitwise FCS and its own numbers. It is proven itself by pppd as the server, by published
// octets (RFC 1662, RFC 2759 §9.2, MS-CBCP §4) and by a fuzz target.
package pppclient
