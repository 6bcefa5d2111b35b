package lines

import "context"

// Dialable is a line to dial on; a Lease is one.
type Dialable interface {
	// TTY returns the line's number.
	TTY() int
	// Command puts the modem in command state and runs fn, whose ctx ends when the modem says what ends a call. It
	// returns what the modem said last, and fn's error.
	Command(ctx context.Context, fn func(ctx context.Context, c CommandConn) error) (ResultCode, error)
	// Dial is Command for a script that dials: after fn returned nil and CONNECT was seen it returns the call.
	// Otherwise the call is nil, and the line was hung up and proven on hook before Dial returns.
	Dial(ctx context.Context, fn func(ctx context.Context, c CommandConn) error) (*Call, ResultCode, error)
}

// Dialed is what came of a dial for a callback, which has ended.
type Dialed struct {
	Call       *Call  // up, and whoever dialed must hang it up; nil: not connected
	Outcome    string // "connected", "busy", "no answer", …
	Detail     string // for people: what was tried on which line, what came of it, and how to fix what can be fixed
	Transcript string // of the chat script, a line for each entry, secrets masked; "" nothing was said
	HeldBack   bool   // the dial command provably never left (ErrHeldBack): nobody was rung
	Final      bool   // the same dial can never end otherwise, as with a script that is missing
	Unproven   bool   // the line could not be proven on hook
}
