package lines

import (
	"context"
	"io"
	"time"
)

// Direction tells which side placed the call.
type Direction string

const (
	Incoming Direction = "incoming" // a caller rang our modem
	Outgoing Direction = "outgoing" // our modem dialed
)

// Data gives access to the bytes of a connected call. Reads and writes past the end of the call return io.EOF; a
// deadline that passes returns os.ErrDeadlineExceeded. A driver (lines/modem) implements it.
type Data interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	// Drain blocks until the written bytes have been handed to the modem and had time to cross the line, or ctx ends.
	Drain(ctx context.Context) error
	// Done is closed when the carrier is lost or we hang up.
	Done() <-chan struct{}
	// Hangup ends the call and blocks until the line is proven on hook. An error means that this proof failed and the
	// line is quarantined. A second call is safe and returns the result of the first.
	Hangup(ctx context.Context) error
}

// RingingCall is a call that is not answered yet.
type RingingCall struct {
	TTY    int
	Caller string // as in Call
	Called string
	Voice  bool // it is not for a data modem, and is never answered
}

// Message is a short message that a line's modem has received (SMS). All of it is written by others.
type Message struct {
	TTY   int
	From  string // digits, with a plus before an international number; or a name; "" none
	Named bool   // From is a name, which anybody may choose
	Sent  time.Time
	Text  string
	Err   error // why the text cannot be read; nil: it was
}

// Call is one telephone connection on a line, in either direction.
type Call struct {
	Data

	ID        string    // unique among all calls of the node, the `call` key of the logs
	TTY       int       // the line's number; over the network that of a vty (package tty)
	Direction Direction // which side placed the call
	// the modem's CONNECT line without CR and LF, e.g. "CONNECT 33600/V34"; "CONNECT" if it has no more text
	Connect string
	Speed   int // bit/s from the CONNECT line; 0 if not given
	// calling number as reported by the modem: 1 to 32 digits, with at most a '+' before them; "" unknown. On a vty the
	// client's IP address.
	Caller string
	Called string    // called number, in the same form
	Start  time.Time // when CONNECT was read (wall clock)
	// Escapes are the characters of which the line's modem may take three in a row for its escape (S2).
	Escapes []byte
}

// ResultCode is a final answer of a modem to a command that concerns a call (ITU-T V.250 §5.7).
type ResultCode string

// The result codes. All end an attempt, whatever its script waits for, except OK and Connected. NoResult means that
// none was received.
const (
	NoResult    ResultCode = ""
	Connected   ResultCode = "CONNECT"
	OK          ResultCode = "OK"
	Busy        ResultCode = "BUSY"
	NoAnswer    ResultCode = "NO ANSWER"
	NoCarrier   ResultCode = "NO CARRIER"
	NoDialtone  ResultCode = "NO DIALTONE"
	Error       ResultCode = "ERROR"
	Ring        ResultCode = "RING" // glare: an incoming call while dialing
	Blacklisted ResultCode = "BLACKLISTED"
	Delayed     ResultCode = "DELAYED"
	Voice       ResultCode = "VOICE"
	Fax         ResultCode = "FAX" // a fax machine answered, or the modem connected as one
)

// CommandConn is the modem in command state as a chat script sees it: Read returns the modem's output (a copy of what
// the driver reads), Write sends to its command line. It satisfies chat.Conn.
type CommandConn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	// Break sends a BREAK of about d. It returns ErrNoSignals if the port cannot.
	Break(d time.Duration) error
}
