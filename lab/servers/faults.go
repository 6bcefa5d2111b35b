package servers

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"layeh.com/radius"
)

// Faults is how a RADIUS server misbehaves. The zero value is good behaviour.
type Faults struct {
	Silent      bool          // takes packets and answers none
	Drop        int           // takes the next n requests and answers none of them
	DropPercent int           // of the requests, by chance
	Delay       time.Duration // before each answer
	Twice       bool          // answers twice

	Forge   int    // forged replies, each an Accept, before the genuine one
	ForgeAs string // what they are like: "" and the kinds below

	Unsigned  bool   // no Message-Authenticator
	WrongMAC  bool   // a wrong one
	DoubleMAC bool   // two good ones
	ShortMAC  bool   // one of 15 octets
	LastMAC   bool   // a good one, behind all other attributes
	WrongAuth bool   // a wrong Response Authenticator
	Padding   bool   // octets behind Length, a wrong Message-Authenticator among them
	Truncate  int    // octets cut from the end of each reply
	WrongID   bool   // replies carry another identifier
	WrongCode bool   // replies carry the code of an Accounting-Response or, to accounting, of an Accept
	WrongPort bool   // replies come from another port
	Callback  string // Access-Rejects carry this Callback-Number and Service-Type Callback-NAS-Prompt
	Challenge string // each login is asked this, for ever
	AskFirst  string // each login is asked this after the right password, and any answer passes
}

// What forged Accepts are like: random authenticators (""), or a right Response Authenticator, as who breaks MD5 can
// have it (CVE-2024-3596), with no Message-Authenticator, or a wrong one, or two, or a cut one, or one behind the
// packet's Length.
var forgeries = []string{"", "unsigned", "wrong", "double", "short", "behind"}

// forged is an Access-Accept by somebody who saw the request and cannot sign.
func (s *RADIUS) forged(request []byte, kind string) []byte {
	b := append([]byte{byte(radius.CodeAccessAccept), request[1]}, request[2:20]...)
	b = append(b, 6, 6, 0, 0, 0, 6) // Service-Type Administrative
	var behind []byte
	mac := func(octets int) []byte {
		a := append([]byte{80, byte(octets + 2)}, make([]byte, octets)...)
		rand.Read(a[2:])
		return a
	}
	switch kind {
	case "unsigned":
	case "double":
		b = append(append(b, mac(16)...), mac(16)...)
	case "short":
		b = append(b, mac(15)...)
	case "behind":
		behind = mac(16)
	default:
		b = append(b, mac(16)...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if kind == "" {
		rand.Read(b[4:20])
	} else {
		copy(b[4:20], digest(b, request[4:20], s.cfg.Secret))
	}
	return append(b, behind...)
}
