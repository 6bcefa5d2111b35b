package exec

// Telnet commands (RFC 854).
const (
	telnetSE   = 240
	telnetBRK  = 243
	telnetIP   = 244
	telnetAO   = 245
	telnetAYT  = 246
	telnetEC   = 247
	telnetEL   = 248
	telnetSB   = 250
	telnetWILL = 251
	telnetWONT = 252
	telnetDO   = 253
	telnetDONT = 254
	telnetIAC  = 255
)

// Telnet options.
const (
	optBinary = 0  // RFC 856
	optEcho   = 1  // RFC 857
	optSGA    = 3  // suppress go-ahead, RFC 858
	optTType  = 24 // terminal type, RFC 1091
)

// TERMINAL-TYPE subnegotiation (RFC 1091).
const (
	ttypeIS   = 0
	ttypeSEND = 1
)

// maxSubnegotiation is how much of a subnegotiation is looked at. SEND takes two octets; the rest of a longer one is
// thrown away.
const maxSubnegotiation = 16

// telnetState says how far into a command of the host we are.
type telnetState int

const (
	telnetData telnetState = iota
	telnetAfterIAC
	telnetOption // after WILL, WONT, DO, DONT
	telnetSub    // within a subnegotiation
	telnetSubIAC // … after an IAC in it
)

// telnet is the calling side of Telnet (RFC 854, 855): what the host sends becomes what the caller's terminal gets and
// what is answered, what the caller types becomes what the host gets. It is pure and keeps no data back. It never
// begins a negotiation, so that of RFC 1143's states only NO and YES can be: a change is answered once, what is so
// already is not answered, and no loop can arise. What we do not want is refused each time it is asked for.
type telnet struct {
	terminal string // the terminal's type

	us, him [256]bool // options in force: ours (the host said DO), the host's (it said WILL); RFC 1143's names

	state   telnetState
	command byte   // in telnetOption: which
	sub     []byte // the subnegotiation so far

	heardCR bool // the host's last octet was CR: a NUL behind it says that no LF follows
	typedCR bool // the caller's last octet was CR: an LF or NUL behind it belongs to it
}

// fromHost appends to data what the caller gets of p, and to reply what the host is answered.
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

// octet takes an octet outside of commands.
func (t *telnet) octet(b byte, data []byte) []byte {
	if b == telnetIAC {
		t.state = telnetAfterIAC
		return data
	}
	behindCR := t.heardCR
	t.heardCR = b == '\r' && !t.him[optBinary]
	if b == 0 && behindCR {
		return data
	}
	return append(data, b)
}

func (t *telnet) afterIAC(b byte, data []byte) []byte {
	switch b {
	case telnetIAC:
		t.state, t.heardCR = telnetData, false
		return append(data, b)
	case telnetWILL, telnetWONT, telnetDO, telnetDONT:
		t.state, t.command = telnetOption, b
	case telnetSB:
		t.state, t.sub = telnetSub, t.sub[:0]
	default: // GA, NOP, DM and all that asks something of a host
		t.state = telnetData
	}
	return data
}

// negotiate acts on WILL, WONT, DO or DONT (RFC 1143 §7, from the states NO and YES).
func (t *telnet) negotiate(command, option byte, reply []byte) []byte {
	side, wanted, yes, no := &t.us[option], option == optBinary || option == optSGA || option == optTType,
		byte(telnetWILL), byte(telnetWONT)
	if command == telnetWILL || command == telnetWONT {
		side, wanted, yes, no = &t.him[option], option == optBinary || option == optSGA || option == optEcho, telnetDO,
			telnetDONT
	}
	on := command == telnetDO || command == telnetWILL
	switch {
	case on && *side, !on && !*side: // it is so already
		return reply
	case on && wanted:
		*side = true
		return append(reply, telnetIAC, yes, option)
	}
	*side = false
	return append(reply, telnetIAC, no, option)
}

func (t *telnet) subnegotiation(b byte) {
	if b == telnetIAC {
		t.state = telnetSubIAC
		return
	}
	if len(t.sub) < maxSubnegotiation {
		t.sub = append(t.sub, b)
	}
}

// subIAC takes the octet after an IAC within a subnegotiation: its end, a doubled IAC, or a command that breaks it off.
func (t *telnet) subIAC(b byte, data, reply []byte) (data2, reply2 []byte) {
	switch b {
	case telnetIAC:
		t.state = telnetSub
		if len(t.sub) < maxSubnegotiation {
			t.sub = append(t.sub, b)
		}
	case telnetSE:
		t.state = telnetData
		if len(t.sub) == 2 && t.sub[0] == optTType && t.sub[1] == ttypeSEND && t.us[optTType] {
			reply = append(reply, telnetIAC, telnetSB, optTType, ttypeIS)
			reply = append(reply, t.terminal...)
			reply = append(reply, telnetIAC, telnetSE)
		}
	default:
		t.state = telnetAfterIAC
		data = t.afterIAC(b, data)
	}
	return data, reply
}

// typed appends to wire what the host gets of an octet that the caller typed, and to echo what their terminal shows of
// it: the host that does not echo leaves that to us (RFC 857). Enter is CR LF, and CR NUL for a host that echoes, which
// reads key by key (RFC 1123 §3.3.1).
func (t *telnet) typed(b byte, wire, echo []byte) (wire2, echo2 []byte) {
	behindCR := t.typedCR
	t.typedCR = false
	switch {
	case b == telnetIAC:
		return append(wire, telnetIAC, telnetIAC), echo
	case t.us[optBinary]:
		return append(wire, b), echo
	case behindCR && (b == '\n' || b == 0):
		return wire, echo
	case b == '\r' && t.him[optEcho]:
		t.typedCR = true
		return append(wire, '\r', 0), echo
	case b == '\r':
		t.typedCR = true
		return append(wire, '\r', '\n'), append(echo, '\r', '\n')
	}
	if !t.him[optEcho] {
		echo = shown(b, echo)
	}
	return append(wire, b), echo
}

// shown is what a terminal shows of an octet that was typed: what has no look of its own is not sent back.
func shown(b byte, echo []byte) []byte {
	switch {
	case b == '\b' || b == 0x7f:
		return append(echo, "\b \b"...)
	case b >= ' ' && b < 0x7f || b >= 0xa0:
		return append(echo, b)
	}
	return echo
}

// telnetKeys are what the escape character makes of the next key, as in IOS: commands of RFC 854.
var telnetKeys = map[byte]byte{'b': telnetBRK, 'c': telnetIP, 'o': telnetAO, 't': telnetAYT, 'h': telnetEC,
	'u': telnetEL}

// escapeKey is IOS's escape character, Ctrl-^; with leaveKey behind it the caller leaves the host.
const (
	escapeKey = 0x1e
	leaveKey  = 'x'
)

// keyboard is what a caller types to a host, with the escape character understood.
type keyboard struct {
	telnet  *telnet
	escapes bool // whether there is an escape character
	escaped bool // it was the last octet
}

// typed appends to wire and echo what becomes of p, and says how many octets of it it took: all, unless the caller
// leaves. What was typed behind that is not the host's, and must reach the EXEC whole.
func (k *keyboard) typed(p, wire, echo []byte) (wire2, echo2 []byte, taken int, left bool) {
	for i, b := range p {
		switch {
		case k.escaped:
			k.escaped = false
			if b|0x20 == leaveKey {
				return wire, echo, i + 1, true
			}
			if command, ok := telnetKeys[b|0x20]; ok {
				wire = append(wire, telnetIAC, command)
				continue
			}
			if b != escapeKey { // twice is itself once; with any other key it is itself too
				wire, echo = k.telnet.typed(escapeKey, wire, echo)
			}
			wire, echo = k.telnet.typed(b, wire, echo)
		case k.escapes && b == escapeKey: // in binary too: hosts ask for that as a matter of course
			k.escaped = true
		default:
			wire, echo = k.telnet.typed(b, wire, echo)
		}
	}
	return wire, echo, len(p), false
}
