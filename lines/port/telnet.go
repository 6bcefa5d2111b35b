package port

import "bytes"

// Telnet's commands (RFC 854, page 14).
const (
	cmdSE   = 240
	cmdBRK  = 243
	cmdSB   = 250
	cmdWILL = 251
	cmdWONT = 252
	cmdDO   = 253
	cmdDONT = 254
	cmdIAC  = 255
)

// The options that we know.
const (
	optBinary  = 0  // RFC 856
	optEcho    = 1  // RFC 857: refused, the modem behind the server echoes
	optSGA     = 3  // RFC 858
	optComPort = 44 // RFC 2217
)

// maxAnswers bounds what a peer can make us say on one connection. An honest one needs about ten answers; one that asks
// for a refused option again each time it is refused must not keep us busy forever (RFC 1143 §1).
const maxAnswers = 256

// maxSub is the longest subnegotiation we look at, option code included; longer ones are dropped whole.
const maxSub = 16

// telnet is one end of a Telnet connection without the connection: octets in, octets out. It is not safe for concurrent
// use.
type telnet struct {
	state  parseState
	verb   byte         // the WILL, WONT, DO or DONT whose option comes next
	sub    [maxSub]byte // subnegotiation so far
	subLen int          // its length, which may exceed maxSub
	cr     bool         // the last octet of data was a CR

	us, them [4]optionState // by slot: our side and the peer's (RFC 1143 §7)
	heard    bool           // the peer has spoken Telnet
	answered int            // of maxAnswers

	out     []byte       // what is to be sent; the owner takes it
	comPort func([]byte) // gets COM-PORT subnegotiations without the option code; nil drops them
}

type parseState byte

const (
	inData parseState = iota
	inCommand
	inOption // after WILL, WONT, DO, DONT
	inSub
	inSubCommand // after an IAC within a subnegotiation
)

// optionState is one of RFC 1143's. Its WANTNO and queue bits are not needed: we never withdraw a request.
type optionState byte

const (
	no optionState = iota
	yes
	wantYes // asked for, not answered yet
)

// slot is the index of an option in us and them.
func slot(option byte) (i int, known bool) {
	switch option {
	case optBinary:
		return 0, true
	case optSGA:
		return 1, true
	case optComPort:
		return 2, true
	case optEcho:
		return 3, true
	}
	return 0, false
}

// start requests our options: unchanged octets in both directions, and the COM port.
func (t *telnet) start() {
	t.ask(cmdWILL, optComPort)
	t.ask(cmdWILL, optBinary)
	t.ask(cmdDO, optBinary)
	t.ask(cmdWILL, optSGA)
	t.ask(cmdDO, optSGA)
}

func (t *telnet) ask(verb, option byte) {
	side := &t.them
	if verb == cmdWILL {
		side = &t.us
	}
	i, _ := slot(option)
	side[i] = wantYes
	t.out = append(t.out, cmdIAC, verb, option)
}

func (t *telnet) ours(option byte) optionState   { i, _ := slot(option); return t.us[i] }
func (t *telnet) theirs(option byte) optionState { i, _ := slot(option); return t.them[i] }

// decode reads octets of the peer, answers its commands (in out) and leaves the data at the start of p. It returns its
// length. Commands may be split anywhere between two calls.
func (t *telnet) decode(p []byte) int {
	n := 0
	for i := 0; i < len(p); {
		if t.state != inData {
			if c, isData := t.command(p[i]); isData {
				p[n] = c
				n++
			}
			i++
			continue
		}
		end := len(p)
		if k := bytes.IndexByte(p[i:], cmdIAC); k >= 0 {
			end = i + k
			t.state = inCommand
		}
		n += t.data(p[n:], p[i:end])
		i = end
		if t.state == inCommand {
			i++ // the IAC
		}
	}
	return n
}

// data moves src to dst. A peer that has refused to send BINARY sends CR NUL for a CR (RFC 854, page 11).
func (t *telnet) data(dst, src []byte) int {
	if t.theirs(optBinary) != no {
		return copy(dst, src)
	}
	n := 0
	for _, c := range src {
		if c != 0 || !t.cr {
			dst[n] = c
			n++
		}
		t.cr = c == '\r'
	}
	return n
}

// command takes one octet that is not plain data. A doubled IAC is an octet of data after all.
func (t *telnet) command(c byte) (data byte, isData bool) {
	switch t.state {
	case inCommand:
		return t.verbOrData(c)
	case inOption:
		t.state = inData
		t.negotiate(t.verb, c)
	case inSub:
		if c == cmdIAC {
			t.state = inSubCommand
		} else {
			t.addSub(c)
		}
	case inSubCommand:
		switch c {
		case cmdIAC:
			t.state = inSub
			t.addSub(c)
		case cmdSE:
			t.state = inData
			t.endSub()
		default: // cut off by another command, which counts
			return t.verbOrData(c)
		}
	}
	return 0, false
}

// verbOrData takes the octet after an IAC.
func (t *telnet) verbOrData(c byte) (data byte, isData bool) {
	t.state = inData
	switch c {
	case cmdIAC:
		t.cr = false
		return c, true
	case cmdWILL, cmdWONT, cmdDO, cmdDONT:
		t.state, t.verb = inOption, c
	case cmdSB:
		t.state, t.subLen = inSub, 0
	}
	return 0, false // NOP, DM, GA and the like mean nothing to a modem
}

func (t *telnet) addSub(c byte) {
	if t.subLen < maxSub {
		t.sub[t.subLen] = c
	}
	t.subLen = min(t.subLen+1, maxSub+1)
}

func (t *telnet) endSub() {
	t.heard = true
	if t.subLen > 1 && t.subLen <= maxSub && t.sub[0] == optComPort && t.comPort != nil {
		t.comPort(t.sub[1:t.subLen])
	}
}

// negotiate follows RFC 1143 §7: what changes nothing is not answered, so no loop can begin.
func (t *telnet) negotiate(verb, option byte) {
	t.heard = true
	side, agree, refuse := &t.them, byte(cmdDO), byte(cmdDONT)
	if verb == cmdDO || verb == cmdDONT {
		side, agree, refuse = &t.us, cmdWILL, cmdWONT
	}
	positive := verb == cmdDO || verb == cmdWILL
	i, known := slot(option)
	if !known || option == optEcho {
		if positive {
			t.answer(refuse, option)
		}
		return
	}
	was := side[i]
	switch {
	case positive:
		side[i] = yes
		if was == no && !t.answer(agree, option) {
			side[i] = no // not agreed, since not said
		}
	default:
		side[i] = no
		if was == yes {
			t.answer(refuse, option)
		}
	}
}

// answer reports false if the peer has used up its answers.
func (t *telnet) answer(verb, option byte) bool {
	if t.answered >= maxAnswers {
		return false
	}
	t.answered++
	t.out = append(t.out, cmdIAC, verb, option)
	return true
}

// appendData appends src as it goes over the wire: IAC doubled, and CR followed by NUL where nvt says so (RFC 854, page
// 11).
func appendData(dst, src []byte, nvt bool) []byte {
	for _, c := range src {
		dst = append(dst, c)
		switch {
		case c == cmdIAC:
			dst = append(dst, cmdIAC)
		case c == '\r' && nvt:
			dst = append(dst, 0)
		}
	}
	return dst
}

// width is the number of octets that c takes in appendData.
func width(c byte, nvt bool) int {
	if c == cmdIAC || c == '\r' && nvt {
		return 2
	}
	return 1
}
