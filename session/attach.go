package session

import (
	"context"
	"net/netip"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// Attach serves a user of a listener with `line:` or `rotary:` (the console server), after the login: the emulated
// modem of the line, or its modem itself. It is called in the goroutine of the session, in place of the EXEC, when AAA
// has granted the service Outbound and the Broker has admitted the user; s.Granted has what AAA granted. It reads and
// writes s.Line, and blocks until the attachment is over. ctx ends with the connection, at a time limit, or because an
// operator or a lockdown ends the session: the line is then given back before Attach returns. The session then closes
// the connection.
type Attach interface {
	Attach(ctx context.Context, s *Session, a Attachment) Ending
}

// Attachment is what a user of a listener is attached to.
type Attachment struct {
	Line     int          // the line's TTY; 0: a free one of Rotary
	Rotary   *int         // nil: none
	Identity aaa.Identity // of the user
	From     netip.Addr   // of the client
	Person   bool         // the client is a person's terminal: it is told in sentences what happens
	Queue    bool         // the user waits for a line if none is free
	Raw      []string     // groups whose users get the modem itself
	Client   Client
}

// Client is the client of a connection over the network: what it can besides carrying octets. Its methods are safe for
// concurrent use.
type Client interface {
	// Window returns the size of the client's window in characters; 0: not known.
	Window() (cols, rows int)
	// Raw asks the client for octets that pass unchanged (Telnet's BINARY), or for text again. A client of raw TCP
	// sends nothing else.
	Raw(on bool) error
	// Circuits shows the client the modem's circuits DCD, RI, DSR and CTS. Only a client of RFC 2217 sees them.
	Circuits(s lines.Signals) error
	// DTR reports whether the client holds DTR up, as every client does that is none of RFC 2217. Changed tells of a
	// change. One that was short may be over: see Drops.
	DTR() bool
	// Changed receives a value after the client has changed DTR, or sent a BREAK: one value may stand for several
	// changes.
	Changed() <-chan struct{}
	// Drops returns how often the client has let DTR go so far.
	Drops() int
	// Breaks returns how often the client has sent a BREAK so far.
	Breaks() int
}
