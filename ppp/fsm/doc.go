// Package fsm is the option negotiation automaton of PPP (RFC 1661 §4) and the negotiation that all control protocols
// have in common (§5). It is pure: it has no clock, goroutines, lines or random numbers.
//
// Step is the automaton of §4.1: a table of states, events and actions. A Machine drives it for one control protocol:
// it reads and writes the packets of §5, numbers them, counts retransmissions and refusals, and asks a Protocol for the
// meaning of the options. Packages lcp and ncp have the Protocols.
//
// The engine above gives a Machine the information field of each frame of its protocol (Receive), the end of its
// restart timer (Timeout) and the orders of the operator (Open, Close) and of the layer below (Up, Down). Each call
// returns Effects, which the engine carries out in their order before the next call. A Machine has one timer, the
// restart timer. It runs exactly in the states for which State.Waits is true.
//
// One packet causes at most two packets, and a negotiation ends: with the layer up, or with LayerFinished and a Reason.
package fsm
