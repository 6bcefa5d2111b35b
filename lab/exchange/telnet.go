package exchange

import "encoding/binary"

// Telnet commands (RFC 854) and options (RFC 856, 857, 858, 2217).
const (
	telSE   = 240
	telBRK  = 243
	telAYT  = 246
	telSB   = 250
	telWILL = 251
	telWONT = 252
	telDO   = 253
	telDONT = 254
	telIAC  = 255

	optBinary  = 0
	optEcho    = 1
	optSGA     = 3
	optComPort = 44
)

// COM-PORT commands of the client; the server answers with the code plus 100 (RFC 2217 §2).
const (
	comSignature      = 0
	comBaud           = 1
	comDataSize       = 2
	comParity         = 3
	comStopSize       = 4
	comControl        = 5
	comNotifyModem    = 7
	comSuspend        = 8
	comResume         = 9
	comLineMask       = 10
	comModemMask      = 11
	comPurge          = 12
	comServer         = 100
	maxSubnegotiation = 256
)

// Modem state bits of NOTIFY-MODEMSTATE.
const (
	stateDCD      = 128
	stateRI       = 64
	stateDSR      = 32
	stateCTS      = 16
	deltaDCD      = 8
	trailingRI    = 4
	deltaDSR      = 2
	deltaCTS      = 1
	modemMaskInit = 255
)

// telnetUser receives what a telnet stream decodes.
type telnetUser interface {
	telnetData(b []byte)  // bytes for the modem; b is valid during the call
	telnetReply(b []byte) // bytes for the client, complete commands
	telnetDTR(on bool)
	telnetRTS(on bool)
	telnetBreak()
	telnetPurge() // discard what waits for the client
	telnetSignals() Signals
}

// optState is RFC 1143's state of one side of an option. This server never asks to switch an option off, so the WANTNO
// states and queue bits cannot occur.
type optState uint8

const (
	optNo optState = iota
	optWantYes
	optYes
)

// telnet is the access server's end of a telnet stream with the COM-PORT option. It does no I/O: bytes in, calls out.
type telnet struct {
	signature string
	us, them  map[byte]optState

	stage stage
	verb  byte
	sub   []byte
	cr    bool // the last data byte was CR, outside BINARY

	baud      uint32
	settings  [5]byte // data size, parity, stop size by command number
	flow      byte
	inFlow    byte
	brk       bool
	dtr, rts  bool
	modemMask byte
	lineMask  byte
	state     byte // last seen modem state, without delta bits
	suspended bool // by FLOWCONTROL-SUSPEND: no data to the client
}

// stage is the state of the decoder.
type stage uint8

const (
	inData stage = iota
	inIAC
	inVerb
	inSub
	inSubIAC
)

func newTelnet(signature string) *telnet {
	return &telnet{
		signature: signature,
		us:        map[byte]optState{},
		them:      map[byte]optState{},
		baud:      115200,
		settings:  [5]byte{comDataSize: 8, comParity: 1, comStopSize: 1},
		flow:      1,
		inFlow:    14,
		dtr:       true,
		rts:       true,
		modemMask: modemMaskInit,
	}
}

// begin makes the server's first offers.
func (t *telnet) begin(dst []byte) []byte {
	for _, o := range []byte{optBinary, optSGA, optEcho} {
		t.us[o] = optWantYes
		dst = append(dst, telIAC, telWILL, o)
	}
	for _, o := range []byte{optBinary, optSGA, optComPort} {
		t.them[o] = optWantYes
		dst = append(dst, telIAC, telDO, o)
	}
	return dst
}

// feed decodes bytes from the client. Data and commands are passed on in the order of the stream.
func (t *telnet) feed(b []byte, u telnetUser) {
	for len(b) > 0 {
		if t.stage == inData && !t.cr {
			n := t.plain(b)
			if n > 0 {
				u.telnetData(b[:n])
				b = b[n:]
				continue
			}
		}
		t.byte(b[0], u)
		b = b[1:]
	}
}

// plain counts the leading bytes that are unencoded data; a CR outside BINARY is left to byte.
func (t *telnet) plain(b []byte) int {
	for i, c := range b {
		if c == telIAC || c == '\r' && t.them[optBinary] != optYes {
			return i
		}
	}
	return len(b)
}

func (t *telnet) byte(c byte, u telnetUser) {
	switch t.stage {
	case inData:
		t.data(c, u)
	case inIAC:
		t.command(c, u)
	case inVerb:
		t.stage = inData
		t.negotiate(t.verb, c, u)
	case inSub:
		if c == telIAC {
			t.stage = inSubIAC
		} else {
			t.subByte(c)
		}
	case inSubIAC:
		t.afterSubIAC(c, u)
	}
}

// data handles what plain left: IAC, and CR NUL, which is a CR (RFC 854).
func (t *telnet) data(c byte, u telnetUser) {
	if was := t.cr; was {
		t.cr = false
		if c == 0 {
			return
		}
	}
	if c == telIAC {
		t.stage = inIAC
		return
	}
	t.cr = c == '\r' && t.them[optBinary] != optYes
	u.telnetData([]byte{c})
}

func (t *telnet) command(c byte, u telnetUser) {
	t.stage = inData
	switch c {
	case telIAC:
		u.telnetData([]byte{telIAC})
	case telWILL, telWONT, telDO, telDONT:
		t.verb, t.stage = c, inVerb
	case telSB:
		t.sub, t.stage = t.sub[:0], inSub
	case telBRK:
		u.telnetBreak()
	case telAYT:
		u.telnetReply([]byte("\r\n[" + t.signature + "]\r\n"))
	}
}

func (t *telnet) subByte(c byte) {
	if len(t.sub) <= maxSubnegotiation {
		t.sub = append(t.sub, c)
	}
}

// afterSubIAC handles the byte after IAC: IAC IAC is a 255, IAC SE the end. Anything else discards the subnegotiation
// and is a command.
func (t *telnet) afterSubIAC(c byte, u telnetUser) {
	switch c {
	case telIAC:
		t.subByte(c)
		t.stage = inSub
	case telSE:
		t.stage = inData
		if len(t.sub) > 1 && len(t.sub) <= maxSubnegotiation && t.sub[0] == optComPort && t.comPort() {
			t.comCommand(t.sub[1], t.sub[2:], u)
		}
	default:
		t.command(c, u)
	}
}

// negotiate is RFC 1143 §7 without the states that cannot occur here.
func (t *telnet) negotiate(verb, o byte, u telnetUser) {
	side, yes, no := t.them, byte(telDO), byte(telDONT)
	accept := o == optBinary || o == optSGA || o == optComPort
	if verb == telDO || verb == telDONT {
		side, yes, no = t.us, telWILL, telWONT
		accept = accept || o == optEcho
	}
	was := side[o]
	switch {
	case verb == telWILL || verb == telDO:
		switch {
		case was == optYes:
			return
		case was == optWantYes:
			side[o] = optYes
		case accept:
			side[o] = optYes
			u.telnetReply([]byte{telIAC, yes, o})
		default:
			u.telnetReply([]byte{telIAC, no, o})
		}
		if o == optComPort {
			t.announce(u)
		}
	case was == optYes:
		delete(side, o)
		u.telnetReply([]byte{telIAC, no, o})
	default:
		delete(side, o)
	}
}

// comPort reports whether the option is active.
func (t *telnet) comPort() bool { return t.them[optComPort] == optYes || t.us[optComPort] == optYes }

// encode appends data for the client: IAC doubled, and CR NUL for a bare CR while the client has not agreed to BINARY.
func (t *telnet) encode(dst, data []byte) []byte {
	binaryOn := t.us[optBinary] == optYes
	for i, c := range data {
		dst = append(dst, c)
		switch {
		case c == telIAC:
			dst = append(dst, telIAC)
		case c == '\r' && !binaryOn && (i+1 == len(data) || data[i+1] != '\n'):
			dst = append(dst, 0)
		}
	}
	return dst
}

// frame makes a subnegotiation of the server.
func frame(command byte, value ...byte) []byte {
	dst := []byte{telIAC, telSB, optComPort, command + comServer}
	for _, c := range value {
		if dst = append(dst, c); c == telIAC {
			dst = append(dst, telIAC)
		}
	}
	return append(dst, telIAC, telSE)
}

// comCommand executes one COM-PORT command and acknowledges it with the value now in effect.
func (t *telnet) comCommand(cmd byte, v []byte, u telnetUser) {
	var first byte
	if len(v) > 0 {
		first = v[0]
	}
	switch cmd {
	case comSignature:
		if len(v) == 0 { // a non-empty one is the client's own
			u.telnetReply(frame(cmd, []byte(t.signature)...))
		}
	case comBaud:
		if len(v) == 4 {
			if b := binary.BigEndian.Uint32(v); b != 0 {
				t.baud = b
			}
			u.telnetReply(frame(cmd, binary.BigEndian.AppendUint32(nil, t.baud)...))
		}
	case comDataSize, comParity, comStopSize:
		if len(v) == 1 {
			if first != 0 {
				t.settings[cmd] = first
			}
			u.telnetReply(frame(cmd, t.settings[cmd]))
		}
	case comControl:
		if len(v) == 1 {
			u.telnetReply(frame(cmd, t.control(first, u)))
		}
	case comSuspend:
		t.suspended = true
	case comResume:
		t.suspended = false
	case comLineMask:
		if len(v) == 1 {
			t.lineMask = first
			u.telnetReply(frame(cmd, first))
		}
	case comModemMask:
		if len(v) == 1 {
			t.modemMask = first
			u.telnetReply(frame(cmd, first))
			t.announce(u)
		}
	case comPurge:
		if len(v) == 1 {
			u.telnetReply(frame(cmd, first))
			if first == 1 || first == 3 {
				u.telnetPurge()
				t.announce(u)
			}
		}
	}
}

// control is SET-CONTROL (RFC 2217 §3): it returns the value to acknowledge.
func (t *telnet) control(v byte, u telnetUser) byte {
	onOff := func(on bool, yes byte) byte {
		if on {
			return yes
		}
		return yes + 1
	}
	switch v {
	case 0:
		return t.flow
	case 1, 2, 3, 17, 19:
		t.flow = v
	case 4:
		return onOff(t.brk, 5)
	case 5, 6:
		if t.brk = v == 5; t.brk {
			u.telnetBreak()
		}
	case 7:
		return onOff(t.dtr, 8)
	case 8, 9:
		t.dtr = v == 8
		u.telnetDTR(t.dtr)
	case 10:
		return onOff(t.rts, 11)
	case 11, 12:
		t.rts = v == 11
		u.telnetRTS(t.rts)
	case 13:
		return t.inFlow
	case 14, 15, 16, 18:
		t.inFlow = v
	default:
		return t.flow
	}
	return v
}

// announce sends the current modem state without delta bits: when the option becomes active, a mask is set, or a
// notification may have been purged.
func (t *telnet) announce(u telnetUser) {
	t.state = modemState(u.telnetSignals())
	u.telnetReply(frame(comNotifyModem, t.state&t.modemMask))
}

// notify appends a NOTIFY-MODEMSTATE if the mask selects a part of the change.
func (t *telnet) notify(dst []byte, s Signals) []byte {
	was, is := t.state, modemState(s)
	t.state = is
	changed := was ^ is
	var delta byte
	if changed&stateDCD != 0 {
		delta |= deltaDCD
	}
	if changed&was&stateRI != 0 {
		delta |= trailingRI
	}
	if changed&stateDSR != 0 {
		delta |= deltaDSR
	}
	if changed&stateCTS != 0 {
		delta |= deltaCTS
	}
	if !t.comPort() || (changed|delta)&t.modemMask == 0 {
		return dst
	}
	return append(dst, frame(comNotifyModem, (is|delta)&t.modemMask)...)
}

func modemState(s Signals) byte {
	var b byte
	if s.Has(DCD) {
		b |= stateDCD
	}
	if s.Has(RI) {
		b |= stateRI
	}
	if s.Has(DSR) {
		b |= stateDSR
	}
	if s.Has(CTS) {
		b |= stateCTS
	}
	return b
}

// A port is the user of its telnet stream.

func (p *port) telnetData(b []byte)  { p.m.input(p, b) }
func (p *port) telnetReply(b []byte) { p.ctl = append(p.ctl, b...) }
func (p *port) telnetPurge()         { p.out = nil }
func (p *port) telnetSignals() Signals {
	return p.m.circuits()
}

func (p *port) telnetDTR(on bool) {
	if !p.gone {
		p.m.setDTR(on)
	}
}

func (p *port) telnetRTS(on bool) {
	if !p.gone {
		p.m.rts = on
	}
}

func (p *port) telnetBreak() { p.m.x.event(BreakEvent, p.m, nil, "") }
