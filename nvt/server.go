package nvt

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits of a connection. A correct client needs about ten answers; one that asks again and again must not keep us busy
// forever (RFC 1143 §1).
const (
	maxAnswers = 256
	maxSub     = 256 // octets of a subnegotiation, with its option
	maxReplies = 4096
)

// Errors of Decode. The connection is then to be closed: the client does not speak Telnet, or does harm.
var (
	ErrEndless = fmt.Errorf("the client negotiates endlessly (more than %d answers)", maxAnswers)
	ErrSub     = fmt.Errorf("a subnegotiation of more than %d octets", maxSub)
	ErrReplies = errors.New("the client reads no answers")
)

// Keys of a terminal that Telnet has commands for.
const (
	keyInterrupt = 0x03 // Ctrl-C
	keyEOF       = 0x04 // Ctrl-D
	keyEraseLine = 0x15 // Ctrl-U
	keySuspend   = 0x1a // Ctrl-Z
	keyErase     = 0x7f
)

// answerAYT is the answer to "are you there".
const answerAYT = "\r\n[Yes]\r\n"

// Server is the protocol of a server's end of a Telnet connection, without I/O. It is not safe for concurrent use.
// NewServer returns one.
type Server struct {
	// Break is called for BRK (RFC 854); nil: a break is Ctrl-C.
	Break func()
	// Com serves COM-PORT-OPTION; nil: the option is rejected.
	Com *ComPort

	us, them [256]side
	answered int

	state   parse
	verb    byte
	sub     []byte
	heardCR bool // the last octet of data was a CR: an LF or NUL after it belongs to it
	sentCR  bool // the last octet of text sent was a CR: NUL follows, unless an LF does

	out        []byte
	cols, rows int
	terminal   string
}

type parse byte

const (
	inData parse = iota
	inCommand
	inOption // after WILL, WONT, DO, DONT
	inSub
	inSubCommand // after an IAC in a subnegotiation
)

// NewServer returns the protocol of a new connection, and what it asks of the client first, for Replies: the server
// echoes and sends no go-ahead, the client tells its terminal; with com, unchanged octets and the COM port.
func NewServer(com *ComPort) *Server {
	s := &Server{Com: com}
	s.wantUs(OptEcho, true)
	s.wantUs(OptSGA, true)
	s.wantThem(OptSGA, true)
	if com != nil {
		com.s = s
		s.wantUs(OptBinary, true)
		s.wantThem(OptBinary, true)
		s.wantThem(OptComPort, true)
		return s
	}
	s.wantThem(OptNAWS, true)
	s.wantThem(OptTType, true)
	return s
}

func (s *Server) wantUs(option byte, on bool)   { s.say(s.us[option].want(on, ours), option) }
func (s *Server) wantThem(option byte, on bool) { s.say(s.them[option].want(on, theirs), option) }

// Raw asks for octets that pass unchanged in both directions (on), or for text again.
func (s *Server) Raw(on bool) {
	s.wantUs(OptBinary, on)
	s.wantThem(OptBinary, on)
}

func (s *Server) say(verb, option byte) {
	if verb != 0 {
		s.out = append(s.out, IAC, verb, option)
	}
}

// Replies returns what is to be sent to the client before other output, and forgets it.
func (s *Server) Replies() []byte {
	p := s.out
	s.out = nil
	return p
}

// Window returns the size of the client's window in characters; 0: not known.
func (s *Server) Window() (cols, rows int) { return s.cols, s.rows }

// Terminal returns the client's terminal type; "": not known.
func (s *Server) Terminal() string { return s.terminal }

// Decode processes octets from the client and appends their data to dst: a line ends with CR. A command may be split
// anywhere between two calls.
func (s *Server) Decode(dst, p []byte) ([]byte, error) {
	for len(p) > 0 {
		if n := s.plain(p); n > 0 {
			dst, p = append(dst, p[:n]...), p[n:]
			continue
		}
		var err error
		if dst, err = s.octet(dst, p[0]); err != nil {
			return dst, err
		}
		p = p[1:]
	}
	return dst, nil
}

// plain returns how many octets at the start of p are data that passes unchanged.
func (s *Server) plain(p []byte) int {
	if s.state != inData || s.heardCR || !s.them[OptBinary].inForce() {
		return 0
	}
	if n := bytes.IndexByte(p, IAC); n >= 0 {
		return n
	}
	return len(p)
}

func (s *Server) octet(dst []byte, b byte) ([]byte, error) {
	switch s.state {
	case inData:
		if b == IAC {
			s.state = inCommand
			return dst, nil
		}
		return s.data(dst, b), nil
	case inCommand:
		return s.command(dst, b), nil
	case inOption:
		s.state = inData
		return dst, s.negotiate(b)
	case inSub:
		if b == IAC {
			s.state = inSubCommand
			return dst, nil
		}
		return dst, s.addSub(b)
	}
	switch b { // inSubCommand
	case IAC:
		s.state = inSub
		return dst, s.addSub(b)
	case SE:
		s.state = inData
		return dst, s.endSub()
	}
	return s.command(dst, b), nil // the command cuts the subnegotiation off
}

// data appends an octet of data. The NVT ends a line with CR LF, and sends CR NUL for a CR (RFC 854, page 11; RFC 1123
// §3.3.1 says that servers take both for the key Enter).
func (s *Server) data(dst []byte, b byte) []byte {
	after := s.heardCR
	s.heardCR = b == '\r' && !s.them[OptBinary].inForce()
	if after && (b == '\n' || b == 0) {
		return dst
	}
	return append(dst, b)
}

// command processes the octet after an IAC.
func (s *Server) command(dst []byte, b byte) []byte {
	s.state = inData
	switch b {
	case IAC:
		return s.data(dst, b)
	case WILL, WONT, DO, DONT:
		s.state, s.verb = inOption, b
	case SB:
		s.state, s.sub = inSub, s.sub[:0]
	case BRK:
		if s.Break != nil {
			s.Break()
			return dst
		}
		return append(dst, keyInterrupt)
	case IP, ABORT:
		return append(dst, keyInterrupt)
	case EC:
		return append(dst, keyErase)
	case EL:
		return append(dst, keyEraseLine)
	case EOF:
		return append(dst, keyEOF)
	case SUSP:
		return append(dst, keySuspend)
	case AYT:
		if len(s.out) == 0 { // one answer at a time
			s.out = append(s.out, answerAYT...)
		}
	}
	return dst // DM ends no discarding, since nothing is discarded; NOP, GA, AO and the rest have no meaning here
}

// agreed are the options that a side may have.
func (s *Server) agreed(verb, option byte) bool {
	switch option {
	case OptBinary, OptSGA:
		return true
	case OptEcho:
		return verb == DO // we echo; a client that wants to echo our output would cause a loop
	case OptTType, OptNAWS:
		return verb == WILL
	case OptComPort:
		return verb == WILL && s.Com != nil
	}
	return false
}

// negotiate processes WILL, WONT, DO or DONT of an option.
func (s *Server) negotiate(option byte) error {
	on, agree := s.verb == WILL || s.verb == DO, s.agreed(s.verb, option)
	of, v := &s.us[option], ours
	if s.verb == WILL || s.verb == WONT {
		of, v = &s.them[option], theirs
	}
	was := of.inForce()
	if verb := of.hear(on, agree, v); verb != 0 {
		if s.answered++; s.answered > maxAnswers {
			return ErrEndless
		}
		s.say(verb, option)
	}
	if option == OptTType && v == theirs && of.inForce() && !was {
		s.out = AppendSub(s.out, OptTType, TTypeSend)
	}
	return s.bound()
}

// bound returns an error if the client lets the answers pile up.
func (s *Server) bound() error {
	if len(s.out) > maxReplies {
		return ErrReplies
	}
	return nil
}

func (s *Server) addSub(b byte) error {
	if len(s.sub) >= maxSub {
		return ErrSub
	}
	s.sub = append(s.sub, b)
	return nil
}

// endSub processes a complete subnegotiation. One of an option that is not in force has no meaning (RFC 855).
func (s *Server) endSub() error {
	if len(s.sub) == 0 || !s.them[s.sub[0]].inForce() {
		return nil
	}
	option, value := s.sub[0], s.sub[1:]
	switch option {
	case OptNAWS:
		if len(value) == 4 {
			s.cols, s.rows = int(value[0])<<8|int(value[1]), int(value[2])<<8|int(value[3])
		}
	case OptTType:
		if len(value) > 1 && value[0] == TTypeIS {
			s.terminal = terminalName(value[1:])
		}
	case OptComPort:
		s.Com.command(value)
	}
	return s.bound()
}

// terminalName returns a terminal type as RFC 1091 has it: at most 40 letters, digits and some signs; others are
// dropped.
func terminalName(p []byte) string {
	var name []byte
	for _, b := range p {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '.', b == '_', b == '+':
			name = append(name, b)
		}
	}
	return string(name[:min(len(name), 40)])
}

// Encode appends data in its form on the wire. A CR is alone unless the next octet, also of a later call, is an LF:
// then NUL follows (RFC 854, page 11), with the next octet.
func (s *Server) Encode(dst, p []byte) []byte {
	text := !s.us[OptBinary].inForce()
	if !text && !s.sentCR && bytes.IndexByte(p, IAC) < 0 {
		return append(dst, p...)
	}
	for _, b := range p {
		if s.sentCR && b != '\n' {
			dst = append(dst, 0)
		}
		dst = append(dst, b)
		if b == IAC {
			dst = append(dst, IAC)
		}
		s.sentCR = b == '\r' && text
	}
	return dst
}
