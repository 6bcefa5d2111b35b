// Package nvt is Telnet's network virtual terminal (RFC 854): its commands, the options that are negotiated (RFC 855,
// RFC 1143), and the protocol of a server, without I/O: for terminals, and for clients that drive a serial port over
// the network (RFC 2217).
package nvt

import "bytes"

// Commands (RFC 854, page 14; EOF, SUSP and ABORT are of RFC 1184).
const (
	EOF   = 236
	SUSP  = 237
	ABORT = 238
	SE    = 240
	NOP   = 241
	DM    = 242
	BRK   = 243
	IP    = 244
	AO    = 245
	AYT   = 246
	EC    = 247
	EL    = 248
	GA    = 249
	SB    = 250
	WILL  = 251
	WONT  = 252
	DO    = 253
	DONT  = 254
	IAC   = 255
)

// Options.
const (
	OptBinary  = 0  // RFC 856
	OptEcho    = 1  // RFC 857
	OptSGA     = 3  // suppress go-ahead, RFC 858
	OptTType   = 24 // terminal type, RFC 1091
	OptNAWS    = 31 // window size, RFC 1073
	OptComPort = 44 // RFC 2217
)

// The qualifiers of TERMINAL-TYPE (RFC 1091).
const (
	TTypeIS   = 0
	TTypeSend = 1
)

// AppendData appends src in its form on the wire: IAC doubled and, if text is true, a CR that is not the first octet of
// CR LF followed by NUL (RFC 854, page 11). A CR at the end of src counts as alone.
func AppendData(dst, src []byte, text bool) []byte {
	if bytes.IndexByte(src, IAC) < 0 && (!text || bytes.IndexByte(src, '\r') < 0) {
		return append(dst, src...)
	}
	for i, c := range src {
		dst = append(dst, c)
		switch {
		case c == IAC:
			dst = append(dst, IAC)
		case c == '\r' && text && (i+1 == len(src) || src[i+1] != '\n'):
			dst = append(dst, 0)
		}
	}
	return dst
}

// AppendSub appends a subnegotiation of an option; octets of 255 in its value are doubled (RFC 855).
func AppendSub(dst []byte, option byte, value ...byte) []byte {
	dst = append(dst, IAC, SB, option)
	dst = AppendData(dst, value, false)
	return append(dst, IAC, SE)
}
