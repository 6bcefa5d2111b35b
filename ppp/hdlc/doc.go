// Package hdlc is PPP's framing on an asynchronous line (RFC 1662): an [Encoder], a [Decoder], and [Detect], which
// tells a PPP peer from a person at a login prompt. It does not know what packets mean, except that LCP packets are
// framed as if nothing had been negotiated.
//
// It is pure: no goroutines, no input or output, no clock. Frames are built in and read from the caller's buffers,
// without an allocation. No value may be used by two goroutines at the same time.
//
// # No frame spells a modem command
//
// If the carrier is lost, the rest of a frame reaches the command line of the modem. The modem driver (lines/modem)
// therefore delays written data that looks like the start of a command, AT or A/, until the line has been silent, and
// data that follows it up to the next CR. It also delays or drops the third escape character in a row. In a stream of
// frames both would stall PPP. So the Encoder uses the freedom of RFC 1662 §4.2 to escape more octets than the
// peer's ACCM asks for:
//
//   - CR;
//   - T or / after an A;
//   - the third of three equal escape characters of the modem.
//
// Upper and lower case and both values of the eighth bit (parity) are the same to a modem, and NUL, XON and XOFF
// within such a sequence do not interrupt it: some modems remove them.
//
// # Peers that keep bit 11 or 15 in their ACCM
//
// An escaped octet is sent with bit 5 inverted, so / (2F) becomes 0F and + (2B) becomes 0B. A receiver removes these
// control characters before it looks at escapes if its ACCM contains them. While the peer's ACCM contains bit 15, / is
// therefore sent as it is, and while it contains bit 11, so is +; both are the case before LCP is opened. After A/ the
// driver delays the frames up to the next CR, which the Encoder puts in front of the next frame: the peer discards it
// as noise between frames. A third + is left to the driver.
//
// # Text before the first frame
//
// If the caller writes text before the first frame, it writes CR or CR LF after it. Otherwise text with AT in it, such
// as a prompt, has the driver delay all frames of the call, because frames contain no CR.
package hdlc

// Octets with a meaning in the framing: RFC 1662 §3.1, §4.1 and §4.2.
const (
	flag    = 0x7e // between frames
	escape  = 0x7d // the next octet has bit 5 inverted
	invert  = 0x20
	address = 0xff // all stations
	control = 0x03 // unnumbered information
)

// lcp is the protocol number of LCP.
const lcp = 0xc021

// Lengths in octets.
const (
	fcsLen    = 2 // RFC 1662 §3.1: FCS-16
	headerLen = 4 // address, control, protocol
)

// Overhead is the number of octets of a frame besides its information field, without flags and escapes.
const Overhead = headerLen + fcsLen

// ACCM is an async-control-character map (RFC 1662 §7.1): bit n stands for the octet n, 0 to 31. The sender escapes
// the octets in the map, and the receiver removes them where they arrive unescaped.
type ACCM uint32

// DefaultACCM is in force in both directions until LCP negotiates another: all control characters.
const DefaultACCM ACCM = 0xffffffff

// has reports whether the map contains c.
func (m ACCM) has(c byte) bool { return c < 0x20 && m>>c&1 != 0 }
