package exec

import (
	"github.com/ringback/ringback/nvt"
)

// maxSubnegotiation is the maximum number of octets of a subnegotiation that is evaluated. SEND has two octets; the
// rest of a longer one is discarded.
const maxSubnegotiation = 16

// telnetState is the parser state within a command of the host.
type telnetState int

const (
	telnetData telnetState = iota
	telnetAfterIAC
	telnetOption // after WILL, WONT, DO, DONT
	telnetSub    // in a subnegotiation

	telnetSubIAC // … after an IAC in it
)

// telnet is the client side of Telnet (RFC 854, 855): it converts the host's data to terminal output and replies, and
// the caller's input to data for the host. It is pure and does not queue data. It never starts a negotiation, so of RFC
// 1143's states only NO and YES occur: a change is answered once, a confirmation is not answered, and no loop is
// possible. Unsupported options are refused each time.
type telnet struct {
	terminal string // terminal type

	local, remote [256]bool // options in force: ours (after DO), the host's (after WILL); us and him in RFC 1143

	state   telnetState
	command byte // the command, in telnetOption

	sub []byte // the subnegotiation so far

	heardCR bool // the host's last octet was CR; a NUL after it means that no LF follows
	typedCR bool // the caller's last octet was CR; an LF or NUL after it belongs to it
}

// fromHost processes p from the host: it appends terminal output to data, and replies to reply.
func (t *telnet) fromHost(p, data, reply []byte) (data2, reply2 []byte) {
	for _, b := range p {
		switch t.state {
		case telnetData:
			data = t.octet(b, data)
		case telnetAfterIAC:
			data = t.afterIAC(b, data)
		case telnetOption:
			t.state = telnetData
			reply = t.negotiate(t.command, b, reply)
		case telnetSub:
			t.subnegotiation(b)
		case telnetSubIAC:
			data, reply = t.subIAC(b, data, reply)
		}
	}
	return data, reply
}

// octet processes an octet outside of commands.
func (t *telnet) octet(b byte, data []byte) []byte {
	if b == nvt.IAC {
		t.state = telnetAfterIAC
		return data
	}
	behindCR := t.heardCR
	t.heardCR = b == '\r' && !t.remote[nvt.OptBinary]
	if b == 0 && behindCR {
		return data
	}
	return append(data, b)
}

func (t *telnet) afterIAC(b byte, data []byte) []byte {
	switch b {
	case nvt.IAC:
		t.state, t.heardCR = telnetData, false
		return append(data, b)
	case nvt.WILL, nvt.WONT, nvt.DO, nvt.DONT:
		t.state, t.command = telnetOption, b
	case nvt.SB:
		t.state, t.sub = telnetSub, t.sub[:0]
	default: // GA, NOP, DM and commands that only a host acts on
		t.state = telnetData
	}
	return data
}

// negotiate processes WILL, WONT, DO or DONT (RFC 1143 §7, from the states NO and YES).
func (t *telnet) negotiate(command, option byte, reply []byte) []byte {
	common := option == nvt.OptBinary || option == nvt.OptSGA
	side, wanted, yes, no := &t.local[option], common || option == nvt.OptTType, byte(nvt.WILL), byte(nvt.WONT)
	if command == nvt.WILL || command == nvt.WONT {
		side, wanted, yes, no = &t.remote[option], common || option == nvt.OptEcho, nvt.DO, nvt.DONT
	}
	on := command == nvt.DO || command == nvt.WILL
	switch {
	case on && *side, !on && !*side: // already in force

		return reply
	case on && wanted:
		*side = true
		return append(reply, nvt.IAC, yes, option)
	}
	*side = false
	return append(reply, nvt.IAC, no, option)
}

func (t *telnet) subnegotiation(b byte) {
	if b == nvt.IAC {
		t.state = telnetSubIAC
		return
	}
	if len(t.sub) < maxSubnegotiation {
		t.sub = append(t.sub, b)
	}
}

// subIAC processes the octet after an IAC in a subnegotiation: its end, a doubled IAC, or a command that aborts it.
func (t *telnet) subIAC(b byte, data, reply []byte) (data2, reply2 []byte) {
	switch b {
	case nvt.IAC:
		t.state = telnetSub
		if len(t.sub) < maxSubnegotiation {
			t.sub = append(t.sub, b)
		}
	case nvt.SE:
		t.state = telnetData
		if len(t.sub) == 2 && t.sub[0] == nvt.OptTType && t.sub[1] == nvt.TTypeSend && t.local[nvt.OptTType] {
			reply = append(reply, nvt.IAC, nvt.SB, nvt.OptTType, nvt.TTypeIS)
			reply = append(reply, t.terminal...)
			reply = append(reply, nvt.IAC, nvt.SE)
		}
	default:
		t.state = telnetAfterIAC
		data = t.afterIAC(b, data)
	}
	return data, reply
}

// typed processes an octet typed by the caller: it appends data for the host to wire, and local echo to echo if the
// host does not echo (RFC 857). Enter is CR LF, or CR NUL for a host that echoes and so reads key by key (RFC 1123
// §3.3.1).
func (t *telnet) typed(b byte, wire, echo []byte) (wire2, echo2 []byte) {
	behindCR := t.typedCR
	t.typedCR = false
	switch {
	case b == nvt.IAC:
		return append(wire, nvt.IAC, nvt.IAC), echo
	case t.local[nvt.OptBinary]:
		return append(wire, b), echo
	case behindCR && (b == '\n' || b == 0):
		return wire, echo
	case b == '\r' && t.remote[nvt.OptEcho]:
		t.typedCR = true
		return append(wire, '\r', 0), echo
	case b == '\r':
		t.typedCR = true
		return append(wire, '\r', '\n'), append(echo, '\r', '\n')
	}
	if !t.remote[nvt.OptEcho] {
		echo = shown(b, echo)
	}
	return append(wire, b), echo
}

// shown returns the local echo of a typed octet; octets that are not printable are not echoed.
func shown(b byte, echo []byte) []byte {
	switch {
	case b == '\b' || b == 0x7f:
		return append(echo, "\b \b"...)
	case b >= ' ' && b < 0x7f || b >= 0xa0:
		return append(echo, b)
	}
	return echo
}

// telnetKeys are the commands of RFC 854 for keys after the escape character, as in IOS.
var telnetKeys = map[byte]byte{'b': nvt.BRK, 'c': nvt.IP, 'o': nvt.AO, 't': nvt.AYT, 'h': nvt.EC,
	'u': nvt.EL}

// escapeKey is IOS's escape character, Ctrl-^; followed by leaveKey, it leaves the host.
const (
	escapeKey = 0x1e
	leaveKey  = 'x'
)

// keyboard processes the caller's input to a host, including the escape character.
type keyboard struct {
	telnet  *telnet
	escapes bool // the escape character is enabled
	escaped bool // the last octet was the escape character
}

// typed processes p, appends to wire and echo, and returns the number of octets used: all of them, unless the caller
// leaves. Input after that is for the EXEC.
func (k *keyboard) typed(p, wire, echo []byte) (wire2, echo2 []byte, taken int, left bool) {
	for i, b := range p {
		switch {
		case k.escaped:
			k.escaped = false
			if b|0x20 == leaveKey {
				return wire, echo, i + 1, true
			}
			if command, ok := telnetKeys[b|0x20]; ok {
				wire = append(wire, nvt.IAC, command)
				continue
			}
			if b != escapeKey { // twice means one literal; with any other key, it is literal too
				wire, echo = k.telnet.typed(escapeKey, wire, echo)
			}
			wire, echo = k.telnet.typed(b, wire, echo)
		case k.escapes && b == escapeKey: // also in binary mode, which hosts request routinely
			k.escaped = true
		default:
			wire, echo = k.telnet.typed(b, wire, echo)
		}
	}
	return wire, echo, len(p), false
}
