package servers

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"layeh.com/radius"
)

// Faults says how a RADIUS server misbehaves. The zero value is correct behavior.
type Faults struct {
	Silent      bool          // accept packets and answer none
	Drop        int           // accept the next n requests and answer none of them
	DropPercent int           // of the requests, at random
	Delay       time.Duration // before each answer
	Twice       bool          // answer twice

	Forge   int    // forged replies, each an Accept, before the genuine one
	ForgeAs string // their kind: "" or one of forgeries

	Unsigned  bool   // no Message-Authenticator
	WrongMAC  bool   // a wrong one
	DoubleMAC bool   // two good ones
	ShortMAC  bool   // one of 15 octets
	LastMAC   bool   // a correct one, after all other attributes
	WrongAuth bool   // a wrong Response Authenticator
	Padding   bool   // octets after Length, a wrong Message-Authenticator among them
	Truncate  int    // octets cut from the end of each reply
	WrongID   bool   // replies carry another identifier
	WrongCode bool   // replies carry the code of an Accounting-Response or, to accounting, of an Accept
	WrongPort bool   // replies come from another port
	Callback  string // Access-Rejects carry this Callback-Number and Service-Type Callback-NAS-Prompt
	Challenge string // each login is asked this, without end
	AskFirst  string // each login is asked this after the right password; any answer is accepted
}

// The kinds of forged Accepts: random authenticators (""), or a correct Response Authenticator, which an attacker who
// breaks MD5 can compute (CVE-2024-3596), with no Message-Authenticator, a wrong one, two, a cut one, or one after the
// packet's Length.
var forgeries = []string{"", "unsigned", "wrong", "double", "short", "behind"}

// forged is an Access-Accept from an attacker who saw the request and does not know the secret.
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
