// Package cbcp negotiates a callback with the caller of a PPP link. It has the answering side of Microsoft's Callback
// Control Protocol (MS-CBCP), the callback option of LCP (RFC 1570 §2.3), and the table of what a caller gets by what
// they ask for and what AAA and the policy allow them. It decides nothing itself: the broker does.
//
// It is pure: it has no clock, goroutines or lines. When the peer has authenticated, the broker's decision is a Grant,
// and what LCP negotiated is a Wish. PlanFor says what follows; if it is Negotiate, the engine above makes a Machine,
// calls Start, and then gives it the frames of CBCP (Receive), the end of its timer (Timeout) and the broker's verdict
// (Answer). Each call returns Effects, which the engine carries out in their order before the next call. When LCP goes
// down, the engine drops the Machine, its timer and its question.
//
// In the states Waiting and Promised the timer runs; in the state Asking a question to the broker is open, and the
// engine answers it exactly once. Meanwhile nothing is sent. One call sends at most one packet. A callback is
// acknowledged only after the broker's Promised, so it is on disk before the caller is told (law 1 in ARCHITECTURE.md).
package cbcp
