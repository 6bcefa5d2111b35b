package pppfront

import (
	"bytes"
	"context"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp/hdlc"
	"github.com/ringback/ringback/session"
)

// Mode is how the callers of a line reach PPP.
type Mode int

// The modes.
const (
	TextOnly    Mode = iota // not at all
	Autoselect              // PPP by the first octets, the text front end by a CR; nothing is sent before
	DuringLogin             // the text front end begins, and PPP takes over if the caller sends it before a login
	Dedicated               // PPP at once
)

// Chooser selects between PPP and a front end for text, such as the EXEC.
type Chooser struct {
	PPP  *FrontEnd
	Text session.FrontEnd
	Mode func(tty int) Mode // nil: TextOnly
}

// Choose implements session.Chooser.
func (c Chooser) Choose(call *lines.Call) (session.FrontEnd, session.Look) {
	mode := TextOnly
	if c.Mode != nil {
		mode = c.Mode(call.TTY)
	}
	switch mode {
	case Autoselect:
		return nil, c.look
	case DuringLogin:
		return c.Text, func(held []byte) (int, session.FrontEnd) { return c.detect(held) }
	case Dedicated:
		return c.PPP, nil
	}
	return c.Text, nil
}

// Serving implements session.Chooser.
func (c Chooser) Serving(s aaa.Service, tty int) session.FrontEnd {
	switch {
	case s == aaa.PPP && c.PPP.serves(tty):
		return c.PPP
	case c.Text != nil && s == c.Text.Service():
		return c.Text
	}
	return nil
}

// detect looks for the first frame of PPP.
func (c Chooser) detect(held []byte) (pass int, to session.FrontEnd) {
	pass, v := hdlc.Detect(held)
	switch v {
	case hdlc.PPP:
		return pass, c.PPP
	case hdlc.SevenBit:
		return pass, sevenBits{c.PPP}
	}
	return pass, nil
}

// look selects PPP by its first frame, and text by a CR of either parity. What precedes them is dropped, and so is the
// CR: it asks for the prompt and does not answer it.
func (c Chooser) look(held []byte) (pass int, to session.FrontEnd) {
	pass, to = c.detect(held)
	if to != nil {
		return pass, to
	}
	if i := bytes.IndexAny(held[:pass], "\r"); i >= 0 {
		return i + 1, c.Text
	}
	if i := bytes.IndexByte(held[:pass], '\r'|0x80); i >= 0 {
		return i + 1, c.Text
	}
	return pass, nil
}

// sevenBits ends a call on which PPP cannot work: the eighth bit of the caller's octets is lost.
type sevenBits struct{ *FrontEnd }

// Serve implements session.FrontEnd.
func (sevenBits) Serve(context.Context, *session.Session) session.Ending {
	return session.Ending{Cause: aaa.CauseServiceUnavailable,
		Reason: "PPP needs 8 data bits, and the line carries 7: set the caller's terminal and modem to 8 bits, " +
			"no parity"}
}
