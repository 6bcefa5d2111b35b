package port

import (
	"bytes"

	"github.com/ringback/ringback/nvt"
)

// maxAnswers limits the answers that a peer can cause on one connection. A correct peer needs about ten; one that
// repeats a rejected request must not keep us busy forever (RFC 1143 §1).
const maxAnswers = 256

// maxSub is the longest subnegotiation that is examined, including the option code; longer ones are dropped.
const maxSub = 16

// telnet is the protocol state of one end of a Telnet connection, without I/O. It is not safe for concurrent use.
type telnet struct {
	state  parseState
	verb   byte         // the WILL, WONT, DO or DONT whose option follows
	sub    [maxSub]byte // subnegotiation so far
	subLen int          // its length, which may exceed maxSub
	cr     bool         // the last octet of data was a CR

	us, them [4]optionState // by slot: our side and the peer's (RFC 1143 §7)
	heard    bool           // the peer has sent a Telnet command
	answered int            // number of answers, at most maxAnswers

	out     []byte       // octets to send; the owner removes them
	comPort func([]byte) // receives COM-PORT subnegotiations without the option code; nil drops them
}

type parseState byte

const (
	inData parseState = iota
	inCommand
	inOption // after WILL, WONT, DO, DONT
	inSub
	inSubCommand // after an IAC within a subnegotiation
)

// optionState is a state of RFC 1143. WANTNO and the queue bits are not needed, because we never withdraw a request.
type optionState byte

const (
	no optionState = iota
	yes
	wantYes // requested, not answered yet
)

// slot returns the index of an option in us and them.
func slot(option byte) (i int, known bool) {
	switch option {
	case nvt.OptBinary:
		return 0, true
	case nvt.OptSGA:
		return 1, true
	case nvt.OptComPort:
		return 2, true
	case nvt.OptEcho:
		return 3, true
	}
	return 0, false
}

// start requests our options: unchanged octets in both directions, and the COM port.
func (t *telnet) start() {
	t.ask(nvt.WILL, nvt.OptComPort)
	t.ask(nvt.WILL, nvt.OptBinary)
	t.ask(nvt.DO, nvt.OptBinary)
	t.ask(nvt.WILL, nvt.OptSGA)
	t.ask(nvt.DO, nvt.OptSGA)
}

func (t *telnet) ask(verb, option byte) {
	side := &t.them
	if verb == nvt.WILL {
		side = &t.us
	}
	i, _ := slot(option)
	side[i] = wantYes
	t.out = append(t.out, nvt.IAC, verb, option)
}

func (t *telnet) ours(option byte) optionState   { i, _ := slot(option); return t.us[i] }
func (t *telnet) theirs(option byte) optionState { i, _ := slot(option); return t.them[i] }

// decode processes octets from the peer, adds the answers to its commands to out, and leaves the data at the start of
// p. It returns the length of the data. A command may be split anywhere between two calls.
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
		if k := bytes.IndexByte(p[i:], nvt.IAC); k >= 0 {
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

// data copies src to dst. A peer that has rejected BINARY sends CR NUL for a CR (RFC 854, page 11).
func (t *telnet) data(dst, src []byte) int {
	if t.theirs(nvt.OptBinary) != no {
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

// command processes one octet that is not plain data. A doubled IAC is a data octet.
func (t *telnet) command(c byte) (data byte, isData bool) {
	switch t.state {
	case inCommand:
		return t.verbOrData(c)
	case inOption:
		t.state = inData
		t.negotiate(t.verb, c)
	case inSub:
		if c == nvt.IAC {
			t.state = inSubCommand
		} else {
			t.addSub(c)
		}
	case inSubCommand:
		switch c {
		case nvt.IAC:
			t.state = inSub
			t.addSub(c)
		case nvt.SE:
			t.state = inData
			t.endSub()
		default: // cut off by another command, which is processed
			return t.verbOrData(c)
		}
	}
	return 0, false
}

// verbOrData processes the octet after an IAC.
func (t *telnet) verbOrData(c byte) (data byte, isData bool) {
	t.state = inData
	switch c {
	case nvt.IAC:
		t.cr = false
		return c, true
	case nvt.WILL, nvt.WONT, nvt.DO, nvt.DONT:
		t.state, t.verb = inOption, c
	case nvt.SB:
		t.state, t.subLen = inSub, 0
	}
	return 0, false // NOP, DM, GA and others have no meaning for a modem
}

func (t *telnet) addSub(c byte) {
	if t.subLen < maxSub {
		t.sub[t.subLen] = c
	}
	t.subLen = min(t.subLen+1, maxSub+1)
}

func (t *telnet) endSub() {
	t.heard = true
	if t.subLen > 1 && t.subLen <= maxSub && t.sub[0] == nvt.OptComPort && t.comPort != nil {
		t.comPort(t.sub[1:t.subLen])
	}
}

// negotiate follows RFC 1143 §7: a request that changes nothing gets no answer, so no loop can start.
func (t *telnet) negotiate(verb, option byte) {
	t.heard = true
	side, agree, refuse := &t.them, byte(nvt.DO), byte(nvt.DONT)
	if verb == nvt.DO || verb == nvt.DONT {
		side, agree, refuse = &t.us, nvt.WILL, nvt.WONT
	}
	positive := verb == nvt.DO || verb == nvt.WILL
	i, known := slot(option)
	if !known || option == nvt.OptEcho {
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
			side[i] = no // no answer was sent, so not agreed
		}
	default:
		side[i] = no
		if was == yes {
			t.answer(refuse, option)
		}
	}
}

// answer returns false if the peer has used up its answers.
func (t *telnet) answer(verb, option byte) bool {
	if t.answered >= maxAnswers {
		return false
	}
	t.answered++
	t.out = append(t.out, nvt.IAC, verb, option)
	return true
}

// appendData appends src in its form on the wire: IAC doubled and, if text is true, CR followed by NUL (RFC 854, page
// 11).
func appendData(dst, src []byte, text bool) []byte {
	for _, c := range src {
		dst = append(dst, c)
		switch {
		case c == nvt.IAC:
			dst = append(dst, nvt.IAC)
		case c == '\r' && text:
			dst = append(dst, 0)
		}
	}
	return dst
}

// escapes reports whether the form of src on the wire differs from src.
func escapes(src []byte, text bool) bool {
	return bytes.IndexByte(src, nvt.IAC) >= 0 || text && bytes.IndexByte(src, '\r') >= 0
}

// width returns the number of octets that appendData writes for c.
func width(c byte, text bool) int {
	if c == nvt.IAC || c == '\r' && text {
		return 2
	}
	return 1
}
