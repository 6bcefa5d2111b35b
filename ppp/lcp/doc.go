// Package lcp is the Link Control Protocol (RFC 1661) of the side that is called: its options, the keepalive and the
// packets of link maintenance (RFC 1661 §5.7–5.9, RFC 1570). The negotiation itself is package fsm's. It is pure: it
// has no clock, goroutines, lines or random numbers of its own.
//
// The engine drives an LCP as package fsm says, and has a second timer for it, the keepalive's: StartEcho, StopEcho and
// EchoTimeout. It calls Heard for each valid frame that is not LCP.
package lcp
