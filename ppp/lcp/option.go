package lcp

import (
	"bytes"
	"encoding/binary"

	"github.com/ringback/ringback/ppp/fsm"
)

// Protocol is the PPP protocol number of LCP.
const Protocol = 0xc021

// The types of options that are negotiated (RFC 1661 §6, 1662 §7.1, 1570 §2.3). All others are rejected, among them
// Quality-Protocol (4) and those of Multilink (17, 18, 19, 23).
const (
	optMRU      = 1
	optACCM     = 2
	optAuth     = 3
	optMagic    = 5
	optPFC      = 7
	optACFC     = 8
	optCallback = 13
)

// leastMRU is the smallest MRU that a peer may ask for.
const leastMRU = 128

// defaultACCM is the map of an asynchronous line before it is negotiated (RFC 1662 §7.1).
const defaultACCM = 0xffffffff

// Auth is a method by which the peer authenticates.
type Auth uint8

// The methods.
const (
	NoAuth Auth = iota
	PAP
	CHAP // with MD5, RFC 1994
	MSCHAPv1
	MSCHAPv2
	EAP
)

// methods has the text of each method and the data of its option (RFC 1661 §6.2, 1994 §3, 2433 §2, 2759 §2, 2284 §3).
var methods = [...]struct {
	name string
	data []byte
}{
	NoAuth:   {"none", nil},
	PAP:      {"pap", []byte{0xc0, 0x23}},
	CHAP:     {"chap", []byte{0xc2, 0x23, 0x05}},
	MSCHAPv1: {"ms-chap", []byte{0xc2, 0x23, 0x80}},
	MSCHAPv2: {"ms-chap-v2", []byte{0xc2, 0x23, 0x81}},
	EAP:      {"eap", []byte{0xc2, 0x27}},
}

// String is the method's name in the configuration.
func (a Auth) String() string {
	if int(a) < len(methods) {
		return methods[a].name
	}
	return "unknown"
}

func (a Auth) known() bool { return a != NoAuth && int(a) < len(methods) }

func (a Auth) option() fsm.Option { return fsm.Option{Type: optAuth, Data: methods[a].data} }

// parseAuth returns the method of the data of an option; NoAuth if there is none.
func parseAuth(data []byte) Auth {
	for a := PAP; a.known(); a++ {
		if bytes.Equal(methods[a].data, data) {
			return a
		}
	}
	return NoAuth
}

// Operation says how a callback is negotiated (RFC 1570 §2.3).
type Operation uint8

// The operations. A message follows ByDialString, ByLocation, ByNumber and ByName.
const (
	ByUser       Operation = 0 // the location is determined by the authentication
	ByDialString Operation = 1
	ByLocation   Operation = 2 // a name of a place
	ByNumber     Operation = 3 // E.164
	ByName       Operation = 4 // a distinguished name
	ByCBCP       Operation = 6 // the Callback Control Protocol follows the authentication (MS-CBCP §2.2.1)
)

// Callback is the callback for which the peer asks.
type Callback struct {
	Operation Operation
	Message   []byte // the peer's octets as they are; not nil only where the operation has a message
}

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
