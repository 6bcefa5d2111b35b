// Package auth authenticates the peer of a PPP link: PAP (RFC 1334), CHAP with MD5 (RFC 1994), MS-CHAP (RFC 2433),
// MS-CHAP version 2 (RFC 2759) and EAP (RFC 3748), of which it is the pass-through authenticator (RFC 3579). It
// verifies nothing: it has package aaa asked with what the peer proves, and tells the peer the answer. We never
// authenticate to the peer: a challenge to us has no answer.
//
// It is pure: it has no clock, goroutines, lines or random numbers of its own. The engine above makes an Authenticator
// each time LCP opens, calls Start, and then gives it the frames of the method's protocol (Receive), the end of its
// timer (Timeout) and AAA's answer (Answer). Each call returns Effects, which the engine carries out in their order
// before the next call. When LCP goes down, the engine drops the Authenticator, its timer and its question.
//
// In the state Waiting the timer runs; in the state Asking a question to AAA is open, for as long as the engine's
// context for it lasts, and the engine answers it exactly once. Meanwhile nothing is sent, so no second challenge
// confuses a peer while AAA is slow. One call sends at most one packet. Once the peer has passed or failed, a repeated
// PAP request or CHAP response has the same answer as the first one, and AAA is not asked again, in any later phase of
// the link (RFC 1334 §2.2.1, RFC 1994 §4.1).
//
// The answer to the peer stands before Granted and Failed in the effects: the engine waits until it has crossed the
// line before it sends Terminate-Request.
package auth
