// Package ncp has the network control protocols of the side that is called: IPCP for IPv4 (RFC 1332, 1877) and IPV6CP
// for IPv6 (RFC 5072). The negotiation itself is package fsm's. It is pure: it has no clock, goroutines, lines or
// random numbers of its own, and it does not know where addresses come from.
//
// The engine drives an IPCP or IPV6CP as package fsm says: Up when the network phase begins, Down when LCP leaves it,
// ProtocolRejected when the peer rejects it. Each has its own end, which does not concern the other.
package ncp
