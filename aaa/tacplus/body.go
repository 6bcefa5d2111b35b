package tacplus

import (
	"encoding/binary"
	"fmt"
)

// packetType is the type field of a header (RFC 8907 §4.1).
type packetType byte

const (
	authentication packetType = 1
	authorization  packetType = 2
	accounting     packetType = 3
)

func (t packetType) known() bool { return t >= authentication && t <= accounting }

// authenType is how a user authenticates (RFC 8907 §5.1).
type authenType byte

const (
	typeNotSet   authenType = 0
	typeASCII    authenType = 1
	typePAP      authenType = 2
	typeCHAP     authenType = 3
	typeMSCHAP   authenType = 5
	typeMSCHAPv2 authenType = 6
)

// authenService is the service that the user requests (RFC 8907 §5.1).
type authenService byte

const (
	serviceNone   authenService = 0
	serviceLogin  authenService = 1
	serviceEnable authenService = 2
	servicePPP    authenService = 3
)

// authenMethod is the method that authenticated the user (RFC 8907 §6.1).
type authenMethod byte

const (
	methodNotSet authenMethod = 0x00
	methodNone   authenMethod = 0x01
	methodEnable authenMethod = 0x04
	methodLocal  authenMethod = 0x05
	methodTACACS authenMethod = 0x06
	methodRADIUS authenMethod = 0x10
)

// authenStatus is the status of an authentication REPLY (RFC 8907 §5.2).
type authenStatus byte

const (
	authenPass    authenStatus = 0x01
	authenFail    authenStatus = 0x02
	authenGetData authenStatus = 0x03
	authenGetUser authenStatus = 0x04
	authenGetPass authenStatus = 0x05
	authenRestart authenStatus = 0x06
	authenError   authenStatus = 0x07
)

// authorStatus is the status of an authorization RESPONSE (RFC 8907 §6.2).
type authorStatus byte

const (
	authorPassAdd  authorStatus = 0x01
	authorPassRepl authorStatus = 0x02
	authorFail     authorStatus = 0x10
	authorError    authorStatus = 0x11
)

// acctStatus is the status of an accounting REPLY (RFC 8907 §7.2).
type acctStatus byte

const (
	acctSuccess acctStatus = 0x01
	acctError   acctStatus = 0x02
)

// acctFlags are the flags of an accounting REQUEST (RFC 8907 §7.1).
type acctFlags byte

const (
	acctStart    acctFlags = 0x02
	acctStop     acctFlags = 0x04
	acctWatchdog acctFlags = 0x08
)

const (
	statusFollow  = 0x21 // of every kind of reply
	actionLogin   = 0x01 // of START
	replyNoEcho   = 0x01 // flag of an authentication REPLY
	continueAbort = 0x01 // flag of CONTINUE
)

// maxField is the most that one octet of length can count: user, port, rem_addr, the data of START, an argument (RFC
// 8907 §5.1, §6.1).
const maxField = 255

// lengths appends the length octet of each field, and fails if one does not fit.
func lengths(b []byte, fields ...string) ([]byte, error) {
	for _, f := range fields {
		if len(f) > maxField {
			return nil, fmt.Errorf("field of %d octets: the limit is %d", len(f), maxField)
		}
		b = append(b, byte(len(f)))
	}
	return b, nil
}

func join(b []byte, fields ...string) []byte {
	for _, f := range fields {
		b = append(b, f...)
	}
	return b
}

// authenStart is a START of action LOGIN (RFC 8907 §5.1).
type authenStart struct {
	priv                         byte
	kind                         authenType
	service                      authenService
	user, port, remoteAddr, data string
}

func (s *authenStart) encode() ([]byte, error) {
	fields := []string{s.user, s.port, s.remoteAddr, s.data}
	b, err := lengths([]byte{actionLogin, s.priv, byte(s.kind), byte(s.service)}, fields...)
	if err != nil {
		return nil, err
	}
	return join(b, fields...), nil
}

// encodeContinue makes a CONTINUE (RFC 8907 §5.3); answer has at most 65535 octets.
func encodeContinue(flags byte, answer string) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(answer)))
	return append(append(b, 0, 0, flags), answer...)
}

// authorRequest is an authorization REQUEST (RFC 8907 §6.1), and an accounting REQUEST without its flags (§7.1).
type authorRequest struct {
	method                 authenMethod
	priv                   byte
	kind                   authenType
	service                authenService
	user, port, remoteAddr string
	args                   []string
}

// encode appends the REQUEST to b.
func (r *authorRequest) encode(b []byte) ([]byte, error) {
	if len(r.args) > maxField {
		return nil, fmt.Errorf("%d arguments: the limit is %d", len(r.args), maxField)
	}
	b, err := lengths(append(b, byte(r.method), r.priv, byte(r.kind), byte(r.service)), r.user, r.port, r.remoteAddr)
	if err != nil {
		return nil, err
	}
	if b, err = lengths(append(b, byte(len(r.args))), r.args...); err != nil {
		return nil, err
	}
	return join(join(b, r.user, r.port, r.remoteAddr), r.args...), nil
}

// checkBody checks that the lengths inside a reply add up to the received body. If they do not, the secret is wrong or
// the sender is not authentic. A body that passes can be decoded.
func checkBody(kind packetType, b []byte) error {
	want, ok := bodyLen(kind, b)
	if ok && want == len(b) {
		return nil
	}
	return &flaw{what: fmt.Sprintf("the lengths inside a reply of %d octets do not add up", len(b)), hint: hintSecret}
}

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }

// bodyLen sums the length fields of a reply (RFC 8907 §5.2, §6.2, §7.2); false if the body is too short to have them.
func bodyLen(kind packetType, b []byte) (int, bool) {
	switch {
	case kind == authentication && len(b) >= 6:
		return 6 + u16(b, 2) + u16(b, 4), true
	case kind == accounting && len(b) >= 5:
		return 5 + u16(b, 0) + u16(b, 2), true
	case kind == authorization && len(b) >= 6 && len(b) >= 6+int(b[1]):
		n := 6 + int(b[1]) + u16(b, 2) + u16(b, 4)
		for _, l := range b[6 : 6+int(b[1])] {
			n += int(l)
		}
		return n, true
	}
	return 0, false
}

// authenReply is an authentication REPLY (RFC 8907 §5.2).
type authenReply struct {
	status        authenStatus
	noEcho        bool
	message, data string
}

func decodeAuthenReply(b []byte) authenReply {
	n := u16(b, 2)
	return authenReply{authenStatus(b[0]), b[1]&replyNoEcho != 0, string(b[6 : 6+n]), string(b[6+n:])}
}

// authorReply is an authorization RESPONSE (RFC 8907 §6.2).
type authorReply struct {
	status        authorStatus
	message, data string
	args          []string
}

func decodeAuthorReply(b []byte) authorReply {
	sizes := b[6 : 6+int(b[1])]
	rest := string(b[6+len(sizes):])
	take := func(n int) string {
		var s string
		s, rest = rest[:n], rest[n:]
		return s
	}
	r := authorReply{status: authorStatus(b[0]), message: take(u16(b, 2)), data: take(u16(b, 4))}
	for _, n := range sizes {
		r.args = append(r.args, take(int(n)))
	}
	return r
}

// acctReply is an accounting REPLY (RFC 8907 §7.2).
type acctReply struct {
	status        acctStatus
	message, data string
}

func decodeAcctReply(b []byte) acctReply {
	n := u16(b, 0)
	return acctReply{acctStatus(b[4]), string(b[5 : 5+n]), string(b[5+n:])}
}
