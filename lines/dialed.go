package lines

import (
	"context"
	"io"
	"time"
)

// Commander is the command line of a line's modem.
type Commander interface {
	// TTY returns the line's number.
	TTY() int
	// Command puts the modem in command state and runs fn; the ctx of fn ends when the modem reports the end of a
	// call. It returns the modem's last result code and fn's error.
	Command(ctx context.Context, fn func(ctx context.Context, c CommandConn) error) (ResultCode, error)
}

// Dialable is a line to dial on; a Lease is one.
type Dialable interface {
	Commander
	// Dial is Command for a script that dials. If fn returns nil and CONNECT was received, it returns the call.
	// Otherwise the call is nil, and the line is hung up and proven on hook before Dial returns.
	Dial(ctx context.Context, fn func(ctx context.Context, c CommandConn) error) (*Call, ResultCode, error)
}

// Chat is a chat script to run for an operator.
type Chat struct {
	Pattern string   // regular expression on the names of scripts
	TTY     int      // the line, which nothing must use
	Own     TextConn // the script talks to the caller on that line; nil: it talks to the line's modem
	By      string   // identifies the operator
	User    string   // the operator in the ceilings of users; "": By
	Number  string   // to dial, in any notation of the number plan; "": nothing is dialed
}

// Chatted is what became of a chat script.
type Chatted struct {
	Number     string // that was dialed, in canonical digits; "": none
	Outcome    string // of its dial, as in Dialed; "": none was made
	Connect    string // the modem's CONNECT line, of a dial that connected
	Script     string // its name; "": none was selected
	Transcript string // a line for each entry, secrets masked; "" if nothing was sent or received
}

// LogonAs is who we are at the other side of a call: the name and the secret with which a chat script logs on there.
// The zero value is nobody.
type LogonAs struct{ Name, Secret string }

// TextConn is the other side of a call as a chat script sees it.
type TextConn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Dialed is the result of a finished dial for a callback.
type Dialed struct {
	Call       *Call  // connected; the caller of the dial must hang it up; nil: not connected
	Outcome    string // "connected", "busy", "no answer", …
	Detail     string // human-readable: what was dialed on which line, the result, and a fix if there is one
	Transcript string // of the chat script, a line for each entry, secrets masked; "" if nothing was sent or received
	Unanswered bool   // the modem's result proves that nobody answered
	HeldBack   bool   // the dial command was provably never sent (ErrHeldBack): no call was placed
	Final      bool   // the same dial always ends like this, for example if the script is missing
	Unproven   bool   // the line could not be proven on hook
	// for how long the modem will not dial the number, as it said; 0: it named no time
	Barred time.Duration
}
